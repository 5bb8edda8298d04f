/* LiteRT's C interface. The declarations are those of the LiteRT releases 2.3; another release may differ. */
#ifndef EDGEDIPN_RUNNER_LITERT_H
#define EDGEDIPN_RUNNER_LITERT_H

#include <stddef.h>

typedef int status;      /* 0 is good */
typedef void *handle;    /* LiteRT's objects; none is released before the process ends */
typedef size_t position; /* an index into a list of LiteRT's */

struct tensor_type {
  int element; /* TFLite's numbers: 1 float32, 2 int32, 4 int64 */
  struct {
    unsigned rank : 7;
    unsigned has_strides : 1;
    int dimensions[8];
    unsigned strides[8];
  } layout;
};

#define LITERT_FUNCTIONS(F)                                                          \
  F(CreateEnvironment, (int, const void *, handle *))                                \
  F(CreateModelFromFile, (handle, const char *, handle *))                           \
  F(CreateOptions, (handle *))                                                       \
  F(SetOptionsHardwareAccelerators, (handle, int))                                   \
  F(CreateOpaqueOptions, (const char *, void *, void (*)(void *), handle *))         \
  F(AddOpaqueOptions, (handle, handle))                                              \
  F(CreateCompiledModel, (handle, handle, handle, handle *))                         \
  F(GetNumModelSignatures, (handle, position *))                                     \
  F(GetModelSignature, (handle, position, handle *))                                 \
  F(GetSignatureKey, (handle, const char **))                                        \
  F(GetNumSignatureInputs, (handle, position *))                                     \
  F(GetNumSignatureOutputs, (handle, position *))                                    \
  F(GetSignatureInputName, (handle, position, const char **))                        \
  F(GetSignatureOutputName, (handle, position, const char **))                       \
  F(GetSignatureInputTensorByIndex, (handle, position, handle *))                    \
  F(GetSignatureOutputTensorByIndex, (handle, position, handle *))                   \
  F(GetRankedTensorType, (handle, struct tensor_type *))                             \
  F(GetCompiledModelInputBufferRequirements, (handle, position, position, handle *)) \
  F(GetCompiledModelOutputBufferRequirements, (handle, position, position, handle *)) \
  F(CreateManagedTensorBufferFromRequirements, (handle, const struct tensor_type *, handle, handle *)) \
  F(GetTensorBufferPackedSize, (handle, size_t *))                                   \
  F(LockTensorBuffer, (handle, void **, int))                                        \
  F(UnlockTensorBuffer, (handle))                                                    \
  F(RunCompiledModel, (handle, position, position, handle *, position, handle *))

/* Asked for only when a profile is. */
#define LITERT_PROFILER_FUNCTIONS(F)                                                 \
  F(CompiledModelGetProfiler, (handle, handle *))                                    \
  F(StartProfiler, (handle))                                                         \
  F(StopProfiler, (handle))                                                          \
  F(GetProfileSummary, (handle, handle, const char **))

struct litert_functions {
#define DECLARE_LITERT(name, parameters) status(*name) parameters;
  LITERT_FUNCTIONS(DECLARE_LITERT)
  LITERT_PROFILER_FUNCTIONS(DECLARE_LITERT)
#undef DECLARE_LITERT
};

#endif
