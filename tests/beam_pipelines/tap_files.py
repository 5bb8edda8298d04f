"""Files of the tap input, written and read by tests."""

import pathlib
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines.inputs import INPUTS
from beam_pipelines.reading import RawBatch, find_pieces, read_batches
from edgedipn_tf.commands import InputError

TAP = INPUTS["tap"]
GOOD_LINE = b'{"user_id":"u","timestamp_ms":1500000000000,"event":"page"}'


def write_taps(path: pathlib.Path, num_rows: int, **options: Any) -> pathlib.Path:
    """Writes a Parquet file of some taps."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {"user_id": [f"u{i}" for i in range(num_rows)], "timestamp_ms": list(range(num_rows))}
    pq.write_table(pa.table({**rows, "event": ["page"] * num_rows}), path, **options)
    return path


def read_all(path: pathlib.Path, max_rows: int = 65536) -> list[RawBatch]:
    """Reads a file or folder."""
    return [batch for piece in find_pieces(TAP, [str(path)]) for batch in read_batches(piece, TAP, max_rows)]


def read_lines(path: pathlib.Path, content: bytes, max_rows: int = 65536) -> RawBatch:
    """Reads JSON lines that fit one batch."""
    path.write_bytes(content)
    (batch,) = read_all(path, max_rows)
    return batch


def failure(patterns: list[str], input_name: str = "tap") -> str:
    """Returns the one line that finding the files of an input fails with."""
    with pytest.raises(InputError) as caught:
        find_pieces(INPUTS[input_name], patterns)
    message = str(caught.value)
    assert "\n" not in message
    return message
