"""From patterns to pieces of files, and from a piece to batches of raw values.

A piece is the unit of parallel work: one row group of a Parquet file, or one JSON-lines file (plain, gzip or
Zstandard). A record's number is its row in the Parquet file or its 0-based line in the JSON-lines file.
"""

import dataclasses
import enum
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from beam_pipelines.inputs import Input

MAX_ROWS = 65536
"""Most records of a batch."""


class FileFormat(enum.StrEnum):
    """How a file holds its records."""

    PARQUET = "parquet"
    JSON_LINES = "json_lines"


@dataclasses.dataclass(frozen=True)
class Piece:
    """A part of an input that one worker reads.

    Attributes:
        input_name: the input.
        path: absolute path of the file.
        file_index: position of the file in the sorted path list of the input.
        format: how the file holds its records.
        row_group: the row group of a Parquet file; None: the whole file.
        first_record: number of the piece's first record in the file.
    """

    input_name: str
    path: str
    file_index: int
    format: FileFormat
    row_group: int | None = None
    first_record: int = 0


@dataclasses.dataclass(frozen=True)
class LineError:
    """A line that is no record: `reason` is "unparsable" or "too_long", `raw` its first 4096 bytes."""

    record_number: int
    reason: str
    raw: bytes


@dataclasses.dataclass(frozen=True)
class RawBatch:
    """Records as the file holds them.

    Attributes:
        piece: where they come from.
        record_numbers: int64 [N], rising.
        values: by name of the column, N values each: a pyarrow Array (Parquet) or a list (JSON lines).
        lines: the N lines, cut at 4096 bytes each (JSON lines only, else empty).
        errors: lines that are no record; they are not among the N.
    """

    piece: Piece
    record_numbers: npt.NDArray[np.int64]
    values: dict[str, Any]
    lines: list[bytes]
    errors: list[LineError]


def find_pieces(input: Input, patterns: Sequence[str]) -> list[Piece]:
    """Finds what to read for an input and checks what can be checked before reading.

    Args:
        input: the input.
        patterns: files, folders (all files of a known ending in them, recursively; hidden names and names with a
            leading underscore are passed over) or globs.

    Returns:
        The pieces, ordered by file and row group. A Parquet file without rows has none.

    Raises:
        InputError: in one line: nothing matches, an empty folder, an unknown ending, a file that is not what its
            ending says, a Parquet file without a required column.
    """
    raise NotImplementedError


def read_batches(piece: Piece, input: Input, max_rows: int = MAX_ROWS) -> Iterator[RawBatch]:
    """Yields the records of a piece, in order; lines that are no record come as errors.

    Raises:
        InputError: in one line, when the file cannot be read to its end (truncated, corrupt): data would be lost.
    """
    raise NotImplementedError
