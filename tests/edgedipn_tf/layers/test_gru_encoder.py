"""The recurrent encoder against its equations, written once more in NumPy."""

import json

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.layers.gru_encoder import GRUEncoder

UNITS, WIDTH = 3, 2


@pytest.fixture
def layer() -> GRUEncoder:
    layer = GRUEncoder(UNITS)
    layer.build((None, None, WIDTH))
    rng = np.random.default_rng(3)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _states(layer: GRUEncoder, actions: np.ndarray) -> np.ndarray:
    """The equations of the docstring; the reset gate acts on the state before the product."""
    kernel, recurrent, bias = layer.get_weights()
    (w_z, w_r, w_h), (u_z, u_r, u_h) = np.split(kernel, 3, axis=1), np.split(recurrent, 3, axis=1)
    b_z, b_r, b_h = np.split(bias, 3)
    state, states = np.zeros(UNITS), []
    for action in actions:
        z = _sigmoid(action @ w_z + state @ u_z + b_z)
        r = _sigmoid(action @ w_r + state @ u_r + b_r)
        state = z * state + (1 - z) * np.tanh(action @ w_h + (r * state) @ u_h + b_h)
        states.append(state)
    return np.array(states)


def test_value_without_recurrence():
    # No kernels: z = sigmoid(0) = 1/2 and g = tanh(0.5), so that the state is g/2, then 3g/4.
    layer = GRUEncoder(1)
    layer.build((None, None, 1))
    layer.set_weights([np.zeros((1, 3)), np.zeros((1, 3)), np.array([0.0, 0.0, 0.5])])
    r_f, states, penalty = layer(tf.ones((1, 2, 1)), tf.ones((1, 2), tf.bool))
    np.testing.assert_allclose(states[0, :, 0], np.tanh(0.5) * np.array([0.5, 0.75]), rtol=1e-6)
    np.testing.assert_allclose(r_f, states[:, -1])
    np.testing.assert_array_equal(penalty, [0.0])


@pytest.mark.parametrize("num_padded", [0, 1, 3])
def test_padding_leaves_the_state_at_zero(layer, num_padded):
    actions = np.random.default_rng(4).normal(size=(4, WIDTH)).astype("float32")
    padded = np.concatenate([np.full((num_padded, WIDTH), 9.0), actions])[np.newaxis].astype("float32")
    mask = np.arange(num_padded + 4)[np.newaxis] >= num_padded
    r_f, states, _ = layer(padded, tf.constant(mask))
    expected = _states(layer, actions)
    np.testing.assert_allclose(states[0], np.concatenate([np.zeros((num_padded, UNITS)), expected]), atol=1e-6)
    np.testing.assert_allclose(r_f[0], expected[-1], atol=1e-6)


def test_absent_view_is_zero_and_has_finite_gradients(layer):
    with tf.GradientTape() as tape:
        r_f, states, penalty = layer(tf.ones((2, 3, WIDTH)), tf.zeros((2, 3), tf.bool))
        loss = tf.reduce_sum(r_f) + tf.reduce_sum(states)
    np.testing.assert_array_equal(r_f, np.zeros((2, UNITS)))
    np.testing.assert_array_equal(states, np.zeros((2, 3, UNITS)))
    np.testing.assert_array_equal(penalty, np.zeros(2))
    assert all(np.all(np.isfinite(g)) for g in tape.gradient(loss, layer.trainable_weights))


def test_shapes_of_weights(layer):
    # One bias vector: the two of `reset_after=True` are another cell.
    assert [w.shape for w in layer.weights] == [(WIDTH, 3 * UNITS), (UNITS, 3 * UNITS), (3 * UNITS,)]


def test_no_units_are_refused():
    with pytest.raises(ValueError, match="units must be at least 1, not 0"):
        GRUEncoder(0)


def test_config_round_trip(layer):
    config = json.loads(json.dumps(layer.get_config()))
    assert GRUEncoder.from_config(config).get_config() == layer.get_config()
