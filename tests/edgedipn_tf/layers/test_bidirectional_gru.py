"""The two directions of the recurrent layer, on numbers that fit on paper, and its mask."""

import json

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.layers.bidirectional_gru import BidirectionalGRU


def _value_layer() -> BidirectionalGRU:
    """Without recurrence: z = 1/2, g = tanh(e) forwards and tanh(2 e) backwards."""
    layer = BidirectionalGRU(1)
    layer.build((None, None, 1))
    forward, backward = ([np.array([[0.0, 0.0, k]]), np.zeros((1, 3)), np.zeros(3)] for k in (1.0, 2.0))
    layer.set_weights([*forward, *backward])
    return layer


@pytest.mark.parametrize("num_padded", [0, 1, 3])
def test_value_whatever_the_padding(num_padded):
    # Forwards the state becomes t(1)/2, then t(1)/4 + t(3)/2; backwards t(6)/2 at the newest, then t(6)/4 + t(2)/2.
    t = np.tanh
    actions = tf.constant([[[9.0]] * num_padded + [[1.0], [3.0]]])
    mask = tf.constant([[False] * num_padded + [True, True]])
    states, last_forward, last_backward = _value_layer()(actions, mask)
    newest, oldest = [t(1) / 4 + t(3) / 2, t(6) / 2], [t(1) / 2, t(6) / 4 + t(2) / 2]
    np.testing.assert_allclose(states[0], [[0.0, 0.0]] * num_padded + [oldest, newest], rtol=1e-6)
    np.testing.assert_allclose(last_forward, [[newest[0]]], rtol=1e-6)
    np.testing.assert_allclose(last_backward, [[oldest[1]]], rtol=1e-6)


def test_absent_view_is_zero_and_has_finite_gradients():
    layer = BidirectionalGRU(3)
    layer.build((None, None, 2))
    with tf.GradientTape() as tape:
        found = layer(tf.ones((2, 3, 2)), tf.zeros((2, 3), tf.bool))
        loss = tf.add_n([tf.reduce_sum(part) for part in found])
    assert [part.shape.as_list() for part in found] == [[2, 3, 6], [2, 3], [2, 3]]
    assert not any(np.any(part) for part in found)
    assert all(np.all(np.isfinite(g)) for g in tape.gradient(loss, layer.trainable_weights))


def test_shapes_of_weights_and_config_round_trip():
    layer = BidirectionalGRU(3)
    layer.build((None, None, 2))
    # One bias vector in each direction: the two of `reset_after=True` are another cell.
    assert [w.shape for w in layer.weights] == [(2, 9), (3, 9), (9,)] * 2
    assert BidirectionalGRU.from_config(json.loads(json.dumps(layer.get_config()))).get_config() == layer.get_config()


def test_no_units_are_refused():
    with pytest.raises(ValueError, match="units must be at least 1, not 0"):
        BidirectionalGRU(0)
