"""The ways to make a TFLite file, by name, and how far each may be from Keras. Frozen values, no TensorFlow.

A name decodes: `float32` keeps the weights as they were trained; `dynamic_int8` stores weights as int8 and quantizes
activations while the model runs ("dynamic range"), so it needs no representative data.
"""

import dataclasses
from collections.abc import Sequence

from edgedipn_tf.commands import InputError

SIGNATURE = "predict"
"""Key of the only signature of every file."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far the probabilities of a file may be from those of Keras on the same samples; None is not limited.

    Attributes:
        max_abs_error: the largest difference of one probability.
        mean_abs_error: the mean difference.
        auc_difference: the difference of the exact AUC of any intent that has known labels of both classes.
    """

    max_abs_error: float | None = None
    mean_abs_error: float | None = None
    auc_difference: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """One way to make a TFLite file.

    Attributes:
        name: name of the recipe, part of the file's name.
        when_to_choose: one sentence for `--help`.
        has_int8_weights: whether weights are stored as int8.
        tolerance: what parity refuses beyond.
    """

    name: str
    when_to_choose: str
    has_int8_weights: bool
    tolerance: Tolerance


FLOAT32 = Recipe(
    name="float32",
    when_to_choose="The reference on the device, and the file to compare others with: exact, four times the size.",
    has_int8_weights=False,
    tolerance=Tolerance(max_abs_error=1e-5),
)
DYNAMIC_INT8 = Recipe(
    name="dynamic_int8",
    when_to_choose="The file to ship: a quarter of the size, and ranks users as float32 does.",
    has_int8_weights=True,
    # Measured mean errors are 1e-3 to 3e-3; ten times that is a broken file whatever its ranks are.
    tolerance=Tolerance(mean_abs_error=0.02, auc_difference=0.002),
)
RECIPES = {recipe.name: recipe for recipe in (FLOAT32, DYNAMIC_INT8)}


def find_recipes(names: Sequence[str]) -> tuple[Recipe, ...]:
    """Returns recipes by name, in the given order.

    Raises:
        InputError: when a name is unknown or given twice, or none is given.
    """
    for name in names:
        if name not in RECIPES:
            raise InputError(f"--recipe: there is no recipe {name!r}; choose from {', '.join(RECIPES)}")
    if not names or len(set(names)) != len(names):
        raise InputError(f"--recipe={','.join(names)}: name each recipe once, e.g. --recipe={','.join(RECIPES)}")
    return tuple(RECIPES[name] for name in names)
