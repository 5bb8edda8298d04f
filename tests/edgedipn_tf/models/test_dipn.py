"""DIPN and its variants against the paper's equations; masks, lengths, saving, what each name switches."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.commands import InputError
from edgedipn_tf.models import catalog, variants
from edgedipn_tf.models.dipn import DIPN
from edgedipn_tf.models.inputs import example_view_order
from edgedipn_tf.schema import VIEW_ORDER, edgedipn_schema
from tests.edgedipn_tf.models import dipn_equations

EVERY_PATH = [
    "dipn",
    "dipn_edge",
    "dipn_rescaled",
    "dipn_early_fusion",
    "dipn_no_attention",
    "dipn_no_inter_view",
    "dipn_no_intra_view",
    "rnn_dnn",
    "dipn_without_tap",
    "dipn_only_history",
]
"""Variants that together take every path through the model; which parts the others have is tested without weights."""


@pytest.fixture(scope="module")
def schema(tiny_schema):
    """The tiny schema with the two purchase intents and one that DIPN does not predict."""
    full = {intent.name: intent for intent in edgedipn_schema().intents}
    names = ("realtime_purchase", "longtime_purchase", "realtime_leaf_category")
    return dataclasses.replace(tiny_schema, intents=tuple(full[name] for name in names))


def _model(schema, name="dipn", **options) -> DIPN:
    """A small model with weights of ordinary size."""
    model = variants.build_model(name, schema, **{"units": 4, "hidden_units": (6, 5), **options})
    rng = np.random.default_rng(12)
    model.set_weights([rng.normal(scale=0.6, size=w.shape) for w in model.weights])
    return model


def _assert_equal_logits(actual, expected, atol=1e-6):
    assert list(actual) == list(expected)
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize("name", EVERY_PATH)
def test_forward_pass_is_that_of_the_equations(schema, inputs, name):
    model = _model(schema, name)
    expected = dipn_equations.forward(model, inputs)
    _assert_equal_logits(model(inputs), expected, atol=1e-5)
    assert max(np.std(row) for row in expected.values()) > 1e-2  # the samples do differ


@pytest.mark.parametrize(
    ("name", "sources", "num_intra_views", "num_pairs", "num_alone"),
    [
        ("dipn", "swipe tap browse history profile", 3, 3, 0),
        ("dipn_edge", "swipe tap browse history profile", 3, 3, 0),
        ("dipn_rescaled", "swipe tap browse history profile", 3, 3, 0),
        ("dipn_early_fusion", "swipe tap browse history profile", 1, 0, 1),
        ("dipn_no_attention", "swipe tap browse history profile", 0, 0, 3),
        ("dipn_no_inter_view", "swipe tap browse history profile", 3, 0, 3),
        ("dipn_no_intra_view", "swipe tap browse history profile", 0, 3, 0),
        ("dipn_no_multi_task", "swipe tap browse history profile", 3, 3, 0),
        ("dipn_no_multi_task_longtime", "swipe tap browse history profile", 3, 3, 0),
        ("rnn_dnn", "browse history profile", 0, 0, 1),
        ("dipn_without_swipe", "tap browse history profile", 2, 1, 0),
        ("dipn_without_tap", "swipe browse history profile", 2, 1, 0),
        ("dipn_without_browse", "swipe tap history profile", 2, 1, 0),
        ("dipn_without_history", "swipe tap browse profile", 3, 3, 0),
        ("dipn_without_profile", "swipe tap browse history", 3, 3, 0),
        ("dipn_only_swipe", "swipe", 1, 0, 1),
        ("dipn_only_tap", "tap", 1, 0, 1),
        ("dipn_only_browse", "browse", 1, 0, 1),
        ("dipn_only_history", "history", 0, 0, 0),
        ("dipn_only_profile", "profile", 0, 0, 0),
    ],
)
def test_parts_of_each_variant(schema, name, sources, num_intra_views, num_pairs, num_alone):
    arguments = catalog.VARIANTS[name].arguments
    model = DIPN(
        catalog.predicted_schema(name, schema), **arguments, max_length=schema.max_length, units=4, hidden_units=(6, 5)
    )
    assert model.sources == sources.split()
    assert (len(model.intra_views), len(model.pairs), len(model.alone)) == (num_intra_views, num_pairs, num_alone)
    assert (model.readout == "mean") == (name == "dipn_edge")
    assert model.rescale_intra_view == (name == "dipn_rescaled")
    assert model.sequences == (["merged"] if name == "dipn_early_fusion" else model.views)
    alone = {"dipn_no_multi_task": ["realtime_purchase"], "dipn_no_multi_task_longtime": ["longtime_purchase"]}
    assert list(model.branches) == alone.get(name, ["realtime_purchase", "longtime_purchase"])


def test_every_variant_is_tested_above():
    assert len([name for name, variant in catalog.VARIANTS.items() if variant.family == "dipn"]) == 20


@pytest.fixture(scope="module")
def inputs(schema, inputs):
    """With an order of the actions across views."""
    return {**inputs, VIEW_ORDER: example_view_order(schema, inputs, seed=3)}


def test_early_fusion_sees_the_order_of_the_actions_across_views(schema, inputs):
    model = _model(schema, "dipn_early_fusion")
    other = {**inputs, VIEW_ORDER: example_view_order(schema, inputs, seed=4)}
    differs = (inputs[VIEW_ORDER] != other[VIEW_ORDER]).any(axis=1)
    changed = np.abs(model(inputs)["realtime_purchase"] - model(other)["realtime_purchase"])[:, 0] > 1e-6
    assert differs.sum() > 5 and changed.tolist() == differs.tolist()


def test_number_of_weights_with_the_full_schema():
    def dense(size_in, size_out, has_bias=True):
        return (size_in + has_bias) * size_out

    schema, d = edgedipn_schema(), 32
    groups = [*(view.features for view in schema.views), schema.history, schema.profile]
    embeddings = sum(sum(10 * (f.bins + 2) for f in group) + dense(10 * len(group), 64) for group in groups)
    bi_gru = 2 * 3 * (64 * d + d * d + d)
    intra_view = d * 2 * d
    trunk = embeddings + 3 * (bi_gru + intra_view)
    for name, read in (("dipn", 3 * 256 * 64), ("dipn_edge", 3 * 64)):
        branch = dense(read + 5 * 64, 128) + dense(128, 64) + dense(64, 1)
        assert variants.build_model(name, schema).count_params() == trunk + 2 * branch
    assert 2 * dense(49_152, 128, has_bias=False) == 12_582_912  # the flattened inputs of the two branches of dipn


@pytest.mark.parametrize("name", ["dipn", "dipn_no_multi_task"])
def test_every_weight_has_a_gradient(schema, inputs, name):
    model = _model(schema, name)
    with tf.GradientTape() as tape:
        loss = tf.add_n([tf.reduce_sum(tf.square(logit)) for logit in model(inputs).values()])
    gradients = tape.gradient(loss, model.trainable_variables)
    dead = [
        weight.path
        for weight, gradient in zip(model.trainable_variables, gradients, strict=True)
        if gradient is None or not np.any(tf.convert_to_tensor(gradient))
    ]
    assert dead == []


@pytest.mark.parametrize("missing", [("swipe", "tap"), ("swipe", "tap", "browse")])
def test_views_that_all_users_lack_are_as_in_the_equations(schema, inputs, missing):
    model = _model(schema)
    browse_only = {**inputs, **{view: np.zeros_like(inputs[view]) for view in missing}}
    _assert_equal_logits(model(browse_only), dipn_equations.forward(model, browse_only), atol=1e-5)


def test_user_without_any_action_has_finite_logits_and_gradients(schema, inputs):
    model = _model(schema)
    empty = {view.name: np.zeros_like(inputs[view.name][:2]) for view in schema.views}
    with tf.GradientTape() as tape:
        logits = model({**{name: ids[:2] for name, ids in inputs.items()}, **empty})
        loss = tf.add_n([tf.reduce_sum(tf.square(logit)) for logit in logits.values()])
    assert all(np.all(np.isfinite(logit)) for logit in logits.values())
    assert all(np.all(np.isfinite(tf.convert_to_tensor(g))) for g in tape.gradient(loss, model.trainable_variables))


def test_more_padding_changes_nothing_in_the_mean_and_is_refused_by_flattening(schema, inputs):
    longer = dict(inputs)
    for view in schema.views:
        longer[view.name] = np.pad(inputs[view.name], [(0, 0), (5, 0), (0, 0)])
    pooled = _model(schema, "dipn_edge")
    _assert_equal_logits(pooled(longer), pooled(inputs))
    with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible with expected shape"):
        _model(schema, "dipn")(longer)


def test_flattening_takes_the_length_it_was_built_for(schema, inputs):
    shorter = {name: ids[:, -4:] if ids.ndim == 3 and name != "candidates" else ids for name, ids in inputs.items()}
    model = _model(schema, "dipn", max_length=4)
    _assert_equal_logits(model(shorter), dipn_equations.forward(model, shorter), atol=1e-5)


@pytest.mark.parametrize("name", ["dipn", "dipn_edge", "dipn_early_fusion"])
def test_saved_model_predicts_the_same(schema, inputs, tmp_path, name):
    model = _model(schema, name, max_length=9)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    assert json.loads(json.dumps(model.get_config())) == model.get_config()
    _assert_equal_logits(loaded(inputs), model(inputs), atol=0)


def test_predicts_the_purchase_intents_of_the_dataset(schema):
    assert [i.name for i in catalog.predicted_schema("dipn", schema).intents] == list(catalog.DIPN_TASKS)
    one = dataclasses.replace(schema, intents=schema.intents[1:])
    assert [i.name for i in catalog.predicted_schema("dipn", one).intents] == ["longtime_purchase"]
    assert catalog.predicted_schema("edgedipn", schema) == schema
    without = dataclasses.replace(schema, intents=schema.intents[2:])
    with pytest.raises(InputError, match="dipn predicts .* and the dataset labels realtime_leaf_category: choose"):
        catalog.predicted_schema("dipn", without)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sources": ["browse", "swipe"]}, "in this order"),
        ({"sources": []}, "sources must be some of"),
        ({"readout": "max"}, "readout must be one of"),
        ({"units": 5}, "units must be even"),
        ({"fusion": "middle"}, "fusion must be one of"),
        ({"fusion": "early"}, "early fusion merges all views of the schema, not those of .'browse'. alone"),
    ],
)
def test_invalid_configurations_are_refused(schema, change, message):
    valid = {"sources": ["browse"], "has_intra_view": True, "has_inter_view": True, "readout": "mean", "max_length": 9}
    with pytest.raises(ValueError, match=message):
        DIPN(catalog.predicted_schema("dipn", schema), **{**valid, **change})


def test_category_intents_are_refused(schema):
    with pytest.raises(ValueError, match="no category intents such as .'realtime_leaf_category'"):
        DIPN(schema, **catalog.VARIANTS["dipn"].arguments, max_length=9)
