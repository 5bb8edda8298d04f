/* Stands for Android's C library on an x86-64 Linux, so that TFLite's Android library runs there. It is no bionic: what
 * it shows is that the runner and this library understand each other. To the machine most functions of bionic and
 * glibc are the same; the others are here. `names` and `slots` are those of bionic_stand_in.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_SIZE = 152, PAGE_SIZE_KEY = 0x27, CONFIGURED_CPUS_KEY = 0x60, ONLINE_CPUS_KEY = 0x61 };

extern char __sF[3 * FILE_SIZE]; /* bionic's standard input, output and error */
extern const char *const names[];
extern void *slots[];
extern int __xpg_strerror_r(int code, char *text, size_t size); /* the form of POSIX, as in bionic */

static FILE *stream(void *file) {
  FILE *const standard[] = {stdin, stdout, stderr};
  size_t offset = (size_t)((char *)file - __sF);
  return file && offset < sizeof __sF ? standard[offset / FILE_SIZE] : file;
}

static int close_file(void *file) { return fclose(stream(file)); }
static int flush(void *file) { return fflush(stream(file)); }
static int number(void *file) { return fileno(stream(file)); }
static int put(int character, void *file) { return fputc(character, stream(file)); }
static size_t get_all(void *to, size_t size, size_t count, void *file) { return fread(to, size, count, stream(file)); }
static size_t put_all(const void *from, size_t size, size_t count, void *file) {
  return fwrite(from, size, count, stream(file));
}
static int print_list(void *file, const char *format, va_list values) { return vfprintf(stream(file), format, values); }
static int print(void *file, const char *format, ...) {
  va_list values;
  va_start(values, format);
  int size = vfprintf(stream(file), format, values);
  va_end(values);
  return size;
}
static int log_list(int priority, const char *tag, const char *format, va_list values) {
  return fprintf(stderr, "%d %s: ", priority, tag) + vfprintf(stderr, format, values) + fprintf(stderr, "\n");
}
static size_t checked_length(const char *text, size_t size) { return strnlen(text, size); }
static int no_property(const char *name, char *value) { return (void)name, *value = 0; }
static void abort_message(const char *text) { fprintf(stderr, "abort: %s\n", text); }
static long configuration(int key) {
  if (key == PAGE_SIZE_KEY || key == PAGE_SIZE_KEY + 1) return sysconf(_SC_PAGESIZE);
  if (key == CONFIGURED_CPUS_KEY) return sysconf(_SC_NPROCESSORS_CONF);
  return key == ONLINE_CPUS_KEY ? sysconf(_SC_NPROCESSORS_ONLN) : -1;
}

static const struct {
  const char *name;
  void *function;
} others[] = {
    {"fclose", close_file}, {"fflush", flush}, {"fileno", number}, {"fputc", put}, {"fread", get_all},
    {"fwrite", put_all}, {"vfprintf", print_list}, {"fprintf", print}, {"__android_log_vprint", log_list},
    {"__strlen_chk", checked_length}, {"__system_property_get", no_property},
    {"android_set_abort_message", abort_message}, {"sysconf", configuration}, {"__errno", __errno_location},
    {"strerror_r", __xpg_strerror_r},
};

__attribute__((constructor)) static void fill(void) {
  void *const libraries[] = {dlopen("libc.so.6", RTLD_NOW), dlopen("libm.so.6", RTLD_NOW)};
  for (size_t i = 0; names[i]; i++) {
    for (size_t j = 0; j < sizeof others / sizeof *others; j++)
      if (strcmp(names[i], others[j].name) == 0) slots[i] = others[j].function;
    for (size_t j = 0; j < 2 && !slots[i]; j++) slots[i] = dlsym(libraries[j], names[i]);
    if (!slots[i]) fprintf(stderr, "neither glibc nor the stand-in has %s\n", names[i]), abort();
  }
}
