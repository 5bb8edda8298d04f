"""How far each file is from Keras on real samples, and the gate: a file beyond its recipe's tolerance is refused.

Outputs are bound by name, never by position. Every place counts for the errors, unfilled candidates too, since the
phone computes them; known labels only count for the AUC.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.recipes import Recipe, Tolerance
from edgedipn_tf.ranking import auc

FloatArray = npt.NDArray[np.float32]
ByIntent = Mapping[str, FloatArray]


@dataclasses.dataclass(frozen=True)
class Labels:
    """Labels of the compared samples, by intent: (N, places), weight 1 where the label is known, else 0."""

    labels: ByIntent
    weights: ByIntent

    def known(self, intent: str, scores: FloatArray) -> tuple[FloatArray, npt.NDArray[np.int8]]:
        """Returns the scores and labels of an intent's known labels, flat."""
        is_known = self.weights[intent] > 0
        return scores[is_known], self.labels[intent][is_known].astype(np.int8)

    def auc(self, scores: ByIntent) -> dict[str, float | None]:
        """Returns the exact AUC by intent, None without known labels of both classes."""
        return {intent: auc(*self.known(intent, values)) for intent, values in scores.items()}

    def num_pairs(self, intent: str) -> int:
        """Returns positives times negatives: one swapped pair moves the AUC by one part of it."""
        known = self.labels[intent][self.weights[intent] > 0]
        return int((known > 0).sum()) * int((known == 0).sum())


@dataclasses.dataclass(frozen=True)
class FileParity:
    """One file against Keras.

    Attributes:
        recipe: name of the file's recipe.
        max_abs_error: largest difference of a probability.
        mean_abs_error: mean difference.
        auc: exact AUC of the file, by intent; None without known labels of both classes.
        auc_difference: the file's AUC minus that of Keras.
        tolerance: what it was judged by.
        violations: what is beyond the tolerance, each in a few words; empty for a good file.
    """

    recipe: str
    max_abs_error: float
    mean_abs_error: float
    auc: Mapping[str, float | None]
    auc_difference: Mapping[str, float | None]
    tolerance: Tolerance
    violations: tuple[str, ...]

    @property
    def is_within_tolerance(self) -> bool:
        """Whether the file may be published."""
        return not self.violations

    def to_json(self) -> dict[str, Any]:
        """Returns the result as plain values."""
        values = dataclasses.asdict(self)
        del values["tolerance"]  # stands once in parity.json, by recipe
        return {**values, "is_within_tolerance": self.is_within_tolerance}


def compare(recipe: Recipe, keras: ByIntent, file: ByIntent, labels: Labels) -> FileParity:
    """Compares the probabilities of a file with those of Keras.

    Args:
        recipe: how the file was made.
        keras: probabilities of Keras, (N, places) by intent.
        file: probabilities of the file for the same samples.
        labels: the labels of the samples.

    Raises:
        InputError: when the file gives a probability that is not finite; no flag lets such a file pass.
    """
    for intent, values in file.items():
        if not np.isfinite(values).all():
            raise InputError(
                f"recipe {recipe.name}: {intent} is not finite for {np.count_nonzero(~np.isfinite(values))} of "
                f"{values.size} probabilities: choose another --recipe"
            )
    errors = np.concatenate([np.abs(file[i].astype(np.float64) - keras[i]).ravel() for i in keras])
    file_auc, keras_auc = labels.auc(file), labels.auc(keras)
    difference = {i: _minus(file_auc[i], keras_auc[i]) for i in keras}
    max_error, mean_error = float(errors.max()), float(errors.mean())
    return FileParity(
        recipe=recipe.name,
        max_abs_error=max_error,
        mean_abs_error=mean_error,
        auc={i: file_auc[i] for i in keras},
        auc_difference=difference,
        tolerance=recipe.tolerance,
        violations=tuple(_violations(recipe.tolerance, max_error, mean_error, difference, labels)),
    )


def _minus(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left - right


def _violations(
    tolerance: Tolerance, max_error: float, mean_error: float, difference: Mapping[str, float | None], labels: Labels
) -> list[str]:
    found = []
    if tolerance.max_abs_error is not None and max_error > tolerance.max_abs_error:
        found.append(f"largest error {max_error:.2g} > {tolerance.max_abs_error:g}")
    if tolerance.mean_abs_error is not None and mean_error > tolerance.mean_abs_error:
        found.append(f"mean error {mean_error:.2g} > {tolerance.mean_abs_error:g}")
    for intent, value in difference.items():
        if tolerance.auc_difference is not None and value is not None and abs(value) > tolerance.auc_difference:
            found.append(
                f"AUC of {intent} {value:+.4f}, beyond {tolerance.auc_difference:g} "
                f"(one swapped pair is {1 / labels.num_pairs(intent):.2g})"
            )
    return found


def refuse_degraded(files: Mapping[str, FileParity], num_samples: int) -> None:
    """Raises for the first file beyond its tolerance.

    Args:
        files: the results, by file name.
        num_samples: number of samples that were compared.

    Raises:
        InputError: naming the file, what is beyond the tolerance, and the remedy.
    """
    for name, parity in files.items():
        if not parity.is_within_tolerance:
            raise InputError(
                f"{name} is too far from Keras on {num_samples} evaluation samples: {'; '.join(parity.violations)}: "
                "nothing was published; leave its recipe out of --recipe, evaluate on more samples, or pass "
                "--allow_degraded to publish it marked"
            )


def parity_json(
    keras_auc: Mapping[str, float | None], files: Mapping[str, FileParity], num_samples: int
) -> dict[str, Any]:
    """Returns the content of parity.json."""
    return {
        "num_samples": num_samples,
        "keras": {"auc": dict(keras_auc)},
        "files": {name: parity.to_json() for name, parity in files.items()},
        "tolerance": {p.recipe: dataclasses.asdict(p.tolerance) for p in files.values()},
    }


def format_table(keras_auc: Mapping[str, float | None], files: Mapping[str, FileParity]) -> str:
    """Returns the AUC of Keras and of each file by intent, and the errors, as a table for people."""
    width = max(len(intent) for intent in keras_auc)
    columns = [parity.recipe for parity in files.values()]
    lines = [f"{'AUC':{width}}  {'Keras':>8}" + "".join(f"  {c:>20}" for c in columns)]
    for intent, value in keras_auc.items():
        cells = (_cell(parity.auc[intent], parity.auc_difference[intent]) for parity in files.values())
        lines.append(f"{intent:{width}}  {_auc_text(value):>8}" + "".join(f"  {cell:>20}" for cell in cells))
    for title, name in (("max error", "max_abs_error"), ("mean error", "mean_abs_error")):
        cells = (f"{getattr(parity, name):.2g}" for parity in files.values())
        lines.append(f"{title:{width}}  {'':>8}" + "".join(f"  {cell:>20}" for cell in cells))
    return "\n".join(lines)


def _auc_text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"


def _cell(value: float | None, difference: float | None) -> str:
    return "n/a" if value is None or difference is None else f"{value:.4f} ({difference:+.4f})"
