"""Variants: what each name switches, and the refusal of other names."""

import dataclasses
import itertools

import numpy as np
import pytest

from edgedipn_tf import config, train
from edgedipn_tf.commands import InputError
from edgedipn_tf.layers.fast_grnn_encoder import FastGRNNEncoder
from edgedipn_tf.layers.feature_embedding import INITIAL_RANGE
from edgedipn_tf.layers.gru_encoder import GRUEncoder
from edgedipn_tf.layers.multi_level_attention import MultiLevelAttention
from edgedipn_tf.models import catalog, variants
from edgedipn_tf.models.dipn import DIPN
from edgedipn_tf.models.edgedipn import EdgeDIPN
from edgedipn_tf.models.inputs import example_inputs
from edgedipn_tf.schema import Level, edgedipn_schema


def _build(name, schema, **options):
    return variants.build_model(name, schema, **{"units": 4, "num_hops": 3, "hidden_units": (6, 5), **options})


@pytest.mark.parametrize(
    ("name", "encoder", "num_sources", "task_attention"),
    [
        ("edgedipn_v0", GRUEncoder, 5, "Identity"),
        ("edgedipn_fastgrnn", FastGRNNEncoder, 5, "Identity"),
        ("edgedipn_fastgrnnlr", FastGRNNEncoder, 5, "Identity"),
        ("edgedipn_v1", MultiLevelAttention, 5, "Identity"),
        ("edgedipn_v2", MultiLevelAttention, 8, "Identity"),
        ("edgedipn_v3", MultiLevelAttention, 8, "DataLevelAttention"),
        ("edgedipn_v4", MultiLevelAttention, 8, "ParallelTaskAttention"),
        ("edgedipn", MultiLevelAttention, 8, "TaskAttention"),
        ("edgedipn_top64", MultiLevelAttention, 8, "TaskAttention"),
        ("edgedipn_by_step", MultiLevelAttention, 8, "TaskAttention"),
        ("edgedipn_pooled", MultiLevelAttention, 8, "TaskAttention"),
        ("edgedipn_tradition", MultiLevelAttention, 3, "TaskAttention"),
        ("edgedipn_with_gru", GRUEncoder, 8, "TaskAttention"),
        ("edgedipn_with_fastgrnn", FastGRNNEncoder, 8, "TaskAttention"),
        ("edgedipn_with_fastgrnnlr", FastGRNNEncoder, 8, "TaskAttention"),
    ],
)
def test_parts_of_each_variant(tiny_schema, name, encoder, num_sources, task_attention):
    model = _build(name, tiny_schema)
    assert {type(layer) for layer in model.encoders.values()} == {encoder}
    assert {type(layer).__name__ for layer in model.task_attentions.values()} == {task_attention}
    heads = [*model.user_heads.values(), *model.category_heads.values()]
    assert {head.hidden_1.kernel.shape for head in heads} == {(num_sources * 4, 6)}
    assert EdgeDIPN.from_config(model.get_config()).get_config() == model.get_config()


@pytest.mark.parametrize("name", ["edgedipn", "edgedipn_single"])
def test_tables_start_as_wide_as_told_and_nothing_else_changes(tiny_schema, name):
    assert config.TrainingConfig(data="data").embedding_range == INITIAL_RANGE  # a setting knows no layer
    narrow, wide = _build(name, tiny_schema), _build(name, tiny_schema, embedding_range=0.2)
    tables = [variable.path for variable in narrow.weights if "/table_" in variable.path]
    assert len(tables) >= len(narrow.schema.history) + len(narrow.schema.profile)
    for before, after in zip(narrow.weights, wide.weights, strict=True):
        factor = 4.0 if before.path in tables else 1.0
        np.testing.assert_allclose(np.array(after), factor * np.array(before), rtol=1e-6, err_msg=before.path)
        assert before.path not in tables or 0.1 < np.abs(np.array(after)).max() <= 0.2


def test_no_variant_is_without_a_test_or_a_description():
    of_edgedipn = [name for name in catalog.VARIANTS if name.startswith("edgedipn")]
    assert len(of_edgedipn) == 16  # tested above, and in test_single_intent
    assert len(catalog.VARIANTS) == 16 + 20 + 2 * len(catalog.BASELINES)  # tested in test_dipn, and in baselines/
    assert all(v.description and "\n" not in v.description for v in catalog.VARIANTS.values())


def test_fast_grnn_is_full_or_of_a_quarter_of_the_width(tiny_schema):
    for name, rank in (("edgedipn_fastgrnn", None), ("edgedipn_fastgrnnlr", 2)):
        model = _build(name, tiny_schema, units=8)
        assert {encoder.rank for encoder in model.encoders.values()} == {rank}


def test_tradition_sees_neither_swipes_nor_taps(tiny_schema):
    model = _build("edgedipn_tradition", tiny_schema)
    inputs = example_inputs(tiny_schema, 9, 4, seed=1)
    alone = {name: inputs[name] for name in ("browse", "history", "profile", "candidates")}
    for name, logits in model(inputs).items():
        np.testing.assert_array_equal(model(alone)[name], logits)


@pytest.mark.parametrize(
    ("name", "given", "views"),
    [
        ("edgedipn", "profile,tap,history,swipe", ["swipe", "tap"]),  # in any order
        ("edgedipn_single", "browse,history,profile", ["browse"]),
        ("edgedipn_tradition", "browse,tap,history,profile", ["tap", "browse"]),
    ],
)
def test_any_views_of_an_edgedipn(tiny_schema, name, given, views):
    variant = catalog.find_variant(name, given)
    assert list(variant.arguments["views"]) == views
    model = _build(name, tiny_schema, sources=given)
    inputs = example_inputs(tiny_schema, 9, 4, seed=1)
    alone = {source: inputs[source] for source in (*views, "history", "profile", "candidates")}
    found = model(alone)
    # Category intents need the browse view, whose tables embed the candidates.
    expected = [i.name for i in tiny_schema.intents if "browse" in views or i.level is Level.NONE]
    assert list(found) == expected == [i.name for i in catalog.predicted_schema(name, tiny_schema, given).intents]


def test_any_subset_of_the_five_sources_of_a_dipn(tiny_schema):
    schema = dataclasses.replace(edgedipn_schema(labels="dipn"), max_length=4)
    subsets = [s for n in range(1, 6) for s in itertools.combinations(catalog.SOURCES, n)]
    assert len(subsets) == 31
    for subset in subsets:
        arguments = catalog.find_variant("dipn", ",".join(reversed(subset))).arguments
        assert DIPN(schema, **arguments, max_length=4, units=4).sources == list(subset)


def test_options_reach_the_model(tiny_schema):
    model = _build("edgedipn", tiny_schema, num_hops=2, penalty_weight=0.25)
    assert model.penalty_weight == 0.25 and {e.num_hops for e in model.encoders.values()} == {2}


def test_equal_seeds_give_equal_weights(tiny_schema):
    first, second, other = (_build("edgedipn", tiny_schema, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert any(np.any(a != b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(("name", "nearest"), [("edge_dipn", "edgedipn"), ("edgedipn_traditio", "edgedipn_tradition")])
def test_unknown_name_is_refused_with_the_nearest(tiny_schema, name, nearest):
    with pytest.raises(InputError, match=f"unknown model '{name}': did you mean '{nearest}'"):
        variants.build_model(name, tiny_schema)
    with pytest.raises(InputError, match=f"unknown model '{name}'"):  # before TensorFlow is loaded
        config.resolve("smoke", {"data": "dataset", "model": name})


def test_help_of_training_lists_each_variant():
    for name, variant in catalog.VARIANTS.items():
        assert f"  {name:31}{variant.description}\n" in train.DESCRIPTION
