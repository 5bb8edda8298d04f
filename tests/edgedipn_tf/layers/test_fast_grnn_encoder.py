"""FastGRNN and its low-rank form against their equations, written once more in NumPy."""

import json

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.layers.fast_grnn_cell import FastGRNNCell
from edgedipn_tf.layers.fast_grnn_encoder import FastGRNNEncoder

UNITS, WIDTH = 4, 3


@pytest.fixture(params=[None, 2])
def layer(request) -> FastGRNNEncoder:
    layer = FastGRNNEncoder(UNITS, request.param)
    layer.build((None, None, WIDTH))
    rng = np.random.default_rng(3)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _states(layer: FastGRNNEncoder, actions: np.ndarray) -> np.ndarray:
    """The equations of the paper, with W and U as whole matrices."""
    w, u = np.eye(WIDTH), np.eye(UNITS)
    for factor in layer.w:
        w = w @ factor.kernel.numpy()
    for factor in layer.recurrence.cell.recurrent:
        u = u @ factor.numpy()
    cell = layer.recurrence.cell
    b_z, b_h, zeta, nu = (v.numpy() for v in (cell.bias_z, cell.bias_h, cell.zeta, cell.nu))
    state, states = np.zeros(UNITS), []
    for action in actions:
        z = _sigmoid(action @ w + state @ u + b_z)
        g = np.tanh(action @ w + state @ u + b_h)
        state = (_sigmoid(zeta) * (1 - z) + _sigmoid(nu)) * g + z * state
        states.append(state)
    return np.array(states)


def test_value_without_recurrence():
    # No matrices, b_z = 0: z = 1/2. zeta = 0: sigmoid 1/2; nu = -30: sigmoid 0. So h = tanh(.5) / 4, then 3/8 of it.
    layer = FastGRNNEncoder(1)
    layer.build((None, None, 1))
    cell = layer.recurrence.cell
    layer.w[0].kernel.assign([[0.0]])
    for weight, value in ((cell.bias_z, 0.0), (cell.bias_h, 0.5), (cell.zeta, 0.0), (cell.nu, -30.0)):
        weight.assign([value])
    cell.recurrent[0].assign([[0.0]])
    r_f, states, penalty = layer(tf.ones((1, 2, 1)), tf.ones((1, 2), tf.bool))
    np.testing.assert_allclose(states[0, :, 0], np.tanh(0.5) * np.array([0.25, 0.375]), rtol=1e-6)
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


def test_gradients_are_finite_differences(layer):
    actions = tf.constant(np.random.default_rng(4).normal(size=(2, 5, WIDTH)), tf.float32)
    mask = tf.constant(np.arange(5) >= [[1], [3]])

    def loss() -> tf.Tensor:
        r_f, states, _ = layer(actions, mask)
        return tf.reduce_sum(r_f**2) + tf.reduce_sum(tf.sin(states))

    with tf.GradientTape() as tape:
        value = loss()
    for weight, gradient in zip(layer.weights, tape.gradient(value, layer.trainable_variables), strict=True):
        original = weight.numpy()
        direction = np.random.default_rng(6).normal(size=weight.shape)
        weight.assign(original + 3e-3 * direction)
        above = float(loss())
        weight.assign(original - 3e-3 * direction)
        slope = (above - float(loss())) / 6e-3
        weight.assign(original)
        assert slope == pytest.approx(float(np.sum(gradient.numpy() * direction)), rel=1e-2, abs=3e-3)


@pytest.mark.parametrize(
    ("rank", "shapes"),
    [(None, [(WIDTH, UNITS), (UNITS, UNITS)]), (2, [(WIDTH, 2), (2, UNITS), (UNITS, 2), (2, UNITS)])],
)
def test_gate_and_candidate_share_their_matrices(rank, shapes):
    layer = FastGRNNEncoder(UNITS, rank)
    layer.build((None, None, WIDTH))
    assert [w.shape for w in layer.weights] == [*shapes, (UNITS,), (UNITS,), (1,), (1,)]
    assert [float(w.numpy()[0]) for w in layer.weights[-4:]] == [1.0, 1.0, 1.0, -4.0]


@pytest.mark.parametrize(("units", "rank"), [(0, None), (3, 0)])
def test_sizes_below_one_are_refused(units, rank):
    with pytest.raises(ValueError, match=f"units and rank must be at least 1, not {units} and {rank}"):
        FastGRNNEncoder(units, rank)


def test_config_round_trip(layer):
    config = json.loads(json.dumps(layer.get_config()))
    assert FastGRNNEncoder.from_config(config).get_config() == layer.get_config()
    cell = layer.recurrence.cell
    assert FastGRNNCell.from_config(cell.get_config()).get_config() == cell.get_config()
