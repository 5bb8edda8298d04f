"""The signature of a model's inputs, and the random inputs made for tests."""

import numpy as np
import tensorflow as tf

from edgedipn_tf.models.inputs import example_inputs, input_signature
from edgedipn_tf.schema import edgedipn_schema


def test_signature_of_the_full_schema():
    specs = input_signature(edgedipn_schema(), max_length=64, batch_size=1)
    assert {name: tuple(spec.shape) for name, spec in specs.items()} == {
        "swipe": (1, 64, 15),
        "tap": (1, 64, 4),
        "browse": (1, 64, 7),
        "history": (1, 18),
        "profile": (1, 6),
        "candidates": (1, 8, 2),
    }
    assert {spec.dtype for spec in specs.values()} == {tf.int32}
    assert all(spec.name == name for name, spec in specs.items())


def test_signature_with_any_batch():
    assert input_signature(edgedipn_schema(), max_length=7)["tap"].shape.as_list() == [None, 7, 4]


def test_examples_fit_the_signature_and_repeat(tiny_schema):
    first, second = (example_inputs(tiny_schema, 5, 40, seed=1) for _ in range(2))
    for name, spec in input_signature(tiny_schema, 5, 40).items():
        assert first[name].shape == tuple(spec.shape) and first[name].dtype == np.int32
        np.testing.assert_array_equal(first[name], second[name])
    assert np.any(first["swipe"] != example_inputs(tiny_schema, 5, 40, seed=2)["swipe"])


def test_examples_are_like_those_of_the_dataset(tiny_schema):
    inputs = example_inputs(tiny_schema, 5, 200, seed=1)
    for view in tiny_schema.views:
        is_real = inputs[view.name] != 0
        assert np.all(is_real.all(axis=2) == is_real.any(axis=2))  # an action has no padding id
        lengths = is_real[:, :, 0].sum(axis=1)
        assert set(lengths) == {0, 1, 2, 3, 4, 5}
        np.testing.assert_array_equal(is_real[:, :, 0], np.arange(5) >= 5 - lengths[:, np.newaxis])
        assert np.all(inputs[view.name].max(axis=(0, 1)) == [f.table_size - 1 for f in view.features])
    is_filled = inputs["candidates"] != 0
    assert np.all(is_filled.all(axis=2) == is_filled.any(axis=2)) and set(is_filled[:, :, 0].sum(axis=1)) == {1, 2, 3}
    assert inputs["history"].min() == inputs["profile"].min() == 1
