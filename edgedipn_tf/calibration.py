"""How far probabilities can be taken at their word: log-loss, Brier score and calibration error of rows.

What is additive is summed for each user once, so that a bootstrap over users costs one product a draw. `N`: rows.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]
NUM_BINS = 15
"""Bins of the calibration error."""


def sigmoid(logits: FloatArray) -> FloatArray:
    """Returns the probabilities of logits in float64, without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -np.asarray(logits, np.float64))))


def log_losses(logits: FloatArray, labels: IntArray) -> FloatArray:
    """Returns the binary cross-entropy of each row in nats, (N,)."""
    values = np.asarray(logits, np.float64)
    return np.asarray(np.logaddexp(0.0, values) - values * labels)


def brier_scores(logits: FloatArray, labels: IntArray) -> FloatArray:
    """Returns the squared error of each row's probability, (N,)."""
    return np.asarray((sigmoid(logits) - labels) ** 2)


def equal_mass_bins(scores: FloatArray, num_bins: int = NUM_BINS) -> IntArray:
    """Returns the bin of each row: bins of equal numbers of rows in the order of the scores, equal scores in one bin.

    Bins of equal width would put every row of a rare intent into the first one.
    """
    ordered = np.sort(scores)
    first_place = np.searchsorted(ordered, scores, side="left")
    return np.asarray(first_place * num_bins // max(len(ordered), 1))


def calibration_error(probabilities: FloatArray, labels: IntArray) -> float | None:
    """Returns the expected calibration error of rows, see `CalibrationSums.error`; None without rows."""
    one_user = np.zeros(len(labels), np.int64)
    return CalibrationSums(probabilities, labels, one_user, 1).error(np.ones(1, np.int64), len(labels))


class CalibrationSums:
    """What the calibration error needs of each (user, bin), for any weighting of the users.

    Args:
        probabilities: (N,).
        labels: (N,) 0 or 1.
        users: (N,) index of the row's user, 0 to num_users - 1.
        num_users: number of users.
    """

    def __init__(self, probabilities: FloatArray, labels: IntArray, users: IntArray, num_users: int) -> None:
        cell = users * NUM_BINS + equal_mass_bins(probabilities)
        excess = np.bincount(cell, np.asarray(probabilities, np.float64) - labels, num_users * NUM_BINS)
        self._excess = excess.reshape(num_users, NUM_BINS)

    def error(self, counts: IntArray, num_rows: float) -> float | None:
        """Returns the expected calibration error, or None without rows.

        ```
        sum over bins b of (rows of b / rows) |mean probability of b - share of positives of b|
        ```

        Source: Naeini, Cooper and Hauskrecht (AAAI 2015); bins of equal mass as in Nixon et al. (CVPR Workshops 2019).

        Args:
            counts: (num_users,) how often each user counts.
            num_rows: rows of these users, counted as often.
        """
        return float(np.abs(counts @ self._excess).sum() / num_rows) if num_rows > 0 else None
