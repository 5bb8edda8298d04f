"""What one raw value means to a column, or what is wrong with it: the rules in plain words.

Every reader returns (value, GOOD), (None, GOOD) for null, or (None, fault).
"""

import datetime
import decimal
import enum
import math
import re
import sys
from typing import Any


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

MIN_INT64, MAX_INT64 = -(1 << 63), (1 << 63) - 1
RealNumber = int | float | decimal.Decimal
_EPOCH_ORDINAL = datetime.date(1970, 1, 1).toordinal()
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


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
    """Returns an integer within int64, or what is wrong; integral floats and decimals are fine.

    Infinity is a number beyond int64, which the list of reasons names before "not finite"; NaN is only not finite.
    """
    if value is None:
        return None, GOOD
    if isinstance(value, bool) or not isinstance(value, RealNumber):
        return None, WRONG_TYPE
    if not isinstance(value, int) and not math.isfinite(value):
        return None, NON_FINITE if math.isnan(value) else WRONG_TYPE
    integer = int(value)
    return (integer, GOOD) if integer == value and MIN_INT64 <= integer <= MAX_INT64 else (None, WRONG_TYPE)


def read_time(value: Any) -> tuple[int | None, int]:
    """Returns a timestamp, or what is wrong; a fraction or a number beyond int64 is a bad time, not a wrong type."""
    integer, fault = read_integer(value)
    is_number = isinstance(value, RealNumber) and not isinstance(value, bool)
    return integer, BAD_TIME if fault == WRONG_TYPE and is_number else fault


def read_number(value: Any) -> tuple[float | None, int]:
    """Returns a number as float64, or what is wrong.

    An integer of any size is finite; the largest float64 stands for one beyond it (positions end at 2^50).
    """
    if value is None:
        return None, GOOD
    if isinstance(value, bool) or not isinstance(value, RealNumber):
        return None, WRONG_TYPE
    try:
        number = float(value)
    except OverflowError:
        number = sys.float_info.max if value > 0 else -sys.float_info.max
    return (number, GOOD) if math.isfinite(number) else (None, NON_FINITE)


def read_date(value: Any) -> tuple[int | None, int]:
    """Returns the days from 1970-01-01 to a date written YYYY-MM-DD, or what is wrong; other text is a bad time."""
    if value is None:
        return None, GOOD
    text, fault = read_name(value) if isinstance(value, str | bytes) else (None, WRONG_TYPE)
    if text is None:
        return None, fault if fault != GOOD else BAD_TIME
    if not _DATE.fullmatch(text):
        return None, BAD_TIME
    try:
        return datetime.date.fromisoformat(text).toordinal() - _EPOCH_ORDINAL, GOOD
    except ValueError:
        return None, BAD_TIME
