"""A piece of a file, the batches of raw values that are read from it, and how batches of text lines come to be."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines import json_lines, log_files
from beam_pipelines.log_files import FileFormat

MAX_ROWS = 65536
"""Most records of a batch."""
MAX_RAW_BYTES = 4096
"""How much of a bad record is kept."""
MAX_BATCH_BYTES = 32 << 20
"""A batch ends early when its lines are longer together: memory stays bounded."""
_LINES = 256
"""Lines parsed at a time: one bad line among them makes the others slower to parse."""


@dataclasses.dataclass(frozen=True)
class Piece:
    """A part of an input that one worker reads.

    Attributes:
        input_name: the input.
        path: absolute path of the file, or the URL of the table.
        file_index: position of the file in the sorted path list of the input; tables come after it.
        format: how the file holds its records.
        row_group: the row group of a Parquet file; None: the whole file.
        first_record: number of the piece's first record in the file.
        columns: of a table, the columns to read.
    """

    input_name: str
    path: str
    file_index: int
    format: FileFormat
    row_group: int | None = None
    first_record: int = 0
    columns: tuple[str, ...] = ()


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
        values: by name of the column, N values each: a pyarrow Array or a list.
        lines: the N lines, cut at 4096 bytes each (text files only, else empty).
        errors: lines that are no record; they are not among the N.
    """

    piece: Piece
    record_numbers: npt.NDArray[np.int64]
    values: dict[str, Any]
    lines: list[bytes]
    errors: list[LineError]


ParseLines = Callable[[list[bytes]], Sequence[Sequence[Any] | None]]
"""From lines to the values of each, in the order of the columns; None where a line is no record."""


def read_lines(
    piece: Piece, names: Sequence[str], parse: ParseLines, num_header_lines: int, max_rows: int
) -> Iterator[RawBatch]:
    """Yields the records of a text file that holds one a line; blank lines are passed over, but have a number.

    Args:
        piece: the file, compressed as its ending says.
        names: the columns.
        parse: what a line means.
        num_header_lines: lines at the start that are no records.
        max_rows: most records, errors included, of a batch.
    """
    collector, step = _Collector(piece, names), min(_LINES, max_rows)
    number = 0
    for block in lines_of(piece.path):
        for start in range(max(0, num_header_lines - number), len(block), step):
            lines = block[start : start + step]
            collector.add(number + start, lines, parse(lines))
            if collector.num_records + step > max_rows or collector.num_bytes >= MAX_BATCH_BYTES:
                yield collector.take()
        number += len(block)
    if collector.num_records:
        yield collector.take()


def lines_of(path: str) -> Iterator[list[bytes]]:
    """Yields the lines of a text file, compressed as its ending says, some at a time."""
    known = log_files.format_of(path)
    with log_files.arrow_file(path) as file:
        stream = pa.CompressedInputStream(file, known[1]) if known and known[1] else file
        yield from json_lines.line_blocks(stream)


class _Collector:
    """The batch in the making: lines go in, columns come out."""

    def __init__(self, piece: Piece, names: Sequence[str]) -> None:
        self._piece = piece
        self._names = tuple(names)
        self._clear()

    def _clear(self) -> None:
        self._values: dict[str, list[Any]] = {name: [] for name in self._names}
        self._numbers: list[int] = []
        self._lines: list[bytes] = []
        self._errors: list[LineError] = []
        self.num_bytes = 0

    @property
    def num_records(self) -> int:
        return len(self._numbers) + len(self._errors)

    def add(self, first_number: int, lines: list[bytes], parsed: Sequence[Sequence[Any] | None]) -> None:
        """Adds lines: each is a record, an error, or nothing when it is blank."""
        records = []
        for number, (line, values) in enumerate(zip(lines, parsed, strict=True), first_number):
            if values is not None:
                records.append(values)
                self._numbers.append(number)
                self._lines.append(line[:MAX_RAW_BYTES])
            elif len(line) > json_lines.MAX_LINE_BYTES:
                self._errors.append(LineError(number, "too_long", line[:MAX_RAW_BYTES]))
            elif not json_lines.is_blank(line):
                self._errors.append(LineError(number, "unparsable", line[:MAX_RAW_BYTES]))
        self.num_bytes += sum(map(len, lines))
        # At once: a parsed line may take several times the room of its values.
        for name, some in zip(self._names, zip(*records, strict=True), strict=bool(records)):
            self._values[name].extend(some)

    def take(self) -> RawBatch:
        """Returns the batch and starts another."""
        numbers = np.array(self._numbers, dtype=np.int64)
        batch = RawBatch(self._piece, numbers, self._values, self._lines, self._errors)
        self._clear()
        return batch
