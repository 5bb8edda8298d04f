"""From a Keras model to a SavedModel with signatures that a phone can serve: one sample, probabilities, names.

The batch is fixed at 1: with an open batch a recurrent layer needs operators that TFLite has not built in.
"""

import dataclasses
import errno
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf

from edgedipn_tf.conversion.inference_graph import InferenceGraph
from edgedipn_tf.conversion.scaled_model import ScaledModel
from edgedipn_tf.conversion.signatures import ENCODE, PREDICT, SCORE_CATEGORIES, USER, SignatureKey
from edgedipn_tf.models.inputs import CANDIDATE_LEVELS, input_signature
from edgedipn_tf.schema import Schema

Tensors = Mapping[str, tf.Tensor]
ExportedModel = keras.Model | InferenceGraph | ScaledModel


@dataclasses.dataclass(frozen=True)
class Signature:
    """One function of a file.

    Attributes:
        key: its kind and length.
        inputs: what it takes, by name; batch 1.
        function: maps tensors by name to tensors by name.
    """

    key: SignatureKey
    inputs: Mapping[str, tf.TensorSpec]
    function: Callable[[Tensors], Tensors]


def probabilities(model: ExportedModel, inputs: Tensors) -> dict[str, tf.Tensor]:
    """Returns what `predict` returns: float32 probabilities (B, places) by intent.

    Args:
        model: maps inputs by name to logits (B, places) by intent.
        inputs: int32 tensors by name, batch first.
    """
    logits = model(dict(inputs), training=False) if isinstance(model, keras.Model) else model(dict(inputs))
    return {intent: tf.sigmoid(tf.cast(values, tf.float32)) for intent, values in logits.items()}


def predict_signatures(model: ExportedModel, schema: Schema, lengths: Sequence[int]) -> list[Signature]:
    """Returns `predict` for each length.

    Args:
        model: maps inputs by name to logits (B, places) by intent; its inference graph gives the faster file.
        schema: what the inputs hold.
        lengths: steps of the views.
    """
    return [
        Signature(
            SignatureKey(PREDICT, length),
            input_signature(schema, length, batch_size=1),
            lambda inputs: probabilities(model, inputs),
        )
        for length in lengths
    ]


def two_step_signatures(
    graph: InferenceGraph, schema: Schema, lengths: Sequence[int], num_categories: int
) -> list[Signature]:
    """Returns `encode` for each length and `score_categories`, which together give what `predict` gives.

    `encode` takes what `predict` takes without `candidates`; it returns the probabilities of user intents, and `user`
    (1, C, U) for `score_categories`, which takes it with `candidates` (1, K, 2) and returns those of category intents.

    Args:
        graph: the inference graph of a model with category intents.
        schema: what the inputs hold.
        lengths: steps of the views.
        num_categories: K, the candidates that one call takes.
    """
    intents = graph.category_intents

    def encode(inputs: Tensors) -> Tensors:
        user_logits, of_user = graph.encode(inputs)
        outputs = {intent: tf.sigmoid(values) for intent, values in user_logits.items()}
        return {**outputs, USER: tf.stack([of_user[intent] for intent in intents], axis=1)}

    def score(inputs: Tensors) -> Tensors:
        of_user = {intent: inputs[USER][:, place] for place, intent in enumerate(intents)}
        logits = graph.score_categories(of_user, inputs["candidates"])
        return {intent: tf.sigmoid(values) for intent, values in logits.items()}

    encodes = []
    for length in lengths:
        inputs = input_signature(schema, length, batch_size=1)
        del inputs["candidates"]
        encodes.append(Signature(SignatureKey(ENCODE, length), inputs, encode))
    candidates = {
        USER: tf.TensorSpec((1, len(intents), graph.num_user_units), tf.float32),
        "candidates": tf.TensorSpec((1, num_categories, len(CANDIDATE_LEVELS)), tf.int32),
    }
    return [*encodes, Signature(SignatureKey(SCORE_CATEGORIES), candidates, score)]


def export_saved_model(
    model: ExportedModel, signatures: Sequence[Signature], folder: pathlib.Path
) -> dict[SignatureKey, dict[str, tuple[int, ...]]]:
    """Writes a SavedModel.

    Args:
        model: whose variables the signatures read.
        signatures: its functions.
        folder: where the SavedModel is written.

    Returns:
        The shape of each output by its name, by signature.

    Raises:
        OSError: when the disk is full.
    """
    concrete = {signature.key: _trace(signature) for signature in signatures}
    # Only the variables: a model held by a tf.Module would be traced again by Keras, with float32 ids.
    module = tf.Module()
    variables = [v.value for v in model.variables] if isinstance(model, keras.Model) else model.variables
    module.model_variables = variables
    try:
        tf.saved_model.save(module, str(folder), signatures={key.name: traced for key, traced in concrete.items()})
    except tf.errors.OpError as error:
        if "No space left on device" not in str(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error
    return {
        key: {name: tuple(values.shape) for name, values in traced.structured_outputs.items()}
        for key, traced in concrete.items()
    }


def _trace(signature: Signature) -> tf.types.experimental.ConcreteFunction:
    @tf.function(autograph=False)
    def function(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(signature.function(inputs))

    specs = {name: tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in signature.inputs.items()}
    return function.get_concrete_function(**specs)
