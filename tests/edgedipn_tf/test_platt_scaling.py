"""A known temperature and bias are found again; too little to fit to changes nothing and says why."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedipn_tf import platt_scaling
from edgedipn_tf.calibration import calibration_error, sigmoid
from edgedipn_tf.platt_scaling import MIN_LABELS, PlattScaling
from edgedipn_tf.ranking import auc


def drawn(slope: float, bias: float, num_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels that are positive with the probability sigmoid(slope * logit + bias)."""
    rng = np.random.default_rng(5)
    logits = rng.normal(scale=2.0, size=num_samples)
    return logits, (rng.random(num_samples) < sigmoid(slope * logits + bias)).astype(np.int8)


@pytest.mark.parametrize(("temperature", "bias"), [(1.0, 0.0), (2.0, 0.0), (0.5, -1.0), (4.0, 0.7)])
def test_a_known_temperature_and_bias_are_found(temperature: float, bias: float) -> None:
    logits, labels = drawn(1 / temperature, bias, 200_000)
    found = platt_scaling.fit(logits, labels)
    assert found.reason is None
    # Standard errors of 200,000 labels are about 0.01 of the slope and 0.01.
    assert found.slope == pytest.approx(1 / temperature, rel=0.03)
    assert found.bias == pytest.approx(bias, abs=0.03)


def test_two_groups_get_their_shares() -> None:
    # Two logits, two numbers: the fit is exact. Targets are 151/152 and 1/152; 40 of 100 and 110 of 202 are positive.
    logits = np.repeat([-1.0, 3.0], [100, 202])
    labels = np.concatenate([np.repeat([1, 0], [40, 60]), np.repeat([1, 0], [110, 92])]).astype(np.int8)
    assert (labels.sum(), len(labels) - labels.sum()) == (150, 152)
    shares = np.array([(40 * 151 / 152 + 60 / 154) / 100, (110 * 151 / 152 + 92 / 154) / 202])
    low, high = np.log(shares / (1 - shares))
    found = platt_scaling.fit(logits, labels)
    assert found.slope == pytest.approx((high - low) / 4, rel=1e-6)
    assert found.bias == pytest.approx(low + (high - low) / 4, rel=1e-6)


def test_overconfident_probabilities_are_mended_and_ranks_stay() -> None:
    logits, labels = drawn(0.25, 0.5, 20_000)
    before = sigmoid(logits)
    after = platt_scaling.fit(logits, labels).apply(before)
    errors = calibration_error(before, labels), calibration_error(after, labels)
    assert errors[0] > 0.1 and errors[1] < 0.02
    assert auc(after, labels) == auc(before, labels)


@pytest.mark.parametrize(
    ("num_positives", "num_negatives", "reason"),
    [(MIN_LABELS - 1, 500, "29 positives"), (500, MIN_LABELS - 1, "29 negatives"), (0, 0, "0 positives")],
)
def test_too_few_labels_change_nothing(num_positives: int, num_negatives: int, reason: str) -> None:
    labels = np.repeat([1, 0], [num_positives, num_negatives]).astype(np.int8)
    found = platt_scaling.fit(labels + 0.5, labels)
    assert (found.slope, found.bias, found.num_positives, found.num_negatives) == (1, 0, num_positives, num_negatives)
    assert found.reason is not None and reason in found.reason
    assert found.apply(np.array([0.25])).tolist() == pytest.approx([0.25])


def test_logits_that_rank_backwards_change_nothing() -> None:
    logits, labels = drawn(-1.0, 0.0, 2000)
    found = platt_scaling.fit(logits, labels)
    assert (found.slope, found.bias) == (1.0, 0.0)
    assert found.reason == "its logits rank the held-out labels no better than chance"


def test_labels_that_are_told_apart_without_a_mistake_give_a_finite_scaling() -> None:
    labels = np.repeat([0, 1], [50, 50]).astype(np.int8)
    found = platt_scaling.fit(np.where(labels > 0, 1.0, -1.0), labels)
    # sigmoid(slope) = 51 / 52, so slope = log(51).
    assert found.slope == pytest.approx(np.log(51), rel=1e-6)
    assert found.bias == pytest.approx(0.0, abs=1e-6)


def test_equal_logits_of_all_samples_have_no_slope_to_fit() -> None:
    labels = np.repeat([0, 1], [50, 50]).astype(np.int8)
    found = platt_scaling.fit(np.full(100, 2.0), labels)
    assert np.isfinite([found.slope, found.bias]).all()
    assert found.apply(sigmoid(np.array([2.0]))) == pytest.approx(0.5, abs=1e-6)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=2), st.floats(0.01, 10), st.floats(-5, 5))
def test_scaling_never_swaps_two_probabilities(values: list[float], slope: float, bias: float) -> None:
    ordered = np.sort(values)
    scaled = PlattScaling(slope, bias, 0, 0).apply(ordered)
    assert (np.diff(scaled) >= 0).all()
