/* Stands for bionic's libdl.so while linking; see libc.c. */
#define EXPORT(name) \
  void name(void) {}

EXPORT(dlerror)
EXPORT(dlopen)
EXPORT(dlsym)
