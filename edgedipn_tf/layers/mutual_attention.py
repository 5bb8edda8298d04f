"""Attention of two views to each other, both directions of DIPN's and EdgeDIPN's equation 4.

Two forms of the same function: `attend_by_softmax` is the equation as it is read; `attend_by_one_exponential` shares
the exponential between the directions and brings its own gradient, which takes less of a training step
(`python -m benchmarks.training_step`).
"""

import math
from collections.abc import Callable

import tensorflow as tf

from edgedipn_tf.layers.masking import masked_softmax, zero_padding

MAX_SCORE = 40.0
"""Up to which |score| the one exponential is used: exp(40) times exp(40) is still a float32."""
_PADDING_BIAS = -1e4  # exp() of it is 0

Pair = tuple[tf.Tensor, tf.Tensor]
Gradient = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor, None, None]]


def attend_for_training(view_s: tf.Tensor, view_b: tf.Tensor, mask_s: tf.Tensor, mask_b: tf.Tensor) -> Pair:
    """Returns what `attend_by_softmax` returns, by one exponential where no score of the batch can overflow it.

    Args:
        view_s, view_b: floats (B, T_s, D) and (B, T_b, D).
        mask_s, mask_b: bool (B, T_s) and (B, T_b), `True` at real steps.
    """
    arguments = (zero_padding(view_s, mask_s), zero_padding(view_b, mask_b), mask_s, mask_b)
    if view_s.dtype != tf.float32:
        return attend_by_softmax(*arguments)
    longest_s, longest_b = (tf.reduce_max(tf.reduce_sum(tf.square(view), axis=-1)) for view in arguments[:2])
    largest_score = tf.sqrt(longest_s * longest_b) / math.sqrt(view_s.shape[-1])  # Cauchy-Schwarz: no score is larger
    return tf.cond(
        largest_score <= MAX_SCORE,
        lambda: attend_by_one_exponential(*arguments),
        lambda: attend_by_softmax(*arguments),
    )


def attend_by_softmax(view_s: tf.Tensor, view_b: tf.Tensor, mask_s: tf.Tensor, mask_b: tf.Tensor) -> Pair:
    """Returns A_s (B, T, D), a row a step of b, and A_b (B, T, D), a row a step of s; rows of padding hold any number.

    ```
    A_s = softmax(V_b V_s^T / sqrt(D)) V_s,  A_b = softmax(V_s V_b^T / sqrt(D)) V_b      (4)
    ```

    Args:
        view_s, view_b: V_s and V_b, floats (B, T_s, D) and (B, T_b, D).
        mask_s, mask_b: bool (B, T_s) and (B, T_b), `True` at real steps.
    """
    return _attend(view_b, view_s, mask_s), _attend(view_s, view_b, mask_b)


def _attend(queries: tf.Tensor, keys: tf.Tensor, key_mask: tf.Tensor) -> tf.Tensor:
    scale = 1.0 / math.sqrt(keys.shape[-1])
    scores = tf.matmul(queries * scale, keys, transpose_b=True)  # (B, T_q, T_k); scaling the T x D factor is cheaper
    return tf.matmul(masked_softmax(scores, key_mask), keys)


@tf.custom_gradient
def attend_by_one_exponential(
    view_s: tf.Tensor, view_b: tf.Tensor, mask_s: tf.Tensor, mask_b: tf.Tensor
) -> tuple[Pair, Gradient]:
    """Returns A_s and A_b as `attend_by_softmax` does, but with zeros in rows of padding.

    ```
    P = exp(V_b V_s^T / sqrt(D)), 0 at padded steps of either view
    A_s = P V_s / r,  A_b = P^T V_b / c,  r and c the sums of the rows and columns of P
    ```

    With G_s and G_b the gradients of A_s and A_b, divided by r and c, and both sums over the width:

    ```
    dS = P * (G_s V_s^T + V_b G_b^T - sum(G_s A_s) 1^T - 1 sum(G_b A_b)^T)
    dV_s = dS^T V_b / sqrt(D) + P^T G_s,  dV_b = dS V_s / sqrt(D) + P G_b
    ```

    Args:
        view_s, view_b: V_s and V_b, float32 (B, T_s, D) and (B, T_b, D), zero at padded steps; scores at most
            `MAX_SCORE`.
        mask_s, mask_b: bool (B, T_s) and (B, T_b), `True` at real steps.
    """
    scale = 1.0 / math.sqrt(view_s.shape[-1])
    padding_s, padding_b = (1.0 - tf.cast(mask, tf.float32)[:, :, tf.newaxis] for mask in (mask_s, mask_b))
    ones_s, ones_b = tf.ones_like(padding_s), tf.ones_like(padding_b)
    # Two more columns add the padding's bias to every score.
    queries = tf.concat([view_b, ones_b, _PADDING_BIAS * padding_b], axis=2)
    keys = tf.concat([view_s * scale, _PADDING_BIAS * padding_s, ones_s], axis=2)
    exponentials = tf.exp(tf.matmul(queries, keys, transpose_b=True))  # P, (B, T_b, T_s)
    inverse_r = _inverse(tf.reduce_sum(exponentials, axis=2))
    inverse_c = _inverse(tf.reduce_sum(exponentials, axis=1))
    attended_s = tf.matmul(exponentials, view_s) * inverse_r
    attended_b = tf.matmul(exponentials, view_b, transpose_a=True) * inverse_c

    def gradient(upstream_s: tf.Tensor, upstream_b: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, None, None]:
        g_s, g_b = upstream_s * inverse_r, upstream_b * inverse_c
        sum_s, sum_b = (-tf.reduce_sum(g * a, 2, keepdims=True) for g, a in ((g_s, attended_s), (g_b, attended_b)))
        left = tf.concat([g_s, view_b, sum_s, ones_b], axis=2)
        right = tf.concat([view_s, g_b, ones_s, sum_b], axis=2)
        of_scores = exponentials * tf.matmul(left, right, transpose_b=True)  # dS
        of_view_s = tf.matmul(of_scores, view_b * scale, transpose_a=True)
        of_view_b = tf.matmul(of_scores, view_s * scale)
        of_view_s += tf.matmul(exponentials, g_s, transpose_a=True)
        of_view_b += tf.matmul(exponentials, g_b)
        return of_view_s, of_view_b, None, None

    return (attended_s, attended_b), gradient


def _inverse(sums: tf.Tensor) -> tf.Tensor:
    """Returns 1 / sums (B, T, 1), 0 at padding, where the sum is 0."""
    return tf.math.divide_no_nan(1.0, sums)[:, :, tf.newaxis]
