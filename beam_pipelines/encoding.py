"""Accepted records -> columns of ids, in NumPy over a whole batch, before anything is known of the rest of the log.

Ids of the numeric and fixed features (spec: discretization), clamp flags, and names as positions in the batch's list.
What needs the user's whole track (time gap, vocabulary ids, elapsed time) follows after the shuffle.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beam_pipelines.validation import EventBatch
from edgedipn_tf import discretize, schema
from edgedipn_tf.schema import FIRST_REAL_ID, NOT_APPLICABLE_ID

Int64 = NDArray[np.int64]
Bools = NDArray[np.bool_]
Columns = dict[str, NDArray[Any]]

SWIPE_ID_FEATURES = (
    "action",
    "duration",
    "tap_x",
    "tap_y",
    "start_x",
    "start_y",
    "end_x",
    "end_y",
    "length_x",
    "length_y",
    "horizontal_direction",
    "vertical_direction",
)
SWIPE_CLAMPED_FEATURES = SWIPE_ID_FEATURES[1:10]
"""Features whose clamps are flagged, one bit each in `clamps`, in this order."""
BROWSE_CLAMPED_FEATURES = ("page_stay",)

VOCABULARY_FEATURES: dict[str, tuple[str, ...]] = {
    view.name: tuple(f.name for f in view.features if f.kind is schema.Kind.VOCABULARY)
    for view in (schema.SWIPE_VIEW, schema.TAP_VIEW, schema.BROWSE_VIEW)
} | {"profile": tuple(f.name for f in schema.PROFILE), "history": ()}
"""The columns of an input whose names travel with a chunk."""


def _dtypes(input_name: str, **others: str) -> dict[str, np.dtype[Any]]:
    names = {f"{name}_code": "<i4" for name in VOCABULARY_FEATURES[input_name]}
    columns = {"timestamp_ms": "<i8", "row_hash": "<u8", **names, **others}
    return {name: np.dtype(code) for name, code in columns.items()}


DTYPES: dict[str, dict[str, np.dtype[Any]]] = {
    "swipe": _dtypes("swipe", **dict.fromkeys(SWIPE_ID_FEATURES, "u1"), clamps="<u2"),
    "tap": _dtypes("tap", event="u1"),
    "browse": _dtypes("browse", action="u1", page_stay="u1", stay_ms="<i8", hour="u1", clamps="<u2"),
    "profile": _dtypes("profile"),
    "history": _dtypes("history", day_index="<i4", action="u1", count="<i8"),
}
"""The columns of an input after encoding. A `_code` is a position in a list of names, -1 for null."""

MAX_STAY_MS = 1 << 50
"""Longer stays are stored as this one: they never end before any cut-off, and sums stay within int64."""
_CACHED_ROWS = 8192
"""Swipes encoded at a time: what the processor's cache holds, half the time of a whole batch."""


@dataclasses.dataclass(frozen=True)
class Encoded:
    """Encoded records of one input, in the order of their file.

    Attributes:
        columns: those of `DTYPES`, of one length.
        user_codes: positions in `names["user_id"]`.
        names: the users, and for each of `VOCABULARY_FEATURES` the names that its `_code` column points into.
    """

    columns: Columns
    user_codes: NDArray[np.int32]
    names: dict[str, list[str]]


def encode_name(name: str) -> bytes:
    """Returns the UTF-8 bytes of a name; JSON allows lone surrogates, so they pass."""
    return name.encode("utf-8", "surrogatepass")


def decode_name(name: bytes) -> str:
    """Returns the name of `encode_name` bytes."""
    return name.decode("utf-8", "surrogatepass")


def encode(batch: EventBatch, hours: Callable[[Int64], Int64]) -> Encoded:
    """Returns the encoded records of a batch.

    Args:
        batch: accepted records of one input.
        hours: local hour of a time in milliseconds (vectorised).
    """
    features = VOCABULARY_FEATURES[batch.input_name]
    codes = {f"{name}_code": batch.names[name].codes for name in features}
    columns: Columns = {"timestamp_ms": batch.timestamp_ms, "row_hash": batch.row_hashes, **codes}
    columns |= _ENCODERS[batch.input_name](batch, hours)
    names = {name: batch.names[name].values for name in ("user_id", *features)}
    return Encoded(columns, batch.names["user_id"].codes, names)


def _encode_swipes(batch: EventBatch, hours: Callable[[Int64], Int64]) -> Columns:
    size = len(batch)
    columns: Columns = {name: np.full(size, NOT_APPLICABLE_ID, np.uint8) for name in SWIPE_ID_FEATURES}
    columns["clamps"] = np.zeros(size, np.uint16)
    columns["action"][:] = batch.action + FIRST_REAL_ID
    names = schema.SWIPE_VIEW.feature("action").names
    for kind, fill in (("tap", _fill_taps), ("swipe", _fill_swipes)):
        rows = np.flatnonzero(batch.action == names.index(kind))
        for start in range(0, len(rows), _CACHED_ROWS):
            fill(columns, batch, rows[start : start + _CACHED_ROWS])
    return columns


def _fill_taps(columns: Columns, batch: EventBatch, rows: NDArray[np.intp]) -> None:
    for axis, window in (("x", "window_width"), ("y", "window_height")):
        _fill_position(columns, f"tap_{axis}", _position(batch, axis, rows), _position(batch, window, rows), rows)


def _fill_swipes(columns: Columns, batch: EventBatch, rows: NDArray[np.intp]) -> None:
    duration = batch.integers["duration_ms"]
    _fill(columns, "duration", discretize.duration_bins(duration.values[rows]), ~duration.is_null[rows], rows)
    for axis, window, direction, direction_ids in (
        ("x", "window_width", "horizontal_direction", discretize.horizontal_direction_ids),
        ("y", "window_height", "vertical_direction", discretize.vertical_direction_ids),
    ):
        extent = _position(batch, window, rows)
        start, end = _position(batch, f"start_{axis}", rows), _position(batch, f"end_{axis}", rows)
        _fill_position(columns, f"start_{axis}", start, extent, rows)
        _fill_position(columns, f"end_{axis}", end, extent, rows)
        displacement, is_known = end.q - start.q, start.is_known & end.is_known
        length = f"length_{axis}"
        bins = discretize.displacement_bins(displacement, extent.q, schema.SWIPE_VIEW.feature(length).bins)
        _fill(columns, length, bins, is_known & extent.is_known, rows)
        columns[direction][rows] = np.where(is_known, direction_ids(displacement), NOT_APPLICABLE_ID)


@dataclasses.dataclass(frozen=True)
class _Positions:
    """A column of coordinates or window sizes, quantized; where all are equal, `q` may be one value for all."""

    q: Int64
    is_known: Bools


def _position(batch: EventBatch, column: str, rows: NDArray[np.intp]) -> _Positions:
    values = batch.numbers[column][rows]
    if (values == values[0]).all():  # a window, usually: dividing by one number is several times quicker
        return _Positions(discretize.quantize_position(values[:1]), np.ones(len(values), np.bool_))
    return _Positions(discretize.quantize_position(values), ~np.isnan(values))


def _fill_position(
    columns: Columns, feature: str, position: _Positions, extent: _Positions, rows: NDArray[np.intp]
) -> None:
    bins = discretize.position_bins(position.q, extent.q, schema.SWIPE_VIEW.feature(feature).bins)
    _fill(columns, feature, bins, position.is_known & extent.is_known, rows)


def _fill(
    columns: Columns, feature: str, bins: discretize.Bins, applies: Bools, rows: NDArray[np.intp] | slice = slice(None)
) -> None:
    """Writes the ids of a feature at some rows and flags its clamps; not applicable where it does not apply."""
    columns[feature][rows] = np.where(applies, bins.bins + FIRST_REAL_ID, NOT_APPLICABLE_ID)
    if bins.is_clamped.any():
        clamped = SWIPE_CLAMPED_FEATURES if "duration" in columns else BROWSE_CLAMPED_FEATURES
        columns["clamps"][rows] |= np.where(applies & bins.is_clamped, 1 << clamped.index(feature), 0).astype(np.uint16)


def _encode_taps(batch: EventBatch, hours: Callable[[Int64], Int64]) -> Columns:
    is_button = batch.action == schema.TAP_VIEW.feature("event").names.index("button")
    event = (batch.action + FIRST_REAL_ID).astype(np.uint8)
    return {"event": event, "button_code": np.where(is_button, batch.names["button"].codes, np.int32(-1))}


def _encode_browses(batch: EventBatch, hours: Callable[[Int64], Int64]) -> Columns:
    stay = batch.integers["stay_ms"]
    columns: Columns = {
        "action": (batch.action + FIRST_REAL_ID).astype(np.uint8),
        "page_stay": np.zeros(len(batch), np.uint8),
        "stay_ms": np.where(stay.is_null, 0, np.clip(stay.values, 0, MAX_STAY_MS)),
        "hour": (hours(batch.timestamp_ms) + FIRST_REAL_ID).astype(np.uint8),
        "clamps": np.zeros(len(batch), np.uint16),
    }
    _fill(columns, "page_stay", discretize.page_stay_bins(stay.values), ~stay.is_null)
    return columns


def _encode_profiles(batch: EventBatch, hours: Callable[[Int64], Int64]) -> Columns:
    return {}


def _encode_history(batch: EventBatch, hours: Callable[[Int64], Int64]) -> Columns:
    return {
        "day_index": batch.integers["date"].values.astype(np.int32),
        "action": batch.action.astype(np.uint8),
        "count": batch.integers["count"].values,
    }


_ENCODERS: dict[str, Callable[[EventBatch, Callable[[Int64], Int64]], Columns]] = {
    "swipe": _encode_swipes,
    "tap": _encode_taps,
    "browse": _encode_browses,
    "profile": _encode_profiles,
    "history": _encode_history,
}
