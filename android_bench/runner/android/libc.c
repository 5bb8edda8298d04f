/* Stands for bionic's libc.so while linking, so that the executable says which functions it needs of it. Never shipped:
 * a function missing here fails the build, one that bionic lacks would fail the start on the device. */
#define EXPORT(name) \
  void name(void) {}

EXPORT(__libc_init)
EXPORT(calloc)
EXPORT(clock_gettime)
EXPORT(clock_nanosleep)
EXPORT(close)
EXPORT(lseek)
EXPORT(memcpy)
EXPORT(open)
EXPORT(read)
EXPORT(sched_getcpu)
EXPORT(snprintf)
EXPORT(strchr)
EXPORT(strcmp)
EXPORT(strlen)
EXPORT(strncmp)
EXPORT(write)
