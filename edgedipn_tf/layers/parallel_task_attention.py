"""What one task takes from the sources: whole sources and features, side by side (EdgeDIPN-v4)."""

import keras
import tensorflow as tf

from edgedipn_tf.layers.task_attention import TaskAttention


@keras.saving.register_keras_serializable(package="edgedipn")
class ParallelTaskAttention(TaskAttention):
    """Task-specific attention of EdgeDIPN-v4: feature-level attention picks from D instead of M.

    ```
    M = D * a_r(D)  (5),  M' = D * a_f(D)  (6 on D),  O = gate(M, M')  (7)
    ```

    Its parts are those of `TaskAttention`; only their order differs.

    Call arguments:
        sources: D, floats (B, S, D).

    Returns:
        O, floats (B, S, D).

    EdgeDIPN (VLDB 2021), section 5.1.
    """

    def weighted(self, sources: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns M and M' (B, S, D), what the gate fuses."""
        return self.data_level(sources), self.feature_level(sources)
