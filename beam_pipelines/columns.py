"""One raw column at a time: from values of any type to typed arrays, and what is wrong with each bad value.

A column comes as a pyarrow Array (Parquet) or as a list of Python values (the other formats). Arrays of one type, and
lists that are of one type, are decoded by NumPy; names and whatever is of mixed or rare types goes once per distinct
value through the readers of `raw_values`. Both ways give the same results.
"""

import collections
import dataclasses
import itertools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.inputs import Column
from beam_pipelines.raw_values import (
    BAD_TIME,
    GOOD,
    MAX_INT64,
    MISSING_KEY,
    NON_FINITE,
    UNKNOWN_ACTION,
    WRONG_TYPE,
    RealNumber,
    read_date,
    read_integer,
    read_name,
    read_number,
    read_time,
)
from edgedipn_tf.local_time import FIRST_MS, LAST_MS

T = TypeVar("T")
Faults = npt.NDArray[np.uint8]
"""For each value the position of its Reason in the list, or GOOD."""

_MS_PER_DAY = 86_400_000
_OTHER = object()
"""Stands for every value of a type that no column takes: a list, an object, a time of day."""


@dataclasses.dataclass(frozen=True)
class Names:
    """A column of names: codes int32 [N] into `values`, -1 = null. Every value is used by some row."""

    codes: npt.NDArray[np.int32]
    values: list[str]


@dataclasses.dataclass(frozen=True)
class NullableIntegers:
    """A column of integers: values int64 [N] (0 where null), is_null bool [N]."""

    values: npt.NDArray[np.int64]
    is_null: npt.NDArray[np.bool_]


def decode_names(column: Column, values: Any) -> tuple[Names, Faults]:
    """Decodes a column of names. The list of names may hold some that no good record uses."""
    texts, codes, faults = _decode_distinct(column, values, read_name)
    table: dict[str, int] = {}
    targets = [-1 if text is None else table.setdefault(text, len(table)) for text in texts]
    return Names(np.array([*targets, -1], dtype=np.int32)[codes], list(table)), faults


def decode_actions(
    column: Column, values: Any, actions: tuple[str, ...], aliases: tuple[tuple[str, str], ...]
) -> tuple[npt.NDArray[np.int64], Faults]:
    """Decodes a column of action names to their indices in `actions`, -1 where null or bad."""
    names, faults = decode_names(column, values)
    known = {name: index for index, name in enumerate(actions)}
    known |= {alias: known[name] for alias, name in aliases}
    indices = np.array([*(known.get(name, -1) for name in names.values), -1], dtype=np.int64)[names.codes]
    faults[(indices < 0) & (names.codes >= 0)] = UNKNOWN_ACTION
    return indices, faults


def decode_times(
    column: Column, values: Any, min_time_ms: int, max_time_ms: int
) -> tuple[npt.NDArray[np.int64], Faults]:
    """Decodes a column of timestamps; one outside [min_time_ms, max_time_ms) is bad."""
    times, faults = _decode_integers(column, values, read_time, BAD_TIME)
    is_outside = (times.values < min_time_ms) | (times.values >= max_time_ms)
    faults[is_outside & (faults == GOOD) & ~times.is_null] = BAD_TIME
    return times.values, faults


def decode_dates(column: Column, values: Any) -> tuple[NullableIntegers, Faults]:
    """Decodes a column of dates to days since 1970-01-01; a date outside the years 1900 to 2199 is a bad time.

    The bounds of timestamps do not hold for dates: past counts are of what precedes the log.
    """
    is_array = not isinstance(values, list)
    if is_array and pa.types.is_date32(values.type):
        dates, faults = _decode_integers(column, values.cast(pa.int32()), read_integer, WRONG_TYPE)
    elif is_array and pa.types.is_date64(values.type):
        dates, faults = _decode_integers(column, values.cast(pa.int64()), read_integer, WRONG_TYPE)
        dates = dataclasses.replace(dates, values=dates.values // _MS_PER_DAY)
    else:
        days, codes, faults = _decode_distinct(column, values, read_date)
        dates = _gather_integers(days, codes)
    is_outside = (dates.values < FIRST_MS // _MS_PER_DAY) | (dates.values > LAST_MS // _MS_PER_DAY)
    faults[is_outside & (faults == GOOD) & ~dates.is_null] = BAD_TIME
    return dates, faults


def decode_integers(column: Column, values: Any) -> tuple[NullableIntegers, Faults]:
    """Decodes a column of integers."""
    integers, faults = _decode_integers(column, values, read_integer, WRONG_TYPE)
    if column.is_non_negative:
        faults[integers.values < 0] = WRONG_TYPE
    return integers, faults


def decode_numbers(column: Column, values: Any) -> tuple[npt.NDArray[np.float64], Faults]:
    """Decodes a column of numbers to float64, NaN where null or bad."""
    array = _numeric_array(values, as_float=True)
    if array is None:
        read, codes, faults = _decode_distinct(column, values, read_number)
        numbers = np.array([np.nan if number is None else number for number in (*read, None)])[codes]
        return numbers + 0.0, faults  # of which no zero is negative
    faults = _start(column, array)
    numbers = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) + 0.0  # null comes as NaN
    is_finite = np.isfinite(numbers)
    if np.count_nonzero(is_finite) + array.null_count < len(numbers):
        faults[~is_finite & ~_is_null(array)] = NON_FINITE
        numbers[~is_finite] = np.nan
    return numbers, faults


def _decode_integers(
    column: Column, values: Any, read: Callable[[Any], tuple[int | None, int]], out_of_range: int
) -> tuple[NullableIntegers, Faults]:
    array = _numeric_array(values, as_float=False)
    if array is None:
        integers, codes, faults = _decode_distinct(column, values, read)
        return _gather_integers(integers, codes), faults
    is_null, faults = _is_null(array), _start(column, array)
    numbers = _filled(array)
    if numbers.dtype == np.uint64:
        is_good = numbers <= MAX_INT64
    elif numbers.dtype == np.float64:
        faults[np.isnan(numbers) & ~is_null] = NON_FINITE  # infinity is beyond int64: out of range
        is_good = (np.floor(numbers) == numbers) & (numbers >= -(2.0**63)) & (numbers < 2.0**63)
    else:
        return NullableIntegers(numbers.astype(np.int64), is_null), faults
    faults[~is_good & (faults == GOOD)] = out_of_range
    return NullableIntegers(np.where(is_good, numbers, 0).astype(np.int64), is_null), faults


def _gather_integers(integers: list[int | None], codes: npt.NDArray[np.int32]) -> NullableIntegers:
    values = np.array([integer or 0 for integer in (*integers, None)], dtype=np.int64)
    is_null = np.array([integer is None for integer in (*integers, None)])
    return NullableIntegers(values[codes], is_null[codes])


def _start(column: Column, array: Any) -> Faults:
    """Returns the faults that need no look at the values."""
    faults = np.full(len(array), GOOD, dtype=np.uint8)
    if column.is_required:
        faults[_is_null(array)] = MISSING_KEY
    return faults


def _is_null(array: Any) -> npt.NDArray[np.bool_]:
    if not array.null_count and not pa.types.is_null(array.type):
        return np.zeros(len(array), dtype=bool)
    is_null: npt.NDArray[np.bool_] = array.is_null().to_numpy(zero_copy_only=False)
    return is_null


def _filled(array: Any) -> npt.NDArray[Any]:
    """Returns an array of numbers with 0 for null; floating ones as float64."""
    if pa.types.is_floating(array.type):
        array = array.cast(pa.float64())
    numbers: npt.NDArray[Any] = (array.fill_null(0) if array.null_count else array).to_numpy(zero_copy_only=False)
    return numbers


def _numeric_array(values: Any, as_float: bool) -> Any:
    """Returns values as an array of integers or of floats, or None when they are of another type or mixed."""
    if isinstance(values, list):
        return _numeric_array_of_list(values, as_float)
    type_ = values.type
    if pa.types.is_dictionary(type_) and _is_numeric(type_.value_type):
        return values.dictionary_decode()
    if pa.types.is_null(type_):
        return values.cast(pa.int64())
    return values if _is_numeric(type_) else None


def _is_numeric(type_: Any) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_))


def _numeric_array_of_list(values: list[Any], as_float: bool) -> Any:
    types = set(map(type, values)) - {type(None)}
    try:
        if types <= {int}:
            return pa.array(values, pa.int64())
        if types == {float}:
            return pa.array(values, pa.float64())
        if types == {int, float} and as_float:
            return pa.array([value if value is None else float(value) for value in values], pa.float64())
    except OverflowError:
        pass  # beyond int64 or float64: one by one
    return None


def _decode_distinct(
    column: Column, values: Any, read: Callable[[Any], tuple[T | None, int]]
) -> tuple[list[T | None], npt.NDArray[np.int32], Faults]:
    """Reads every distinct value once.

    Returns:
        The distinct values as read, None where null or bad; for each value its position among them, -1 where null;
        for each value its fault.
    """
    distinct, codes = _distinct(values)
    if read is read_name and _are_text(distinct):  # quicker than one by one, for many distinct users
        results: list[Any] = [text or None for text in distinct]
        faults = np.full(len(distinct) + 1, GOOD, dtype=np.uint8)
    else:
        pairs = [read(value) for value in distinct]
        results = [result for result, _ in pairs]
        faults = np.array([*(fault for _, fault in pairs), GOOD], dtype=np.uint8)
    if column.is_required:
        is_empty = [value is None or value in ("", b"") for value in distinct]
        faults[[*is_empty, True]] = MISSING_KEY
    return results, codes, faults[codes]


def _are_text(values: list[Any]) -> bool:
    try:
        return set(map(type, values)) <= {str} and bool("".join(values).encode())
    except UnicodeEncodeError:
        return False


def _distinct(values: Any) -> tuple[list[Any], npt.NDArray[np.int32]]:
    """Returns distinct values, and for each value its position among them (-1 or the position of a None: null)."""
    if isinstance(values, list):
        keys = values if set(map(type, values)) <= {str, type(None)} else [_key(value) for value in values]
        table: dict[Any, int] = collections.defaultdict(itertools.count().__next__)
        codes = np.fromiter(map(table.__getitem__, keys), np.int32, len(keys))
        return [key[1] if isinstance(key, tuple) else key for key in table], codes
    if pa.types.is_string_view(values.type) or pa.types.is_binary_view(values.type):
        values = values.cast(pa.large_binary())
    type_ = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not _is_enumerable(type_):
        return [_OTHER], np.where(_is_null(values), np.int32(-1), np.int32(0))
    if pa.types.is_dictionary(values.type):
        if len(values.dictionary) > len(values):  # of a whole file, perhaps
            values = values.dictionary_decode().dictionary_encode()
    else:
        values = (values.cast(pa.float64()) if pa.types.is_floating(type_) else values).dictionary_encode()
    codes = values.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
    return plain_values(values.dictionary), codes


def _key(value: Any) -> tuple[type, Any]:
    """Returns what tells values of a list apart: 1, 1.0 and True are equal in Python, but not of one type."""
    return (type(value), value) if value is None or isinstance(value, str | RealNumber) else (list, _OTHER)


def _is_enumerable(type_: Any) -> bool:
    types = pa.types
    is_text = types.is_string(type_) or types.is_large_string(type_)
    is_bytes = types.is_binary(type_) or types.is_large_binary(type_)  # text of writers that do not annotate it
    return bool(is_text or is_bytes or _is_numeric(type_) or types.is_decimal(type_) or types.is_boolean(type_))


def plain_values(array: Any) -> list[Any]:
    """Returns an array as Python values; what Python cannot hold comes as bytes or as a remark, never as an error."""
    try:
        return list(array.to_pylist())
    except UnicodeDecodeError:  # Parquet does not hold writers to UTF-8
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        return list(array.cast(pa.large_binary()).to_pylist())
    except (ValueError, OverflowError):  # a date after the year 9999, a timestamp in nanoseconds
        return [f"unreadable {array.type}"] * len(array)
