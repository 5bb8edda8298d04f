"""The head of a category intent: the candidate joins before the first Dense, one logit a candidate."""

import json

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.layers.category_intent_head import FRESH_STD, CategoryIntentHead


def test_value():
    head = CategoryIntentHead((1, 1))
    head.build((None, 1, 2), (None, 2, 1))
    weights = [[[1], [10]], [0.5], [[100]], [[2]], [1], [[-1]], [3]]
    head.set_weights([np.array(w, "float32") for w in weights])
    logits = head(tf.constant([[[1.0, 2.0]]]), tf.constant([[[3.0], [-4.0]]]))
    # 1 + 20 + 0.5 + 300 = 321.5 -> 644 -> -641;  21.5 - 400 < 0 -> relu 0 -> 1 -> 2.
    np.testing.assert_allclose(logits, [[-641.0, 2.0]])


@pytest.fixture
def head() -> CategoryIntentHead:
    head = CategoryIntentHead((5, 4))
    head.build((None, 2, 3), (None, 7, 2))
    rng = np.random.default_rng(5)
    head.set_weights([rng.normal(size=w.shape) for w in head.get_weights()])
    return head


def test_equals_a_dense_on_the_concatenation(head):
    rng = np.random.default_rng(6)
    representation, candidates = rng.normal(size=(3, 2, 3)), rng.normal(size=(3, 7, 2))
    kernel = np.concatenate([head.hidden_1.kernel, head.hidden_1_candidate.kernel])
    expected = np.zeros((3, 7))
    for b in range(3):
        for k in range(7):
            joined = np.concatenate([representation[b].ravel(), candidates[b, k]])
            hidden = np.maximum(joined @ kernel + head.hidden_1.bias, 0)
            hidden = np.maximum(hidden @ head.hidden_2.kernel + head.hidden_2.bias, 0)
            expected[b, k] = (hidden @ head.logit.kernel + head.logit.bias)[0]
    logits = head(tf.constant(representation, tf.float32), tf.constant(candidates, tf.float32))
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)


def test_shapes_of_weights(head):
    assert {w.path.split("/", 1)[1]: w.shape for w in head.weights} == {
        "hidden_1/kernel": (6, 5),
        "hidden_1/bias": (5,),
        "hidden_1_candidate/kernel": (2, 5),
        "hidden_2/kernel": (5, 4),
        "hidden_2/bias": (4,),
        "logit/kernel": (4, 1),
        "logit/bias": (1,),
    }


def test_scaled_parts_have_the_deviation_that_is_said(head):
    rng = np.random.default_rng(8)
    representation, candidates = 1e-3 * rng.normal(size=(40, 2, 3)) + 0.1, 30 * rng.normal(size=(40, 7, 2))
    before = [np.array(head.hidden_1.kernel), np.array(head.hidden_1_candidate.kernel)]
    others = [np.array(w) for w in head.weights if w.path.rsplit("/", 2)[-2] not in ("hidden_1", "hidden_1_candidate")]
    head.hidden_1.bias.assign(np.zeros(5))  # fresh
    head.scale(tf.constant(representation, tf.float32), tf.constant(candidates, tf.float32))
    after = [np.array(head.hidden_1.kernel), np.array(head.hidden_1_candidate.kernel)]
    for part, old, new in zip((representation.reshape(40, 6), candidates), before, after, strict=True):
        assert np.std(part @ new) == pytest.approx(FRESH_STD, rel=1e-4)
        np.testing.assert_allclose(new / old, (new / old)[0, 0] * np.ones_like(new), rtol=1e-5)  # one factor, above 0
        assert (new / old)[0, 0] > 0
    still = [np.array(w) for w in head.weights if w.path.rsplit("/", 2)[-2] not in ("hidden_1", "hidden_1_candidate")]
    for old, new in zip(others, still, strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_part_that_says_nothing_is_not_scaled(head):
    head.hidden_1.bias.assign(np.zeros(5))
    kernel = np.array(head.hidden_1.kernel)
    head.scale(tf.zeros((4, 2, 3)), tf.ones((4, 7, 2)))
    np.testing.assert_array_equal(head.hidden_1.kernel, kernel)


@pytest.mark.parametrize("hidden_units", [(128,), (128, 0), ()])
def test_invalid_widths_are_refused(hidden_units):
    with pytest.raises(ValueError, match="two positive numbers"):
        CategoryIntentHead(hidden_units)


def test_config_round_trip(head):
    config = json.loads(json.dumps(head.get_config()))
    assert CategoryIntentHead.from_config(config).get_config() == head.get_config()
