"""The inter-view attention of the inference graph, EdgeDIPN (VLDB 2021) equation 4, in its two forms.

The first is exact. The second is for files that compute in int8 throughout: TFLite has no int8 exponential or quotient
for it, and an int8 tensor has 256 steps from its smallest to its largest value, so that a large bias of padded steps
would leave none for the scores.
"""

import dataclasses
import math

import numpy as np
import tensorflow as tf

_PADDING_BIAS = -1e4  # exp() of it is 0; twice it is still finite in float16
INTEGER_MASKED_SCORE = -20.0
"""Score of padded steps in integers: next to no share beside a score of 0, and scores keep most of the 256 steps."""


@dataclasses.dataclass(frozen=True)
class EncodedView:
    """One encoded view: `steps` is V (1, T, D), zero at padding; `mask` float (1, T, 1) and `is_real` bool (1, T).

    Rank 3: a product of two activations of rank 2 would become a FULLY_CONNECTED that packs its "weights" at every run.
    """

    steps: tf.Tensor
    mask: tf.Tensor
    is_real: tf.Tensor


def attend_pair(s: EncodedView, b: EncodedView) -> tf.Tensor:
    """Equation 4, both directions from P = exp(V_b V_s^T / sqrt(D)): r_sb (1, D).

    Two more columns add the padding's bias to every score, so that P is 0 at padded steps of either view:
    A_s = P V_s / rowsum(P) and A_b = P^T V_b / colsum(P), row by row.
    """
    _, length, units = s.steps.shape
    ones = tf.ones_like(s.mask)
    keys = tf.concat([s.steps * (1.0 / math.sqrt(units)), _PADDING_BIAS * (1.0 - s.mask), ones], axis=2)
    queries = tf.concat([b.steps, ones, _PADDING_BIAS * (1.0 - b.mask)], axis=2)
    exponentials = tf.exp(tf.matmul(queries, keys, transpose_b=True))  # (1, T_b, T_s)
    of_s = tf.matmul(exponentials, s.steps)  # (1, T, D), a row a step of b
    of_b = tf.transpose(tf.matmul(b.steps, exponentials, transpose_a=True), (0, 2, 1))  # a row a step of s
    row_sums = tf.reshape(tf.reduce_sum(exponentials, axis=2), (1, length, 1))
    column_sums = tf.reshape(tf.reduce_sum(exponentials, axis=1), (1, length, 1))
    both = s.mask * b.mask
    padding = 1.0 - both  # adds 1 where 0 / 0 would be, and 0 elsewhere; a tiny constant would be 0 in a float16 file
    products = (of_s * (both / (row_sums + padding))) * (of_b * (both / (column_sums + padding)))
    return tf.reduce_sum(products, axis=1) * _reciprocal_count(tf.logical_and(s.is_real, b.is_real))


def attend_pair_in_integers(s: EncodedView, b: EncodedView) -> tf.Tensor:
    """Equation 4 with a softmax for each direction: r_sb (1, D)."""
    scores = tf.matmul(b.steps * (1.0 / math.sqrt(s.steps.shape[2])), s.steps, transpose_b=True)  # (1, T_b, T_s)
    of_s = tf.matmul(_softmax_over_real(scores, s), s.steps)  # (1, T, D), a row a step of b
    of_b = tf.matmul(_softmax_over_real(tf.transpose(scores, (0, 2, 1)), b), b.steps)  # a row a step of s
    products = of_s * of_b * (s.mask * b.mask)
    return tf.reduce_sum(products, axis=1) * _reciprocal_count(tf.logical_and(s.is_real, b.is_real))


def _softmax_over_real(scores: tf.Tensor, keys: EncodedView) -> tf.Tensor:
    return tf.nn.softmax(scores + INTEGER_MASKED_SCORE * (1.0 - tf.transpose(keys.mask, (0, 2, 1))), axis=-1)


def _reciprocal_count(mask: tf.Tensor) -> tf.Tensor:
    """Returns 1 / max(n, 1) for the n true values of a mask (1, T), by table."""
    table = tf.constant(1.0 / np.maximum(np.arange(mask.shape[1] + 1), 1), tf.float32)
    # Counted as integers: a count of floats would cut the float graph in two for the runtime's delegate.
    return tf.gather(table, tf.reduce_sum(tf.cast(mask, tf.int32)))
