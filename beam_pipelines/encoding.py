"""Accepted records -> compact chunks, one a user and batch: what goes through the shuffle.

All that does not need the rest of the user's track is computed here, in NumPy over a whole batch: ids of the numeric
and fixed features (spec: discretization), clamp flags, and names as positions in a small list that travels with the
chunk. What needs the track (time gap, vocabulary ids, elapsed time) follows after the shuffle.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from beam_pipelines.validation import EventBatch
from edgedipn_tf import discretize, schema
from edgedipn_tf.schema import FIRST_REAL_ID, NOT_APPLICABLE_ID

Int64 = NDArray[np.int64]
Bools = NDArray[np.bool_]

ORDER_FIELDS = [("timestamp_ms", "<i8"), ("file_index", "<i4"), ("record_number", "<i8"), ("row_hash", "<u8")]
"""Fields of every row: its time, its place in the input (the order within equal times) and its identity."""

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


def _dtype(input_name: str, *fields: tuple[str, str]) -> np.dtype[np.void]:
    names = [(f"{name}_code", "<i4") for name in VOCABULARY_FEATURES[input_name]]
    return np.dtype([*ORDER_FIELDS, *names, *fields])


ROW_DTYPES: dict[str, np.dtype[np.void]] = {
    "swipe": _dtype("swipe", *((name, "u1") for name in SWIPE_ID_FEATURES), ("clamps", "<u2")),
    "tap": _dtype("tap", ("event", "u1")),
    "browse": _dtype(
        "browse", ("action", "u1"), ("page_stay", "u1"), ("stay_ms", "<i8"), ("hour", "u1"), ("clamps", "<u2")
    ),
    "profile": _dtype("profile"),
    "history": _dtype("history", ("day_index", "<i4"), ("action", "u1"), ("count", "<i8")),
}
"""What one record of an input is in the shuffle."""

MAX_STAY_MS = 1 << 50
"""Longer stays are stored as this one: they never end before any cut-off, and sums stay within int64."""


class Chunk(NamedTuple):
    """The records of one user in one batch. Plain values only, so that Beam's coders are quick.

    Attributes:
        input_name: which input they are from.
        rows: bytes of an array of `ROW_DTYPES[input_name]`.
        names: for each of `VOCABULARY_FEATURES[input_name]`, the UTF-8 names that its `_code` field points into.
    """

    input_name: str
    rows: bytes
    names: tuple[tuple[bytes, ...], ...]


def encode_name(name: str) -> bytes:
    """Returns the UTF-8 bytes of a name; JSON allows lone surrogates, so they pass."""
    return name.encode("utf-8", "surrogatepass")


def decode_name(name: bytes) -> str:
    """Returns the name of `encode_name` bytes."""
    return name.decode("utf-8", "surrogatepass")


def encode_chunks(batch: EventBatch, hours: Callable[[Int64], Int64]) -> Iterator[tuple[bytes, Chunk]]:
    """Yields (user id as UTF-8, chunk) for every user of a batch.

    Args:
        batch: accepted records of one input.
        hours: local hour of a time in milliseconds (vectorised).
    """
    rows = _FILLERS[batch.input_name](batch, hours)
    users = batch.names["user_id"]
    order = np.argsort(users.codes, kind="stable")
    rows, user_codes = rows[order], users.codes[order].astype(np.int64)
    starts = np.flatnonzero(np.diff(user_codes, prepend=-1))
    ends = np.append(starts[1:], len(rows))
    columns = [
        _localise_names(rows, f"{name}_code", batch.names[name].values, user_codes, starts)
        for name in VOCABULARY_FEATURES[batch.input_name]
    ]
    for position, (start, end) in enumerate(zip(starts, ends, strict=True)):
        user_id = encode_name(users.values[user_codes[start]])
        names = tuple(column[position] for column in columns)
        yield user_id, Chunk(batch.input_name, rows[start:end].tobytes(), names)


def _localise_names(
    rows: NDArray[np.void], field: str, values: list[str], user_codes: Int64, starts: NDArray[np.intp]
) -> list[tuple[bytes, ...]]:
    """Replaces the batch's name codes by positions in a list of the user's own names; returns the users' lists."""
    encoded = [encode_name(value) for value in values]
    codes = rows[field].astype(np.int64)
    # One sort for the whole batch: distinct (user, name) pairs stand together by user.
    pairs, inverse = np.unique(user_codes * (len(encoded) + 1) + codes + 1, return_inverse=True)
    pair_names = pairs % (len(encoded) + 1) - 1
    pair_users = pairs // (len(encoded) + 1)
    first_pair = np.searchsorted(pair_users, user_codes[starts])
    pair_ends = np.append(first_pair[1:], len(pairs))
    # A user's null (code -1) sorts first in the block, so the positions of the real names are shifted by it.
    has_null = pair_names[first_pair] == -1
    row_block = np.searchsorted(pair_users[first_pair], user_codes)
    rows[field] = np.where(codes < 0, -1, inverse - (first_pair + has_null)[row_block])
    return [
        tuple(encoded[code] for code in pair_names[first + null : end])
        for first, null, end in zip(first_pair, has_null, pair_ends, strict=True)
    ]


def _order_rows(batch: EventBatch) -> NDArray[np.void]:
    rows = np.zeros(len(batch.record_numbers), ROW_DTYPES[batch.input_name])
    rows["timestamp_ms"] = batch.timestamp_ms
    rows["file_index"] = batch.file_index
    rows["record_number"] = batch.record_numbers
    rows["row_hash"] = batch.row_hashes
    for name in VOCABULARY_FEATURES[batch.input_name]:
        rows[f"{name}_code"] = batch.names[name].codes
    return rows


def _swipe_rows(batch: EventBatch, hours: Callable[[Int64], Int64]) -> NDArray[np.void]:
    rows = _order_rows(batch)
    action_names = schema.SWIPE_VIEW.feature("action").names
    is_swipe, is_tap = (batch.action == action_names.index(name) for name in ("swipe", "tap"))
    quantized = {name: discretize.quantize_position(column) for name, column in batch.numbers.items()}
    known = {name: ~np.isnan(column) for name, column in batch.numbers.items()}
    rows["action"] = batch.action + FIRST_REAL_ID
    duration = batch.integers["duration_ms"]
    _fill(rows, "duration", discretize.duration_bins(duration.values), is_swipe & ~duration.is_null)
    for axis, extent in (("x", "window_width"), ("y", "window_height")):
        has_extent, extent_q = known[extent], np.maximum(quantized[extent], 1)
        for feature, column, applies in (
            (f"tap_{axis}", axis, is_tap),
            (f"start_{axis}", f"start_{axis}", is_swipe),
            (f"end_{axis}", f"end_{axis}", is_swipe),
        ):
            bins = discretize.position_bins(quantized[column], extent_q, schema.SWIPE_VIEW.feature(feature).bins)
            _fill(rows, feature, bins, applies & known[column] & has_extent)
        displacement = quantized[f"end_{axis}"] - quantized[f"start_{axis}"]
        has_displacement = is_swipe & known[f"end_{axis}"] & known[f"start_{axis}"]
        length = f"length_{axis}"
        bins = discretize.displacement_bins(displacement, extent_q, schema.SWIPE_VIEW.feature(length).bins)
        _fill(rows, length, bins, has_displacement & has_extent)
        direction, ids = {
            "x": ("horizontal_direction", discretize.horizontal_direction_ids),
            "y": ("vertical_direction", discretize.vertical_direction_ids),
        }[axis]
        rows[direction] = np.where(has_displacement, ids(displacement), NOT_APPLICABLE_ID)
    return rows


def _fill(rows: NDArray[np.void], feature: str, bins: discretize.Bins, applies: Bools) -> None:
    """Writes the ids of a feature and flags its clamps; not applicable where it does not apply."""
    rows[feature] = np.where(applies, bins.bins + FIRST_REAL_ID, NOT_APPLICABLE_ID)
    clamped = SWIPE_CLAMPED_FEATURES if "duration" in (rows.dtype.names or ()) else BROWSE_CLAMPED_FEATURES
    rows["clamps"] |= np.where(applies & bins.is_clamped, 1 << clamped.index(feature), 0).astype(np.uint16)


def _tap_rows(batch: EventBatch, hours: Callable[[Int64], Int64]) -> NDArray[np.void]:
    rows = _order_rows(batch)
    rows["event"] = batch.action + FIRST_REAL_ID
    is_button = batch.action == schema.TAP_VIEW.feature("event").names.index("button")
    rows["button_code"] = np.where(is_button, rows["button_code"], -1)
    return rows


def _browse_rows(batch: EventBatch, hours: Callable[[Int64], Int64]) -> NDArray[np.void]:
    rows = _order_rows(batch)
    rows["action"] = batch.action + FIRST_REAL_ID
    stay = batch.integers["stay_ms"]
    _fill(rows, "page_stay", discretize.page_stay_bins(stay.values), ~stay.is_null)
    rows["stay_ms"] = np.where(stay.is_null, 0, np.clip(stay.values, 0, MAX_STAY_MS))
    rows["hour"] = hours(batch.timestamp_ms) + FIRST_REAL_ID
    return rows


def _profile_rows(batch: EventBatch, hours: Callable[[Int64], Int64]) -> NDArray[np.void]:
    return _order_rows(batch)


def _history_rows(batch: EventBatch, hours: Callable[[Int64], Int64]) -> NDArray[np.void]:
    rows = _order_rows(batch)
    rows["day_index"] = batch.integers["date"].values
    rows["action"] = batch.action
    rows["count"] = batch.integers["count"].values
    return rows


_FILLERS = {
    "swipe": _swipe_rows,
    "tap": _tap_rows,
    "browse": _browse_rows,
    "profile": _profile_rows,
    "history": _history_rows,
}
