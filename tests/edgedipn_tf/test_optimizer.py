"""Adam on embedding tables against a dense NumPy Adam."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf import optimizer as optimizers

ROWS, WIDTH, STEPS = 7, 3, 20


def _batches():
    """Ids with many duplicates and rows that are seldom or never seen, and a target vector for each id."""
    generator = np.random.default_rng(0)
    ids = generator.choice(ROWS, size=(STEPS, 12), p=[0.5, 0.2, 0.1, 0.1, 0.06, 0.04, 0.0])
    return ids, generator.normal(size=(STEPS, 12, WIDTH)).astype(np.float32)


def _numpy_adam(table, learning_rate=0.05, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """Algorithm 1 of the paper in float64 on the loss sum((table[ids] - targets)^2) / 2."""
    table = table.astype(np.float64)
    first, second = np.zeros_like(table), np.zeros_like(table)
    for step, (ids, targets) in enumerate(zip(*_batches(), strict=True), start=1):
        gradient = np.zeros_like(table)
        np.add.at(gradient, ids, table[ids] - targets)
        first = beta_1 * first + (1 - beta_1) * gradient
        second = beta_2 * second + (1 - beta_2) * gradient**2
        rate = learning_rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        table = table - rate * first / (np.sqrt(second) + epsilon)
    return table


def _trained(adam, initial):
    table = keras.Variable(initial)
    for ids, targets in zip(*_batches(), strict=True):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((tf.gather(table.value, ids) - targets) ** 2) / 2
        gradient = tape.gradient(loss, table.value)
        assert isinstance(gradient, tf.IndexedSlices)  # otherwise this test would show nothing
        adam.apply_gradients([(gradient, table)])
    return table.numpy()


INITIAL = np.random.default_rng(1).normal(size=(ROWS, WIDTH)).astype(np.float32)


def test_table_equals_a_dense_adam_after_twenty_steps_with_duplicate_ids():
    adam = optimizers.DenseAdam(learning_rate=0.05, epsilon=1e-7)
    np.testing.assert_allclose(_trained(adam, INITIAL), _numpy_adam(INITIAL), atol=2e-5)


def test_the_stock_adam_is_the_reason():
    difference = np.abs(
        _trained(keras.optimizers.Adam(learning_rate=0.05, epsilon=1e-7), INITIAL) - _numpy_adam(INITIAL)
    )
    assert difference.max() > 0.05  # when this fails, Keras sums duplicates itself and DenseAdam can go


def test_a_variable_without_gradient_is_left_alone():
    used, unused = keras.Variable([1.0]), keras.Variable([2.0])
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizers.DenseAdam(learning_rate=0.1).apply([tf.constant([1.0]), None], [used, unused])
    assert float(unused.numpy()[0]) == 2.0
    assert float(used.numpy()[0]) < 1.0


def test_optimizer_is_restored_from_its_config():
    config = keras.saving.serialize_keras_object(optimizers.DenseAdam(learning_rate=0.01, epsilon=1e-3))
    restored = keras.saving.deserialize_keras_object(config)
    assert isinstance(restored, optimizers.DenseAdam)
    assert restored.epsilon == 1e-3


def test_amsgrad_is_refused():
    with pytest.raises(ValueError, match="no amsgrad"):
        optimizers.DenseAdam(amsgrad=True)
