"""Several attentions over the steps of one view: what the view says, and its steps re-weighted by it."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from edgedipn_tf.layers.masking import masked_softmax, zero_absent, zero_padding


def _by_channel(weights: tf.Tensor, hops: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(hops, axis=1, keepdims=True)  # r_m, (B, 1, D)


def _by_step(weights: tf.Tensor, hops: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    num_steps = tf.reduce_sum(tf.cast(mask, weights.dtype), axis=1)
    return (tf.reduce_mean(weights, axis=1) * num_steps[:, tf.newaxis])[:, :, tf.newaxis]  # (B, T, 1)


REWEIGHTINGS: dict[str, Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "channel": _by_channel,
    "step": _by_step,
}
"""What E is multiplied by to make V, by name, from A (B, H, T), R (B, H, D) and the mask (B, T)."""


@keras.saving.register_keras_serializable(package="edgedipn")
class MultiLevelAttention(keras.layers.Layer):
    """Multi-level (multi-hop) attention, a sequence encoder.

    ```
    A = softmax(W_s2 tanh(W_s1 E^T)),  R = A E                  (2)  A: H x T, R: H x D
    r_f = W_f flatten(R) + b_f                                       flattened row by row
    r_m = mean of R over hops,  V = E * r_m                     (3)  at every step
    penalty = ||A A^T - I||_F^2                                 (9)
    ```

    The softmax runs over real steps only. A sample without any has r_f = 0 (the bias too) and V = 0. The penalty is 0
    for samples with fewer real steps than hops: so many hops cannot be apart over so few steps.

    The paper leaves open what r_m is the mean over. Here it is the hops, so that V is re-weighted by channel. With
    `reweighting="step"` each step is multiplied by its own weight instead, the mean of A over hops, times the number of
    real steps: the weights are then 1 in the mean, and the scores of the inter-view attention do not vanish.

    With `num_kept`, not in the paper, V has only the steps that the hops together attend most, in their order: what
    follows is quadratic in the steps.

    Args:
        num_hops: H.
        num_kept: most steps of V; None keeps all.
        reweighting: a name of `REWEIGHTINGS`.

    Call arguments:
        actions: E, floats (B, T, D); padded steps may hold any number.
        mask: bool (B, T), `True` at real steps.

    Returns:
        r_f (B, D); V (B, min(T, num_kept), D), right-aligned, zero at padded steps; penalty float32 (B,).

    Raises:
        ValueError: when `num_hops` or `num_kept` is below 1, or the re-weighting is unknown.

    EdgeDIPN (VLDB 2021), section 3.2, equations 2, 3 and the second term of 9.
    """

    def __init__(self, num_hops: int, num_kept: int | None = None, reweighting: str = "channel", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name, value in (("num_hops", num_hops), ("num_kept", num_kept)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if reweighting not in REWEIGHTINGS:
            raise ValueError(f"reweighting must be one of {list(REWEIGHTINGS)}, not {reweighting!r}")
        self.num_hops = num_hops
        self.num_kept = num_kept
        self.reweighting = reweighting

    def build(self, input_shape: Sequence[int | None]) -> None:
        units = input_shape[-1]
        self.w_s1 = keras.layers.Dense(units, activation="tanh", use_bias=False, name="w_s1")
        self.w_s2 = keras.layers.Dense(self.num_hops, use_bias=False, name="w_s2")
        self.w_f = keras.layers.Dense(units, name="w_f")
        self.w_s1.build((None, None, units))
        self.w_s2.build((None, None, units))
        self.w_f.build((None, self.num_hops * units))

    def call(self, actions: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        weights = self.attention(actions, mask)
        hops = tf.matmul(weights, actions)  # (B, H, D)
        flat = tf.reshape(hops, (-1, self.num_hops * actions.shape[-1]))
        r_f = zero_absent(self.w_f(flat), mask)
        reweighted = zero_padding(actions * REWEIGHTINGS[self.reweighting](weights, hops, mask), mask)
        if self.num_kept is not None and (actions.shape[1] is None or self.num_kept < actions.shape[1]):
            num_kept = tf.minimum(self.num_kept, tf.shape(actions)[1]) if actions.shape[1] is None else self.num_kept
            kept = most_attended(weights, mask, num_kept)
            reweighted = tf.gather(reweighted, kept, axis=1, batch_dims=1)
        return r_f, reweighted, self._penalty(weights, mask)

    def attention(self, actions: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Returns A (B, H, T), zero at padded steps of samples that have a real one."""
        scores = tf.transpose(self.w_s2(self.w_s1(actions)), (0, 2, 1))  # (B, H, T)
        return masked_softmax(scores, mask)

    def _penalty(self, weights: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        weights = tf.cast(weights, tf.float32)
        difference = tf.matmul(weights, weights, transpose_b=True) - tf.eye(self.num_hops)  # (B, H, H)
        has_enough_steps = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1) >= self.num_hops
        return tf.reduce_sum(tf.square(difference), axis=(1, 2)) * tf.cast(has_enough_steps, tf.float32)

    def get_config(self) -> dict[str, Any]:
        own = {"num_hops": self.num_hops, "num_kept": self.num_kept, "reweighting": self.reweighting}
        return {**super().get_config(), **own}


def most_attended(weights: tf.Tensor, mask: tf.Tensor, num_kept: int | tf.Tensor) -> tf.Tensor:
    """Returns the steps with the largest sum of weights over hops, in their order, int32 (B, num_kept).

    Padded steps come last in rank and, being the oldest, first in order: what is kept is right-aligned like its view.

    Args:
        weights: A, floats (B, H, T).
        mask: bool (B, T), `True` at real steps.
        num_kept: how many, at most T.
    """
    attended = tf.reduce_sum(weights, axis=1) - (1.0 - tf.cast(mask, weights.dtype))  # (B, T); below 0 at padding
    kept = tf.math.top_k(attended, num_kept).indices
    return -tf.math.top_k(-kept, num_kept).values  # sorted, by the operator that TFLite has
