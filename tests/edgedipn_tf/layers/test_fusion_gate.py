"""Attention fusion (equation 7) on numbers that fit on paper."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.layers.fusion_gate import FusionGate

LOG3 = math.log(3.0)


@pytest.mark.parametrize(("w_data", "w_feature", "bias"), [(LOG3, 0.0, 0.0), (0.0, LOG3 / 5, 0.0), (0.0, 0.0, LOG3)])
def test_each_term_moves_the_gate(w_data, w_feature, bias):
    # M = 1, M' = 5: the gate's logit is log 3 each time, F = 3/4 and O = 3/4 + 5/4.
    layer = FusionGate()
    layer.build((None, 1, 1))
    layer.w_data.set_weights([np.full((1, 1), w_data), np.array([bias])])
    layer.w_feature.set_weights([np.full((1, 1), w_feature)])
    np.testing.assert_allclose(layer(tf.ones((1, 1, 1)), tf.fill((1, 1, 1), 5.0)), [[[2.0]]], rtol=1e-6)


def test_one_bias_serves_all_sources():
    layer = FusionGate()
    layer.build((None, 8, 3))
    shapes = {w.path.split("/", 1)[1]: w.shape for w in layer.weights}
    assert shapes == {"w_data/kernel": (3, 3), "w_data/bias": (3,), "w_feature/kernel": (3, 3)}


def test_config_round_trip():
    layer = FusionGate(name="retention_gate")
    config = json.loads(json.dumps(layer.get_config()))
    assert FusionGate.from_config(config).get_config() == layer.get_config()
