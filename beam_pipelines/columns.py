"""One raw column at a time: from values of any type to typed arrays, and what is wrong with each bad value.

A column comes as a pyarrow Array (Parquet) or as a list of Python values (JSON lines). Arrays of one type, and
lists that are of one type, are decoded by NumPy; names and whatever is of mixed or rare types goes once per distinct
value through `read_name` and its siblings, which are the rules in plain words. Both ways give the same results.
"""

import dataclasses
import datetime
import decimal
import enum
import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.inputs import Column

T = TypeVar("T")
Faults = npt.NDArray[np.uint8]
"""For each value the position of its Reason in the list, or GOOD."""


class Reason(enum.StrEnum):
    """Why a record is bad; a record with several faults has the first in this order."""

    TOO_LONG = "too_long"
    UNPARSABLE = "unparsable"
    MISSING_KEY = "missing_key"
    WRONG_TYPE = "wrong_type"
    BAD_TIME = "bad_time"
    NON_FINITE = "non_finite"
    UNKNOWN_ACTION = "unknown_action"
    BAD_WINDOW = "bad_window"


REASONS = tuple(Reason)
GOOD = len(REASONS)
MISSING_KEY, WRONG_TYPE, BAD_TIME, NON_FINITE, UNKNOWN_ACTION, BAD_WINDOW = range(2, GOOD)

_MIN_INT64, _MAX_INT64 = -(1 << 63), (1 << 63) - 1
_EPOCH_ORDINAL = datetime.date(1970, 1, 1).toordinal()
_MS_PER_DAY = 86_400_000
_OTHER = object()
"""Stands for every value of a type that no column takes: a list, an object, a time of day."""
_Number = int | float | decimal.Decimal
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


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


def read_name(value: Any) -> tuple[str | None, int]:
    """Returns a name as text, or what is wrong: 7, 7.0 and "7" are one name, "" is null.

    Text that UTF-8 cannot express (half of a surrogate pair, bytes of another encoding) is of the wrong type.
    """
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return None, WRONG_TYPE
    if isinstance(value, str):
        return (value or None, GOOD) if value.isascii() or _is_text(value) else (None, WRONG_TYPE)
    integer, fault = read_integer(value)
    return None if integer is None else str(integer), fault


def _is_text(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def read_integer(value: Any) -> tuple[int | None, int]:
    """Returns an integer within int64, or what is wrong; integral floats and decimals are fine."""
    if value is None:
        return None, GOOD
    if isinstance(value, bool) or not isinstance(value, _Number):
        return None, WRONG_TYPE
    if not isinstance(value, int) and not math.isfinite(value):
        return None, NON_FINITE
    integer = int(value)
    return (integer, GOOD) if integer == value and _MIN_INT64 <= integer <= _MAX_INT64 else (None, WRONG_TYPE)


def read_time(value: Any) -> tuple[int | None, int]:
    """Returns a timestamp, or what is wrong; a fraction or a number beyond int64 is a bad time, not a wrong type."""
    integer, fault = read_integer(value)
    is_number = isinstance(value, _Number) and not isinstance(value, bool)
    return integer, BAD_TIME if fault == WRONG_TYPE and is_number else fault


def read_number(value: Any) -> tuple[float | None, int]:
    """Returns a number as float64, or what is wrong; one beyond float64 is not finite, however it is written."""
    if value is None:
        return None, GOOD
    if isinstance(value, bool) or not isinstance(value, _Number):
        return None, WRONG_TYPE
    try:
        number = float(value)
    except OverflowError:
        return None, NON_FINITE
    return (number, GOOD) if math.isfinite(number) else (None, NON_FINITE)


def read_date(value: Any) -> tuple[int | None, int]:
    """Returns the days from 1970-01-01 to a date written YYYY-MM-DD, or what is wrong."""
    if value is None:
        return None, GOOD
    text, fault = read_name(value) if isinstance(value, str | bytes) else (None, WRONG_TYPE)
    if text is None or not _DATE.fullmatch(text):
        return None, WRONG_TYPE
    try:
        return datetime.date.fromisoformat(text).toordinal() - _EPOCH_ORDINAL, fault
    except ValueError:
        return None, WRONG_TYPE


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


def decode_dates(column: Column, values: Any, min_time_ms: int, max_time_ms: int) -> tuple[NullableIntegers, Faults]:
    """Decodes a column of dates to days since 1970-01-01; a day no instant of which is within the bounds is bad."""
    is_array = not isinstance(values, list)
    if is_array and pa.types.is_date32(values.type):
        dates, faults = _decode_integers(column, values.cast(pa.int32()), read_integer, WRONG_TYPE)
    elif is_array and pa.types.is_date64(values.type):
        dates, faults = _decode_integers(column, values.cast(pa.int64()), read_integer, WRONG_TYPE)
        dates = dataclasses.replace(dates, values=dates.values // _MS_PER_DAY)
    else:
        days, codes, faults = _decode_distinct(column, values, read_date)
        dates = _gather_integers(days, codes)
    is_outside = (dates.values < min_time_ms // _MS_PER_DAY) | (dates.values * _MS_PER_DAY >= max_time_ms)
    faults[is_outside & (faults == GOOD) & ~dates.is_null] = BAD_TIME
    return dates, faults


def decode_integers(column: Column, values: Any) -> tuple[NullableIntegers, Faults]:
    """Decodes a column of integers."""
    integers, faults = _decode_integers(column, values, read_integer, WRONG_TYPE)
    if column.is_non_negative:
        faults[integers.values < 0] = WRONG_TYPE
    return integers, faults


def decode_numbers(column: Column, values: Any) -> tuple[npt.NDArray[np.float64], Faults]:
    """Decodes a column of numbers to float64, NaN where null or bad. No zero of the result is negative."""
    array = _numeric_array(values, as_float=True)
    if array is None:
        read, codes, faults = _decode_distinct(column, values, read_number)
        numbers = np.array([np.nan if number is None else number for number in (*read, None)])[codes]
        return numbers + 0.0, faults
    numbers = _filled(array, np.nan).astype(np.float64) + 0.0
    is_null, faults = _start(column, array)
    is_finite = np.isfinite(numbers)
    if np.count_nonzero(is_finite) + array.null_count < len(numbers):
        faults[~is_finite & ~is_null] = NON_FINITE
        numbers[~is_finite] = np.nan
    return numbers, faults


def _decode_integers(
    column: Column, values: Any, read: Callable[[Any], tuple[int | None, int]], out_of_range: int
) -> tuple[NullableIntegers, Faults]:
    array = _numeric_array(values, as_float=False)
    if array is None:
        integers, codes, faults = _decode_distinct(column, values, read)
        return _gather_integers(integers, codes), faults
    is_null, faults = _start(column, array)
    numbers = _filled(array)
    if numbers.dtype == np.uint64:
        is_good = numbers <= _MAX_INT64
    elif numbers.dtype == np.float64:
        faults[~np.isfinite(numbers)] = NON_FINITE
        is_good = (np.floor(numbers) == numbers) & (numbers >= -(2.0**63)) & (numbers < 2.0**63)
    else:
        return NullableIntegers(numbers.astype(np.int64), is_null), faults
    faults[~is_good & (faults == GOOD)] = out_of_range
    return NullableIntegers(np.where(is_good, numbers, 0).astype(np.int64), is_null), faults


def _gather_integers(integers: list[int | None], codes: npt.NDArray[np.int32]) -> NullableIntegers:
    values = np.array([integer or 0 for integer in (*integers, None)], dtype=np.int64)
    is_null = np.array([integer is None for integer in (*integers, None)])
    return NullableIntegers(values[codes], is_null[codes])


def _start(column: Column, array: Any) -> tuple[npt.NDArray[np.bool_], Faults]:
    """Returns which values are null, and the faults so far."""
    is_null = array.is_null().to_numpy(zero_copy_only=False)
    faults = np.full(len(array), GOOD, dtype=np.uint8)
    if column.is_required:
        faults[is_null] = MISSING_KEY
    return is_null, faults


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
    results = [read(value) for value in distinct]
    faults = np.array([*(fault for _, fault in results), GOOD], dtype=np.uint8)
    if column.is_required:
        is_empty = [value is None or value in ("", b"") for value in distinct]
        faults[[*is_empty, True]] = MISSING_KEY
    return [value for value, _ in results], codes, faults[codes]


def _distinct(values: Any) -> tuple[list[Any], npt.NDArray[np.int32]]:
    """Returns distinct values, and for each value its position among them (-1 or the position of a None: null)."""
    if isinstance(values, list):
        keys = values if set(map(type, values)) <= {str, type(None)} else [_key(value) for value in values]
        table: dict[Any, int] = {}
        codes = np.fromiter((table.setdefault(key, len(table)) for key in keys), np.int32, len(keys))
        return [key[1] if isinstance(key, tuple) else key for key in table], codes
    if pa.types.is_string_view(values.type) or pa.types.is_binary_view(values.type):
        values = values.cast(pa.large_binary())
    type_ = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not _is_enumerable(type_):
        return [_OTHER], np.where(values.is_null().to_numpy(zero_copy_only=False), np.int32(-1), np.int32(0))
    if pa.types.is_dictionary(values.type):
        if len(values.dictionary) > len(values):  # of a whole file, perhaps
            values = values.dictionary_decode().dictionary_encode()
    else:
        values = (values.cast(pa.float64()) if pa.types.is_floating(type_) else values).dictionary_encode()
    codes = values.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
    return plain_values(values.dictionary), codes


def _key(value: Any) -> tuple[type, Any]:
    """Returns what tells values of a list apart: 1, 1.0 and True are equal in Python, but not of one type."""
    return (type(value), value) if value is None or isinstance(value, str | _Number) else (list, _OTHER)


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
