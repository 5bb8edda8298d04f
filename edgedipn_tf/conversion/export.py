"""From a Keras model to a SavedModel with one signature that a phone can serve: one sample, probabilities, names.

The batch is fixed at 1: with an open batch a recurrent layer needs operators that TFLite has not built in.
"""

import errno
import os
import pathlib
from collections.abc import Mapping

import keras
import tensorflow as tf

from edgedipn_tf.conversion.inference_graph import InferenceGraph
from edgedipn_tf.conversion.recipes import SIGNATURE


def probabilities(model: keras.Model | InferenceGraph, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Returns what the files return: float32 probabilities (B, places) by intent.

    Args:
        model: maps inputs by name to logits (B, places) by intent.
        inputs: int32 tensors by name, batch first.
    """
    logits = model(dict(inputs)) if isinstance(model, InferenceGraph) else model(dict(inputs), training=False)
    return {intent: tf.sigmoid(tf.cast(values, tf.float32)) for intent, values in logits.items()}


def export_saved_model(
    model: keras.Model | InferenceGraph, input_signature: Mapping[str, tf.TensorSpec], folder: pathlib.Path
) -> dict[str, tuple[int, ...]]:
    """Writes a SavedModel with the signature `predict`.

    Args:
        model: maps inputs by name to logits (B, places) by intent; its inference graph gives the faster file.
        input_signature: what the model takes, by input name; its batch is replaced by 1.
        folder: where the SavedModel is written.

    Returns:
        The shape of each output, by intent.

    Raises:
        OSError: when the disk is full.
    """

    @tf.function(autograph=False)
    def predict(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return probabilities(model, inputs)

    single = {name: tf.TensorSpec([1, *spec.shape[1:]], tf.int32, name=name) for name, spec in input_signature.items()}
    concrete = predict.get_concrete_function(**single)
    # Only the variables: a model held by a tf.Module would be traced again by Keras, with float32 ids.
    module = tf.Module()
    variables = model.variables if isinstance(model, InferenceGraph) else [v.value for v in model.variables]
    module.model_variables = variables
    try:
        tf.saved_model.save(module, str(folder), signatures={SIGNATURE: concrete})
    except tf.errors.OpError as error:
        if "No space left on device" not in str(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error
    return {intent: tuple(values.shape) for intent, values in concrete.structured_outputs.items()}
