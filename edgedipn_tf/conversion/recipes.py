"""The ways to make a TFLite file, by name, and how far each may be from Keras. Frozen values, no TensorFlow.

A name decodes: `float32` keeps the weights as they were trained; `dynamic_int8` stores weights as int8 and quantizes
activations while the model runs ("dynamic range"), so it needs no representative data; `static_int8` has ranges of
activations in the file, measured on training samples; `full_int8` computes in integers throughout.
"""

import dataclasses
from collections.abc import Sequence

from edgedipn_tf.commands import InputError

MAX_AUC_DROP = 0.001
MAX_FLIPS = 0.01
"""What the gate tolerates of files with rounded weights by default."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far the probabilities of a file may be from those of Keras on the same samples; None is not limited.

    Attributes:
        max_abs_error: the largest difference of one probability.
        mean_abs_error: the mean difference.
        auc_drop: how much less the exact AUC of any intent may be.
        flips: the share of decisions that may differ, of any intent at any threshold of `agreement.THRESHOLDS`.
    """

    max_abs_error: float | None = None
    mean_abs_error: float | None = None
    auc_drop: float | None = None
    flips: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """One way to make a TFLite file.

    Attributes:
        name: name of the recipe, part of the file's name.
        when_to_choose: one sentence for `--help`.
        weights: type that large weights are stored in: `float32`, `float16` or `int8`.
        is_calibrated: whether activations are int8 too, by ranges measured on training samples; what those may not be
            int8 in is known for the inference graph only. Weights are then quantized anew for every signature.
        is_integer: whether no activation at all stays float, attention products and softmax included.
        warning: what to know before choosing it, one line; None where there is nothing to warn of.
        tolerance: what parity refuses beyond.
    """

    name: str
    when_to_choose: str
    weights: str
    is_calibrated: bool = False
    is_integer: bool = False
    warning: str | None = None
    tolerance: Tolerance

    @property
    def shares_weights(self) -> bool:
        """Whether the signatures of a file share its weights; else every length is a file of its own."""
        return not self.is_calibrated

    @property
    def discretizes(self) -> bool:
        """Whether a file may discretize: its weights are shared, and the formulas' constants stay as they are.

        Half floats hold no 2^50, the limit of coordinates.
        """
        return self.shares_weights and self.weights != "float16"


FLOAT32 = Recipe(
    name="float32",
    when_to_choose="The reference on the device, and the file to compare others with: exact, four times the size.",
    weights="float32",
    tolerance=Tolerance(max_abs_error=1e-5),
)
FLOAT16 = Recipe(
    name="float16",
    when_to_choose="Half the size, next to exact, as fast as float32; when an int8 file fails the gate.",
    weights="float16",
    # Measured: 1e-4 on simulated data. Half floats have 11 bits, and errors beyond this limit are no rounding.
    tolerance=Tolerance(max_abs_error=5e-3, auc_drop=MAX_AUC_DROP, flips=MAX_FLIPS),
)
DYNAMIC_INT8 = Recipe(
    name="dynamic_int8",
    when_to_choose="The file to ship: a quarter of the size, and ranks users as float32 does.",
    weights="int8",
    # Measured mean errors are 1e-3 to 3e-3; ten times that is a broken file whatever its ranks are.
    tolerance=Tolerance(mean_abs_error=0.02, auc_drop=MAX_AUC_DROP, flips=MAX_FLIPS),
)
STATIC_INT8 = Recipe(
    name="static_int8",
    when_to_choose="Calibrated int8 layers and tables, less exact than dynamic_int8: where it measures faster.",
    weights="int8",
    is_calibrated=True,
    tolerance=Tolerance(mean_abs_error=0.02, auc_drop=MAX_AUC_DROP, flips=MAX_FLIPS),
)
FULL_INT8 = Recipe(
    name="full_int8",
    when_to_choose="For accelerators that compute in integers only: least exact, and slow on a CPU.",
    weights="int8",
    is_calibrated=True,
    is_integer=True,
    warning="full_int8 has attention products and softmax in int8: inexact, and several times slower than float32 on a "
    "CPU; it is for accelerators that compute in integers only, and seldom passes without --allow_degraded",
    tolerance=Tolerance(mean_abs_error=0.02, auc_drop=MAX_AUC_DROP, flips=MAX_FLIPS),
)
RECIPES = {recipe.name: recipe for recipe in (FLOAT32, FLOAT16, DYNAMIC_INT8, STATIC_INT8, FULL_INT8)}
DEFAULT_RECIPES = (FLOAT32.name, DYNAMIC_INT8.name)


def with_limits(recipe: Recipe, max_auc_drop: float, max_flips: float) -> Recipe:
    """Returns a recipe of rounded weights with other limits of the gate; the reference, float32, stays as it is."""
    if recipe.tolerance.auc_drop is None:
        return recipe
    return dataclasses.replace(
        recipe, tolerance=dataclasses.replace(recipe.tolerance, auc_drop=max_auc_drop, flips=max_flips)
    )


def find_recipes(names: Sequence[str]) -> tuple[Recipe, ...]:
    """Returns recipes by name, in the given order.

    Raises:
        InputError: when a name is unknown or given twice, or none is given.
    """
    for name in names:
        if name not in RECIPES:
            raise InputError(f"--recipe: there is no recipe {name!r}; choose from {', '.join(RECIPES)}")
    if not names or len(set(names)) != len(names):
        raise InputError(
            f"--recipe={','.join(names)}: name each recipe once, e.g. --recipe={','.join(DEFAULT_RECIPES)}"
        )
    return tuple(RECIPES[name] for name in names)
