"""Data-level attention (equation 5) on numbers that fit on paper."""

import json
import math

import numpy as np
import tensorflow as tf

from edgedipn_tf.layers.data_level_attention import DataLevelAttention

LOG3, U = math.log(3.0), math.atanh(0.5)  # tanh(U) = 1/2


def _layer(w_r1: np.ndarray, b_r1: np.ndarray, w_r2: np.ndarray) -> DataLevelAttention:
    layer = DataLevelAttention()
    layer.build((None, None, len(b_r1)))
    layer.set_weights([w_r1, b_r1, w_r2])
    return layer


def test_weighs_whole_sources():
    # e = 2 log3 * tanh(r): 0 and log 3, so that the weights are 1/4 and 3/4.
    layer = _layer(np.ones((1, 1)), np.zeros(1), np.full((1, 1), 2 * LOG3))
    np.testing.assert_allclose(layer(tf.constant([[[0.0], [U]]])), [[[0.0], [0.75 * U]]], rtol=1e-6)


def test_bias_is_inside_the_tanh():
    # With b_r1 = U: e = 2 log3 * (tanh U = 1/2, tanh 2U = 4/5), and the weights are softmax(log 3, 1.6 log 3).
    layer = _layer(np.ones((1, 1)), np.array([U]), np.full((1, 1), 2 * LOG3))
    share = 3**1.6 / (3 + 3**1.6)
    np.testing.assert_allclose(layer(tf.constant([[[0.0], [U]]])), [[[0.0], [share * U]]], rtol=1e-6)


def test_absent_source_stays_in_the_softmax():
    layer = _layer(np.eye(2), np.zeros(2), np.zeros((2, 1)))
    sources = tf.constant([[[0.0, 0.0], [4.0, 8.0], [0.0, 0.0], [4.0, 4.0]]])
    np.testing.assert_allclose(layer(sources), sources / 4)


def test_shapes_of_weights():
    layer = DataLevelAttention()
    layer.build((None, 8, 3))
    shapes = {w.path.split("/", 1)[1]: w.shape for w in layer.weights}
    assert shapes == {"w_r1/kernel": (3, 3), "w_r1/bias": (3,), "w_r2/kernel": (3, 1)}


def test_config_round_trip():
    layer = DataLevelAttention(name="retention_data_level")
    config = json.loads(json.dumps(layer.get_config()))
    assert DataLevelAttention.from_config(config).get_config() == layer.get_config()
