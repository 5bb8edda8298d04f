"""The dead-letter file: every bad record with its place and reason, as Parquet."""

import itertools
import pathlib
from collections.abc import Iterable
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipelines.validation import Reject

SCHEMA = pa.schema(
    [
        ("input", pa.string()),
        ("file", pa.string()),
        ("position", pa.int64()),
        ("reason", pa.string()),
        ("raw", pa.binary()),
    ]
)
"""Columns: the input, the path, the row (Parquet, Avro) or 0-based line, the reason, and the first 4096 bytes."""
_ROWS = 4096
"""Rejects held in memory at a time, at most 16 MiB of raw bytes."""


def write_rejects(file: BinaryIO | pathlib.Path, rejects: Iterable[Reject]) -> int:
    """Writes rejects as they come, with the columns of SCHEMA.

    Args:
        file: where to; a Parquet file is written also when there are none.
        rejects: any number of them.

    Returns:
        How many were written.
    """
    remaining = iter(rejects)
    written = 0
    with pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        while some := list(itertools.islice(remaining, _ROWS)):
            columns = {
                "input": [reject.input_name for reject in some],
                "file": [_printable(reject.path) for reject in some],
                "position": [reject.record_number for reject in some],
                "reason": [str(reject.reason) for reject in some],
                "raw": [reject.raw for reject in some],
            }
            writer.write_table(pa.table(columns, SCHEMA))
            written += len(some)
    return written


def _printable(path: str) -> str:
    """Returns a path as text; a file name need not be UTF-8."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
