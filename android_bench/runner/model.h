/* A model in the runtime that the library brings: LiteRT's C interface (litert.c) or TFLite's (tflite.c). The library is
 * opened at run time, so that building the runner needs nothing of it. */
#ifndef EDGEDIPN_RUNNER_MODEL_H
#define EDGEDIPN_RUNNER_MODEL_H

#include <stddef.h>

#include "arguments.h"

/* One input or output, and the values of all samples. */
struct tensor {
  const char *name;
  const char *path; /* null for an output nobody asked for */
  int element;      /* TFLite's numbers: 1 float32, 2 int32, 4 int64 */
  size_t size;      /* bytes of one sample */
  char *values;
};

struct runtime;

struct model {
  const struct runtime *runtime;
  size_t num_inputs, num_outputs;
  struct tensor inputs[MAX_TENSORS], outputs[MAX_TENSORS];
};

/* What each runtime does in its own way. Functions that return int return 0, or an exit code after an error event. What
 * they make stays until the process ends. */
struct runtime {
  const char *name;
  const char *first_function; /* a library that has it is of this runtime */
  int (*find_functions)(void *library);
  int (*load)(struct model *model, const struct arguments *arguments);
  int (*write_inputs)(struct model *model, long sample);
  int (*run)(struct model *model);
  int (*read_outputs)(struct model *model, long sample);
  int (*start_profile)(void); /* null, and so is the next, where the runtime gives no operator profile */
  int (*end_profile)(const char **text);
};

extern const struct runtime litert, tflite;

/* Opens a library and finds the functions of the runtime that it is of. */
int open_library(struct model *model, const char *path);

/* Loads the model file; refuses tensor names on the command line that the signature does not have. */
int load_model(struct model *model, const struct arguments *arguments);

/* Numbers of tensors of a signature, which must not be more than MAX_TENSORS. */
int set_counts(struct model *model, size_t num_inputs, size_t num_outputs);

/* The files of a tensor whose name is known; an input must have one. */
int find_input_file(struct tensor *tensor, const struct arguments *arguments);
void find_output_file(struct tensor *tensor, const struct arguments *arguments);

/* Makes room for the values of all samples of a tensor whose size is known. */
int make_room(struct tensor *tensor, long samples);

#endif
