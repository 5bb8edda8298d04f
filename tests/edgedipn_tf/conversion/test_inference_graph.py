"""The inference graph gives the logits of the training form; when it may not take its place, the plain graph stays."""

import dataclasses
from collections.abc import Iterator

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.conversion.export import probabilities
from edgedipn_tf.conversion.graph_form import choose_graph
from edgedipn_tf.conversion.inference_graph import InferenceGraph, largest_score, why_not
from edgedipn_tf.conversion.pair_attention import EncodedView, attend_pair, attend_pair_in_integers
from edgedipn_tf.layers.inter_view_attention import InterViewAttention
from edgedipn_tf.models.inputs import example_inputs
from edgedipn_tf.models.variants import build_model
from edgedipn_tf.schema import View
from tests.edgedipn_tf.conversion.tiny import MAX_LENGTH, tiny_model, tiny_schema

SCHEMA = tiny_schema()
VIEWS = ("swipe", "tap", "browse")


def difference(model: keras.Model, inputs: dict[str, np.ndarray], in_integers: bool = False) -> float:
    """Largest difference of a probability between the training form, in one batch, and the graph, one by one."""
    graph = InferenceGraph(model, in_integers)
    expected = probabilities(model, {name: tf.constant(values) for name, values in inputs.items()})
    largest = 0.0
    for row in range(len(inputs["history"])):
        found = probabilities(graph, {name: tf.constant(values[row : row + 1]) for name, values in inputs.items()})
        assert list(found) == list(expected)
        for intent, values in found.items():
            assert values.shape == expected[intent][row : row + 1].shape
            largest = max(largest, float(tf.reduce_max(tf.abs(values - expected[intent][row : row + 1]))))
    return largest


def test_the_samples_tell_models_apart() -> None:
    # Otherwise equal would mean nothing.
    inputs = example_inputs(SCHEMA, MAX_LENGTH, 12, seed=1)
    for values in probabilities(tiny_model("edgedipn", SCHEMA), inputs).values():
        assert values.numpy().std() > 0.05


@pytest.mark.parametrize("name", ["edgedipn", "edgedipn_v2", "edgedipn_v3", "edgedipn_v4"])
def test_it_equals_the_training_form(name: str) -> None:
    assert difference(tiny_model(name, SCHEMA), example_inputs(SCHEMA, MAX_LENGTH, 12, seed=1)) <= 1e-6


def test_it_equals_the_training_form_with_fewer_steps_kept() -> None:
    model = tiny_model("edgedipn_top64", SCHEMA)
    for encoder in model.encoders.values():
        encoder.num_kept = 3
    inputs = example_inputs(SCHEMA, MAX_LENGTH, 12, seed=1)
    assert difference(model, inputs) <= 1e-6


def test_in_integers_padding_keeps_next_to_no_weight() -> None:
    inputs = example_inputs(SCHEMA, MAX_LENGTH, 12, seed=1)
    inputs["swipe"][:, :3], inputs["tap"][3] = 0, 0
    assert difference(tiny_model("edgedipn", SCHEMA), inputs, in_integers=True) <= 1e-3


@pytest.mark.parametrize("length", [1, 2, 16])
def test_at_any_length(length: int) -> None:
    assert difference(tiny_model("edgedipn", SCHEMA), example_inputs(SCHEMA, length, 8, seed=length)) <= 1e-6


def test_without_some_or_all_views() -> None:
    inputs = example_inputs(SCHEMA, MAX_LENGTH, 8, seed=2)
    for row in range(8):  # every subset of the views
        for position, view in enumerate(VIEWS):
            if row >> position & 1:
                inputs[view][row] = 0
    assert difference(tiny_model("edgedipn", SCHEMA), inputs) <= 1e-6


@pytest.mark.parametrize("sources", ["swipe,tap,history,profile", "tap,browse,history,profile"])
def test_with_some_views_of_the_schema_alone(sources: str) -> None:
    model = tiny_model("edgedipn", SCHEMA, sources)  # without the browse view it has no category intents
    assert difference(model, example_inputs(SCHEMA, MAX_LENGTH, 8, seed=4)) <= 1e-6


def test_ids_beyond_a_table_stay_in_their_feature() -> None:
    inputs = example_inputs(SCHEMA, MAX_LENGTH, 4, seed=3)
    for values in inputs.values():
        for row, beyond in enumerate((10**6, -7, 2**31 - 1, -(2**31))):
            values[row] = np.where(values[row] > 0, beyond, 0)
    assert difference(tiny_model("edgedipn", SCHEMA), inputs) <= 1e-6


def encoded(steps: np.ndarray, num_real: int) -> EncodedView:
    is_real = np.arange(len(steps)) >= len(steps) - num_real
    values = (steps * is_real[:, None]).astype(np.float32)[None]
    return EncodedView(tf.constant(values), tf.constant(is_real.astype(np.float32)[None, :, None]), is_real[None])


def test_both_forms_of_a_pair_are_equal_without_overflow() -> None:
    rng = np.random.default_rng(3)
    s, b = encoded(rng.normal(size=(6, 4)), 4), encoded(rng.normal(size=(6, 4)), 5)
    np.testing.assert_allclose(attend_pair_in_integers(s, b), attend_pair(s, b), atol=1e-6)
    nothing = encoded(np.zeros((6, 4)), 0)
    np.testing.assert_array_equal(attend_pair_in_integers(s, nothing), np.zeros((1, 4)))


@pytest.mark.parametrize("score", [-60.0, 0.0, 60.0])
def test_one_real_step_each_is_the_product_of_the_steps(score: float) -> None:
    # One key only: both softmaxes are 1 whatever the score, exp(-60) * exp(-60) is below every float32.
    s, b = np.zeros((3, 4)), np.zeros((3, 4))
    s[2] = [2.0, 0.5, -1.0, 3.0]
    b[2] = [score, 0.0, 0.0, 0.0]  # the scaled score: 2 * score / sqrt(4)
    found = attend_pair(encoded(s, 1), encoded(b, 1))
    np.testing.assert_allclose(found, [[2.0 * score, 0, 0, 0]], rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("scale", [0.1, 1.0, 2.0])
def test_a_pair_is_that_of_the_layer_up_to_the_largest_score(scale: float) -> None:
    rng = np.random.default_rng(4)
    s, b = encoded(scale * rng.normal(size=(9, 16)), 7), encoded(scale * rng.normal(size=(9, 16)), 4)
    expected = InterViewAttention()(s.steps, b.steps, s.is_real, b.is_real)
    np.testing.assert_allclose(attend_pair(s, b), expected, rtol=2e-5, atol=2e-6 * scale**2)


def test_the_largest_score_is_that_of_the_steps() -> None:
    model = tiny_model("edgedipn", SCHEMA)
    inputs = example_inputs(SCHEMA, 1, 5, seed=5)
    steps = {}
    for view in VIEWS:
        mask = inputs[view][..., 0] != 0
        steps[view] = model.encoders[view](model.embeddings[view](inputs[view]), mask)[1].numpy()[:, 0]
    scores = [np.abs((steps[a] * steps[b]).sum(axis=1)) / 4 for a, b in (VIEWS[:2], VIEWS[1:], VIEWS[::2])]
    assert np.max(scores) > 1
    assert largest_score(model, inputs).numpy() == pytest.approx(np.max(scores), rel=1e-5)


def test_models_it_does_not_cover_keep_the_plain_graph() -> None:
    names = ("edgedipn", "edgedipn_v0", "edgedipn_v1", "edgedipn_by_step", "edgedipn_pooled")
    reasons = {name: why_not(tiny_model(name, SCHEMA)) for name in names}
    assert reasons == {
        "edgedipn": None,
        "edgedipn_v0": "its encoder is gru, not attention",
        "edgedipn_v1": "it has no inter-view attention",
        "edgedipn_by_step": "its steps are not re-weighted by channel",
        "edgedipn_pooled": "its attended views are not multiplied row by row",
    }
    tap = SCHEMA.view("tap")
    wider = View("tap", (dataclasses.replace(tap.features[0], width=3), *tap.features[1:]))
    views = tuple(wider if view.name == "tap" else view for view in SCHEMA.views)
    uneven = build_model("edgedipn", dataclasses.replace(SCHEMA, views=views), units=4, num_hops=2, hidden_units=(4, 4))
    assert why_not(uneven) == "its embedding widths differ within a view"
    with pytest.raises(ValueError, match="edgedipn_v1 keeps the plain graph"):
        InferenceGraph(tiny_model("edgedipn_v1", SCHEMA))


def test_the_form_is_chosen_by_the_scores_of_all_samples() -> None:
    model = tiny_model("edgedipn", SCHEMA)
    batches = [example_inputs(SCHEMA, MAX_LENGTH, 4, seed=seed) for seed in (6, 7)]
    chosen = choose_graph(model, batches)
    assert isinstance(chosen.model, InferenceGraph)
    largest = max(float(largest_score(model, inputs)) for inputs in batches)
    assert chosen.to_json() == {"form": "inference", "reason": None, "largest_score": pytest.approx(largest)}
    # V is quadratic in the embedding, the score in V: a projection 30 times as large is far beyond the limit.
    for embedding in model.embeddings.values():
        embedding.projection.kernel.assign(embedding.projection.kernel * 30)
    plain = choose_graph(model, batches)
    assert plain.model is model and plain.form == "plain"
    assert "is beyond 60, near the overflow" in plain.reason and plain.largest_score > 60


def test_samples_are_not_read_for_a_model_it_does_not_cover() -> None:
    def unread() -> Iterator[dict[str, np.ndarray]]:
        raise AssertionError
        yield

    model = tiny_model("edgedipn_v0", SCHEMA)
    assert choose_graph(model, unread()).to_json() == {
        "form": "plain",
        "reason": "its encoder is gru, not attention",
        "largest_score": None,
    }
