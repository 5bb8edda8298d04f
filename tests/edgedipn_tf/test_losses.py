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
    config = keras.saving.serialize_keras_object(losses.SummedBinaryCrossentropy(0.5))
    restored = keras.saving.deserialize_keras_object(config)
    assert (restored.reduction, restored.task_weight) == ("sum", 0.5)


class _Network(keras.Model):
    """Its logits are its inputs; it has a penalty."""

    def call(self, inputs, training=False):
        self.add_loss(tf.constant(0.25))
        return inputs


def test_given_task_weights_are_factors_and_others_are_one():
    network = _Network()
    model, by_task = losses.weighted_tasks(network, ["a", "b"], "a=2.5")
    assert model is network and {name: loss.task_weight for name, loss in by_task.items()} == {"a": 2.5, "b": 1.0}
    logit, label, weight = tf.zeros((1, 1)), tf.ones((1, 1)), tf.ones((1, 1))
    assert float(by_task["a"](label, logit, weight)) == pytest.approx(2.5 * np.log(2), rel=1e-6)


def test_uncertainty_weighting_by_hand():
    # At the logit 0 the cross-entropy is log 2, whatever the label; one of three labels is unknown.
    model, by_task = losses.weighted_tasks(_Network(), ["a", "b"], "uncertainty")
    model.log_variances["a"].assign(0.4)
    _, _, weights = losses.normalize_weights({}, {}, {"a": tf.constant([[1.0], [0.0], [1.0]]), "b": tf.zeros((3, 1))})
    with tf.GradientTape() as tape:
        found = {name: by_task[name](tf.ones((3, 1)), tf.zeros((3, 1)), weights[name]) for name in by_task}
        total = tf.add_n(list(found.values()))
    assert float(found["a"]) == pytest.approx(np.exp(-0.4) * np.log(2) + 0.2, rel=1e-6)
    assert float(by_task["a"].task_weight) == pytest.approx(np.exp(-0.4), rel=1e-6)
    gradients = [float(g) for g in tape.gradient(total, [s.value for s in model.log_variances.values()])]
    assert float(found["b"]) == 0  # no label of b is known: nothing moves its s
    np.testing.assert_allclose(gradients, [0.5 - np.exp(-0.4) * np.log(2), 0.0], rtol=1e-5)
    assert len(model.trainable_variables) == 2
    assert model({"a": tf.ones(1)})["a"] == 1 and [float(penalty) for penalty in model.losses] == [0.25]
