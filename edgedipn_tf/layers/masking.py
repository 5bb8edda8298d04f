"""Masks over the time steps of a view: where they come from and how they are applied, finite everywhere."""

import tensorflow as tf

from edgedipn_tf.schema import PAD_ID

MASKED_SCORE = -3e4
"""Added to the score of a padded step before a softmax.

Its weight is then exactly 0 in every float type, and a row that is padding only stays finite (an infinite score
would make it NaN, and so would one that overflows in float16).
"""


def step_mask(ids: tf.Tensor) -> tf.Tensor:
    """Returns which steps are real, bool (B, T), from the ids of a view (B, T, F).

    A real action has no padding id in any feature (what does not apply has an id of its own), so the first is enough.
    """
    return tf.not_equal(tf.cast(ids[..., 0], tf.int32), PAD_ID)


def zero_padding(steps: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns `steps` (B, T, D) with zeros where `mask` (B, T) is False."""
    return steps * tf.cast(mask, steps.dtype)[:, :, tf.newaxis]


def zero_absent(representation: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns `representation` (B, D) of a view, zero for the samples that have no step in `mask` (B, T)."""
    is_present = tf.reduce_any(mask, axis=1, keepdims=True)
    return representation * tf.cast(is_present, representation.dtype)


def newest_steps(steps: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Returns the newest steps of `steps` (B, T, ...), as many as `like` (B, T', ...) has; all when it has more."""
    if steps.shape[1] is not None and steps.shape[1] == like.shape[1]:
        return steps  # nothing to do is seen from the shapes: a converted model has no operation for it
    return steps[:, -tf.minimum(tf.shape(steps)[1], tf.shape(like)[1]) :]


def masked_softmax(scores: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns the softmax of `scores` (B, R, T) over the steps where `mask` (B, T) is True.

    Padded steps get weight 0. A sample without real steps gets equal, finite weights: who uses them masks the result.
    """
    is_padding = 1.0 - tf.cast(mask, scores.dtype)
    return tf.nn.softmax(scores + MASKED_SCORE * is_padding[:, tf.newaxis, :], axis=-1)


def masked_mean(steps: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns the mean of `steps` (B, T, D) over the steps where `mask` (B, T) is True: (B, D), zero without steps."""
    num_steps = tf.reduce_sum(tf.cast(mask, steps.dtype), axis=1, keepdims=True)
    return tf.reduce_sum(zero_padding(steps, mask), axis=1) / tf.maximum(num_steps, 1.0)
