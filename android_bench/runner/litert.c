#include "litert.h"

#include "events.h"
#include "model.h"
#include "platform.h"

static struct litert_functions api;
static void *opened_library;
static handle environment, compiled, profiler;
static position signature_index;
static handle input_buffers[MAX_TENSORS], output_buffers[MAX_TENSORS];

enum { ACCELERATOR_CPU = 1, FOR_READING = 0, FOR_WRITING = 1 };

/* Calls a function of LiteRT and leaves the calling function where it fails. */
#define CHECK(name, ...)                                                    \
  do {                                                                      \
    status result_ = api.name(__VA_ARGS__);                                 \
    if (result_) return fail_with(#name, result_);                          \
  } while (0)

static int fail_with(const char *function, status result) {
  char detail[96];
  snprintf(detail, sizeof detail, "LiteRt%s returned status %d", function, result);
  return fail(EXIT_RUNTIME, "LiteRT failed", detail);
}

#define FIND(function, parameters)                                          \
  *(void **)&api.function = dlsym(opened_library, "LiteRt" #function);      \
  if (!api.function) return fail(EXIT_RUNTIME, "the library's LiteRT lacks", "LiteRt" #function);

static int find_functions(void *library) {
  opened_library = library;
  LITERT_FUNCTIONS(FIND)
  return 0;
}

static int find_profiler_functions(void) {
  LITERT_PROFILER_FUNCTIONS(FIND)
  return 0;
}

static void keep(void *payload) { (void)payload; /* it is static */ }

/* Threads of XNNPACK. The options of the CPU are text under a name that changed between releases: "xnnpack", later
 * "cpu_delegate". Each release reads its own and passes over the other. */
static int set_threads(handle options, long threads) {
  static char text[32];
  static const char *const names[] = {"xnnpack", "cpu_delegate"};
  snprintf(text, sizeof text, "num_threads = %ld\n", threads);
  for (int i = 0; i < 2; i++) {
    handle cpu_options;
    CHECK(CreateOpaqueOptions, names[i], text, keep, &cpu_options);
    CHECK(AddOpaqueOptions, options, cpu_options);
  }
  return 0;
}

/* Operators are timed only in a model that was compiled for it. */
static int enable_profile(handle options) {
  static char text[] = "enable_profiling = true\n";
  handle runtime_options;
  int code = find_profiler_functions();
  if (code) return code;
  CHECK(CreateOpaqueOptions, "runtime_options_string", text, keep, &runtime_options);
  CHECK(AddOpaqueOptions, options, runtime_options);
  return 0;
}

static int find_signature(handle file, const char *key, handle *signature) {
  position count;
  CHECK(GetNumModelSignatures, file, &count);
  for (position i = 0; i < count; i++) {
    const char *found;
    CHECK(GetModelSignature, file, i, signature);
    CHECK(GetSignatureKey, *signature, &found);
    if (strcmp(found, key) == 0) {
      signature_index = i;
      return 0;
    }
  }
  return fail(EXIT_INPUT, "the model has no such signature", key);
}

static int add_buffer(struct tensor *tensor, handle graph_tensor, handle requirements, long samples, handle *buffer) {
  struct tensor_type type;
  CHECK(GetRankedTensorType, graph_tensor, &type);
  CHECK(CreateManagedTensorBufferFromRequirements, environment, &type, requirements, buffer);
  CHECK(GetTensorBufferPackedSize, *buffer, &tensor->size);
  tensor->element = type.element;
  return make_room(tensor, samples);
}

static int add_input(struct model *model, handle signature, position i, const struct arguments *arguments) {
  struct tensor *tensor = &model->inputs[i];
  handle graph_tensor, requirements;
  CHECK(GetSignatureInputName, signature, i, &tensor->name);
  CHECK(GetSignatureInputTensorByIndex, signature, i, &graph_tensor);
  CHECK(GetCompiledModelInputBufferRequirements, compiled, signature_index, i, &requirements);
  int code = find_input_file(tensor, arguments);
  return code ? code : add_buffer(tensor, graph_tensor, requirements, arguments->samples, &input_buffers[i]);
}

static int add_output(struct model *model, handle signature, position i, const struct arguments *arguments) {
  struct tensor *tensor = &model->outputs[i];
  handle graph_tensor, requirements;
  CHECK(GetSignatureOutputName, signature, i, &tensor->name);
  CHECK(GetSignatureOutputTensorByIndex, signature, i, &graph_tensor);
  CHECK(GetCompiledModelOutputBufferRequirements, compiled, signature_index, i, &requirements);
  find_output_file(tensor, arguments);
  return add_buffer(tensor, graph_tensor, requirements, arguments->samples, &output_buffers[i]);
}

static int load(struct model *model, const struct arguments *arguments) {
  int code;
  handle file, options, signature;
  position num_inputs, num_outputs;
  CHECK(CreateEnvironment, 0, NULL, &environment);
  CHECK(CreateModelFromFile, environment, arguments->model, &file);
  if ((code = find_signature(file, arguments->signature, &signature))) return code;
  CHECK(CreateOptions, &options);
  CHECK(SetOptionsHardwareAccelerators, options, ACCELERATOR_CPU);
  if ((code = set_threads(options, arguments->threads))) return code;
  if (arguments->profile && (code = enable_profile(options))) return code;
  CHECK(CreateCompiledModel, environment, file, options, &compiled);
  CHECK(GetNumSignatureInputs, signature, &num_inputs);
  CHECK(GetNumSignatureOutputs, signature, &num_outputs);
  code = set_counts(model, num_inputs, num_outputs);
  for (position i = 0; i < num_inputs && !code; i++) code = add_input(model, signature, i, arguments);
  for (position i = 0; i < num_outputs && !code; i++) code = add_output(model, signature, i, arguments);
  return code;
}

static int write_inputs(struct model *model, long sample) {
  for (position i = 0; i < model->num_inputs; i++) {
    const struct tensor *tensor = &model->inputs[i];
    void *place;
    CHECK(LockTensorBuffer, input_buffers[i], &place, FOR_WRITING);
    memcpy(place, tensor->values + (size_t)sample * tensor->size, tensor->size);
    CHECK(UnlockTensorBuffer, input_buffers[i]);
  }
  return 0;
}

static int run(struct model *model) {
  CHECK(RunCompiledModel, compiled, signature_index, model->num_inputs, input_buffers,
        model->num_outputs, output_buffers);
  return 0;
}

static int read_outputs(struct model *model, long sample) {
  for (position i = 0; i < model->num_outputs; i++) {
    const struct tensor *tensor = &model->outputs[i];
    void *place;
    CHECK(LockTensorBuffer, output_buffers[i], &place, FOR_READING);
    memcpy(tensor->values + (size_t)sample * tensor->size, place, tensor->size);
    CHECK(UnlockTensorBuffer, output_buffers[i]);
  }
  return 0;
}

static int start_profile(void) {
  CHECK(CompiledModelGetProfiler, compiled, &profiler);
  if (!profiler) return fail(EXIT_RUNTIME, "the library's LiteRT gives no operator profile", NULL);
  CHECK(StartProfiler, profiler);
  return 0;
}

static int end_profile(const char **text) {
  CHECK(StopProfiler, profiler);
  CHECK(GetProfileSummary, profiler, compiled, text);
  return 0;
}

const struct runtime litert = {
    "LiteRT", "LiteRtCreateEnvironment", find_functions, load,        write_inputs,
    run,      read_outputs,              start_profile,  end_profile,
};
