"""What a model attends to: the numbers of its own layers, of the samples that were asked for."""

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.commands import InputError
from edgedipn_tf.dataset import open_dataset
from edgedipn_tf.explanation import explain
from edgedipn_tf.models.variants import build_model
from tests.edgedipn_tf.models import edgedipn_equations
from tests.edgedipn_tf.tiny_dataset import tiny_schema, write_dataset


def _model(name):
    model = build_model(name, tiny_schema(), max_length=8, num_hops=2, units=4, hidden_units=(4, 4))
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(scale=0.6, size=w.shape) for w in model.weights])
    return model


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return open_dataset(write_dataset(tmp_path_factory.mktemp("data") / "dataset"))


@pytest.fixture(scope="module")
def sample(dataset):
    """Sample 37 of the evaluation split."""
    return next(iter(dataset.evaluation_batches("eval", 8, 1, extras=True).skip(37)))


def test_weights_of_actions_are_those_of_equation_2(dataset, sample):
    model = _model("edgedipn")
    (found,) = explain(model, dataset, "eval", 8, [37])
    assert (found.position, found.t0_ms) == (37, int(sample[3]["t0_ms"][0]))
    assert found.user_id.encode() == sample[3]["user_id"][0].numpy()
    for view, encoder in model.encoders.items():
        ids = sample[0][view].numpy()[0]
        np.testing.assert_array_equal(found.action_ids[view], ids)  # 8 actions, none of them padding
        e = edgedipn_equations.embed(model.embeddings[view], ids)
        w_s1, w_s2 = (edgedipn_equations.f64(w.kernel) for w in (encoder.w_s1, encoder.w_s2))
        expected = edgedipn_equations.softmax(np.tanh(e @ w_s1) @ w_s2, axis=0).mean(axis=1)
        np.testing.assert_allclose(found.action_weights[view], expected, atol=1e-6)


def test_probabilities_and_labels_are_those_of_the_sample(dataset, sample):
    model = _model("edgedipn")
    (found,) = explain(model, dataset, "eval", 8, [37])
    for name, logits in model(sample[0]).items():
        np.testing.assert_allclose(found.probabilities[name], tf.sigmoid(logits)[0], rtol=1e-6)
        is_known = sample[2][name][0].numpy() > 0
        np.testing.assert_array_equal(np.isnan(found.labels[name]), ~is_known)
        np.testing.assert_array_equal(found.labels[name][is_known], sample[1][name][0].numpy()[is_known])
    assert found.candidate_names == [("name0", "name0"), ("name1", "name1")]


def test_weights_of_sources_sum_to_one_and_are_what_the_task_takes(dataset, sample):
    model = _model("edgedipn_v3")  # data-level attention alone: O is the sources times these weights
    (found,) = explain(model, dataset, "eval", 8, [37])
    assert found.sources == [
        "swipe", "tap", "browse", "swipe-browse", "swipe-tap", "tap-browse", "history", "profile"
    ]  # fmt: skip
    sources, _ = model.sources(sample[0])
    for name, weights in found.source_weights.items():
        assert weights.sum() == pytest.approx(1, abs=1e-6)
        expected = model.task_attentions[name](sources)[0]
        np.testing.assert_allclose(sources[0] * weights[:, np.newaxis], expected, rtol=1e-5)
    assert all(len(gate) == 0 for gate in found.gate.values())


@pytest.mark.parametrize("name", ["edgedipn", "edgedipn_v4"])
def test_gate_is_that_of_equation_7(dataset, sample, name):
    model = _model(name)
    (found,) = explain(model, dataset, "eval", 8, [37])
    sources, _ = model.sources(sample[0])
    task, d = model.task_attentions["retention"], sources.numpy()[0].astype(np.float64)
    m = d * found.source_weights["retention"][:, np.newaxis]
    attended = m if name == "edgedipn" else d
    w_f1, w_f2 = task.feature_level.w_f1, task.feature_level.w_f2
    scores = edgedipn_equations.dense(w_f2, np.tanh(edgedipn_equations.dense(w_f1, attended)))
    m_prime = attended * edgedipn_equations.softmax(scores, axis=0)
    mixed = edgedipn_equations.dense(task.gate.w_data, m) + edgedipn_equations.dense(task.gate.w_feature, m_prime)
    np.testing.assert_allclose(found.gate["retention"], (1 / (1 + np.exp(-mixed))).mean(axis=1), atol=1e-5)


def test_samples_come_in_the_order_in_which_they_were_asked_for(dataset):
    found = explain(_model("edgedipn_v1"), dataset, "eval", 8, [5, 2, 5])
    assert [explained.position for explained in found] == [5, 2, 5]
    assert all(len(weights) == 0 for weights in found[0].source_weights.values())  # v1 has no task attention


@pytest.mark.parametrize(("name", "kind"), [("edgedipn_v0", "edgedipn_v0"), ("dipn_edge", "dipn_edge")])
def test_models_without_attention_over_actions_are_refused(dataset, name, kind):
    with pytest.raises(InputError, match=f"--explain: {kind} has no attention over actions"):
        explain(_model(name), dataset, "eval", 8, [0])


def test_a_sample_beyond_the_split_is_refused(dataset):
    with pytest.raises(InputError, match="--explain_samples: 80 is not one of the 80 samples of eval, from 0"):
        explain(_model("edgedipn_v1"), dataset, "eval", 8, [79, 80])
