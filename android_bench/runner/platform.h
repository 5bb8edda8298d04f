/* What the runner needs of the C library. On a host its headers say so. For Android they are part of the NDK, which the
 * build does without, so the declarations stand here; they hold for 64-bit Android from API level 24 on. */
#ifndef EDGEDIPN_RUNNER_PLATFORM_H
#define EDGEDIPN_RUNNER_PLATFORM_H

#include <stddef.h>

#ifdef __ANDROID__

typedef long ssize_t;
typedef long off_t;
struct timespec {
  long tv_sec;
  long tv_nsec;
};

enum { CLOCK_MONOTONIC = 1, TIMER_ABSTIME = 1, RTLD_NOW = 2 };
enum { O_RDONLY = 0, O_WRONLY = 01, O_CREAT = 0100, O_TRUNC = 01000 };
enum { SEEK_SET = 0, SEEK_END = 2 };

extern int clock_gettime(int clock, struct timespec *now);
extern int clock_nanosleep(int clock, int flags, const struct timespec *until, struct timespec *left);
extern int sched_getcpu(void);
extern int open(const char *path, int flags, ...);
extern int close(int file);
extern off_t lseek(int file, off_t offset, int whence);
extern ssize_t read(int file, void *buffer, size_t size);
extern ssize_t write(int file, const void *buffer, size_t size);
extern void *calloc(size_t count, size_t size);
extern void *memcpy(void *to, const void *from, size_t size);
extern size_t strlen(const char *text);
extern int strcmp(const char *left, const char *right);
extern int strncmp(const char *left, const char *right, size_t size);
extern char *strchr(const char *text, int character);
extern int snprintf(char *buffer, size_t size, const char *format, ...);
extern void *dlopen(const char *path, int flags);
extern void *dlsym(void *library, const char *name);
extern char *dlerror(void);

#else

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#endif

#endif
