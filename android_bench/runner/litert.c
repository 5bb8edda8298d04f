#include "litert.h"

#include "events.h"
#include "platform.h"

enum { ACCELERATOR_CPU = 1, FOR_READING = 0, FOR_WRITING = 1 };

/* Calls a function of LiteRT and leaves the calling function where it fails. */
#define CHECK(model, name, ...)                                             \
  do {                                                                      \
    status result_ = (model)->api.name(__VA_ARGS__);                        \
    if (result_) return fail_with(#name, result_);                          \
  } while (0)

static int fail_with(const char *function, status result) {
  char detail[96];
  snprintf(detail, sizeof detail, "LiteRt%s returned status %d", function, result);
  return fail(EXIT_RUNTIME, "LiteRT failed", detail);
}

int open_library(struct model *model, const char *path) {
  void *library = dlopen(path, RTLD_NOW);
  if (!library) return fail(EXIT_RUNTIME, "the library cannot be opened", dlerror());
#define FIND(function, parameters)                                          \
  *(void **)&model->api.function = dlsym(library, "LiteRt" #function);      \
  if (!model->api.function) return fail(EXIT_RUNTIME, "the library is no LiteRT 2: it lacks", "LiteRt" #function);
  LITERT_FUNCTIONS(FIND)
#undef FIND
  return 0;
}

static void keep(void *payload) { (void)payload; /* it is static */ }

/* Threads of XNNPACK. The options of the CPU are text under a name that changed between releases: "xnnpack", later
 * "cpu_delegate". Each release reads its own and passes over the other. */
static int set_threads(struct model *model, handle options, long threads) {
  static char text[32];
  static const char *const names[] = {"xnnpack", "cpu_delegate"};
  snprintf(text, sizeof text, "num_threads = %ld\n", threads);
  for (int i = 0; i < 2; i++) {
    handle cpu_options;
    CHECK(model, CreateOpaqueOptions, names[i], text, keep, &cpu_options);
    CHECK(model, AddOpaqueOptions, options, cpu_options);
  }
  return 0;
}

static int find_signature(struct model *model, handle file, const char *key, handle *signature) {
  position count;
  CHECK(model, GetNumModelSignatures, file, &count);
  for (position i = 0; i < count; i++) {
    const char *found;
    CHECK(model, GetModelSignature, file, i, signature);
    CHECK(model, GetSignatureKey, *signature, &found);
    if (strcmp(found, key) == 0) {
      model->signature = i;
      return 0;
    }
  }
  return fail(EXIT_INPUT, "the model has no such signature", key);
}

static int add_buffer(struct model *model, struct tensor *tensor, handle graph_tensor, handle requirements,
                      long samples, handle *buffer) {
  struct tensor_type type;
  CHECK(model, GetRankedTensorType, graph_tensor, &type);
  CHECK(model, CreateManagedTensorBufferFromRequirements, model->environment, &type, requirements, buffer);
  CHECK(model, GetTensorBufferPackedSize, *buffer, &tensor->size);
  tensor->element = type.element;
  tensor->values = calloc((size_t)samples, tensor->size);
  return tensor->values ? 0 : fail(EXIT_RUNTIME, "no memory for the samples of", tensor->name);
}

static int add_input(struct model *model, handle signature, position i, const struct arguments *arguments) {
  struct tensor *tensor = &model->inputs[i];
  handle graph_tensor, requirements;
  CHECK(model, GetSignatureInputName, signature, i, &tensor->name);
  CHECK(model, GetSignatureInputTensorByIndex, signature, i, &graph_tensor);
  CHECK(model, GetCompiledModelInputBufferRequirements, model->compiled, model->signature, i, &requirements);
  const struct tensor_file *file = find_file(&arguments->inputs, tensor->name);
  if (!file) return fail(EXIT_INPUT, "--input=NAME=FILE is missing for", tensor->name);
  tensor->path = file->path;
  return add_buffer(model, tensor, graph_tensor, requirements, arguments->samples, &model->input_buffers[i]);
}

static int add_output(struct model *model, handle signature, position i, const struct arguments *arguments) {
  struct tensor *tensor = &model->outputs[i];
  handle graph_tensor, requirements;
  CHECK(model, GetSignatureOutputName, signature, i, &tensor->name);
  CHECK(model, GetSignatureOutputTensorByIndex, signature, i, &graph_tensor);
  CHECK(model, GetCompiledModelOutputBufferRequirements, model->compiled, model->signature, i, &requirements);
  const struct tensor_file *file = find_file(&arguments->outputs, tensor->name);
  tensor->path = file ? file->path : NULL;
  return add_buffer(model, tensor, graph_tensor, requirements, arguments->samples, &model->output_buffers[i]);
}

/* Refuses names on the command line that the signature does not have. */
static int refuse_unknown(const struct tensor_files *files, const struct tensor *tensors, position count) {
  for (size_t i = 0; i < files->count; i++) {
    int is_known = 0;
    for (position j = 0; j < count; j++) is_known |= strcmp(files->items[i].name, tensors[j].name) == 0;
    if (!is_known) return fail(EXIT_INPUT, "the signature has no tensor", files->items[i].name);
  }
  return 0;
}

int load_model(struct model *model, const struct arguments *arguments) {
  handle file, options, signature;
  int code;
  CHECK(model, CreateEnvironment, 0, NULL, &model->environment);
  CHECK(model, CreateModelFromFile, model->environment, arguments->model, &file);
  if ((code = find_signature(model, file, arguments->signature, &signature))) return code;
  CHECK(model, CreateOptions, &options);
  CHECK(model, SetOptionsHardwareAccelerators, options, ACCELERATOR_CPU);
  if ((code = set_threads(model, options, arguments->threads))) return code;
  CHECK(model, CreateCompiledModel, model->environment, file, options, &model->compiled);
  CHECK(model, GetNumSignatureInputs, signature, &model->num_inputs);
  CHECK(model, GetNumSignatureOutputs, signature, &model->num_outputs);
  if (model->num_inputs > MAX_TENSORS || model->num_outputs > MAX_TENSORS)
    return fail(EXIT_INPUT, "the signature has more tensors than this runner takes", NULL);
  for (position i = 0; i < model->num_inputs; i++)
    if ((code = add_input(model, signature, i, arguments))) return code;
  for (position i = 0; i < model->num_outputs; i++)
    if ((code = add_output(model, signature, i, arguments))) return code;
  if ((code = refuse_unknown(&arguments->inputs, model->inputs, model->num_inputs))) return code;
  return refuse_unknown(&arguments->outputs, model->outputs, model->num_outputs);
}

int write_inputs(struct model *model, long sample) {
  for (position i = 0; i < model->num_inputs; i++) {
    const struct tensor *tensor = &model->inputs[i];
    void *place;
    CHECK(model, LockTensorBuffer, model->input_buffers[i], &place, FOR_WRITING);
    memcpy(place, tensor->values + (size_t)sample * tensor->size, tensor->size);
    CHECK(model, UnlockTensorBuffer, model->input_buffers[i]);
  }
  return 0;
}

int run_model(struct model *model) {
  CHECK(model, RunCompiledModel, model->compiled, model->signature, model->num_inputs, model->input_buffers,
        model->num_outputs, model->output_buffers);
  return 0;
}

int read_outputs(struct model *model, long sample) {
  for (position i = 0; i < model->num_outputs; i++) {
    const struct tensor *tensor = &model->outputs[i];
    void *place;
    CHECK(model, LockTensorBuffer, model->output_buffers[i], &place, FOR_READING);
    memcpy(tensor->values + (size_t)sample * tensor->size, place, tensor->size);
    CHECK(model, UnlockTensorBuffer, model->output_buffers[i]);
  }
  return 0;
}
