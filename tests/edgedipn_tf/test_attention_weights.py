"""Attention weights of whole networks: where they are, that they sum to 1 over what is attended; their histograms."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.attention_weights import attention_weights, is_recurrent
from edgedipn_tf.curves import Curves
from edgedipn_tf.models import variants
from edgedipn_tf.models.inputs import example_inputs
from edgedipn_tf.schema import VIEW_ORDER, edgedipn_schema
from tests.edgedipn_tf.tiny_dataset import tiny_schema

NUM_SAMPLES = 5
VIEWS = ["actions/swipe", "actions/tap", "actions/browse"]


@pytest.fixture(scope="module")
def inputs():
    """Samples of full views: each view's weights sum to the number of samples."""
    schema = tiny_schema()
    inputs = example_inputs(schema, 8, NUM_SAMPLES, seed=1)
    full = {view.name: np.maximum(inputs[view.name], 1) for view in schema.views}
    return {**inputs, **full, VIEW_ORDER: np.tile([1, 2, 3, 1, 2, 3, 1, 2], (NUM_SAMPLES, 1))}


def _build(name, schema=None):
    schema = schema or tiny_schema()
    return variants.build_model(name, schema, max_length=8, num_hops=2, units=4, hidden_units=(4, 4))


@pytest.mark.parametrize("name", ["dipn", "edgedipn_v1", "edgedipn_v3", "edgedipn", "edgedipn_v0", "dipn_only_history"])
def test_weights_of_actions_and_sources_sum_to_one_a_sample(inputs, name):
    found = attention_weights(_build(name), inputs)
    tasks = [intent.name for intent in tiny_schema().intents]
    expected = {
        "dipn": VIEWS,
        "edgedipn_v1": VIEWS,
        "edgedipn_v3": [*VIEWS, *(f"sources/{task}" for task in tasks)],
        "edgedipn": [*VIEWS, *(f"{what}/{task}" for task in tasks for what in ("sources", "gate"))],
        "edgedipn_v0": [],
        "dipn_only_history": [],
    }
    assert list(found) == expected[name]
    for where, weights in found.items():
        assert np.all((weights >= 0) & (weights <= 1))
        if not where.startswith("gate"):
            assert float(tf.reduce_sum(weights)) == pytest.approx(NUM_SAMPLES, rel=1e-5), where


@pytest.mark.parametrize(
    ("name", "expected"),
    [("edgedipn", False), ("edgedipn_v2", False), ("edgedipn_v0", True), ("edgedipn_with_gru", True), ("dipn", True)],
)
def test_which_networks_are_recurrent(name, expected):
    assert is_recurrent(_build(name)) is expected


def test_traced_weights_are_those_of_single_operations(inputs):
    network = _build("dipn")
    tensors = {name: tf.constant(ids) for name, ids in inputs.items()}
    traced = tf.function(functools.partial(attention_weights, network))(tensors)
    for name, weights in attention_weights(network, tensors).items():
        np.testing.assert_allclose(traced[name], weights, rtol=1e-6)


def test_without_task_attention_no_source_is_made(inputs, monkeypatch):
    network = _build("edgedipn_v0")
    monkeypatch.setattr(network, "sources", None)  # whoever calls it fails
    assert attention_weights(network, inputs) == {}


def test_padding_is_left_out(inputs):
    short = {**inputs, "tap": inputs["tap"] * (np.arange(8) >= 6)[:, np.newaxis]}
    for name in ("edgedipn", "dipn_edge"):
        assert attention_weights(_build(name), short)["actions/tap"].shape == (NUM_SAMPLES * 2,)


def test_merged_views_and_models_of_one_intent_are_covered(inputs):
    assert list(attention_weights(_build("dipn_early_fusion"), inputs)) == ["actions/merged"]
    schema = dataclasses.replace(tiny_schema(), intents=edgedipn_schema().intents[:1])
    found = attention_weights(_build("edgedipn_single", schema), inputs)
    assert "realtime_purchase/actions/tap" in found and "realtime_purchase/gate/realtime_purchase" in found


def test_histograms_are_of_all_batches_and_undefined_figures_have_no_curve(tmp_path):
    batches = [{"x": tf.constant([0.25, 0.75])}, {"x": tf.constant([0.5])}]
    record = {"loss": 1.5, "learning_rate": 0.1, "mean_auc": None, "auc": {"a": 0.75, "b": None}}
    record |= {name: {} for name in ("train", "gauc", "log_loss", "task_weight")}
    Curves(tmp_path, lambda inputs: {"actions/tap": inputs["x"]}, batches).draw(2, record)
    (path,) = tmp_path.iterdir()
    events = tf.compat.v1.train.summary_iterator(str(path))
    drawn = {
        value.tag: (event.step, tf.make_ndarray(value.tensor)) for event in events for value in event.summary.value
    }
    assert set(drawn) == {"loss", "learning_rate", "auc/a", "attention/actions/tap"}
    assert drawn["auc/a"] == (3, pytest.approx(0.75))
    step, buckets = drawn["attention/actions/tap"]  # left, right, count
    assert step == 3 and buckets[:, 2].sum() == 3 and buckets[:, 0].min() == 0.25 and buckets[:, 1].max() == 0.75
