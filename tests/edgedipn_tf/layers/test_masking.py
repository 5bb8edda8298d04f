"""Masks: weights of exactly zero for padding, and never a NaN."""

import math

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.layers import masking

MASK = tf.constant([[False, True, True], [False, False, False]])


def test_step_is_real_when_its_first_id_is_not_padding():
    ids = tf.constant([[[0, 0], [1, 0], [7, 3]]])
    np.testing.assert_array_equal(masking.step_mask(ids), [[False, True, True]])
    np.testing.assert_array_equal(masking.step_mask(tf.cast(ids, tf.float32)), [[False, True, True]])


def test_softmax_runs_over_real_steps_only():
    scores = tf.constant([[[1e4, math.log(3.0), 0.0]], [[0.0, 1.0, 2.0]]])
    weights = masking.masked_softmax(scores, MASK).numpy()
    np.testing.assert_allclose(weights[0, 0], [0.0, 0.75, 0.25], rtol=1e-6)
    assert weights[0, 0, 0] == 0.0


def test_newest_steps_are_as_many_as_the_other_has_at_most():
    steps, other = tf.constant([[[1.0], [2.0], [3.0]]]), tf.zeros((1, 2, 5))
    assert masking.newest_steps(steps, other).numpy().tolist() == [[[2.0], [3.0]]]
    assert masking.newest_steps(other, steps).shape == (1, 2, 5)
    assert masking.newest_steps(steps, steps) is steps


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_softmax_without_real_steps_is_finite_with_finite_gradients(dtype):
    scores = tf.cast([[[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]]], dtype)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        weights = masking.masked_softmax(scores, MASK)
        loss = tf.reduce_sum(tf.square(weights))
    assert np.all(np.isfinite(tf.cast(weights, tf.float32)))
    assert np.all(np.isfinite(tf.cast(tape.gradient(loss, scores), tf.float32)))


def test_mean_is_over_real_steps_and_zero_without():
    steps = tf.constant([[[9.0], [1.0], [4.0]], [[1.0], [2.0], [3.0]]])
    np.testing.assert_allclose(masking.masked_mean(steps, MASK), [[2.5], [0.0]])


def test_absent_view_is_zero_and_padding_is_zero():
    np.testing.assert_array_equal(masking.zero_absent(tf.ones((2, 2)), MASK), [[1, 1], [0, 0]])
    np.testing.assert_array_equal(masking.zero_padding(tf.ones((2, 3, 1)), MASK)[..., 0], [[0, 1, 1], [0, 0, 0]])
