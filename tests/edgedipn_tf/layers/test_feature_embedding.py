"""Embedding layer: the sum of hand-written table rows, whatever the type and range of the ids."""

import json

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.layers.feature_embedding import FeatureEmbedding


@pytest.fixture
def layer() -> FeatureEmbedding:
    """Row i of table a is [i], of table b [10 i, 100 i]; the Dense adds all up, and 0.5."""
    layer = FeatureEmbedding(names=["a", "b"], table_sizes=[3, 4], widths=[1, 2], units=1)
    layer.build((None, 2))
    layer.tables[0].assign([[i] for i in range(3)])
    layer.tables[1].assign([[10 * i, 100 * i] for i in range(4)])
    layer.projection.set_weights([np.ones((3, 1)), np.array([0.5])])
    return layer


def test_rows_are_concatenated_and_projected(layer):
    np.testing.assert_allclose(layer(tf.constant([[1, 2], [0, 0]])), [[221.5], [0.5]])  # 1 + 20 + 200 + 0.5


def test_steps_are_embedded_one_by_one(layer):
    np.testing.assert_allclose(layer(tf.constant([[[1, 2], [2, 1]]])), [[[221.5], [112.5]]])


@pytest.mark.parametrize("dtype", ["int64", "float32"])
def test_ids_of_any_type_are_read_as_integers(layer, dtype):
    np.testing.assert_allclose(layer(tf.cast([[1, 2]], dtype)), [[221.5]])


def test_ids_out_of_range_take_the_nearest_row(layer):
    np.testing.assert_allclose(layer(tf.constant([[-5, 99], [3, -(2**31)]])), [[330.5], [2.5]])


def test_lookup_gives_chosen_features_in_the_order_asked(layer):
    np.testing.assert_allclose(layer.lookup(tf.constant([[2, 1], [9, 9]]), (1, 0)), [[20, 200, 1], [30, 300, 2]])


def test_shapes_of_weights(layer):
    assert {w.path.split("/", 1)[1]: w.shape for w in layer.weights} == {
        "table_a": (3, 1),
        "table_b": (4, 2),
        "projection/kernel": (3, 1),
        "projection/bias": (1,),
    }


@pytest.mark.parametrize(
    "change",
    [{"names": ["a"]}, {"names": [], "table_sizes": [], "widths": []}, {"table_sizes": [3, 0]}, {"units": 0}],
)
def test_invalid_arguments_are_refused(change):
    with pytest.raises(ValueError):
        FeatureEmbedding(**{"names": ["a", "b"], "table_sizes": [3, 4], "widths": [1, 2], "units": 1, **change})


def test_wrong_number_of_features_is_refused():
    layer = FeatureEmbedding(names=["a", "b"], table_sizes=[3, 4], widths=[1, 2], units=1)
    with pytest.raises(ValueError, match="3 features, but the layer has 2"):
        layer.build((None, 3))


def test_config_round_trip(layer):
    config = json.loads(json.dumps(layer.get_config()))
    assert FeatureEmbedding.from_config(config).get_config() == layer.get_config()
