"""Logistic regression of one intent on standardised logarithms of the aggregates."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from edgedipn_tf.calibration import log_losses, sigmoid

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)
"""Candidates for lambda below."""
Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class LogisticRegression:
    """x = b + w . (log(1 + a) - m) / s for aggregates a; probability sigmoid(x).

    Fitted by the least mean log-loss + lambda / 2 * |w|^2. Aggregates that are the same in every row have no weight.

    Attributes:
        mean, scale: m and s over the training rows, (names,).
        weights: w, (names,).
        intercept: b.
    """

    suffix = ".json"
    mean: Floats
    scale: Floats
    weights: Floats
    intercept: float

    @classmethod
    def fit(
        cls, values: NDArray[np.float32], labels: NDArray[np.int64], is_held_out: NDArray[np.bool_], seed: int
    ) -> tuple["LogisticRegression", dict[str, float]]:
        """Fits with the penalty of `PENALTIES` that gives the least log-loss on the rows held out, then on all rows.

        Args:
            values: aggregates, (N, names), none below 0.
            labels: (N,) 0 or 1, both among the held-out rows and among the others.
            is_held_out: (N,) rows of the users that choose the penalty.
            seed: unused: nothing here is random.

        Returns:
            The model, and `penalty` and `held_out_log_loss`.
        """
        losses = {}
        for penalty in PENALTIES:
            trial = cls._fit(values[~is_held_out], labels[~is_held_out], penalty)
            losses[penalty] = float(log_losses(trial.logits(values[is_held_out]), labels[is_held_out]).mean())
        best = min(losses, key=lambda penalty: losses[penalty])
        return cls._fit(values, labels, best), {"penalty": best, "held_out_log_loss": losses[best]}

    @classmethod
    def _fit(cls, values: NDArray[np.float32], labels: NDArray[np.int64], penalty: float) -> "LogisticRegression":
        logarithms = np.log1p(values)
        mean, deviation = logarithms.mean(axis=0, dtype=np.float64), logarithms.std(axis=0, dtype=np.float64)
        scale = np.where(deviation > 0, deviation, 1.0)
        standardised = ((logarithms - mean) / scale).astype(np.float32)
        objective = _objective(standardised, labels, penalty)
        found = scipy.optimize.minimize(objective, np.zeros(len(mean) + 1), jac=True, method="L-BFGS-B")
        return cls(mean, scale, found.x[1:], float(found.x[0]))

    def logits(self, values: NDArray[np.float32]) -> Floats:
        """Returns the log-odds of rows, (N,)."""
        standardised = (np.log1p(values) - self.mean) / self.scale
        # Not a product of BLAS, which rounds a row differently in a batch of another size.
        return np.asarray(self.intercept + np.einsum("nf,f->n", standardised, self.weights))

    def to_text(self) -> str:
        """Returns what a file of it holds."""
        values = {name: np.asarray(value).tolist() for name, value in vars(self).items()}
        return json.dumps(values, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "LogisticRegression":
        """Reads `to_text`.

        Raises:
            ValueError: when the text is not such a model.
        """
        values: dict[str, Any] = json.loads(text)
        arrays = {name: np.array(values[name], np.float64) for name in ("mean", "scale", "weights")}
        return cls(intercept=float(values["intercept"]), **arrays)


def _objective(
    standardised: NDArray[np.float32], labels: NDArray[np.int64], penalty: float
) -> Callable[[Floats], tuple[float, Floats]]:
    """Returns the function that gives the loss and its gradient at (b, w)."""

    def loss_and_gradient(parameters: Floats) -> tuple[float, Floats]:
        intercept, weights = parameters[0], parameters[1:]
        logits = standardised @ weights.astype(np.float32) + intercept
        errors = sigmoid(logits) - labels
        loss = log_losses(logits, labels).mean() + penalty / 2 * weights @ weights
        gradient = errors.astype(np.float32) @ standardised / len(labels) + penalty * weights
        return float(loss), np.concatenate([[errors.mean()], gradient])

    return loss_and_gradient
