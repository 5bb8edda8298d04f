"""Agreement of two sets of probabilities, against numbers worked out by hand and independent definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedipn_tf.conversion.agreement import flipped_share, rank_correlation, worst_samples


def test_rank_correlation_with_ties_by_hand() -> None:
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5, variances 4.5 and 5.
    found = rank_correlation(np.array([0.1, 0.2, 0.2, 0.9]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert found == pytest.approx(4.5 / np.sqrt(4.5 * 5))


@pytest.mark.parametrize(("second", "expected"), [([1, 2, 3], 1.0), ([3, 2, 1], -1.0), ([5, 5, 5], None)])
def test_rank_correlation_of_equal_opposite_and_constant_orders(second: list[float], expected: float | None) -> None:
    found = rank_correlation(np.array([0.1, 0.2, 0.7]), np.array(second, np.float64))
    assert found == (None if expected is None else pytest.approx(expected))


def test_rank_correlation_of_nothing_is_undefined() -> None:
    assert rank_correlation(np.array([]), np.array([])) is None


@given(st.permutations(range(9)))
def test_rank_correlation_without_ties_is_the_textbook_sum(order: list[int]) -> None:
    expected = 1 - 6 * sum((place - rank) ** 2 for place, rank in enumerate(order)) / (9 * 80)
    assert rank_correlation(np.arange(9.0), np.exp(np.array(order, np.float64))) == pytest.approx(expected)


def test_a_decision_at_the_threshold_is_yes() -> None:
    assert flipped_share(np.array([0.2, 0.19, 0.5, 0.1]), np.array([0.19, 0.2, 0.6, 0.0]), 0.2) == 0.5


def test_worst_samples_over_intents_and_places() -> None:
    keras = {"user": np.array([[0.5], [0.5]]), "leaf": np.array([[0.1, 0.1], [0.1, 0.1]])}
    file = {"user": np.array([[0.5], [0.4]]), "leaf": np.array([[0.1, 0.1], [0.1, 0.4]])}
    found = worst_samples(keras, file, np.array([7, 9]), number=2)
    assert [(sample.sample, sample.intent, sample.place) for sample in found] == [(9, "leaf", 1), (9, "user", 0)]
