"""The file of `--world`: parameters of the simulated world. TOML.

Example:

    [needs]                     # groups and names are those of edgedipn_tf/simulation/config.py
    pays = 0.5
    convinced = [0.0, 0.1, 0.7, 0.6, 0.0]      # by goal: idle, explore, compare, decide, order

    [volumes]
    visits_per_day = 4.0

What the file does not name keeps its value. `pages` and `buttons` are lists of tables and replaced as a whole.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from beam_pipelines.inputs import did_you_mean
from beam_pipelines.log_config import read_config
from edgedipn_tf.commands import InputError
from edgedipn_tf.simulation.config import WorldConfig

_T = TypeVar("_T")

_ANY_LENGTH = ("pages", "buttons", "links", "phones")
_CHANCES = frozenset(
    (
        "need_arises",
        "sibling_share",
        "liked_share",
        "round_the_clock_share",
        "right_handed_share",
        "missing_view_shares",
    )
    + ("profile_null_share", "no_profile_share", "given_up", "forgets", "convinced", "pays", "cart_recalled", "first")
    + ("next", "collects", "carts", "focused", "sideways", "towards_top", "distracted", "duplicated_users")
    + ("null_prices", "max_carts")
)
_POSITIVE = frozenset(
    ("visits_per_day", "num_top_categories", "num_leaf_categories", "items_per_leaf", "popularity_offset")
    + ("num_favourites", "taste_concentration", "peak_width_hours", "phones", "stay_seconds", "stay_factors")
    + ("stay_shape", "max_stay_seconds", "length", "reading_length", "duration_ms", "reading_duration_ms")
    + ("max_duration_ms",)
)
_WHOLE = frozenset(
    ("num_top_categories", "num_leaf_categories", "items_per_leaf", "num_favourites", "phones", "gap_ms")
    + ("max_duration_ms",)
)
_ANY_SIGN = frozenset(
    ("base", "habit", "yesterday", "need", "order_logits", "order_propensity", "log_price_mean", "care")
)


def read_world_file(path: str, base: WorldConfig) -> WorldConfig:
    """Returns a configuration with the values of a file.

    Args:
        path: the file.
        base: what holds where the file says nothing.

    Raises:
        InputError: in one line that names the file and the value.
    """
    return world_config(read_config(path, "--world"), base, f"--world={path}")


def world_config(values: Mapping[str, Any], base: WorldConfig, place: str) -> WorldConfig:
    """Returns a configuration with some values replaced.

    Args:
        values: groups of values by name, as TOML or JSON has them.
        base: what holds for the others.
        place: where the values stand, for messages.

    Raises:
        InputError: in one line that names the place and the value.
    """
    try:
        return _replaced(base, values, "")
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _replaced(base: _T, values: Any, where: str) -> _T:
    fields = {field.name for field in dataclasses.fields(base)}  # type: ignore[arg-type]
    if not isinstance(values, Mapping):
        raise InputError(f"{where}: expected a table")
    changes = {}
    for name, value in values.items():
        if name not in fields:
            place = f" in [{where}]" if where else ""
            raise InputError(f"no {name!r}{place}: {did_you_mean(name, fields)}names are {', '.join(sorted(fields))}")
        changes[name] = _converted(value, getattr(base, name), name, f"{where}.{name}" if where else name)
    return dataclasses.replace(base, **changes)  # type: ignore[type-var]


def _converted(value: Any, like: Any, name: str, where: str) -> Any:
    """Returns a value in the form of the one that it replaces."""
    if isinstance(like, tuple):
        return _converted_list(value, like, name, where)
    if dataclasses.is_dataclass(like):
        return _replaced(like, value, where)
    if isinstance(like, bool | str):
        if type(value) is not type(like):
            raise InputError(f"{where} = {value!r}: expected {'text' if isinstance(like, str) else 'true or false'}")
        return value
    kind: type[int] | type[float] = int if name in _WHOLE else float
    if type(value) not in (int, kind):
        raise InputError(f"{where} = {value!r}: expected a {'whole ' if kind is int else ''}number")
    _check_range(value, name, where)
    return kind(value)


def _converted_list(value: Any, like: tuple[Any, ...], name: str, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise InputError(f"{where}: expected a list")
    if name not in _ANY_LENGTH and len(value) != len(like):
        raise InputError(f"{where}: expected {len(like)} values, got {len(value)}")
    models = like * len(value) if name in _ANY_LENGTH else like
    if dataclasses.is_dataclass(like[0]):
        return tuple(_whole(like[0], row, f"{where}[{place}]") for place, row in enumerate(value))
    return tuple(
        _converted(item, model, name, f"{where}[{place}]")
        for place, (item, model) in enumerate(zip(value, models, strict=False))
    )


def _whole(like: Any, row: Any, where: str) -> Any:
    """Returns a page or a button whose table names every field without a default."""
    replaced = _replaced(like, row, where)
    for field in dataclasses.fields(like):
        if field.name not in row:
            if field.default is dataclasses.MISSING:
                raise InputError(f"{where}: {field.name} is missing")
            replaced = dataclasses.replace(replaced, **{field.name: field.default})
    return replaced


def _check_range(value: float, name: str, where: str) -> None:
    if not math.isfinite(value):
        raise InputError(f"{where} = {value}: expected a finite number")
    if name in _CHANCES and not 0 <= value <= 1:
        raise InputError(f"{where} = {value}: expected a chance between 0 and 1")
    if name in _POSITIVE and value <= 0:
        raise InputError(f"{where} = {value}: expected a positive number")
    if name not in _ANY_SIGN and value < 0:
        raise InputError(f"{where} = {value}: expected no negative number")
