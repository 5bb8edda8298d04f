/* TFLite's C interface (c_api.h), as in libtensorflowlite_jni.so of the Maven package org.tensorflow:tensorflow-lite
 * since TFLite 2.16; `make test-maven` holds the declarations against that package's headers. */
#ifndef EDGEDIPN_RUNNER_TFLITE_H
#define EDGEDIPN_RUNNER_TFLITE_H

#include <stddef.h>
#include <stdint.h>

struct TfLiteModel;
struct TfLiteInterpreterOptions;
struct TfLiteInterpreter;
struct TfLiteSignatureRunner;
struct TfLiteTensor;

/* Name, result, parameters. Enumerations (a status, of which 0 is good, and an element) are unsigned. */
#define TFLITE_FUNCTIONS(F)                                                                                      \
  F(ModelCreateFromFile, struct TfLiteModel *, (const char *))                                                   \
  F(InterpreterOptionsCreate, struct TfLiteInterpreterOptions *, (void))                                         \
  F(InterpreterOptionsSetNumThreads, void, (struct TfLiteInterpreterOptions *, int32_t))                         \
  F(InterpreterCreate, struct TfLiteInterpreter *,                                                               \
    (const struct TfLiteModel *, const struct TfLiteInterpreterOptions *))                                       \
  F(InterpreterGetSignatureCount, int32_t, (const struct TfLiteInterpreter *))                                   \
  F(InterpreterGetSignatureKey, const char *, (const struct TfLiteInterpreter *, int32_t))                       \
  F(InterpreterGetSignatureRunner, struct TfLiteSignatureRunner *, (const struct TfLiteInterpreter *, const char *)) \
  F(SignatureRunnerAllocateTensors, unsigned, (struct TfLiteSignatureRunner *))                                  \
  F(SignatureRunnerGetInputCount, size_t, (const struct TfLiteSignatureRunner *))                                \
  F(SignatureRunnerGetInputName, const char *, (const struct TfLiteSignatureRunner *, int32_t))                  \
  F(SignatureRunnerGetInputTensor, struct TfLiteTensor *, (struct TfLiteSignatureRunner *, const char *))        \
  F(SignatureRunnerGetOutputCount, size_t, (const struct TfLiteSignatureRunner *))                               \
  F(SignatureRunnerGetOutputName, const char *, (const struct TfLiteSignatureRunner *, int32_t))                 \
  F(SignatureRunnerGetOutputTensor, const struct TfLiteTensor *,                                                 \
    (const struct TfLiteSignatureRunner *, const char *))                                                        \
  F(SignatureRunnerInvoke, unsigned, (struct TfLiteSignatureRunner *))                                           \
  F(TensorType, unsigned, (const struct TfLiteTensor *))                                                         \
  F(TensorByteSize, size_t, (const struct TfLiteTensor *))                                                       \
  F(TensorCopyFromBuffer, unsigned, (struct TfLiteTensor *, const void *, size_t))                               \
  F(TensorCopyToBuffer, unsigned, (const struct TfLiteTensor *, void *, size_t))

struct tflite_functions {
#define DECLARE_TFLITE(name, result, parameters) result(*name) parameters;
  TFLITE_FUNCTIONS(DECLARE_TFLITE)
#undef DECLARE_TFLITE
};

#endif
