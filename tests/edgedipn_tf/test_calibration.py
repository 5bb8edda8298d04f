"""Calibration metrics against numbers worked out by hand."""

import numpy as np
import pytest

from edgedipn_tf import calibration


def _logits(probabilities):
    return np.log(np.array(probabilities) / (1 - np.array(probabilities)))


def test_log_loss_of_a_worked_example():
    # Logit 0 costs log 2 whatever the label; logit log 3 is probability 3/4, so label 0 costs log 4.
    found = calibration.log_losses(np.array([0.0, np.log(3.0)]), np.array([1, 0]))
    np.testing.assert_allclose(found, [np.log(2), np.log(4)])
    assert calibration.log_losses(np.array([-1000.0]), np.array([1])) == [1000.0]


def test_brier_score_of_a_worked_example():
    np.testing.assert_allclose(calibration.brier_scores(_logits([0.25, 0.75]), np.array([1, 1])), [0.5625, 0.0625])


def test_sigmoid_does_not_overflow():
    np.testing.assert_array_equal(calibration.sigmoid(np.array([-1000.0, 0.0, 1000.0])), [0.0, 0.5, 1.0])


def test_bins_hold_equal_numbers_and_equal_logits_stay_together():
    assert calibration.equal_mass_bins(np.array([3.0, 1.0, 2.0, 4.0]), num_bins=2).tolist() == [1, 0, 0, 1]
    assert calibration.equal_mass_bins(np.array([1.0, 1.0, 1.0, 4.0]), num_bins=2).tolist() == [0, 0, 0, 1]
    assert calibration.equal_mass_bins(np.array([]), num_bins=2).tolist() == []


def test_calibration_error_of_a_worked_example():
    # Two bins by equal logits: four rows of 1/4 with one positive are right; two of 3/4 without any are off by 3/4.
    probabilities = np.array([0.25, 0.25, 0.25, 0.25, 0.75, 0.75])
    assert calibration.calibration_error(probabilities, np.array([1, 0, 0, 0, 0, 0])) == pytest.approx(2 / 6 * 0.75)
    assert calibration.calibration_error(np.array([]), np.array([])) is None


def test_calibration_error_of_honest_probabilities_is_small():
    generator = np.random.default_rng(0)
    probabilities = generator.beta(1, 30, 200_000)  # rare, like purchases
    labels = (generator.random(200_000) < probabilities).astype(np.int64)
    assert calibration.calibration_error(probabilities, labels) < 0.002
    assert calibration.calibration_error(calibration.sigmoid(_logits(probabilities) + 1.0), labels) > 0.02


def test_calibration_error_counts_users_as_often_as_they_are_drawn():
    # One bin of each user: user 0 is off by 1/2, user 1 is right.
    probabilities, labels = np.array([0.5, 0.2, 0.2, 0.2, 0.2, 0.2]), np.array([1, 0, 0, 0, 0, 1])
    sums = calibration.CalibrationSums(probabilities, labels, np.array([0, 1, 1, 1, 1, 1]), 2)
    assert sums.error(np.array([1, 1]), 6) == pytest.approx(0.5 / 6)
    assert sums.error(np.array([2, 1]), 7) == pytest.approx(1.0 / 7)
    assert sums.error(np.array([0, 0]), 0) is None
