"""Early fusion: the actions of all views as one sequence, in the order in which they happened."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from edgedipn_tf.schema import NOT_APPLICABLE_ID, PAD_ID


@keras.saving.register_keras_serializable(package="edgedipn")
class MergedView(keras.layers.Layer):
    """The newest T actions of all views, aligned by time; a layer without weights.

    An action has the features of all views side by side: its own view's hold its ids, the others' are not applicable.

    Call arguments:
        views: ids of each view, integers (B, T, F_v), right-aligned.
        order: integers (B, T), right-aligned: v + 1 for an action of view v, 0 padding; the k-th newest v + 1 is the
            k-th newest action of view v.

    Returns:
        int32 (B, T, sum of F_v), right-aligned, 0 at padded steps.

    DIPN (KDD 2019), section 4.2, early fusion.
    """

    def call(self, views: Sequence[tf.Tensor], order: tf.Tensor) -> tf.Tensor:
        order = tf.cast(order, tf.int32)
        of_step = order[:, :, tf.newaxis]
        slots = []
        for number, ids in enumerate(views, start=1):
            num_newer = tf.cumsum(tf.cast(order == number, tf.int32), axis=1, exclusive=True, reverse=True)  # (B, T)
            steps = tf.maximum(ids.shape[1] - 1 - num_newer, 0)
            own = tf.gather(tf.cast(ids, tf.int32), steps, axis=1, batch_dims=1)  # (B, T, F_v)
            slots.append(tf.where(of_step == number, own, NOT_APPLICABLE_ID))
        return tf.where(of_step > 0, tf.concat(slots, axis=-1), PAD_ID)
