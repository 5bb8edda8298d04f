"""Exact metrics of an intent: AUC, AUC per user (GAUC), log-loss, and their intervals over users.

Everything is NumPy on the logits of a whole split: a streaming AUC of fixed thresholds errs by .01 and more where
probabilities are small, which is where purchases are. A metric without known labels of both classes is None, never
0.5. Row: one known label, of a sample or, for a category intent, of a (sample, candidate) pair. `N`: rows.
"""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

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


@dataclasses.dataclass(frozen=True)
class IntentMetrics:
    """What is reported of one intent.

    Attributes:
        auc: exact AUC, ties as 1/2; None without rows of both classes.
        auc_interval: its 95 % interval over users.
        gauc: AUC per user, weighted by the user's rows; None without a user of both classes.
        gauc_interval: its 95 % interval over users.
        log_loss: mean binary cross-entropy in nats; None without rows.
        num_positives: rows with label 1.
        num_negatives: rows with label 0.
        num_users: users with a row.
        num_one_class_users: users whose rows have one class, which GAUC leaves out.
    """

    auc: float | None
    auc_interval: Interval
    gauc: float | None
    gauc_interval: Interval
    log_loss: float | None
    num_positives: int
    num_negatives: int
    num_users: int
    num_one_class_users: int

    def to_json(self) -> dict[str, Any]:
        """Returns the metrics as plain values."""
        return dataclasses.asdict(self)


class RankedRows:
    """Rows sorted once by score, so that the AUC of many weightings of the rows costs no further sort.

    Args:
        scores: (N,) finite; only their order counts.
        labels: (N,) 0 or 1.

    Raises:
        ValueError: when a score is not finite.
    """

    def __init__(self, scores: FloatArray, labels: IntArray) -> None:
        if not np.isfinite(scores).all():
            raise ValueError("scores are not finite")
        self.order = np.argsort(scores, kind="stable")
        ordered = np.asarray(scores)[self.order]
        self._labels = np.asarray(labels)[self.order].astype(np.int64)
        self._starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])

    def auc(self, weights: IntArray | None = None) -> float | None:
        """Returns P(positive's score > negative's) + P(equal) / 2, or None without rows of both classes.

        Args:
            weights: (N,) how often each row counts, in the order of `self.order`; by default once.
        """
        if len(self._labels) == 0:
            return None
        ones = np.ones_like(self._labels) if weights is None else weights.astype(np.int64)
        positives = np.add.reduceat(ones * self._labels, self._starts)
        negatives = np.add.reduceat(ones, self._starts) - positives
        num_pairs = int(positives.sum()) * int(negatives.sum())
        if num_pairs == 0:
            return None
        return float((positives * _preceding(negatives)).sum() / num_pairs)


def auc(scores: FloatArray, labels: IntArray) -> float | None:
    """Returns the exact AUC with ties as 1/2, or None without rows of both classes.

    Args:
        scores: (N,) finite; only their order counts.
        labels: (N,) 0 or 1.

    Raises:
        ValueError: when a score is not finite.
    """
    return RankedRows(scores, labels).auc()


def auc_per_user(scores: FloatArray, labels: IntArray, users: IntArray, num_users: int) -> FloatArray:
    """Returns the exact AUC of each user's rows, (num_users,), NaN for a user without rows of both classes.

    Args:
        scores: (N,) finite.
        labels: (N,) 0 or 1.
        users: (N,) index of the row's user, 0 to num_users - 1.
        num_users: number of users.
    """
    order = np.lexsort((scores, users))
    scores, users, labels = np.asarray(scores)[order], users[order], labels[order].astype(np.int64)
    if len(scores) == 0:
        return np.full(num_users, np.nan)
    is_start = np.concatenate([[True], (scores[1:] != scores[:-1]) | (users[1:] != users[:-1])])
    starts = np.flatnonzero(is_start)
    positives = np.add.reduceat(labels, starts)
    negatives = np.add.reduceat(1 - labels, starts)
    group_users = users[starts]
    user_negatives = np.bincount(group_users, negatives, num_users)
    user_positives = np.bincount(group_users, positives, num_users)
    before_user = (np.cumsum(user_negatives) - user_negatives)[group_users]
    wins = np.bincount(group_users, positives * (_preceding(negatives) - before_user), num_users)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(wins / (user_positives * user_negatives))


def _preceding(negatives: IntArray) -> FloatArray:
    """Returns, for each group of equal scores in rising order, the negatives below it plus half of its own."""
    return np.cumsum(negatives) - negatives / 2


def log_loss(logits: FloatArray, labels: IntArray) -> float | None:
    """Returns the mean binary cross-entropy of (N,) logits in nats, or None without rows."""
    if len(logits) == 0:
        return None
    values = np.asarray(logits, np.float64)
    return float(np.mean(np.logaddexp(0.0, values) - values * labels))


def weighted_mean(values: FloatArray, weights: FloatArray) -> float | None:
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
    """
    _, users = np.unique(users, return_inverse=True)
    num_users = int(users.max()) + 1 if len(users) else 0
    rows = RankedRows(logits, labels)
    user_aucs = auc_per_user(logits, labels, users, num_users)
    user_rows = np.bincount(users, minlength=num_users).astype(np.float64)
    generator = np.random.default_rng(seed)
    auc_draws: list[float | None] = []
    gauc_draws: list[float | None] = []
    for _ in range(num_draws):
        counts = np.bincount(generator.integers(num_users, size=num_users), minlength=num_users) if num_users else users
        auc_draws.append(rows.auc(counts[users[rows.order]]))
        gauc_draws.append(weighted_mean(user_aucs, user_rows * counts))
    return IntentMetrics(
        auc=rows.auc(),
        auc_interval=percentile_interval(auc_draws),
        gauc=weighted_mean(user_aucs, user_rows),
        gauc_interval=percentile_interval(gauc_draws),
        log_loss=log_loss(logits, labels),
        num_positives=int(labels.sum()),
        num_negatives=len(labels) - int(labels.sum()),
        num_users=num_users,
        num_one_class_users=int(np.isnan(user_aucs).sum()),
    )


def percentile_interval(draws: list[float | None], confidence: float = 0.95) -> Interval:
    """Returns the percentile interval of bootstrap draws; None is an undefined draw, counted and left out."""
    defined = [draw for draw in draws if draw is not None]
    if not defined:
        return Interval(None, None, len(draws))
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high), len(draws) - len(defined))
