"""Probabilities that can be taken at their word: a slope and a bias for the logits of an intent, fitted once.

```
p = sigmoid(slope * logit + bias),  slope > 0
```

minimizes the log-loss of samples that the model was not trained on. A slope of 1 / T without a bias is temperature
scaling (Guo et al., ICML 2017); the bias also mends a base rate that has moved. As the slope is positive, ranks and AUC
stay what they were. Source: Platt (1999), with his targets (n + 1) / (n + 2) and 1 / (n + 2) in place of 1 and 0, which
keep the fit finite where few samples are told apart without a mistake; found by Newton steps, as in Lin, Lin and Weng
(Machine Learning, 2007).
"""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from edgedipn_tf.calibration import sigmoid

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]

MIN_LABELS = 30
"""Fewest positives, and fewest negatives, that two numbers are fitted to."""
_MAX_STEPS = 100
_TOLERANCE = 1e-10
_MIN_CURVATURE = 1e-12


@dataclasses.dataclass(frozen=True)
class PlattScaling:
    """The scaling of one intent.

    Attributes:
        slope: factor of the logit, positive; 1 where nothing was fitted.
        bias: what is added; 0 where nothing was fitted.
        num_positives: positives among the known labels that it was fitted to.
        num_negatives: negatives among them.
        reason: why nothing was fitted, in a few words; None where it was.
    """

    slope: float
    bias: float
    num_positives: int
    num_negatives: int
    reason: str | None = None

    def apply(self, probabilities: FloatArray) -> FloatArray:
        """Returns scaled probabilities of unscaled ones."""
        values = np.asarray(probabilities, np.float64)
        with np.errstate(divide="ignore"):
            logits = np.log(values) - np.log1p(-values)
        return sigmoid(self.slope * logits + self.bias)


def fit(logits: FloatArray, labels: IntArray) -> PlattScaling:
    """Fits the scaling of an intent.

    Args:
        logits: (N,) of samples with a known label.
        labels: (N,) 0 or 1.

    Returns:
        The scaling; one that changes nothing, with the reason, when a class has fewer than `MIN_LABELS`, or when higher
        logits do not mean more positives.
    """
    num_positives = int(np.count_nonzero(labels))
    num_negatives = len(labels) - num_positives

    def unscaled(reason: str) -> PlattScaling:
        return PlattScaling(1.0, 0.0, num_positives, num_negatives, reason)

    for name, count in (("positives", num_positives), ("negatives", num_negatives)):
        if count < MIN_LABELS:
            return unscaled(f"{count} {name} among the held-out labels, {MIN_LABELS} are needed")
    targets = np.where(labels > 0, (num_positives + 1) / (num_positives + 2), 1 / (num_negatives + 2))
    slope, bias = _newton(np.asarray(logits, np.float64), targets)
    if slope <= 0:
        return unscaled("its logits rank the held-out labels no better than chance")
    return PlattScaling(slope, bias, num_positives, num_negatives)


def _newton(logits: npt.NDArray[np.float64], targets: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Minimizes the log-loss, which is convex; a step that does not lower it is halved."""
    columns = np.stack([logits, np.ones_like(logits)])

    def loss(found: npt.NDArray[np.float64]) -> float:
        scaled = found @ columns
        return float(np.mean(np.logaddexp(0.0, scaled) - scaled * targets))

    found = np.array([1.0, 0.0])
    for _ in range(_MAX_STEPS):
        probabilities = sigmoid(found @ columns)
        gradient = columns @ (probabilities - targets) / len(targets)
        curvature = (columns * (probabilities * (1 - probabilities))) @ columns.T / len(targets)
        step = np.linalg.solve(curvature + _MIN_CURVATURE * np.eye(2), gradient)
        size = 1.0
        while loss(found - size * step) > loss(found) and size > _TOLERANCE:
            size /= 2
        found = found - size * step
        if np.abs(size * step).max() < _TOLERANCE:
            break
    return float(found[0]), float(found[1])
