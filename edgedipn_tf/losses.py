"""The losses of the intents (EdgeDIPN Eq. 8) under unknown labels and replicas, and how they are added.

The loss of an intent is the sum of weighted losses over the sum of weights of the GLOBAL batch. A replica sees only its
part of the batch and cannot know that sum, so the division happens in tf.data, before the batch is split, and a
replica only sums: the sum of the replicas' gradients is then the gradient of the whole batch. Dividing inside the loss
would average means of unequally many labels, 7e-3 away after four steps.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from edgedipn_tf.task_weights import UNCERTAINTY, parse_task_weights

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
    """Sum over samples and places of `w * c * BCE(y, sigmoid(x))`, for weights w of `normalize_weights`.

    Keras scales means for the number of replicas and leaves sums alone, which is what normalised weights need.

    Args:
        task_weight: c, the factor of the task.

    Call arguments:
        y_true: (B, places) float, 0 or 1; any value where the weight is 0.
        y_pred: (B, places) float logits.
        sample_weight: (B, places) float.

    Returns:
        A scalar; 0 when every weight is 0.

    Source: EdgeDIPN Eq. 8.
    """

    def __init__(self, task_weight: float = 1.0, name: str = "summed_binary_crossentropy") -> None:
        super().__init__(name=name, reduction="sum")
        self.task_weight = task_weight

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        return self.task_weight * binary_crossentropy(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        return {"task_weight": self.task_weight, "name": self.name}


class UncertaintyWeightedCrossentropy(keras.losses.Loss):
    """Sum over samples and places of `w * (exp(-s) * BCE(y, sigmoid(x)) + s / 2)`, with the w of `normalize_weights`.

    They sum to 1, or to 0: a task without a known label in the batch adds nothing, and does not move its s either.

    Args:
        log_variance: s, a scalar that is trained.

    Source: Kendall, Gal and Cipolla, "Multi-task learning using uncertainty to weigh losses" (CVPR 2018), equation 10,
    with s = log of the squared sigma.
    """

    def __init__(self, log_variance: keras.Variable) -> None:
        super().__init__(name="uncertainty_weighted_crossentropy", reduction="sum")
        self._log_variance = log_variance

    @property
    def task_weight(self) -> tf.Tensor:
        """The factor of the task as it is now, exp(-s)."""
        return ops.exp(-self._log_variance.value)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        return self.task_weight * binary_crossentropy(y_true, y_pred) + self._log_variance.value / 2


class UncertainTasks(keras.Model):
    """A network with one trained log-variance a task; it predicts what the network does.

    Args:
        network: built; gives logits by task.
        tasks: their names.
    """

    def __init__(self, network: keras.Model, tasks: Sequence[str]) -> None:
        super().__init__(name="uncertain_tasks")
        self.network = network
        self.log_variances = {
            name: self.add_weight((), initializer="zeros", name=f"{name}_log_variance") for name in tasks
        }
        self.built = True

    def call(self, inputs: Tensors, training: bool = False) -> Tensors:
        return self.network(inputs, training=training)


def weighted_tasks(
    network: keras.Model, tasks: Sequence[str], task_weights: str
) -> tuple[keras.Model, dict[str, keras.losses.Loss]]:
    """Returns what is to be trained, and the loss of each task.

    Args:
        network: built; gives logits by task.
        tasks: their names.
        task_weights: the setting, see `task_weights`.
    """
    if task_weights == UNCERTAINTY:
        model = UncertainTasks(network, tasks)
        return model, {name: UncertaintyWeightedCrossentropy(s) for name, s in model.log_variances.items()}
    given = parse_task_weights(task_weights)
    return network, {name: SummedBinaryCrossentropy(given.get(name, 1.0)) for name in tasks}


def binary_crossentropy(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """Returns the cross-entropy of labels and logits, element by element."""
    return ops.softplus(y_pred) - y_pred * y_true
