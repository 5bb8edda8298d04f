"""Raw records judged one by one: a good row with plain values, or the first reason of the closed list.

A record is a dictionary (a Parquet row) or a line of bytes (JSON lines). The records of an input are given in
the order (sorted file path, record number). Written from the words of the specification, not from the job.
"""

import collections
import dataclasses
import datetime
import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from edgedipn_tf import schema
from tests.reference import formulas

Row = dict[str, Any]

REASONS = (
    "too_long",  # before all
    "unparsable",
    "missing_key",
    "wrong_type",
    "bad_time",
    "non_finite",
    "unknown_action",
    "bad_window",
)
MAX_LINE_BYTES = 1 << 20
MAX_DEPTH = 100
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
INT64 = range(-(1 << 63), 1 << 63)

SWIPE_ACTIONS = schema.SWIPE_VIEW.feature("action").names
TAP_EVENTS = {"page": "page", "button": "button", "2001": "page", "2101": "button"}
BROWSE_ACTIONS = schema.BROWSE_VIEW.feature("action").names


class Bad(Exception):
    """A value is bad for the reason in its message."""


def name(value: Any) -> str | None:
    """Returns a name as text: 7, 7.0 and "7" are one, "" is null."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise Bad("wrong_type")  # half of a surrogate pair is no text: it has no UTF-8 bytes
        return value
    return str(integer(value))


def integer(value: Any) -> int | None:
    """Returns an integer; integral floats are fine."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Bad("wrong_type")
    if isinstance(value, float) and math.isnan(value):
        raise Bad("non_finite")
    # Infinity is beyond int64, and that reason comes first in the list.
    if value in (math.inf, -math.inf) or int(value) != value or int(value) not in INT64:
        raise Bad("wrong_type")
    return int(value)


def number(value: Any) -> float | None:
    """Returns a finite number of any size as float64; an integer beyond it as the largest."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Bad("wrong_type")
    if isinstance(value, float) and not math.isfinite(value):
        raise Bad("non_finite")
    return float(max(min(value, sys.float_info.max), -sys.float_info.max))


def window_side(value: Any) -> float | None:
    """Returns the width or height of a window."""
    side = number(value)
    if side is not None and formulas.quantum(side) <= 0:
        raise Bad("bad_window")
    return side


def required(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Returns a reader that refuses null and empty values."""

    def read_required(value: Any) -> Any:
        if value is None or value == "":
            raise Bad("missing_key")
        return read(value)

    return read_required


def action_of(names: Mapping[str, str]) -> Callable[[Any], Any]:
    """Returns a reader of an action by its name in the log."""

    def read_action(value: Any) -> str:
        text = name(value)
        if text is None or text not in names:
            raise Bad("unknown_action")
        return names[text]

    return read_action


def moment(min_time_ms: int, max_time_ms: int) -> Callable[[Any], Any]:
    """Returns a reader of timestamps in [min_time_ms, max_time_ms)."""

    def read_moment(value: Any) -> int:
        try:
            timestamp = integer(value)
        except Bad as bad:
            if bad.args == ("wrong_type",) and isinstance(value, int | float) and not isinstance(value, bool):
                raise Bad("bad_time") from bad  # a fraction, or beyond int64
            raise
        assert timestamp is not None
        if not min_time_ms <= timestamp < max_time_ms:
            raise Bad("bad_time")
        return timestamp

    return read_moment


def local_date(value: Any) -> datetime.date:
    """Returns a local date written YYYY-MM-DD."""
    if not isinstance(value, str):
        raise Bad("wrong_type")
    name(value)  # half of a surrogate pair is no text here either
    try:
        date = datetime.datetime.strptime(value, "%Y-%m-%d").date()
    except ValueError as error:
        raise Bad("bad_time") from error
    if date.isoformat() != value or not 1900 <= date.year <= 2199:  # what local days are known of
        raise Bad("bad_time")
    return date


def count(value: Any) -> int | None:
    """Returns a count of at least 0."""
    counted = integer(value)
    if counted is not None and counted < 0:
        raise Bad("wrong_type")
    return counted


def readers(min_time_ms: int, max_time_ms: int) -> dict[str, dict[str, Callable[[Any], Any]]]:
    """Returns the schema columns of each input with the reader of each."""
    key = {"user_id": required(name), "timestamp_ms": required(moment(min_time_ms, max_time_ms))}
    same = {action: action for action in SWIPE_ACTIONS}
    browse = {action: action for action in BROWSE_ACTIONS}
    past = {action: action for action in schema.HISTORY_ACTIONS}
    return {
        "swipe": {
            **key,
            "action": required(action_of(same)),
            "page": name,
            **dict.fromkeys(("x", "y", "start_x", "start_y", "end_x", "end_y"), number),
            "duration_ms": integer,
            **dict.fromkeys(("window_width", "window_height"), window_side),
        },
        "tap": {**key, "event": required(action_of(TAP_EVENTS)), "page": name, "button": name},
        "browse": {
            **key,
            "action": required(action_of(browse)),
            **dict.fromkeys(("page", "leaf_category", "top_category", "item_id"), name),
            "stay_ms": integer,
            "price": number,
        },
        "profile": {"user_id": required(name), **{feature.name: name for feature in schema.PROFILE}},
        "history": {
            "user_id": required(name),
            "date": required(local_date),
            "action": required(action_of(past)),
            "count": count,
        },
    }


def parse_line(line: bytes) -> Mapping[str, Any]:
    """Returns the object of a JSON line."""
    if len(line) > MAX_LINE_BYTES:
        raise Bad("too_long")
    try:
        parsed = json.loads(line.decode(), parse_int=_integer_of_digits)
    except (ValueError, RecursionError) as error:
        raise Bad("unparsable") from error
    if not isinstance(parsed, dict) or depth(line.decode()) > MAX_DEPTH:
        raise Bad("unparsable")
    return parsed


def depth(text: str) -> int:
    """Returns how deep the brackets of a JSON text are nested."""
    brackets = re.sub(r"[^\[\]{}]", "", STRING.sub("", text))
    deepest = 0
    while brackets:  # from the inside
        brackets = re.sub(r"\[\]|\{\}", "", brackets)
        deepest += 1
    return deepest


def is_blank(line: bytes) -> bool:
    """Returns whether a line holds nothing but JSON's white space, and is not too long."""
    return len(line) <= MAX_LINE_BYTES and not line.strip(b" \t\r")


def _integer_of_digits(digits: str) -> int:
    # Python refuses to read more than 4,300 digits; any such number is only "too large".
    return int(digits) if len(digits) < 4000 else int(digits[:2] + "0" * 3000)


def judge(record: Mapping[str, Any] | bytes, columns: Mapping[str, Callable[[Any], Any]]) -> Row:
    """Returns the row of a good record.

    Raises:
        Bad: with the first listed reason that any column gives.
    """
    if isinstance(record, bytes):
        record = parse_line(record)
    row: Row = {}
    reasons = set()
    for column, read in columns.items():
        try:
            row[column] = read(record.get(column))
        except Bad as bad:
            reasons.add(bad.args[0])
    if reasons:
        raise Bad(min(reasons, key=REASONS.index))
    return row


@dataclasses.dataclass(frozen=True)
class Input:
    """The records of one input, judged.

    Attributes:
        rows: good records without duplicates, in the order given.
        read: raw records.
        rejected: bad records by reason.
        duplicates: good records equal to an earlier one in every schema column.
    """

    rows: list[Row]
    read: int
    rejected: dict[str, int]
    duplicates: int


def judge_all(records: Iterable[Mapping[str, Any] | bytes], columns: Mapping[str, Callable[[Any], Any]]) -> Input:
    """Returns the good records of an input and the counts of the others."""
    rows: dict[tuple[Any, ...], Row] = {}
    rejected: collections.Counter[str] = collections.Counter()
    read = duplicates = 0
    for record in records:
        if isinstance(record, bytes) and is_blank(record):
            continue
        read += 1
        try:
            row = judge(record, columns)
        except Bad as bad:
            rejected[bad.args[0]] += 1
            continue
        key = tuple(row.values())
        duplicates += key in rows
        rows.setdefault(key, row)
    return Input(list(rows.values()), read, dict(rejected), duplicates)


def choose_profiles(rows: Iterable[Row]) -> dict[str, Row]:
    """Returns the profile of each user: of several, the smallest by canonical JSON."""
    chosen: dict[str, Row] = {}
    for row in rows:
        user = row["user_id"]
        chosen[user] = min(chosen.get(user, row), row, key=_canonical_json)
    return chosen


def _canonical_json(row: Row) -> bytes:
    return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
