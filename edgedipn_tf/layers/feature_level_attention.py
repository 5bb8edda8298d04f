"""Which features of which sources matter to one task."""

from collections.abc import Sequence

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="edgedipn")
class FeatureLevelAttention(keras.layers.Layer):
    """Feature-level attention of one task: every feature weighted over the sources.

    ```
    e(r'_i) = W_f2 tanh(W_f1 r'_i + b_f1),  a_f = softmax over sources of e, per feature,  M' = M * a_f       (6)
    ```

    Call arguments:
        sources: M, floats (B, S, D).

    Returns:
        M', floats (B, S, D).

    EdgeDIPN (VLDB 2021), section 3.4, equation 6.
    """

    def build(self, input_shape: Sequence[int | None]) -> None:
        units = input_shape[-1]
        self.w_f1 = keras.layers.Dense(units, activation="tanh", name="w_f1")
        self.w_f2 = keras.layers.Dense(units, use_bias=False, name="w_f2")
        self.w_f1.build(input_shape)
        self.w_f2.build(input_shape)

    def call(self, sources: tf.Tensor) -> tf.Tensor:
        return sources * tf.nn.softmax(self.w_f2(self.w_f1(sources)), axis=1)
