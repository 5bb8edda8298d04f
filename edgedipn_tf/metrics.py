"""The metrics of an intent and their intervals over users: AUC, GAUC, PR-AUC, log-loss, Brier score, calibration error.

Everything is NumPy on the logits of a whole split. Row: one known label, of a sample or, for a category intent, of a
(sample, candidate) pair. `N`: rows.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgedipn_tf.calibration import CalibrationSums, brier_scores, log_losses, sigmoid
from edgedipn_tf.ranking import RankedRows, auc_of_groups, auc_per_user, average_precision_of_groups

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]


@dataclasses.dataclass(frozen=True)
class Interval:
    """Percentile bootstrap interval over users.

    Attributes:
        low: lower bound, None when no draw was defined.
        high: upper bound.
        num_undefined: draws in which the metric was undefined and which the bounds leave out.
    """

    low: float | None
    high: float | None
    num_undefined: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class IntentMetrics:
    """What is reported of one intent, each metric with its 95 % interval over users.

    Attributes:
        auc: exact AUC, ties as 1/2; None without rows of both classes.
        gauc: AUC per user, weighted by the user's rows; None without a user of both classes.
        pr_auc: average precision; None without rows of both classes.
        log_loss: mean binary cross-entropy in nats; None without rows.
        brier: mean squared error of the probability; None without rows.
        calibration_error: expected calibration error over 15 bins of equal mass; None without rows.
        num_positives: rows with label 1.
        num_negatives: rows with label 0.
        num_users: users with a row.
        num_one_class_users: users whose rows have one class, which GAUC leaves out.
    """

    auc: float | None
    auc_interval: Interval
    gauc: float | None
    gauc_interval: Interval
    pr_auc: float | None
    pr_auc_interval: Interval
    log_loss: float | None
    log_loss_interval: Interval
    brier: float | None
    brier_interval: Interval
    calibration_error: float | None
    calibration_error_interval: Interval
    num_positives: int
    num_negatives: int
    num_users: int
    num_one_class_users: int

    def to_json(self) -> dict[str, Any]:
        """Returns the metrics as plain values."""
        return dataclasses.asdict(self)


class _UserRows:
    """The rows of an intent, prepared for any weighting of the users.

    Args:
        logits: (N,) finite.
        labels: (N,) 0 or 1.
        users: (N,) index of the row's user, 0 to num_users - 1.
        num_users: number of users.
    """

    def __init__(self, logits: FloatArray, labels: IntArray, users: IntArray, num_users: int) -> None:
        self._ranked = RankedRows(logits, labels)
        self._ranked_users = users[self._ranked.order]
        self.user_aucs = auc_per_user(logits, labels, users, num_users)
        self._num_rows = np.bincount(users, minlength=num_users)
        self._log_losses = np.bincount(users, log_losses(logits, labels), num_users)
        self._brier_scores = np.bincount(users, brier_scores(logits, labels), num_users)
        self._calibration = CalibrationSums(sigmoid(logits), labels, users, num_users)

    def metrics(self, counts: IntArray) -> dict[str, float | None]:
        """Returns each metric by name when each user counts `counts` times, (num_users,)."""
        groups = self._ranked.count(counts[self._ranked_users])
        num_rows = float(counts @ self._num_rows)
        return {
            "auc": auc_of_groups(*groups),
            "gauc": weighted_mean(self.user_aucs, self._num_rows * counts),
            "pr_auc": average_precision_of_groups(*groups),
            "log_loss": float(counts @ self._log_losses) / num_rows if num_rows else None,
            "brier": float(counts @ self._brier_scores) / num_rows if num_rows else None,
            "calibration_error": self._calibration.error(counts, num_rows),
        }


def weighted_mean(values: FloatArray, weights: FloatArray | IntArray) -> float | None:
    """Returns the mean of the values that are not NaN, or None when their weights are all zero."""
    weights = np.where(np.isnan(values), 0.0, weights)
    total = weights.sum()
    return float((np.nan_to_num(values) * weights).sum() / total) if total > 0 else None


def intent_metrics(
    logits: FloatArray, labels: IntArray, users: IntArray, num_draws: int = 200, seed: int = 0
) -> IntentMetrics:
    """Returns every metric of one intent from its rows.

    The bootstrap draws users with replacement, all rows of a user together: rows of one user are not independent.

    Args:
        logits: (N,) finite.
        labels: (N,) 0 or 1; rows with unknown labels are left out by the caller.
        users: (N,) any integers that identify the row's user.
        num_draws: bootstrap draws.
        seed: of the draws.

    Raises:
        ValueError: when a logit is not finite.
    """
    _, users = np.unique(users, return_inverse=True)
    num_users = int(users.max()) + 1 if len(users) else 0
    rows = _UserRows(logits, labels, users, num_users)
    found = rows.metrics(np.ones(num_users, np.int64))
    generator = np.random.default_rng(seed)
    draws = [rows.metrics(_drawn_users(generator, num_users)) for _ in range(num_draws)]
    return IntentMetrics(
        **_with_intervals(found, draws),
        num_positives=int(labels.sum()),
        num_negatives=len(labels) - int(labels.sum()),
        num_users=num_users,
        num_one_class_users=int(np.isnan(rows.user_aucs).sum()),
    )


def _drawn_users(generator: np.random.Generator, num_users: int) -> IntArray:
    """Returns how often each user is drawn, (num_users,)."""
    drawn = generator.integers(num_users, size=num_users) if num_users else np.zeros(0, np.int64)
    return np.bincount(drawn, minlength=num_users)


def _with_intervals(found: Mapping[str, float | None], draws: list[dict[str, float | None]]) -> dict[str, Any]:
    intervals = {f"{name}_interval": percentile_interval([draw[name] for draw in draws]) for name in found}
    return {**found, **intervals}


def percentile_interval(draws: list[float | None], confidence: float = 0.95) -> Interval:
    """Returns the percentile interval of bootstrap draws; None is an undefined draw, counted and left out."""
    defined = [draw for draw in draws if draw is not None]
    if not defined:
        return Interval(None, None, len(draws))
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high), len(draws) - len(defined))
