"""How far each file is from Keras on real samples, and the gate: a file beyond its recipe's tolerance is refused.

Outputs are bound by name, never by position. Every place counts for the errors, unfilled candidates too, since the
phone computes them; known labels only count for the AUC.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgedipn_tf.calibration import calibration_error
from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.agreement import THRESHOLDS, WorstSample, flipped_share, rank_correlation, worst_samples
from edgedipn_tf.conversion.recipes import Recipe, Tolerance
from edgedipn_tf.ranking import auc

FloatArray = npt.NDArray[np.float32]
ByIntent = Mapping[str, FloatArray]
NUM_WORST_SAMPLES = 5


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

    def calibration_error(self, scores: ByIntent) -> dict[str, float | None]:
        """Returns the expected calibration error by intent, None without known labels."""
        return {intent: calibration_error(*self.known(intent, values)) for intent, values in scores.items()}

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
        rank_correlation: Spearman's, with Keras, by intent; None where a side is constant.
        calibration_error: expected calibration error of the file, by intent; None without known labels.
        flips: share of decisions that differ from those of Keras, by intent and threshold.
        worst_samples: the probabilities that are farthest from Keras.
        tolerance: what it was judged by.
        violations: what is beyond the tolerance, each in a few words; empty for a good file.
    """

    recipe: str
    max_abs_error: float
    mean_abs_error: float
    auc: Mapping[str, float | None]
    auc_difference: Mapping[str, float | None]
    rank_correlation: Mapping[str, float | None]
    calibration_error: Mapping[str, float | None]
    flips: Mapping[str, Mapping[str, float]]
    worst_samples: tuple[WorstSample, ...]
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


def compare(
    recipe: Recipe, keras: ByIntent, file: ByIntent, labels: Labels, positions: npt.NDArray[np.int64]
) -> FileParity:
    """Compares the probabilities of a file with those of Keras.

    Args:
        recipe: how the file was made.
        keras: probabilities of Keras, (N, places) by intent.
        file: probabilities of the file for the same samples.
        labels: the labels of the samples.
        positions: (N,) of the samples in the evaluation split.

    Raises:
        InputError: when the file gives a probability that is not finite; no flag lets such a file pass.
    """
    _refuse_not_finite(recipe, file)
    errors = np.concatenate([np.abs(file[i].astype(np.float64) - keras[i]).ravel() for i in keras])
    file_auc, keras_auc = labels.auc(file), labels.auc(keras)
    file = {intent: file[intent] for intent in keras}
    found = FileParity(
        recipe=recipe.name,
        max_abs_error=float(errors.max()),
        mean_abs_error=float(errors.mean()),
        auc={i: file_auc[i] for i in keras},
        auc_difference={i: _minus(file_auc[i], keras_auc[i]) for i in keras},
        rank_correlation={i: rank_correlation(keras[i].ravel(), file[i].ravel()) for i in keras},
        calibration_error=labels.calibration_error(file),
        flips={i: {f"{t:g}": flipped_share(keras[i], file[i], t) for t in THRESHOLDS} for i in keras},
        worst_samples=worst_samples(keras, file, positions, NUM_WORST_SAMPLES),
        tolerance=recipe.tolerance,
        violations=(),
    )
    return dataclasses.replace(found, violations=tuple(_violations(found, labels)))


def _refuse_not_finite(recipe: Recipe, file: ByIntent) -> None:
    for intent, values in file.items():
        if not np.isfinite(values).all():
            raise InputError(
                f"recipe {recipe.name}: {intent} is not finite for {np.count_nonzero(~np.isfinite(values))} of "
                f"{values.size} probabilities: choose another --recipe"
            )


def _minus(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left - right


def _violations(found: FileParity, labels: Labels) -> Iterator[str]:
    limits = found.tolerance
    if limits.max_abs_error is not None and found.max_abs_error > limits.max_abs_error:
        yield f"largest error {found.max_abs_error:.2g} > {limits.max_abs_error:g}"
    if limits.mean_abs_error is not None and found.mean_abs_error > limits.mean_abs_error:
        yield f"mean error {found.mean_abs_error:.2g} > {limits.mean_abs_error:g}"
    for intent, value in found.auc_difference.items():
        if limits.auc_drop is not None and value is not None and -value > limits.auc_drop:
            yield (
                f"AUC of {intent} {value:+.4f}, beyond --max_auc_drop={limits.auc_drop:g} "
                f"(one swapped pair is {1 / labels.num_pairs(intent):.2g})"
            )
    for intent, shares in found.flips.items():
        for threshold, share in shares.items():
            if limits.flips is not None and share > limits.flips:
                yield f"{share:.2%} of {intent} flips at {threshold}, beyond --max_flips={limits.flips:g}"


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


def parity_json(keras: ByIntent, labels: Labels, files: Mapping[str, FileParity]) -> dict[str, Any]:
    """Returns the content of parity.json.

    Args:
        keras: probabilities of Keras, (N, places) by intent.
        labels: the labels of the samples.
        files: the results, by file name.
    """
    return {
        "num_samples": len(next(iter(keras.values()))),
        "keras": {"auc": labels.auc(keras), "calibration_error": labels.calibration_error(keras)},
        "files": {name: parity.to_json() for name, parity in files.items()},
        "tolerance": {p.recipe: dataclasses.asdict(p.tolerance) for p in files.values()},
    }


def format_table(keras_auc: Mapping[str, float | None], files: Mapping[str, FileParity]) -> str:
    """Returns the AUC of Keras and of each file by intent, errors, ranks and flips, as a table for people."""
    width = max(len(intent) for intent in keras_auc)
    columns = [parity.recipe for parity in files.values()]
    lines = [f"{'AUC':{width}}  {'Keras':>8}" + "".join(f"  {c:>20}" for c in columns)]
    for intent, value in keras_auc.items():
        cells = (_cell(parity.auc[intent], parity.auc_difference[intent]) for parity in files.values())
        lines.append(f"{intent:{width}}  {_auc_text(value):>8}" + "".join(f"  {cell:>20}" for cell in cells))
    for title, text in _SUMMARIES.items():
        lines.append(f"{title:{width}}  {'':>8}" + "".join(f"  {text(parity):>20}" for parity in files.values()))
    return "\n".join(lines)


def _lowest_rank_correlation(found: FileParity) -> str:
    known = [value for value in found.rank_correlation.values() if value is not None]
    return f"{min(known):.5f}" if known else "n/a"


_SUMMARIES: Mapping[str, Callable[[FileParity], str]] = {
    "max error": lambda found: f"{found.max_abs_error:.2g}",
    "mean error": lambda found: f"{found.mean_abs_error:.2g}",
    "lowest rank corr.": _lowest_rank_correlation,
    "most flips": lambda found: f"{max(share for shares in found.flips.values() for share in shares.values()):.2%}",
}
"""Rows of the table below the AUCs."""


def _auc_text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"


def _cell(value: float | None, difference: float | None) -> str:
    return "n/a" if value is None or difference is None else f"{value:.4f} ({difference:+.4f})"
