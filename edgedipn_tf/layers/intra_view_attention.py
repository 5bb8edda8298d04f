"""Which actions of one view matter: each is weighted by how it relates to the newest one."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from edgedipn_tf.layers.masking import masked_softmax


@keras.saving.register_keras_serializable(package="edgedipn")
class IntraViewAttention(keras.layers.Layer):
    """Intra-view attention: the steps stay apart, each multiplied by its weight.

    ```
    a_t = softmax over steps of h_t W_a h_n       (2)  h_n: the last forward state
    v_t = h_t a_t                                 (3)
    ```

    The softmax runs over real steps only. With n of them the weights are about 1 / n, so that the scores of the
    inter-view attention on v are nearly equal; `is_rescaled` multiplies v by n, which the paper does not.

    Args:
        is_rescaled: whether v is multiplied by the number of real steps.

    Call arguments:
        states: h, floats (B, T, 2 d), zero at padded steps.
        newest: h_n, floats (B, d).
        mask: bool (B, T), `True` at real steps.

    Returns:
        v, floats (B, T, 2 d), zero at padded steps.

    DIPN (KDD 2019), section 4.3, equations 2 and 3.
    """

    def __init__(self, is_rescaled: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_rescaled = is_rescaled

    def build(self, states_shape: Sequence[int | None], newest_shape: Sequence[int | None]) -> None:
        self.w_a = keras.layers.Dense(states_shape[-1], use_bias=False, name="w_a")
        self.w_a.build((None, newest_shape[-1]))

    def call(self, states: tf.Tensor, newest: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        weights = tf.transpose(self.attention(states, newest, mask), (0, 2, 1))
        if self.is_rescaled:
            num_steps = tf.reduce_sum(tf.cast(mask, weights.dtype), axis=1)
            weights *= num_steps[:, tf.newaxis, tf.newaxis]
        return states * weights

    def attention(self, states: tf.Tensor, newest: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Returns a (B, 1, T)."""
        scores = tf.matmul(self.w_a(newest)[:, tf.newaxis, :], states, transpose_b=True)
        return masked_softmax(scores, mask)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "is_rescaled": self.is_rescaled}
