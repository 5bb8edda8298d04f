"""How well scores rank rows: exact AUC and average precision, ties counted, for many weightings of the same rows.

A streaming AUC of fixed thresholds errs by .01 and more where probabilities are small, which is where purchases are;
here the rows are sorted once. A metric without rows of both classes is None, never 0.5. `N`: rows.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]


class RankedRows:
    """Rows sorted once by score, so that the metrics of many weightings of the rows cost no further sort.

    Args:
        scores: (N,) finite; only their order counts.
        labels: (N,) 0 or 1.

    Attributes:
        order: (N,) the rows in rising order of score.

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

    def count(self, weights: IntArray | None = None) -> tuple[IntArray, IntArray]:
        """Returns the positives and the negatives of each group of equal scores, in rising order of score.

        Args:
            weights: (N,) how often each row counts, in the order of `self.order`; by default once.
        """
        if len(self._labels) == 0:
            return self._labels, self._labels
        ones = np.ones_like(self._labels) if weights is None else weights.astype(np.int64)
        positives = np.add.reduceat(ones * self._labels, self._starts)
        return positives, np.add.reduceat(ones, self._starts) - positives


def auc_of_groups(positives: IntArray, negatives: IntArray) -> float | None:
    """Returns P(positive's score > negative's) + P(equal) / 2, or None without both classes.

    Args:
        positives: number in each group of equal scores, in rising order of score.
        negatives: the same of the negatives.
    """
    num_pairs = int(positives.sum()) * int(negatives.sum())
    if num_pairs == 0:
        return None
    return float((positives * _preceding(negatives)).sum() / num_pairs)


def average_precision_of_groups(positives: IntArray, negatives: IntArray) -> float | None:
    """Returns the area under the precision-recall curve as a sum of steps, or None without both classes.

    The mean over the positives of the precision among the rows with at least the positive's score; rows of equal scores
    stand together. By chance it is the share of positives.

    Args:
        positives: number in each group of equal scores, in rising order of score.
        negatives: the same of the negatives.
    """
    if not positives.any() or not negatives.any():
        return None
    found = np.cumsum(positives[::-1])
    selected = np.cumsum((positives + negatives)[::-1])
    steps = positives[::-1] > 0  # a weighting may leave a group without rows
    return float((positives[::-1][steps] * (found[steps] / selected[steps])).sum() / found[-1])


def auc(scores: FloatArray, labels: IntArray) -> float | None:
    """Returns the exact AUC with ties as 1/2, or None without rows of both classes.

    Args:
        scores: (N,) finite; only their order counts.
        labels: (N,) 0 or 1.

    Raises:
        ValueError: when a score is not finite.
    """
    return auc_of_groups(*RankedRows(scores, labels).count())


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
