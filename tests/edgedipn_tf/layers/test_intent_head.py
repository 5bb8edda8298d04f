"""The head of a user intent: flattening source by source, two rectified layers, one logit."""

import json

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.layers.intent_head import IntentHead


def _head(hidden_units: tuple[int, int], shape: tuple[int, int], *weights: list) -> IntentHead:
    head = IntentHead(hidden_units)
    head.build((None, *shape))
    head.set_weights([np.array(w, "float32") for w in weights])
    return head


def test_flattens_source_by_source():
    head = _head((1, 1), (2, 2), [[1], [10], [100], [1000]], [0.5], [[2]], [0], [[-1]], [3])
    # 1*1 + 2*10 + 3*100 + 4*1000 + 0.5 = 4321.5; 3 - 2 * 4321.5.
    np.testing.assert_allclose(head(tf.constant([[[1.0, 2.0], [3.0, 4.0]]])), [[-8640.0]])


def test_hidden_layers_are_rectified_and_the_logit_is_not():
    head = _head((2, 1), (1, 1), [[1, -1]], [0, 0], [[1], [-1]], [0], [[-2]], [0])
    # 3 -> relu(3, -3) = (3, 0) -> 3 -> -6;  -3 -> (0, 3) -> relu(-3) = 0 -> 0.
    np.testing.assert_allclose(head(tf.constant([[[3.0]], [[-3.0]]])), [[-6.0], [0.0]])


def test_shapes_of_weights():
    head = IntentHead((128, 64))
    head.build((None, 8, 3))
    assert [w.shape for w in head.weights] == [(24, 128), (128,), (128, 64), (64,), (64, 1), (1,)]


@pytest.mark.parametrize("hidden_units", [(128,), (128, 0), ()])
def test_invalid_widths_are_refused(hidden_units):
    with pytest.raises(ValueError, match="two positive numbers"):
        IntentHead(hidden_units)


def test_config_round_trip():
    head = IntentHead((128, 64), name="retention_head")
    config = json.loads(json.dumps(head.get_config()))
    assert IntentHead.from_config(config).get_config() == head.get_config()
