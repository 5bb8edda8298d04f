"""The gate between a file and a phone, with numbers that can be checked by hand."""

import dataclasses
import json

import numpy as np
import pytest

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion import parity
from edgedipn_tf.conversion.parity import ByIntent, Compared, Labels, Parity, parity_json, refuse_degraded
from edgedipn_tf.conversion.parity_table import format_table
from edgedipn_tf.conversion.recipes import DYNAMIC_INT8, FLOAT32, Recipe, Tolerance, with_limits
from edgedipn_tf.conversion.signatures import SignatureKey

# Two positives above two negatives: AUC 1. The fifth sample is unknown and counts for errors only.
KERAS = {"buy": np.array([[0.1], [0.2], [0.3], [0.4], [0.9]], np.float32)}
LABELS = Labels(
    labels={"buy": np.array([[0], [0], [1], [1], [0]], np.float32)},
    weights={"buy": np.array([[1], [1], [1], [1], [0]], np.float32)},
)


def with_tolerance(recipe: Recipe, **limits: float) -> Recipe:
    return dataclasses.replace(recipe, tolerance=Tolerance(**limits))


def on(keras: ByIntent, labels: Labels) -> Compared:
    """The samples have 1, 2, 3 ... steps; 8 is the only length."""
    count = len(next(iter(keras.values())))
    return Compared({8: keras}, labels, positions=10 * np.arange(count), num_steps=1 + np.arange(count))


def compare(recipe: Recipe, keras: ByIntent, file: ByIntent, labels: Labels) -> Parity:
    return parity.compare(recipe, "m.tflite", SignatureKey("predict", 8), file, file, on(keras, labels))


def test_errors_and_auc_by_hand() -> None:
    # 0.2 and 0.3 change places: three of four pairs stay in order.
    file = {"buy": np.array([[0.1], [0.3], [0.2], [0.4], [0.9]], np.float32)}
    found = compare(FLOAT32, KERAS, file, LABELS)
    assert found.max_abs_error == pytest.approx(0.1, abs=1e-7)
    assert found.mean_abs_error == pytest.approx(0.2 / 5, abs=1e-7)
    assert found.auc == {"buy": 0.75}
    assert found.auc_difference == {"buy": -0.25}


def test_an_unknown_label_counts_for_errors_but_not_for_the_auc() -> None:
    file = {"buy": np.array([[0.1], [0.2], [0.3], [0.4], [0.0]], np.float32)}
    found = compare(FLOAT32, KERAS, file, LABELS)
    assert found.max_abs_error == pytest.approx(0.9, abs=1e-7)
    assert found.auc_difference == {"buy": 0.0}


def test_category_intents_rank_all_known_pairs_of_sample_and_candidate() -> None:
    # Known pairs: 0.1 (0), 0.6 (1), 0.7 (0); the positive is above one of two negatives.
    keras = {"leaf": np.array([[0.1, 0.6], [0.7, 0.9]], np.float32)}
    labels = Labels({"leaf": np.array([[0, 1], [0, 1]], np.float32)}, {"leaf": np.array([[1, 1], [1, 0]], np.float32)})
    assert compare(FLOAT32, keras, keras, labels).auc == {"leaf": 0.5}


def test_an_auc_without_both_classes_is_none_and_refuses_nothing() -> None:
    labels = Labels({"buy": np.zeros((5, 1), np.float32)}, LABELS.weights)
    found = compare(DYNAMIC_INT8, KERAS, KERAS, labels)
    assert found.auc == found.auc_difference == {"buy": None}
    assert found.is_within_tolerance
    assert "n/a" in format_table({"buy": None}, [found])


@pytest.mark.parametrize(("error", "is_within"), [(0.9e-5, True), (1.5e-5, False)])
def test_float32_is_refused_beyond_one_in_a_hundred_thousand(error: float, is_within: bool) -> None:
    file = {"buy": (KERAS["buy"].astype(np.float64) + [[0], [0], [0], [error], [0]]).astype(np.float32)}
    assert compare(FLOAT32, KERAS, file, LABELS).is_within_tolerance is is_within


# tensorflow/tensorflow#48774, #48487, #60903: quantized models that were worse than their floats and shipped unnoticed.
def test_a_file_that_swaps_users_is_refused_with_the_intent_and_the_resolution() -> None:
    file = {"buy": np.array([[0.1], [0.21], [0.2], [0.4], [0.9]], np.float32)}
    found = compare(DYNAMIC_INT8, KERAS, file, LABELS)
    with pytest.raises(
        InputError, match=r"m.tflite, predict_8, .* 5 evaluation samples.*AUC of buy -0.2500.*pair is 0.25"
    ) as e:
        refuse_degraded([found], 5)
    assert "--allow_degraded" in str(e.value) and "\n" not in str(e.value)


def test_a_large_mean_error_is_refused_even_when_ranks_are_kept() -> None:
    # Every probability is 0.03 lower: the order is the same, and no threshold lies between.
    keras = {"buy": KERAS["buy"] + 0.05}
    found = compare(DYNAMIC_INT8, keras, {"buy": keras["buy"] - 0.03}, LABELS)
    assert found.violations == ("mean error 0.03 > 0.02",)


def test_decisions_that_flip_are_refused_by_intent_and_threshold() -> None:
    # 0.2 and 0.4 are at their thresholds: a hair less is another decision. 0.3 only gains.
    file = {"buy": KERAS["buy"] + np.array([[0], [-0.001], [0.001], [-0.001], [0]], np.float32)}
    found = compare(DYNAMIC_INT8, KERAS, file, LABELS)
    assert found.flips == {"buy": {"0.2": 0.2, "0.3": 0.0, "0.4": 0.2}}
    assert found.violations == (
        "20.00% of buy flips at 0.2, beyond --max_flips=0.01",
        "20.00% of buy flips at 0.4, beyond --max_flips=0.01",
    )
    assert compare(with_limits(DYNAMIC_INT8, 0.0, 0.2), KERAS, file, LABELS).is_within_tolerance


def test_limits_of_the_reference_do_not_change() -> None:
    assert with_limits(FLOAT32, 1.0, 1.0) == FLOAT32


def test_a_gain_is_no_drop() -> None:
    # Positives 0.1 and 0.2 below negatives 0.201 and 0.4: AUC 0; with 0.2 and 0.201 exchanged one of four pairs is in
    # order.
    keras = {"buy": np.array([[0.1], [0.2], [0.201], [0.4], [0.9]], np.float32)}
    file = {"buy": keras["buy"][[0, 2, 1, 3, 4]]}
    labels = Labels({"buy": 1 - LABELS.labels["buy"]}, LABELS.weights)
    found = compare(DYNAMIC_INT8, keras, file, labels)
    assert found.auc_difference == {"buy": 0.25} and found.is_within_tolerance


def test_worst_samples_are_named_by_their_position_in_the_split() -> None:
    file = {"buy": KERAS["buy"] + np.array([[0], [0.1], [0], [-0.3], [0]], np.float32)}
    worst = compare(FLOAT32, KERAS, file, LABELS).worst_samples
    assert [(sample.sample, sample.intent, sample.place) for sample in worst[:2]] == [(30, "buy", 0), (10, "buy", 0)]
    assert (worst[0].keras, worst[0].file) == (pytest.approx(0.4), pytest.approx(0.1))


def test_rank_correlation_and_calibration_error_stand_beside_the_auc() -> None:
    # 0.2 and 0.3 change places: Spearman's is 1 - 6 (1 + 1) / (5 (25 - 1)).
    file = {"buy": KERAS["buy"][[0, 2, 1, 3, 4]]}
    found = compare(FLOAT32, KERAS, file, LABELS)
    assert found.rank_correlation == {"buy": pytest.approx(0.9)}
    # Four known rows, each in a bin of its own: labels 0, 0, 1, 1.
    assert found.calibration_error == {"buy": pytest.approx((0.1 + 0.3 + 0.8 + 0.6) / 4)}


def test_outputs_are_bound_by_name() -> None:
    # tensorflow/tensorflow#47927, #61065, #51858: the order of outputs changes in conversion.
    keras = {"zeta": KERAS["buy"], "alpha": 1 - KERAS["buy"]}
    labels = Labels({i: LABELS.labels["buy"] for i in keras}, {i: LABELS.weights["buy"] for i in keras})
    found = compare(FLOAT32, keras, dict(reversed(list(keras.items()))), labels)
    assert found.max_abs_error == 0
    assert found.auc == {"zeta": 1.0, "alpha": 0.0}


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_probability_that_is_not_finite_is_refused_whatever_the_tolerance(broken: float) -> None:
    file = {"buy": np.where(KERAS["buy"] > 0.8, broken, KERAS["buy"])}
    with pytest.raises(InputError, match="buy is not finite for 1 of 5"):
        compare(with_tolerance(FLOAT32), KERAS, file, LABELS)


def test_parity_json_holds_what_was_found_and_what_was_tolerated() -> None:
    found = compare(FLOAT32, KERAS, KERAS, LABELS)
    values = json.loads(json.dumps(parity_json([found], on(KERAS, LABELS), {"m.tflite": 1e-7}, {"m.tflite": 2e-7})))
    assert values["num_samples"] == 5
    assert values["keras"]["8"] == {
        "auc": {"buy": 1.0},
        "calibration_error": {"buy": pytest.approx((0.1 + 0.2 + 0.7 + 0.6) / 4)},
    }
    assert values["two_steps"] == {"m.tflite": {"max_abs_difference": 1e-7}}
    assert values["predict_raw"] == {"m.tflite": {"max_abs_difference": 2e-7}}
    values_of_file = values["files"]["m.tflite"]["predict_8"]
    assert values_of_file["is_within_tolerance"] is True
    assert values_of_file["max_abs_error"] == 0
    assert values_of_file["ladder"] == {"num_samples": 5, "max_abs_difference": 0.0}
    assert values["tolerance"]["float32"]["max_abs_error"] == 1e-5


def test_the_table_shows_the_difference_beside_each_auc() -> None:
    file = {"buy": np.array([[0.1], [0.3], [0.2], [0.4], [0.9]], np.float32)}
    table = format_table({"buy": 1.0}, [compare(FLOAT32, KERAS, file, LABELS)])
    assert "0.7500 (-0.2500)" in table and "1.0000" in table
    title, of_length = (line.split() for line in table.splitlines()[-2:])
    assert title[:2] == ["max", "error"] and of_length[:3] == ["float32", "8", "0.1"] and "0.2500" in of_length


def test_a_short_length_has_to_give_what_the_longest_gives_where_the_views_fit() -> None:
    """The samples have 1 to 5 steps; the fourth and fifth do not fit into 3, so they may differ from the longest."""
    of_three = {"buy": KERAS["buy"] + np.array([[0], [0.004], [0], [0.3], [0.3]], np.float32)}
    compared = dataclasses.replace(on(KERAS, LABELS), keras={3: of_three, 8: KERAS})
    found = parity.compare(FLOAT32, "m.tflite", SignatureKey("predict", 3), of_three, KERAS, compared)
    assert found.max_abs_error == 0  # Keras sees the newest three steps too
    assert found.ladder.num_samples == 3
    assert found.ladder.max_abs_difference == pytest.approx(0.004, abs=1e-7)
    assert found.violations == ("largest difference from the longest length 0.004",)
    exact = {"buy": KERAS["buy"] + np.array([[0], [0], [0], [0.3], [0.3]], np.float32)}
    compared = dataclasses.replace(compared, keras={3: exact})
    assert parity.compare(FLOAT32, "m", SignatureKey("predict", 3), exact, KERAS, compared).is_within_tolerance


def test_no_sample_may_fit() -> None:
    compared = dataclasses.replace(on(KERAS, LABELS), num_steps=np.full(5, 9))
    found = parity.compare(FLOAT32, "m.tflite", SignatureKey("predict", 8), KERAS, KERAS, compared)
    assert (found.ladder.num_samples, found.ladder.max_abs_difference) == (0, 0.0)
