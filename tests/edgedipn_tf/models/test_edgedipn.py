"""The complete model against the paper's equations; masks, lengths, saving, conversion."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.layers.category_intent_head import FRESH_STD
from edgedipn_tf.models import variants
from edgedipn_tf.models.catalog import VARIANTS
from edgedipn_tf.models.edgedipn import EdgeDIPN
from edgedipn_tf.schema import edgedipn_schema
from tests.edgedipn_tf.models import edgedipn_equations

NUM_HOPS = 3


def _model(schema, name="edgedipn", **options) -> EdgeDIPN:
    """A small model with weights of ordinary size: fresh tables are near zero, where many mistakes do not show."""
    model = variants.build_model(name, schema, units=4, num_hops=NUM_HOPS, hidden_units=(6, 5), **options)
    rng = np.random.default_rng(11)
    model.set_weights([rng.normal(scale=0.6, size=w.shape) for w in model.weights])
    return model


@pytest.fixture(scope="module")
def model(tiny_schema) -> EdgeDIPN:
    return _model(tiny_schema)


def _assert_equal_logits(actual, expected, atol=1e-6):
    assert list(actual) == list(expected)
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize("name", [n for n, v in VARIANTS.items() if v.family == "edgedipn" and n != "edgedipn_top64"])
def test_forward_pass_is_that_of_the_equations(tiny_schema, inputs, name):
    model = _model(tiny_schema, name)
    expected, penalty = edgedipn_equations.forward(model, inputs)
    logits = model(inputs)
    _assert_equal_logits(logits, expected, atol=1e-5)
    differing = [np.std(row, axis=0).min() > 1e-2 for row in expected.values()]
    assert sum(differing) >= 2  # the samples do differ; of four heads, some may be dead at random weights
    assert [float(loss) for loss in model.losses] == pytest.approx([0.01 * penalty], rel=1e-5)


def test_forward_pass_with_fewer_steps_kept_is_that_of_the_equations(tiny_schema, inputs):
    model = _model(tiny_schema, "edgedipn_top64")
    for encoder in model.encoders.values():
        encoder.num_kept = 4  # of views of 0, 1, 2, 3 and 9 actions
    expected, penalty = edgedipn_equations.forward(model, inputs)
    _assert_equal_logits(model(inputs), expected, atol=1e-5)
    assert [float(loss) for loss in model.losses] == pytest.approx([0.01 * penalty], rel=1e-5)
    complete, _ = edgedipn_equations.forward(_model(tiny_schema), inputs)
    assert max(np.abs(complete[name] - expected[name]).max() for name in expected) > 1e-2  # it does leave steps out


def test_outputs_are_float32_by_intent_in_the_order_of_the_schema(model, inputs, tiny_schema):
    logits = model(inputs)
    assert {name: (logit.dtype, logit.shape[1]) for name, logit in logits.items()} == {
        i.name: (tf.float32, tiny_schema.num_places(i)) for i in tiny_schema.intents
    }
    assert list(logits) == [i.name for i in tiny_schema.intents]


@pytest.mark.parametrize(
    "name",
    [
        "edgedipn",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("edgedipn_with_gru", "edgedipn_with_fastgrnnlr")),
    ],
)
def test_more_padding_changes_nothing_also_when_views_have_other_lengths(tiny_schema, inputs, name):
    model = _model(tiny_schema, name)

    @tf.function(reduce_retracing=True)
    def results(inputs):  # of a training step: logits, penalty and gradients
        with tf.GradientTape() as tape:
            logits = model(inputs, training=True)
            losses = [tf.reduce_sum(tf.square(logit)) for logit in logits.values()] + model.losses
        gradients = tape.gradient(losses, model.trainable_variables)  # of their sum
        return logits, losses, [tf.convert_to_tensor(gradient) for gradient in gradients]

    def padded(num_steps):
        pads = dict(zip([view.name for view in tiny_schema.views], num_steps, strict=True))
        return inputs | {name: np.pad(inputs[name], [(0, 0), (more, 0), (0, 0)]) for name, more in pads.items()}

    spec = {name: tf.TensorSpec([None] * ids.ndim, ids.dtype) for name, ids in inputs.items()}
    spec |= {v.name: tf.TensorSpec([None, None, len(v.features)], tf.int32) for v in tiny_schema.views}
    for other in ("history", "profile", "candidates"):
        spec[other] = tf.TensorSpec([None, *inputs[other].shape[1:]], tf.int32)
    of_any_length = results.get_concrete_function(spec)  # as in training, where lengths are not known when it is traced
    logits, losses, gradients = results(padded((0, 0, 0)))
    for found in (results(padded((5, 5, 5))), of_any_length(padded((0, 0, 0))), of_any_length(padded((7, 0, 2)))):
        _assert_equal_logits(found[0], logits)
        np.testing.assert_allclose(found[1], losses, rtol=1e-5)
        for actual, expected in zip(found[2], gradients, strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("missing", [("swipe",), ("swipe", "tap"), ("browse",), ("swipe", "tap", "browse")])
def test_views_that_all_users_lack_are_as_in_the_equations(model, inputs, missing):
    browse_only = {**inputs, **{view: np.zeros_like(inputs[view]) for view in missing}}
    expected, penalty = edgedipn_equations.forward(model, browse_only)
    _assert_equal_logits(model(browse_only), expected, atol=1e-5)
    assert [float(loss) for loss in model.losses] == pytest.approx([0.01 * penalty], rel=1e-5)


def test_order_of_the_actions_does_not_matter_to_attention_within_views_and_does_to_recurrence(tiny_schema, inputs):
    # Equations 2 and 3 know no positions; equation 4 pairs rows by position, so v2 is no longer invariant.
    rng = np.random.default_rng(2)
    permuted = dict(inputs)
    for view in tiny_schema.views:
        for sample in range(len(permuted[view.name])):
            permuted[view.name] = permuted[view.name].copy()
            real = np.flatnonzero(permuted[view.name][sample, :, 0])
            permuted[view.name][sample, real] = permuted[view.name][sample, rng.permutation(real)]
    for name, is_invariant in (("edgedipn_v1", True), ("edgedipn_v0", False), ("edgedipn_v2", False)):
        model = _model(tiny_schema, name)
        before, after = model(inputs), model(permuted)
        moved = max(float(tf.reduce_max(tf.abs(after[task] - before[task]))) for task in before)
        assert (moved < 1e-5) == is_invariant, name


def test_samples_do_not_see_each_other(model, inputs):
    order = np.random.default_rng(3).permutation(len(inputs["profile"]))
    permuted = model({name: ids[order] for name, ids in inputs.items()})
    _assert_equal_logits(permuted, {name: logits.numpy()[order] for name, logits in model(inputs).items()})


def test_user_without_any_action_has_finite_logits_and_gradients(model, inputs, tiny_schema):
    empty = {view.name: np.zeros_like(inputs[view.name][:2]) for view in tiny_schema.views}
    with tf.GradientTape() as tape:
        logits = model({**{name: ids[:2] for name, ids in inputs.items()}, **empty})
        loss = tf.add_n([tf.reduce_sum(tf.square(logit)) for logit in logits.values()] + model.losses)
    assert all(np.all(np.isfinite(logit)) for logit in logits.values())
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(np.all(np.isfinite(tf.convert_to_tensor(g))) for g in gradients)


@pytest.mark.parametrize("name", ["edgedipn", "edgedipn_v0", "edgedipn_v4", "edgedipn_fastgrnnlr"])
def test_every_weight_has_a_gradient(tiny_schema, inputs, name):
    model = _model(tiny_schema, name)
    with tf.GradientTape() as tape:
        logits = model(inputs)
        loss = tf.add_n([tf.reduce_sum(tf.square(logit)) for logit in logits.values()])
    gradients = tape.gradient(loss, model.trainable_variables)
    dead = [
        weight.path
        for weight, gradient in zip(model.trainable_variables, gradients, strict=True)
        if gradient is None or not np.any(tf.convert_to_tensor(gradient))
    ]
    assert dead == []


def test_ids_of_any_type_and_range_are_accepted(model, inputs):
    as_float = {name: ids.astype(np.float32) for name, ids in inputs.items()}
    _assert_equal_logits(model(as_float), model(inputs))
    rng = np.random.default_rng(1)
    garbage = {name: rng.integers(-(2**31), 2**31, ids.shape, np.int32) for name, ids in inputs.items()}
    assert all(np.all(np.isfinite(logit)) for logit in model(garbage).values())


def test_candidates_are_scored_one_by_one_and_matter_to_category_intents_only(model, inputs):
    reversed_places = model({**inputs, "candidates": inputs["candidates"][:, ::-1]})
    for name, logits in model(inputs).items():
        np.testing.assert_allclose(reversed_places[name], logits[:, ::-1], atol=1e-6)


def test_top_heads_do_not_see_the_leaf(model, inputs):
    other_leaf = inputs["candidates"].copy()
    other_leaf[:, :, 0] = 5 - other_leaf[:, :, 0]
    before, after = model(inputs), model({**inputs, "candidates": other_leaf})
    np.testing.assert_array_equal(after["longtime_top_category"], before["longtime_top_category"])
    assert np.all(np.abs(after["realtime_leaf_category"] - before["realtime_leaf_category"]).max(axis=1) > 1e-4)


def test_logits_alone_carry_no_loss(model, inputs):
    logits, penalty = model.logits_and_penalty(inputs)
    _assert_equal_logits(logits, model(inputs))
    assert penalty.dtype == tf.float32 and penalty.shape == ()
    model(inputs)
    assert [float(loss) for loss in model.losses] == [pytest.approx(0.01 * float(penalty))]  # one loss a call


@pytest.mark.parametrize("name", ["edgedipn", "edgedipn_v0", "edgedipn_with_fastgrnn", "edgedipn_with_fastgrnnlr"])
def test_saved_model_predicts_the_same(tiny_schema, inputs, tmp_path, name):
    model = _model(tiny_schema, name, penalty_weight=0.5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config() and loaded.schema == tiny_schema
    _assert_equal_logits(loaded(inputs), model(inputs), atol=0)
    assert float(loaded.losses[0]) == float(model.losses[0])


def test_config_is_plain_json(model, tiny_schema):
    config = model.get_config()
    assert json.loads(json.dumps(config)) == config
    assert EdgeDIPN.from_config(config).schema.fingerprint == tiny_schema.fingerprint


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_keeps_outputs_and_penalty_float32_and_finite(tiny_schema, inputs, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = _model(tiny_schema)
        logits = model(inputs)
    finally:
        keras.config.set_dtype_policy(before)
    assert {v.dtype for v in [*logits.values(), *model.losses]} == {tf.float32}
    assert all(np.all(np.isfinite(logit)) for logit in logits.values())


def test_number_of_weights_with_the_full_schema():
    def dense(size_in, size_out, has_bias=True):
        return (size_in + has_bias) * size_out

    schema, d, hops = edgedipn_schema(), 64, 10
    groups = [*(view.features for view in schema.views), schema.history, schema.profile]
    embeddings = sum(sum(10 * (f.bins + 2) for f in group) + dense(10 * len(group), d) for group in groups)
    encoder = dense(d, d, False) + dense(d, hops, False) + dense(hops * d, d)
    attention = dense(d, d) + d + dense(d, d) + dense(d, d, False) + dense(d, d) + dense(d, d, False)
    head = dense(8 * d, 128) + dense(128, 64) + dense(64, 1)
    candidates = 2 * 10 * 128 + 2 * 20 * 128  # two intents on top categories, two on leaf and top
    expected = embeddings + 3 * encoder + 8 * (attention + head) + candidates
    assert variants.build_model("edgedipn", schema).count_params() == expected == 1_154_098


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"views": ["browse", "swipe"]}, "in this order"),
        ({"views": ["page"]}, "views must be some of"),
        ({"views": []}, "views must be some of"),
        ({"views": ["swipe"]}, "category intents need the browse view"),
        ({"encoder": "lstm"}, "encoder must be one of"),
        ({"task_attention": "both"}, "task_attention must be one of"),
    ],
)
def test_invalid_configurations_are_refused(tiny_schema, change, message):
    valid = {"views": ["swipe", "browse"], "encoder": "gru", "has_inter_view": True, "task_attention": "none"}
    with pytest.raises(ValueError, match=message):
        EdgeDIPN(tiny_schema, **{**valid, **change})


def test_heads_are_scaled_by_what_each_task_takes_and_by_its_candidates(tiny_schema, inputs):
    model = variants.build_model("edgedipn", tiny_schema, units=4, num_hops=NUM_HOPS, hidden_units=(6, 5))
    before = {w.path: w.numpy() for w in model.weights}
    model.scale_category_heads(inputs)
    changed = {w.path for w in model.weights if not np.array_equal(w.numpy(), before[w.path])}
    heads = list(model.category_heads)
    assert len(heads) == 2 and len(changed) == 4
    assert all(path.split("/")[1] in {f"{name}_head" for name in heads} and "hidden_1" in path for path in changed)
    sources, _ = model.sources(inputs)
    for name, head in model.category_heads.items():
        flat = tf.reshape(model.task_attentions[name](sources), (25, -1))
        assert np.std(head.hidden_1(flat)) == pytest.approx(FRESH_STD, rel=1e-4)
