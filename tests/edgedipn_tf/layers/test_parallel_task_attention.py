"""What the feature-level attention picks from, by hand: the sources themselves in EdgeDIPN-v4."""

import json

import numpy as np
import tensorflow as tf

from edgedipn_tf.layers.parallel_task_attention import ParallelTaskAttention


def test_value_with_even_weights():
    # All weights 0: both softmaxes give 1/2 over S = 2 and the gate is 1/2. M = D/2, M' = D/2, O = (M + M')/2.
    layer = ParallelTaskAttention()
    layer.build((None, 2, 3))
    layer.set_weights([np.zeros(w.shape) for w in layer.get_weights()])
    sources = tf.random.stateless_normal((4, 2, 3), seed=(1, 2))
    np.testing.assert_allclose(layer(sources), 1 / 2 * sources, rtol=1e-6)


def test_shapes_of_weights():
    layer = ParallelTaskAttention()
    layer.build((None, 8, 3))
    assert {w.path.split("/", 1)[1]: w.shape for w in layer.weights} == {
        "data_level/w_r1/kernel": (3, 3),
        "data_level/w_r1/bias": (3,),
        "data_level/w_r2/kernel": (3, 1),
        "feature_level/w_f1/kernel": (3, 3),
        "feature_level/w_f1/bias": (3,),
        "feature_level/w_f2/kernel": (3, 3),
        "gate/w_data/kernel": (3, 3),
        "gate/w_data/bias": (3,),
        "gate/w_feature/kernel": (3, 3),
    }


def test_config_round_trip():
    layer = ParallelTaskAttention(name="retention_attention")
    config = json.loads(json.dumps(layer.get_config()))
    assert ParallelTaskAttention.from_config(config).get_config() == layer.get_config()
