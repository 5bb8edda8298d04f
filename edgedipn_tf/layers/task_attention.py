"""What one task takes from the sources: first whole sources, then their features."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from edgedipn_tf.layers.data_level_attention import DataLevelAttention
from edgedipn_tf.layers.feature_level_attention import FeatureLevelAttention
from edgedipn_tf.layers.fusion_gate import FusionGate


@keras.saving.register_keras_serializable(package="edgedipn")
class TaskAttention(keras.layers.Layer):
    """Task-specific attention of one task: feature-level attention on top of the data-level one.

    ```
    M = D * a_r(D)  (5),  M' = M * a_f(M)  (6),  O = gate(M, M')  (7)
    ```

    Call arguments:
        sources: D, floats (B, S, D).

    Returns:
        O, floats (B, S, D).

    EdgeDIPN (VLDB 2021), section 3.4.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_level = DataLevelAttention(name="data_level")
        self.feature_level = FeatureLevelAttention(name="feature_level")
        self.gate = FusionGate(name="gate")

    def build(self, input_shape: Sequence[int | None]) -> None:
        for layer in (self.data_level, self.feature_level, self.gate):
            layer.build(input_shape)

    def call(self, sources: tf.Tensor) -> tf.Tensor:
        return self.gate(*self.weighted(sources))

    def weighted(self, sources: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns M and M' (B, S, D), what the gate fuses."""
        data_weighted = self.data_level(sources)
        return data_weighted, self.feature_level(data_weighted)
