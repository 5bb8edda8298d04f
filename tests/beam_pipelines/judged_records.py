"""Records of each input that are good, and how the job judges those that tests make of them."""

import json
import pathlib
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipelines.inputs import Input
from beam_pipelines.reading import find_pieces, read_batches
from beam_pipelines.validation import EventBatch, Reject, validate

MIN_MS = 946_684_800_000  # 2000-01-01
MAX_MS = 4_102_444_800_000  # 2100-01-01
MAX_INT64 = 2**63 - 1
NAN, INF = float("nan"), float("inf")

GOOD: dict[str, dict[str, Any]] = {
    "swipe": {
        "user_id": "u",
        "timestamp_ms": 1_500_000_000_000,
        "action": "swipe",
        "page": "home",
        "start_x": 10.0,
        "start_y": 700.5,
        "end_x": 12.0,
        "end_y": 100.0,
        "duration_ms": 300,
        "window_width": 1080,
        "window_height": 1920,
    },
    "tap": {"user_id": "u", "timestamp_ms": 1_500_000_000_000, "event": "button", "page": "p", "button": "b"},
    "browse": {
        "user_id": "u",
        "timestamp_ms": 1_500_000_000_000,
        "action": "purchase",
        "page": "p",
        "leaf_category": "shoes",
        "top_category": "clothes",
        "stay_ms": 12_000,
        "price": 9.5,
    },
    "profile": {"user_id": "u", "age_level": "3", "gender": "f"},
    "history": {"user_id": "u", "date": "2014-11-30", "action": "cart", "count": 2},
}


def judge(
    path: pathlib.Path, input: Input, content: bytes | pa.Table, max_rows: int = 65536
) -> tuple[list[EventBatch], list[Reject]]:
    """Writes JSON lines or a Parquet table, reads it back and validates it."""
    if isinstance(content, bytes):
        path = path / "log.jsonl"
        path.write_bytes(content)
    else:
        path = path / "log.parquet"
        pq.write_table(content, path)
    batches, rejects = [], []
    for piece in find_pieces(input, [str(path)]):
        for raw in read_batches(piece, input, max_rows):
            batch, some = validate(raw, input, MIN_MS, MAX_MS)
            batches.append(batch)
            rejects.extend(some)
    return batches, rejects


def json_content(*records: dict[str, Any]) -> bytes:
    """Returns records as JSON lines."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def rows_of(batches: list[EventBatch]) -> dict[int, tuple[Any, ...]]:
    """Decodes batches: record number -> (time, action, *columns), None for null."""
    rows = {}
    for batch in batches:
        columns: list[list[Any]] = [batch.timestamp_ms.tolist(), batch.action.tolist()]
        for names in batch.names.values():
            assert sorted(set(names.codes.tolist()) - {-1}) == list(range(len(names.values)))  # none unused
            assert len(set(names.values)) == len(names.values)
            columns.append([None if code < 0 else names.values[code] for code in names.codes])
        for integers in batch.integers.values():
            pairs = zip(integers.values.tolist(), integers.is_null.tolist(), strict=True)
            columns.append([None if is_null else value for value, is_null in pairs])
        for numbers in batch.numbers.values():
            columns.append([None if value != value else value for value in numbers.tolist()])
        columns.append(batch.row_hashes.tolist())
        rows.update(zip(batch.record_numbers.tolist(), zip(*columns, strict=True), strict=True))
    return rows
