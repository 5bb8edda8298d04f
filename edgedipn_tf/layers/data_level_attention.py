"""Which sources matter to one task."""

from collections.abc import Sequence

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="edgedipn")
class DataLevelAttention(keras.layers.Layer):
    """Data-level attention of one task: every source weighted by one number.

    ```
    e(r_i) = w_r2 tanh(W_r1 r_i + b_r1),  a_r = softmax over sources of e,  M = D * a_r       (5)
    ```

    Call arguments:
        sources: D, floats (B, S, D).

    Returns:
        M, floats (B, S, D).

    EdgeDIPN (VLDB 2021), section 3.4, equation 5.
    """

    def build(self, input_shape: Sequence[int | None]) -> None:
        units = input_shape[-1]
        self.w_r1 = keras.layers.Dense(units, activation="tanh", name="w_r1")
        self.w_r2 = keras.layers.Dense(1, use_bias=False, name="w_r2")
        self.w_r1.build(input_shape)
        self.w_r2.build(input_shape)

    def call(self, sources: tf.Tensor) -> tf.Tensor:
        return sources * self.attention(sources)

    def attention(self, sources: tf.Tensor) -> tf.Tensor:
        """Returns a_r (B, S, 1), which sums to 1 over the sources."""
        return tf.nn.softmax(self.w_r2(self.w_r1(sources)), axis=1)
