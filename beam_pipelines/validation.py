"""From raw values to typed, clean columns: every record is accepted whole or rejected with one reason.

A record is bad for the first listed reason that any of its columns gives. The rules for one value are in
`raw_values`; here they are put together for all columns of a batch.
"""

import dataclasses
import hashlib
import json
from typing import Any

import numpy as np
import numpy.typing as npt

from beam_pipelines import columns
from beam_pipelines.columns import Names, NullableIntegers
from beam_pipelines.inputs import Column, ColumnKind, Input
from beam_pipelines.raw_batches import MAX_RAW_BYTES, RawBatch
from beam_pipelines.raw_values import BAD_WINDOW, GOOD, REASONS, Reason
from edgedipn_tf.discretize import quantize_position
from edgedipn_tf.random_keys import mix

__all__ = ["EventBatch", "Names", "NullableIntegers", "Reason", "Reject", "validate", "values_at"]

_NULL_BITS = np.uint64(0x6E756C6C6E756C6C)
"""Stands for null in hashes."""
_HASHED_ROWS = 8192
"""Rows hashed at a time: what the processor's cache holds, twice as fast as a whole batch."""


@dataclasses.dataclass(frozen=True)
class EventBatch:
    """Accepted records, by column.

    Attributes:
        input_name: the input.
        file_index: position of the file in the sorted path list of the input.
        record_numbers: int64 [N], rising.
        timestamp_ms: int64 [N]; zeros for profile and history.
        action: int64 [N], index in the input's `actions`; -1 for profile.
        names: NAME columns by name; `user_id` is never null.
        integers: INTEGER columns, and DATE columns as days since 1970-01-01.
        numbers: NUMBER columns, float64 [N], NaN = null.
        row_hashes: uint64 [N], a hash of all columns after normalisation: equal records have equal hashes,
            different ones different hashes but for a chance of 2^-64; the same in every process and run.
    """

    input_name: str
    file_index: int
    record_numbers: npt.NDArray[np.int64]
    timestamp_ms: npt.NDArray[np.int64]
    action: npt.NDArray[np.int64]
    names: dict[str, Names]
    integers: dict[str, NullableIntegers]
    numbers: dict[str, npt.NDArray[np.float64]]
    row_hashes: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.record_numbers)


@dataclasses.dataclass(frozen=True)
class Reject:
    """A bad record: where it is, why it is bad, and its first 4096 bytes (rows of binary files as JSON)."""

    input_name: str
    path: str
    file_index: int
    record_number: int
    reason: Reason
    raw: bytes


def validate(raw: RawBatch, input: Input, min_time_ms: int, max_time_ms: int) -> tuple[EventBatch, list[Reject]]:
    """Checks every record of a batch against its input.

    Args:
        raw: the records.
        input: what they must hold.
        min_time_ms: first timestamp that is accepted.
        max_time_ms: first timestamp after it that is not.

    Returns:
        The accepted records, and the rejects in the order of their record numbers.
    """
    faults: columns.Faults = np.full(len(raw.record_numbers), GOOD, dtype=np.uint8)
    decoded: dict[str, Any] = {}
    for column in input.columns:
        values, column_faults = _decode(column, raw.values[column.name], input, min_time_ms, max_time_ms)
        np.minimum(faults, column_faults, out=faults)
        decoded[column.name] = values
    for name in input.window_columns:
        small = np.flatnonzero(decoded[name] < 1)  # few, if any; NaN is not among them
        flat = small[quantize_position(decoded[name][small]) <= 0]
        faults[flat] = np.minimum(faults[flat], BAD_WINDOW)
    is_good = faults == GOOD
    rejects = _rejects(raw, input, faults)
    if not is_good.all():
        decoded = {name: _select(values, is_good) for name, values in decoded.items()}
    return _batch(raw, input, decoded, raw.record_numbers[is_good]), rejects


def _decode(
    column: Column, values: Any, input: Input, min_time_ms: int, max_time_ms: int
) -> tuple[Any, columns.Faults]:
    match column.kind:
        case ColumnKind.NAME:
            return columns.decode_names(column, values)
        case ColumnKind.INTEGER:
            return columns.decode_integers(column, values)
        case ColumnKind.NUMBER:
            return columns.decode_numbers(column, values)
        case ColumnKind.TIME:
            return columns.decode_times(column, values, min_time_ms, max_time_ms)
        case ColumnKind.ACTION:
            return columns.decode_actions(column, values, input.actions, input.aliases)
        case ColumnKind.DATE:
            return columns.decode_dates(column, values)


def _select(values: Any, rows: npt.NDArray[np.bool_]) -> Any:
    if isinstance(values, Names):
        return Names(values.codes[rows], values.values)
    if isinstance(values, NullableIntegers):
        return NullableIntegers(values.values[rows], values.is_null[rows])
    return values[rows]


def _without_unused(names: Names) -> Names:
    is_used = np.zeros(len(names.values) + 1, dtype=bool)
    is_used[names.codes] = True  # null sets the last, which stands for no name
    if is_used[:-1].all():
        return names
    targets = np.append(np.cumsum(is_used[:-1], dtype=np.int32) - 1, np.int32(-1)).astype(np.int32)
    kept = [name for name, used in zip(names.values, is_used[:-1].tolist(), strict=True) if used]
    return Names(targets[names.codes], kept)


def _batch(raw: RawBatch, input: Input, decoded: dict[str, Any], record_numbers: npt.NDArray[np.int64]) -> EventBatch:
    def by_kind(*kinds: ColumnKind) -> dict[str, Any]:
        return {c.name: decoded[c.name] for c in input.columns if c.kind in kinds}

    decoded |= {name: _without_unused(names) for name, names in by_kind(ColumnKind.NAME).items()}
    size = len(record_numbers)
    return EventBatch(
        input_name=input.name,
        file_index=raw.piece.file_index,
        record_numbers=record_numbers,
        timestamp_ms=next(iter(by_kind(ColumnKind.TIME).values()), np.zeros(size, dtype=np.int64)),
        action=next(iter(by_kind(ColumnKind.ACTION).values()), np.full(size, -1, dtype=np.int64)),
        names=by_kind(ColumnKind.NAME),
        integers=by_kind(ColumnKind.INTEGER, ColumnKind.DATE),
        numbers=by_kind(ColumnKind.NUMBER),
        row_hashes=_row_hashes(input, decoded, size),
    )


def _row_hashes(input: Input, decoded: dict[str, Any], size: int) -> npt.NDArray[np.uint64]:
    """Chains the columns: each step is a bijection of the 64 bits of a value and looks random to the next one."""
    hashes = np.full(size, _hash_text(input.name), dtype=np.uint64)
    bits = [_bits(decoded[column.name]) for column in input.columns]
    for start in range(0, size, _HASHED_ROWS):
        rows = slice(start, start + _HASHED_ROWS)
        for values in bits:
            hashes[rows] = mix(hashes[rows] ^ values[rows])
    return hashes


def _bits(values: Any) -> npt.NDArray[np.uint64]:
    if isinstance(values, Names):
        texts = np.array([_hash_text(name) for name in values.values], dtype=np.uint64)
        return np.append(texts, _NULL_BITS)[values.codes]
    if isinstance(values, NullableIntegers):
        return np.where(values.is_null, _NULL_BITS, values.values.view(np.uint64))
    # Times and actions as they are; numbers have one zero and one NaN, which stands for null.
    bits: npt.NDArray[np.uint64] = np.ascontiguousarray(values).view(np.uint64)
    return bits


def _hash_text(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _rejects(raw: RawBatch, input: Input, faults: columns.Faults) -> list[Reject]:
    piece = raw.piece
    rows = np.flatnonzero(faults != GOOD)
    if not len(rows) and not raw.errors:
        return []
    found = [(error.record_number, Reason(error.reason), error.raw) for error in raw.errors]
    reasons = [REASONS[fault] for fault in faults[rows].tolist()]
    found.extend(zip(raw.record_numbers[rows].tolist(), reasons, _raw_records(raw, input, rows), strict=True))
    found.sort(key=lambda reject: reject[0])
    return [Reject(piece.input_name, piece.path, piece.file_index, *reject) for reject in found]


def _raw_records(raw: RawBatch, input: Input, rows: npt.NDArray[np.intp]) -> list[bytes]:
    if raw.lines:
        return [raw.lines[row] for row in rows.tolist()]
    names = [column.file_name for column in input.columns]
    values = [values_at(raw.values[column.name], rows) for column in input.columns]
    records = (dict(zip(names, record, strict=True)) for record in zip(*values, strict=True))
    return [json.dumps(record, default=str).encode()[:MAX_RAW_BYTES] for record in records]


def values_at(values: Any, rows: npt.NDArray[np.intp]) -> list[Any]:
    """Returns raw values, a pyarrow array or a list, at some rows as Python values."""
    return [values[row] for row in rows] if isinstance(values, list) else columns.plain_values(values.take(rows))
