"""Intra-view attention (equations 2 and 3 of DIPN) on numbers that fit on paper."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.layers.intra_view_attention import IntraViewAttention

LOG3 = math.log(3.0)


def _layer(is_rescaled=False) -> IntraViewAttention:
    """2 d = 2, d = 1; W_a = [1, 0]: the score of a step is the first number of its state times h_n."""
    layer = IntraViewAttention(is_rescaled)
    layer.build((None, None, 2), (None, 1))
    layer.set_weights([np.array([[1.0, 0.0]])])
    return layer


@pytest.mark.parametrize(("is_rescaled", "factor"), [(False, 1.0), (True, 2.0)])
def test_value(is_rescaled, factor):
    # Scores 0 and log 3, so the weights are 1/4 and 3/4; the padded step holds zeros and counts for nothing.
    states = tf.constant([[[0.0, 0.0], [0.0, 8.0], [LOG3 / 2, 4.0]]])
    v = _layer(is_rescaled)(states, tf.constant([[2.0]]), tf.constant([[False, True, True]]))
    expected = np.array([[[0.0, 0.0], [0.0, 2.0], [LOG3 / 2 * 3 / 4, 3.0]]]) * factor
    np.testing.assert_allclose(v, expected, rtol=1e-6)


@pytest.mark.parametrize("is_rescaled", [False, True])
def test_absent_view_stays_zero(is_rescaled):
    layer = _layer(is_rescaled)
    with tf.GradientTape() as tape:
        v = layer(tf.zeros((1, 3, 2)), tf.zeros((1, 1)), tf.zeros((1, 3), tf.bool))
        loss = tf.reduce_sum(v)
    np.testing.assert_array_equal(v, np.zeros((1, 3, 2)))
    assert np.all(np.isfinite(tape.gradient(loss, layer.w_a.kernel)))


def test_shape_of_the_weight_and_config_round_trip():
    layer = _layer(is_rescaled=True)
    assert [w.shape for w in layer.weights] == [(1, 2)]  # transposed: the paper's W_a is 2 d x d
    assert IntraViewAttention.from_config(json.loads(json.dumps(layer.get_config()))).is_rescaled
