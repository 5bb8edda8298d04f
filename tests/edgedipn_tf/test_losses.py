"""The loss against hand-computed numbers; its behaviour under replicas is in test_training.py."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf import losses


def test_weights_sum_to_one_over_the_batch_and_unknown_stays_zero():
    weights = {"known": tf.constant([[1.0], [0.0], [1.0]]), "unknown": tf.zeros((3, 2))}
    _, _, normalized = losses.normalize_weights({}, {}, weights)
    np.testing.assert_allclose(normalized["known"], [[0.5], [0.0], [0.5]])
    np.testing.assert_array_equal(normalized["unknown"], np.zeros((3, 2)))


def test_labels_and_weights_of_some_intents_are_selected():
    inputs, labels, weights = {"tap": 0}, {"a": 1, "b": 2, "c": 3}, {"a": 4, "b": 5, "c": 6}
    assert losses.of_intents(["c", "a"])(inputs, labels, weights) == (inputs, {"a": 1, "c": 3}, {"a": 4, "c": 6})


def test_loss_is_the_mean_over_known_labels():
    # -log sigmoid(0) = log 2; label 0 at logit log 3: -log(1/4) = log 4; the third label is unknown.
    logits, labels = tf.constant([[0.0], [np.log(3.0)], [5.0]]), tf.constant([[1.0], [0.0], [0.0]])
    _, _, weights = losses.normalize_weights({}, {}, {"x": tf.constant([[1.0], [1.0], [0.0]])})
    loss = losses.SummedBinaryCrossentropy()(labels, logits, weights["x"])
    assert float(loss) == pytest.approx((np.log(2) + np.log(4)) / 2, rel=1e-6)


def test_category_loss_is_over_known_pairs_of_sample_and_candidate():
    # Three known pairs, two of one sample: each counts a third, not each sample a half.
    logits, labels = tf.constant([[0.0, 0.0], [0.0, 9.0]]), tf.constant([[1.0, 0.0], [0.0, 1.0]])
    _, _, weights = losses.normalize_weights({}, {}, {"x": tf.constant([[1.0, 1.0], [1.0, 0.0]])})
    assert float(losses.SummedBinaryCrossentropy()(labels, logits, weights["x"])) == pytest.approx(np.log(2), rel=1e-6)


def test_loss_without_a_known_label_is_zero_with_zero_gradient():
    logits, zeros = tf.Variable([[3.0], [-2.0]]), tf.zeros((2, 1))
    _, _, weights = losses.normalize_weights({}, {}, {"x": zeros})
    with tf.GradientTape() as tape:
        loss = losses.SummedBinaryCrossentropy()(zeros, logits, weights["x"])
    assert float(loss) == 0.0
    np.testing.assert_array_equal(tape.gradient(loss, logits), np.zeros((2, 1)))


def test_loss_of_extreme_logits_is_finite():
    logits, labels = tf.constant([[1e4], [-1e4]]), tf.constant([[1.0], [1.0]])
    assert float(losses.SummedBinaryCrossentropy()(labels, logits, tf.fill((2, 1), 0.5))) == pytest.approx(5e3)


def test_loss_is_restored_from_its_config():
    config = keras.saving.serialize_keras_object(losses.SummedBinaryCrossentropy())
    assert keras.saving.deserialize_keras_object(config).reduction == "sum"
