"""Multi-level attention (equations 2, 3, 9) on numbers that fit on paper."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.layers.multi_level_attention import MultiLevelAttention, most_attended

ACTIONS = tf.constant([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])  # the first step is padding
MASK = tf.constant([[False, True, True]])


@pytest.fixture
def layer() -> MultiLevelAttention:
    """Two hops. tanh(W_s1 e) halves the actions; hop 1 scores both 0, hop 2 scores the first log 3, the other 0."""
    layer = MultiLevelAttention(num_hops=2)
    layer.build((None, None, 2))
    layer.w_s1.set_weights([math.atanh(0.5) * np.eye(2)])
    layer.w_s2.set_weights([np.array([[0.0, 2 * math.log(3.0)], [0.0, 0.0]])])
    layer.w_f.set_weights([np.array([[1.0, 0.0], [10.0, 0.0], [100.0, 0.0], [1000.0, 0.0]]), np.array([0.25, 7.0])])
    return layer


def test_value(layer):
    # A = [[1/2, 1/2], [3/4, 1/4]] = R here; flattened row by row 0.5, 0.5, 0.75, 0.25; r_m = [0.625, 0.375].
    # A A^T - I = [[-1/2, 1/2], [1/2, -3/8]].
    r_f, reweighted, penalty = layer(ACTIONS, MASK)
    np.testing.assert_allclose(r_f, [[0.5 + 5 + 75 + 250 + 0.25, 7.0]], rtol=1e-6)
    np.testing.assert_allclose(reweighted, [[[0, 0], [0.625, 0], [0, 0.375]]], rtol=1e-6)
    np.testing.assert_allclose(penalty, [3 / 4 + 9 / 64], rtol=1e-6)


def test_value_by_step(layer):
    # The mean of A over the hops is [5/8, 3/8], times two real steps; r_f and the penalty are those of above.
    by_step = MultiLevelAttention(num_hops=2, reweighting="step")
    by_step.build((None, None, 2))
    by_step.set_weights(layer.get_weights())
    found, before = by_step(ACTIONS, MASK), layer(ACTIONS, MASK)
    np.testing.assert_allclose(found[1], [[[0, 0], [1.25, 0], [0, 0.75]]], rtol=1e-6)
    for number in (0, 2):
        np.testing.assert_array_equal(found[number], before[number])
    np.testing.assert_array_equal(by_step(ACTIONS, tf.zeros((1, 3), tf.bool))[1], np.zeros((1, 3, 2)))


def test_padding_changes_nothing_whatever_it_holds(layer):
    garbage = tf.constant([[[5.0, -3.0], [8.0, 8.0]]])
    longer = layer(tf.concat([garbage, ACTIONS], 1), tf.concat([tf.zeros((1, 2), tf.bool), MASK], 1))
    for now, before in zip(longer, layer(ACTIONS, MASK), strict=True):
        np.testing.assert_allclose(now[:, -3:] if now.shape.rank == 3 else now, before, rtol=1e-6)
    np.testing.assert_array_equal(longer[1][:, :2], np.zeros((1, 2, 2)))


def test_absent_view_is_zero_without_bias_and_has_finite_gradients(layer):
    with tf.GradientTape() as tape:
        outputs = layer(ACTIONS, tf.zeros((1, 3), tf.bool))
        loss = tf.add_n([tf.reduce_sum(tf.square(output)) for output in outputs])
    for output in outputs:
        np.testing.assert_array_equal(output, np.zeros(output.shape))
    for gradient in tape.gradient(loss, layer.trainable_weights):
        np.testing.assert_array_equal(gradient, np.zeros(gradient.shape))


def test_penalty_is_zero_below_as_many_steps_as_hops(layer):
    actions = tf.random.stateless_normal((3, 3, 2), seed=(1, 2))
    mask = tf.constant([[False, False, True], [False, True, True], [True, True, True]])
    penalty = layer(actions, mask)[2].numpy()
    assert penalty.shape == (3,) and penalty[0] == 0.0 and np.all(penalty[1:] > 0.0)


def test_no_bias_in_equation_2_and_shapes_of_weights():
    layer = MultiLevelAttention(num_hops=3)
    layer.build((None, None, 4))
    shapes = {w.path.split("/", 1)[1]: w.shape for w in layer.weights}
    assert shapes == {"w_s1/kernel": (4, 4), "w_s2/kernel": (4, 3), "w_f/kernel": (12, 4), "w_f/bias": (4,)}


def test_no_hops_no_kept_steps_and_unknown_reweighting_are_refused():
    with pytest.raises(ValueError, match="num_hops must be at least 1, not 0"):
        MultiLevelAttention(num_hops=0)
    with pytest.raises(ValueError, match="num_kept must be at least 1, not 0"):
        MultiLevelAttention(num_hops=1, num_kept=0)
    with pytest.raises(ValueError, match="reweighting must be one of .*, not 'hop'"):
        MultiLevelAttention(num_hops=1, reweighting="hop")


def test_most_attended_steps_keep_their_order_after_padding():
    weights = np.array([[[0.0, 0.1, 0.5, 0.1, 0.3], [0.0, 0.6, 0.1, 0.2, 0.1]], [[0.0, 0.0, 0.0, 0.4, 0.6]] * 2])
    mask = np.array([[False, True, True, True, True], [False, False, False, True, True]])
    # Sums of the first sample: .7, .6, .3, .4 for steps 1 to 4. The second has two real steps and one place too many.
    kept = most_attended(tf.constant(weights, tf.float32), tf.constant(mask), 3).numpy()
    assert kept[0].tolist() == [1, 2, 4]
    assert kept[1, 0] < 3 and kept[1, 1:].tolist() == [3, 4]


@pytest.mark.parametrize("num_steps", [2, 5])
def test_kept_steps_are_the_same_when_the_length_is_not_known(num_steps):
    layer = MultiLevelAttention(num_hops=2, num_kept=3)
    layer.build((None, None, 4))
    actions = tf.random.stateless_normal((2, num_steps, 4), seed=(1, 2))
    mask = tf.sequence_mask([num_steps, 1], num_steps)[:, ::-1]
    any_length = [tf.TensorSpec((None, None, 4), tf.float32), tf.TensorSpec((None, None), tf.bool)]
    found = tf.function(layer.__call__, input_signature=any_length)(actions, mask)
    for actual, expected in zip(found, layer(actions, mask), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6)


def test_config_round_trip(layer):
    config = json.loads(json.dumps(layer.get_config()))
    assert MultiLevelAttention.from_config(config).get_config() == layer.get_config()
