/* The command line: --NAME=VALUE, each given at most once, --input and --output once for each tensor. */
#ifndef EDGEDIPN_RUNNER_ARGUMENTS_H
#define EDGEDIPN_RUNNER_ARGUMENTS_H

#include <stddef.h>

enum { MAX_TENSORS = 32, MAX_NAME = 128 };

/* A tensor by the name its signature gives it, and the file that holds its values, one sample after another. */
struct tensor_file {
  char name[MAX_NAME];
  const char *path;
};

struct tensor_files {
  struct tensor_file items[MAX_TENSORS];
  size_t count;
};

struct arguments {
  const char *library;
  const char *model;
  const char *signature;
  long threads;
  long samples;
  long warmup;
  long runs;
  long max_seconds;
  long interval_us;
  long profile;
  struct tensor_files inputs;
  struct tensor_files outputs;
};

/* Fills `arguments`. Returns 0, or EXIT_INPUT after an error event that names the argument. */
int parse_arguments(int count, char **values, struct arguments *arguments);

/* Returns the file of a tensor, or null. */
const struct tensor_file *find_file(const struct tensor_files *files, const char *name);

#endif
