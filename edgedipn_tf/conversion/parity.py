"""How far each file is from Keras on real samples, and the gate: a file beyond its recipe's tolerance is refused.

Every length of a file is compared with Keras on the newest so many steps of all samples: those whose views fit may be
too few for an AUC. Of those, a short length also has to give what the file's longest gives, as a phone takes either.

Outputs are bound by name, never by position. Every place counts for the errors, unfilled candidates too, since the
phone computes them; known labels only count for the AUC.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgedipn_tf.calibration import calibration_error
from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.agreement import THRESHOLDS, WorstSample, flipped_share, rank_correlation, worst_samples
from edgedipn_tf.conversion.recipes import Recipe, Tolerance
from edgedipn_tf.conversion.signatures import SignatureKey
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
class LadderParity:
    """One length of a recipe against its longest, on the samples whose views fit into it.

    Attributes:
        num_samples: number of these samples.
        max_abs_difference: largest difference of a probability; 0 without samples.
    """

    num_samples: int
    max_abs_difference: float


@dataclasses.dataclass(frozen=True)
class Parity:
    """One signature of a file against Keras.

    Attributes:
        file: name of the file.
        signature: which function of it.
        recipe: name of the file's recipe.
        max_abs_error: largest difference of a probability.
        mean_abs_error: mean difference.
        auc: exact AUC of the file, by intent; None without known labels of both classes.
        auc_difference: the file's AUC minus that of Keras.
        rank_correlation: Spearman's, with Keras, by intent; None where a side is constant.
        calibration_error: expected calibration error of the file, by intent; None without known labels.
        flips: share of decisions that differ from those of Keras, by intent and threshold.
        worst_samples: the probabilities that are farthest from Keras.
        ladder: against the longest length of the recipe.
        tolerance: what it was judged by.
        violations: what is beyond the tolerance, each in a few words; empty for a good file.
    """

    file: str
    signature: SignatureKey
    recipe: str
    max_abs_error: float
    mean_abs_error: float
    auc: Mapping[str, float | None]
    auc_difference: Mapping[str, float | None]
    rank_correlation: Mapping[str, float | None]
    calibration_error: Mapping[str, float | None]
    flips: Mapping[str, Mapping[str, float]]
    worst_samples: tuple[WorstSample, ...]
    ladder: LadderParity
    tolerance: Tolerance
    violations: tuple[str, ...]

    @property
    def is_within_tolerance(self) -> bool:
        """Whether the file may be published."""
        return not self.violations

    @property
    def max_flips(self) -> float:
        """The largest share of decisions that differ."""
        return max(share for shares in self.flips.values() for share in shares.values())

    @property
    def max_auc_drop(self) -> float | None:
        """How much less the AUC is than Keras' at most; None where no intent has one."""
        known = [-value for value in self.auc_difference.values() if value is not None]
        return max(0.0, *known) if known else None

    def to_json(self) -> dict[str, Any]:
        """Returns the result as plain values."""
        values = dataclasses.asdict(self)
        for name in ("file", "signature", "tolerance"):  # these stand around it in parity.json
            del values[name]
        return {**values, "is_within_tolerance": self.is_within_tolerance}


@dataclasses.dataclass(frozen=True)
class Compared:
    """What signatures are compared on.

    Attributes:
        keras: probabilities of Keras, (N, places) by intent, by length.
        labels: the labels of the N samples.
        positions: (N,) of the samples in the evaluation split.
        num_steps: (N,), the steps of each sample's longest view.
    """

    keras: Mapping[int, ByIntent]
    labels: Labels
    positions: npt.NDArray[np.int64]
    num_steps: npt.NDArray[np.int64]


def compare(
    recipe: Recipe, file: str, signature: SignatureKey, found: ByIntent, longest: ByIntent, on: Compared
) -> Parity:
    """Compares the probabilities of one signature with those of Keras.

    Args:
        recipe: how the file was made.
        file: name of the file.
        signature: which function of it.
        found: what it gave, (N, places) by intent.
        longest: what the longest length of the recipe gave.
        on: the samples and what Keras gave.

    Raises:
        InputError: when a probability is not finite; no flag lets such a file pass.
    """
    _refuse_not_finite(recipe, found)
    keras, labels = on.keras[signature.steps], on.labels
    found = {intent: found[intent] for intent in keras}
    errors = np.concatenate([np.abs(found[i].astype(np.float64) - keras[i]).ravel() for i in keras])
    file_auc, keras_auc = labels.auc(found), labels.auc(keras)
    parity = Parity(
        file=file,
        signature=signature,
        recipe=recipe.name,
        max_abs_error=float(errors.max()),
        mean_abs_error=float(errors.mean()),
        auc=file_auc,
        auc_difference={i: _minus(file_auc[i], keras_auc[i]) for i in keras},
        rank_correlation={i: rank_correlation(keras[i].ravel(), found[i].ravel()) for i in keras},
        calibration_error=labels.calibration_error(found),
        flips={i: {f"{t:g}": flipped_share(keras[i], found[i], t) for t in THRESHOLDS} for i in keras},
        worst_samples=worst_samples(keras, found, on.positions, NUM_WORST_SAMPLES),
        ladder=_ladder(found, longest, on.num_steps <= signature.steps),
        tolerance=recipe.tolerance,
        violations=(),
    )
    return dataclasses.replace(parity, violations=tuple(_violations(parity, labels)))


def _ladder(found: ByIntent, longest: ByIntent, fits: npt.NDArray[np.bool_]) -> LadderParity:
    differences = [np.abs(values[fits].astype(np.float64) - longest[intent][fits]) for intent, values in found.items()]
    return LadderParity(int(fits.sum()), float(max(each.max(initial=0.0) for each in differences)))


def _refuse_not_finite(recipe: Recipe, file: ByIntent) -> None:
    for intent, values in file.items():
        if not np.isfinite(values).all():
            raise InputError(
                f"recipe {recipe.name}: {intent} is not finite for {np.count_nonzero(~np.isfinite(values))} of "
                f"{values.size} probabilities: choose another --recipe"
            )


def _minus(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left - right


def _violations(found: Parity, labels: Labels) -> Iterator[str]:
    limits = found.tolerance
    if limits.max_abs_error is not None and found.max_abs_error > limits.max_abs_error:
        yield f"largest error {found.max_abs_error:.2g} > {limits.max_abs_error:g}"
    if limits.max_abs_error is not None and found.ladder.max_abs_difference > limits.max_abs_error:
        yield f"largest difference from the longest length {found.ladder.max_abs_difference:.2g}"
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


def refuse_degraded(found: Sequence[Parity], num_samples: int) -> None:
    """Raises for the first signature beyond its tolerance.

    Args:
        found: the results.
        num_samples: number of samples that were compared.

    Raises:
        InputError: naming the file, what is beyond the tolerance, and the remedy.
    """
    for parity in found:
        if not parity.is_within_tolerance:
            raise InputError(
                f"{parity.file}, {parity.signature.name}, is too far from Keras on {num_samples} evaluation samples: "
                f"{'; '.join(parity.violations)}: nothing was published; leave its recipe out of --recipe, evaluate on "
                "more samples, or pass --allow_degraded to publish it marked"
            )


def parity_json(
    found: Sequence[Parity], on: Compared, two_steps: Mapping[str, float], raw: Mapping[str, float]
) -> dict[str, Any]:
    """Returns the content of parity.json.

    Args:
        found: the results of `predict`.
        on: what they are of.
        two_steps: largest difference of `encode` and `score_categories` from `predict`, by the files that have them.
        raw: largest difference of `predict_raw` from `predict`, by the files that have it.
    """
    files: dict[str, dict[str, Any]] = {}
    for parity in found:
        files.setdefault(parity.file, {})[parity.signature.name] = parity.to_json()
    return {
        "num_samples": len(on.positions),
        "keras": {
            str(length): {"auc": on.labels.auc(keras), "calibration_error": on.labels.calibration_error(keras)}
            for length, keras in on.keras.items()
        },
        "files": files,
        "two_steps": {name: {"max_abs_difference": difference} for name, difference in two_steps.items()},
        "predict_raw": {name: {"max_abs_difference": difference} for name, difference in raw.items()},
        "tolerance": {parity.recipe: dataclasses.asdict(parity.tolerance) for parity in found},
    }
