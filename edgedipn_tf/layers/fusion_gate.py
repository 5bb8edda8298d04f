"""Mixes two weightings of the same sources, dimension by dimension."""

from collections.abc import Sequence

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="edgedipn")
class FusionGate(keras.layers.Layer):
    """Attention fusion of one task.

    ```
    F = sigmoid(W M + W' M' + b),  O = F * M + (1 - F) * M'       (7)
    ```

    W, W' and b are shared by all sources.

    Call arguments:
        data_weighted: M, floats (B, S, D).
        feature_weighted: M', floats (B, S, D).

    Returns:
        O, floats (B, S, D).

    EdgeDIPN (VLDB 2021), section 3.4, equation 7.
    """

    def build(self, input_shape: Sequence[int | None]) -> None:
        units = input_shape[-1]
        self.w_data = keras.layers.Dense(units, name="w_data")
        self.w_feature = keras.layers.Dense(units, use_bias=False, name="w_feature")
        self.w_data.build(input_shape)
        self.w_feature.build(input_shape)

    def call(self, data_weighted: tf.Tensor, feature_weighted: tf.Tensor) -> tf.Tensor:
        gate = self.gate(data_weighted, feature_weighted)
        return gate * data_weighted + (1.0 - gate) * feature_weighted

    def gate(self, data_weighted: tf.Tensor, feature_weighted: tf.Tensor) -> tf.Tensor:
        """Returns F (B, S, D), between 0 (all M') and 1 (all M)."""
        return tf.sigmoid(self.w_data(data_weighted) + self.w_feature(feature_weighted))
