"""Recipes by name, and what they promise."""

import pytest

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.recipes import DYNAMIC_INT8, FLOAT32, RECIPES, find_recipes


def test_recipes_are_found_in_the_given_order() -> None:
    assert find_recipes(["dynamic_int8", "float32"]) == (DYNAMIC_INT8, FLOAT32)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["int4"], "no recipe 'int4'; choose from float32, float16, dynamic_int8, static_int8, full_int8"),
        ([], "name each recipe once"),
        (["float32", "float32"], "name each recipe once"),
    ],
)
def test_a_wrong_list_of_recipes_is_refused(names: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_recipes(names)


def test_tolerances_are_those_of_the_specification() -> None:
    assert FLOAT32.tolerance.max_abs_error == 1e-5
    assert (DYNAMIC_INT8.tolerance.auc_drop, DYNAMIC_INT8.tolerance.flips) == (0.001, 0.01)


def test_every_recipe_says_when_to_choose_it() -> None:
    assert all(recipe.when_to_choose.endswith(".") for recipe in RECIPES.values())
