#include "arguments.h"

#include "events.h"
#include "platform.h"

enum { MAX_COUNT = 1000000, MAX_THREADS = 64, MAX_LIMIT_SECONDS = 3600, MAX_INTERVAL_US = 60000000, MAX_PROFILED = 1000 };

/* Returns the value when `argument` is `--name=value`, else null. */
static const char *value_of(const char *argument, const char *name) {
  size_t length = strlen(name);
  if (strncmp(argument, "--", 2) != 0 || strncmp(argument + 2, name, length) != 0) return NULL;
  return argument[2 + length] == '=' ? argument + 3 + length : NULL;
}

/* Decimal digits only: "4x", "-1", "" and what exceeds `maximum` are refused, not read as something else. */
static int parse_number(const char *text, long minimum, long maximum, long *number) {
  long value = 0;
  if (!*text) return 0;
  for (; *text; text++) {
    if (*text < '0' || *text > '9') return 0;
    value = 10 * value + (*text - '0');
    if (value > maximum) return 0;
  }
  *number = value;
  return value >= minimum;
}

static int parse_tensor_file(const char *text, struct tensor_files *files) {
  const char *separator = strchr(text, '=');
  size_t length = separator ? (size_t)(separator - text) : 0;
  struct tensor_file *file = &files->items[files->count];
  if (files->count == MAX_TENSORS || length == 0 || length >= MAX_NAME || !separator[1]) return 0;
  memcpy(file->name, text, length);
  file->name[length] = 0;
  file->path = separator + 1;
  if (find_file(files, file->name)) return 0;
  files->count++;
  return 1;
}

const struct tensor_file *find_file(const struct tensor_files *files, const char *name) {
  for (size_t i = 0; i < files->count; i++)
    if (strcmp(files->items[i].name, name) == 0) return &files->items[i];
  return NULL;
}

static int parse_one(const char *argument, struct arguments *arguments, unsigned *seen) {
  struct {
    const char *name;
    const char **text;
    long *number;
    long minimum, maximum;
  } const known[] = {
      {"library", &arguments->library, NULL, 0, 0},
      {"model", &arguments->model, NULL, 0, 0},
      {"signature", &arguments->signature, NULL, 0, 0},
      {"threads", NULL, &arguments->threads, 1, MAX_THREADS},
      {"samples", NULL, &arguments->samples, 1, MAX_COUNT},
      {"warmup", NULL, &arguments->warmup, 0, MAX_COUNT},
      {"runs", NULL, &arguments->runs, 1, MAX_COUNT},
      {"max_seconds", NULL, &arguments->max_seconds, 1, MAX_LIMIT_SECONDS},
      {"interval_us", NULL, &arguments->interval_us, 0, MAX_INTERVAL_US},
      {"profile", NULL, &arguments->profile, 0, MAX_PROFILED},
  };
  const char *value;
  if ((value = value_of(argument, "input"))) return parse_tensor_file(value, &arguments->inputs);
  if ((value = value_of(argument, "output"))) return parse_tensor_file(value, &arguments->outputs);
  for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
    if (!(value = value_of(argument, known[i].name))) continue;
    if (*seen & (1u << i)) return 0;
    *seen |= 1u << i;
    if (known[i].number) return parse_number(value, known[i].minimum, known[i].maximum, known[i].number);
    *known[i].text = value;
    return *value != 0;
  }
  return 0;
}

int parse_arguments(int count, char **values, struct arguments *arguments) {
  unsigned seen = 0;
  arguments->library = arguments->model = arguments->signature = NULL;
  arguments->threads = arguments->samples = 1;
  arguments->warmup = 0;
  arguments->runs = 1;
  arguments->max_seconds = 60;
  arguments->interval_us = 0;
  arguments->profile = 0;
  arguments->inputs.count = arguments->outputs.count = 0;
  for (int i = 1; i < count; i++)
    if (!parse_one(values[i], arguments, &seen))
      return fail(EXIT_INPUT, "argument is unknown, given twice or has a bad value", values[i]);
  if (!arguments->library || !arguments->model || !arguments->signature)
    return fail(EXIT_INPUT, "--library=FILE, --model=FILE and --signature=NAME are required", NULL);
  return 0;
}
