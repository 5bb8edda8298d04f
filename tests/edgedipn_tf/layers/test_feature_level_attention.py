"""Feature-level attention (equation 6) on numbers that fit on paper."""

import json
import math

import numpy as np
import tensorflow as tf

from edgedipn_tf.layers.feature_level_attention import FeatureLevelAttention

LOG3, U = math.log(3.0), math.atanh(0.5)  # tanh(U) = 1/2


def test_weighs_each_feature_over_the_sources():
    # Feature 0 scores 0 and log 3 in the two sources: weights 1/4, 3/4. Feature 1 scores 0 in both: 1/2, 1/2.
    layer = FeatureLevelAttention()
    layer.build((None, 2, 2))
    layer.set_weights([np.eye(2), np.zeros(2), np.diag([2 * LOG3, 0.0])])
    sources = tf.constant([[[0.0, U], [U, U]]])
    np.testing.assert_allclose(layer(sources), [[[0.0, U / 2], [0.75 * U, U / 2]]], rtol=1e-6)


def test_bias_is_inside_the_tanh():
    # e = 2 log3 * (tanh U = 1/2, tanh 2U = 4/5), and the weights are softmax(log 3, 1.6 log 3).
    layer = FeatureLevelAttention()
    layer.build((None, 2, 1))
    layer.set_weights([np.ones((1, 1)), np.array([U]), np.full((1, 1), 2 * LOG3)])
    share = 3**1.6 / (3 + 3**1.6)
    np.testing.assert_allclose(layer(tf.constant([[[0.0], [U]]])), [[[0.0], [share * U]]], rtol=1e-6)


def test_shapes_of_weights():
    layer = FeatureLevelAttention()
    layer.build((None, 8, 3))
    shapes = {w.path.split("/", 1)[1]: w.shape for w in layer.weights}
    assert shapes == {"w_f1/kernel": (3, 3), "w_f1/bias": (3,), "w_f2/kernel": (3, 3)}


def test_config_round_trip():
    layer = FeatureLevelAttention(name="retention_feature_level")
    config = json.loads(json.dumps(layer.get_config()))
    assert FeatureLevelAttention.from_config(config).get_config() == layer.get_config()
