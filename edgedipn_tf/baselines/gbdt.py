"""Gradient-boosted trees of one intent, by LightGBM."""

import dataclasses
import functools
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

MAX_TREES = 400
PATIENCE_TREES = 30
PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 50,
    "lambda_l2": 1.0,
    "feature_fraction": 0.5,
    # Equal inputs give equal bytes. Threads would wait for one another by spinning: costly where others work too.
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
"""Small trees, slowly: of some hundred users, many rows are of the same few."""


@dataclasses.dataclass(frozen=True)
class Gbdt:
    """A trained ensemble.

    Attributes:
        text: LightGBM's own text format; its other programs read it too.
    """

    suffix = ".txt"
    text: str

    @classmethod
    def fit(
        cls, values: NDArray[np.float32], labels: NDArray[np.int64], is_held_out: NDArray[np.bool_], seed: int
    ) -> tuple["Gbdt", dict[str, float]]:
        """Trains as many trees as give the least log-loss on the rows held out, then so many on all rows.

        Args:
            values: aggregates, (N, names).
            labels: (N,) 0 or 1, both among the held-out rows and among the others.
            is_held_out: (N,) rows of the users that choose the number of trees.
            seed: of the draws of aggregates for each tree.

        Returns:
            The ensemble, and `num_trees` and `held_out_log_loss`.
        """
        parameters = {**PARAMETERS, "seed": seed}
        training = lightgbm.Dataset(values[~is_held_out], labels[~is_held_out])
        trial = lightgbm.train(
            parameters,
            training,
            MAX_TREES,
            valid_sets=[lightgbm.Dataset(values[is_held_out], labels[is_held_out], reference=training)],
            callbacks=[lightgbm.early_stopping(PATIENCE_TREES, verbose=False)],
        )
        booster = lightgbm.train(parameters, lightgbm.Dataset(values, labels), trial.best_iteration)
        log_loss = float(trial.best_score["valid_0"]["binary_logloss"])
        return cls(booster.model_to_string()), {"num_trees": trial.best_iteration, "held_out_log_loss": log_loss}

    def logits(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Returns the log-odds of rows, (N,)."""
        return np.asarray(self._booster.predict(values, raw_score=True, num_threads=1), np.float64)

    def to_text(self) -> str:
        """Returns what a file of it holds."""
        return self.text

    @classmethod
    def from_text(cls, text: str) -> "Gbdt":
        """Reads `to_text`.

        Raises:
            ValueError: when the text is not an ensemble.
        """
        ensemble = cls(text)
        try:
            _ = ensemble._booster
        except lightgbm.basic.LightGBMError as error:
            raise ValueError(str(error)) from None
        return ensemble

    @functools.cached_property
    def _booster(self) -> lightgbm.Booster:
        return lightgbm.Booster(model_str=self.text)
