"""The loss of one intent (EdgeDIPN Eq. 8) under unknown labels and replicas.

The loss of an intent is the sum of weighted losses over the sum of weights of the GLOBAL batch. A replica sees only its
part of the batch and cannot know that sum, so the division happens in tf.data, before the batch is split, and a
replica only sums: the sum of the replicas' gradients is then the gradient of the whole batch. Dividing inside the loss
would average means of unequally many labels, 7e-3 away after four steps.
"""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf
from keras import ops

Tensors = dict[str, tf.Tensor]
Batch = tuple[Tensors, Tensors, Tensors]


def of_intents(names: Sequence[str]) -> Callable[[Tensors, Tensors, Tensors], Batch]:
    """Returns the function that leaves of a batch the labels and weights of these intents, and all of its inputs."""
    return lambda inputs, labels, weights: (inputs, {n: labels[n] for n in names}, {n: weights[n] for n in names})


def normalize_weights(inputs: Tensors, labels: Tensors, weights: Tensors) -> Batch:
    """Divides the weights of each intent by their sum over the global batch: they sum to 1, or to 0 when none is known.

    Args:
        inputs: the model's inputs, passed on.
        labels: by intent, (B, places), passed on.
        weights: by intent, (B, places): 1 known, 0 unknown.

    Returns:
        What `keras.Model.fit` takes: inputs, labels, sample weights.
    """
    return inputs, labels, {name: tf.math.divide_no_nan(w, tf.reduce_sum(w)) for name, w in weights.items()}


@keras.saving.register_keras_serializable(package="edgedipn")
class SummedBinaryCrossentropy(keras.losses.Loss):
    """Sum over samples and places of `w * BCE(y, sigmoid(x))`, for weights w of `normalize_weights`.

    Keras scales means for the number of replicas and leaves sums alone, which is what normalised weights need.

    Call arguments:
        y_true: (B, places) float, 0 or 1; any value where the weight is 0.
        y_pred: (B, places) float logits.
        sample_weight: (B, places) float.

    Returns:
        A scalar; 0 when every weight is 0.

    Source: EdgeDIPN Eq. 8.
    """

    def __init__(self, name: str = "summed_binary_crossentropy") -> None:
        super().__init__(name=name, reduction="sum")

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        return ops.softplus(y_pred) - y_pred * y_true

    def get_config(self) -> dict[str, str]:
        return {"name": self.name}
