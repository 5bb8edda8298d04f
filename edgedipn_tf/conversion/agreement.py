"""How far two sets of probabilities of the same samples agree: in rank, in decisions, at worst. NumPy only.

What an app does with a probability is to rank by it or to compare it with a threshold: an error that does neither harm
is none, and one of 0.001 at a threshold is a coupon more or less.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]

THRESHOLDS = (0.2, 0.3, 0.4)
"""Of the policies in EdgeDIPN, section 5.3: a coupon between 0.2 and 0.4, a push above 0.3."""


@dataclasses.dataclass(frozen=True)
class WorstSample:
    """A probability that is far from its reference.

    Attributes:
        sample: position of the sample in the evaluation split.
        intent: name of the intent.
        place: the candidate's place; 0 for a user intent.
        keras: probability of Keras.
        file: probability of the file.
    """

    sample: int
    intent: str
    place: int
    keras: float
    file: float


def rank_correlation(first: FloatArray, second: FloatArray) -> float | None:
    """Returns Spearman's rank correlation, equal values sharing their mean rank; None when a side is constant."""
    if len(first) == 0:
        return None
    ranks = np.stack([_ranks(first), _ranks(second)])
    deviations = ranks - ranks.mean(axis=1, keepdims=True)
    scale = float(np.sqrt((deviations**2).sum(axis=1).prod()))
    return float(deviations[0] @ deviations[1]) / scale if scale > 0 else None


def _ranks(values: FloatArray) -> npt.NDArray[np.float64]:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places])


def flipped_share(first: FloatArray, second: FloatArray, threshold: float) -> float:
    """Returns the share of values that are on different sides of a threshold, of one or more values."""
    return float(np.mean((first >= threshold) != (second >= threshold)))


def worst_samples(
    keras: Mapping[str, FloatArray], file: Mapping[str, FloatArray], positions: npt.NDArray[np.int64], number: int
) -> tuple[WorstSample, ...]:
    """Returns the probabilities that differ most, the worst first.

    Args:
        keras: probabilities (N, places) by intent.
        file: the same of the file.
        positions: (N,) of the samples in the evaluation split.
        number: how many.
    """
    found = []
    for intent, reference in keras.items():
        errors = np.abs(file[intent].astype(np.float64) - reference).ravel()
        for flat in np.argsort(-errors, kind="stable")[:number]:
            row, place = np.unravel_index(flat, reference.shape)
            values = float(reference[row, place]), float(file[intent][row, place])
            found.append(WorstSample(int(positions[row]), intent, int(place), *values))
    found.sort(key=lambda sample: -abs(sample.file - sample.keras))
    return tuple(found[:number])
