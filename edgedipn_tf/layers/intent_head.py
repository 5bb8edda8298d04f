"""The output of one user intent."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="edgedipn")
class IntentHead(keras.layers.Layer):
    """Head of a user intent: flatten, Dense relu, Dense relu, one logit.

    The paper's two-way softmax equals the sigmoid of the difference of its logits: one logit says the same.

    Args:
        hidden_units: widths of the two hidden layers, 128 and 64 in the paper.

    Call arguments:
        representation: O, floats (B, S, D), flattened source by source.

    Returns:
        Logit, floats (B, 1).

    Raises:
        ValueError: when `hidden_units` are not two positive numbers.

    EdgeDIPN (VLDB 2021), sections 3.4 and 5.1.
    """

    def __init__(self, hidden_units: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if len(hidden_units) != 2 or min(hidden_units) < 1:
            raise ValueError(f"hidden_units must be two positive numbers, not {hidden_units}")
        self.hidden_units = list(hidden_units)
        self.hidden_1 = keras.layers.Dense(hidden_units[0], activation="relu", name="hidden_1")
        self.hidden_2 = keras.layers.Dense(hidden_units[1], activation="relu", name="hidden_2")
        self.logit = keras.layers.Dense(1, name="logit")

    def build(self, input_shape: Sequence[int]) -> None:
        self.flat_size = input_shape[1] * input_shape[2]
        self.hidden_1.build((None, self.flat_size))
        self.hidden_2.build((None, self.hidden_units[0]))
        self.logit.build((None, self.hidden_units[1]))

    def call(self, representation: tf.Tensor) -> tf.Tensor:
        flat = tf.reshape(representation, (-1, self.flat_size))
        return self.logit(self.hidden_2(self.hidden_1(flat)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "hidden_units": self.hidden_units}
