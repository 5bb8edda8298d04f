#include "model.h"

#include "events.h"
#include "platform.h"

int open_library(struct model *model, const char *path) {
  static const struct runtime *const runtimes[] = {&litert, &tflite};
  void *library = dlopen(path, RTLD_NOW);
  if (!library) return fail(EXIT_RUNTIME, "the library cannot be opened", dlerror());
  for (size_t i = 0; i < sizeof runtimes / sizeof *runtimes; i++) {
    if (!dlsym(library, runtimes[i]->first_function)) continue;
    model->runtime = runtimes[i];
    return model->runtime->find_functions(library);
  }
  return fail(EXIT_RUNTIME, "the library has neither LiteRT's C interface nor TFLite's", path);
}

/* Refuses names on the command line that the signature does not have. */
static int refuse_unknown(const struct tensor_files *files, const struct tensor *tensors, size_t count) {
  for (size_t i = 0; i < files->count; i++) {
    int is_known = 0;
    for (size_t j = 0; j < count; j++) is_known |= strcmp(files->items[i].name, tensors[j].name) == 0;
    if (!is_known) return fail(EXIT_INPUT, "the signature has no tensor", files->items[i].name);
  }
  return 0;
}

int load_model(struct model *model, const struct arguments *arguments) {
  int code = model->runtime->load(model, arguments);
  if (code || (code = refuse_unknown(&arguments->inputs, model->inputs, model->num_inputs))) return code;
  return refuse_unknown(&arguments->outputs, model->outputs, model->num_outputs);
}

int set_counts(struct model *model, size_t num_inputs, size_t num_outputs) {
  if (num_inputs > MAX_TENSORS || num_outputs > MAX_TENSORS)
    return fail(EXIT_INPUT, "the signature has more tensors than this runner takes", NULL);
  model->num_inputs = num_inputs;
  model->num_outputs = num_outputs;
  return 0;
}

int find_input_file(struct tensor *tensor, const struct arguments *arguments) {
  const struct tensor_file *file = find_file(&arguments->inputs, tensor->name);
  if (!file) return fail(EXIT_INPUT, "--input=NAME=FILE is missing for", tensor->name);
  tensor->path = file->path;
  return 0;
}

void find_output_file(struct tensor *tensor, const struct arguments *arguments) {
  const struct tensor_file *file = find_file(&arguments->outputs, tensor->name);
  tensor->path = file ? file->path : NULL;
}

int make_room(struct tensor *tensor, long samples) {
  tensor->values = calloc((size_t)samples, tensor->size);
  return tensor->values ? 0 : fail(EXIT_RUNTIME, "no memory for the samples of", tensor->name);
}
