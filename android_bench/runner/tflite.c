#include "tflite.h"

#include "events.h"
#include "model.h"
#include "platform.h"

static struct tflite_functions api;
static struct TfLiteSignatureRunner *signature;
static struct TfLiteTensor *input_tensors[MAX_TENSORS];
static const struct TfLiteTensor *output_tensors[MAX_TENSORS];

/* Calls a function of TFLite and leaves the calling function where it fails. */
#define CHECK(name, ...)                                                          \
  do {                                                                            \
    unsigned status_ = api.name(__VA_ARGS__);                                     \
    if (status_) return fail_with(#name, status_);                                \
  } while (0)

static int fail_with(const char *function, unsigned status) {
  char detail[96];
  snprintf(detail, sizeof detail, "TfLite%s returned status %u", function, status);
  return fail(EXIT_RUNTIME, "TFLite failed", detail);
}

static int find_functions(void *library) {
#define FIND(function, result, parameters)                                        \
  *(void **)&api.function = dlsym(library, "TfLite" #function);                   \
  if (!api.function) return fail(EXIT_RUNTIME, "the library's TFLite lacks", "TfLite" #function);
  TFLITE_FUNCTIONS(FIND)
#undef FIND
  return 0;
}

/* TFLite itself ends the process when it is asked for a signature that the model does not have. */
static int find_signature(const struct TfLiteInterpreter *interpreter, const char *key) {
  int32_t count = api.InterpreterGetSignatureCount(interpreter);
  for (int32_t i = 0; i < count && !signature; i++)
    if (strcmp(api.InterpreterGetSignatureKey(interpreter, i), key) == 0)
      signature = api.InterpreterGetSignatureRunner(interpreter, key);
  return signature ? 0 : fail(EXIT_INPUT, "the model has no such signature", key);
}

static int describe(struct tensor *tensor, const struct TfLiteTensor *found, long samples) {
  if (!found) return fail(EXIT_RUNTIME, "TFLite gives no tensor", tensor->name);
  tensor->element = (int)api.TensorType(found);
  tensor->size = api.TensorByteSize(found);
  return make_room(tensor, samples);
}

static int add_tensors(struct model *model, const struct arguments *arguments) {
  int code = 0;
  for (size_t i = 0; i < model->num_inputs && !code; i++) {
    struct tensor *tensor = &model->inputs[i];
    tensor->name = api.SignatureRunnerGetInputName(signature, (int32_t)i);
    if ((code = find_input_file(tensor, arguments))) break;
    input_tensors[i] = api.SignatureRunnerGetInputTensor(signature, tensor->name);
    code = describe(tensor, input_tensors[i], arguments->samples);
  }
  for (size_t i = 0; i < model->num_outputs && !code; i++) {
    struct tensor *tensor = &model->outputs[i];
    tensor->name = api.SignatureRunnerGetOutputName(signature, (int32_t)i);
    find_output_file(tensor, arguments);
    output_tensors[i] = api.SignatureRunnerGetOutputTensor(signature, tensor->name);
    code = describe(tensor, output_tensors[i], arguments->samples);
  }
  return code;
}

static int load(struct model *model, const struct arguments *arguments) {
  int code;
  struct TfLiteModel *file = api.ModelCreateFromFile(arguments->model);
  if (!file) return fail(EXIT_RUNTIME, "TFLite cannot read the model", arguments->model);
  struct TfLiteInterpreterOptions *options = api.InterpreterOptionsCreate();
  api.InterpreterOptionsSetNumThreads(options, (int32_t)arguments->threads);
  struct TfLiteInterpreter *interpreter = api.InterpreterCreate(file, options);
  if (!interpreter) return fail(EXIT_RUNTIME, "TFLite cannot prepare the model (it may be older than the model's operations)", arguments->model);
  if ((code = find_signature(interpreter, arguments->signature))) return code;
  CHECK(SignatureRunnerAllocateTensors, signature);
  code = set_counts(model, api.SignatureRunnerGetInputCount(signature), api.SignatureRunnerGetOutputCount(signature));
  return code ? code : add_tensors(model, arguments);
}

static int write_inputs(struct model *model, long sample) {
  for (size_t i = 0; i < model->num_inputs; i++) {
    const struct tensor *tensor = &model->inputs[i];
    CHECK(TensorCopyFromBuffer, input_tensors[i], tensor->values + (size_t)sample * tensor->size, tensor->size);
  }
  return 0;
}

static int run(struct model *model) {
  (void)model;
  CHECK(SignatureRunnerInvoke, signature);
  return 0;
}

static int read_outputs(struct model *model, long sample) {
  for (size_t i = 0; i < model->num_outputs; i++) {
    const struct tensor *tensor = &model->outputs[i];
    CHECK(TensorCopyToBuffer, output_tensors[i], tensor->values + (size_t)sample * tensor->size, tensor->size);
  }
  return 0;
}

const struct runtime tflite = {
    "TFLite", "TfLiteModelCreateFromFile", find_functions, load, write_inputs, run, read_outputs, NULL, NULL,
};
