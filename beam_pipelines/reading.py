"""From patterns to pieces of files, and from a piece to batches of raw values.

A piece is the unit of parallel work: one row group of a Parquet file, or one JSON-lines file (plain, gzip or
Zstandard). A record's number is its row in the Parquet file or its 0-based line in the JSON-lines file.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipelines import json_lines, log_files
from beam_pipelines.inputs import ColumnKind, Input, did_you_mean
from beam_pipelines.log_files import FileFormat
from edgedipn_tf.commands import InputError

__all__ = ["FileFormat", "LineError", "Piece", "RawBatch", "find_pieces", "read_batches"]

MAX_ROWS = 65536
"""Most records of a batch."""
MAX_RAW_BYTES = 4096
"""How much of a bad record is kept."""
_MAX_BATCH_BYTES = 32 << 20
"""A batch of JSON lines ends early when its lines are longer together: memory stays bounded."""

_SMALL_BYTES_PER_ROW = 3
_LINES = 256
"""Lines parsed at a time: one bad line among them makes the others slower to parse."""


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
            ending says, a Parquet file without a required column or with a timestamp type where integers belong.
    """
    pieces: list[Piece] = []
    for index, path in enumerate(log_files.find_files(input.name, patterns)):
        known = log_files.format_of(path)
        assert known is not None  # find_files returns no other
        if known[0] is FileFormat.PARQUET:
            pieces.extend(_row_groups(input, path, index))
        else:
            log_files.check_compression(path, known[1])
            pieces.append(Piece(input.name, path, index, FileFormat.JSON_LINES))
    return pieces


def read_batches(piece: Piece, input: Input, max_rows: int = MAX_ROWS) -> Iterator[RawBatch]:
    """Yields the records of a piece, in order; lines that are no record come as errors.

    Args:
        piece: what to read.
        input: the input it belongs to; only its columns are read.
        max_rows: most records, errors included, of a batch.

    Raises:
        InputError: in one line, when the file cannot be read to its end (truncated, corrupt): data would be lost.
    """
    batches = _read_parquet if piece.format is FileFormat.PARQUET else _read_json_lines
    try:
        yield from batches(piece, input, max_rows)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise _unreadable(piece.path, error) from None


def _unreadable(path: str, error: Exception) -> InputError:
    if isinstance(error, OSError) and error.errno is not None:
        return InputError(f"{path}: {error.strerror}: check the file and its permissions")
    cause = " ".join(str(error).split())
    return InputError(f"{path} is truncated or damaged ({cause}): copy or write the file again")


def _row_groups(input: Input, path: str, file_index: int) -> Iterator[Piece]:
    try:
        with pq.ParquetFile(path) as file:
            metadata, schema = file.metadata, file.schema_arrow
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise _unreadable(path, error) from None
    _check_columns(input, path, schema)
    first = 0
    for row_group in range(metadata.num_row_groups):
        num_rows = metadata.row_group(row_group).num_rows
        if num_rows:
            yield Piece(input.name, path, file_index, FileFormat.PARQUET, row_group, first)
        first += num_rows


def _check_columns(input: Input, path: str, schema: Any) -> None:
    """Checks what every record of a Parquet file would fail.

    A timestamp-typed column is refused here and not row by row, because the remedy concerns the whole file, and
    because a type without time zone does not say which instant it means.
    """
    for column in input.columns:
        name = column.file_name
        if name not in schema.names:
            if column.is_required:
                hint = did_you_mean(name, schema.names)
                has = ", ".join(schema.names) or "none"
                raise InputError(f"{path}: input {input.name} needs a column {name!r}: {hint}its columns are {has}")
        elif schema.names.count(name) > 1:
            raise InputError(f"{path} has more than one column {name!r}: keep one")
        else:
            type_ = schema.field(name).type
            if column.kind is ColumnKind.TIME and pa.types.is_temporal(type_):
                remedy = "write integer milliseconds since the epoch (UTC)"
                raise InputError(f"{path}: column {name!r} is of type {type_}: {remedy}")
            if column.kind is ColumnKind.DATE and pa.types.is_temporal(type_) and not pa.types.is_date(type_):
                raise InputError(f"{path}: column {name!r} is of type {type_}: write dates, or text like 2014-11-30")


def _read_parquet(piece: Piece, input: Input, max_rows: int) -> Iterator[RawBatch]:
    number = piece.first_record
    metadata = pq.read_metadata(piece.path)
    quick = _small_dictionaries(input, metadata, piece.row_group or 0)
    with pq.ParquetFile(piece.path, metadata=metadata, read_dictionary=quick) as file:
        present = set(file.schema_arrow.names)
        names = sorted({c.file_name for c in input.columns} & present)
        groups = range(file.num_row_groups) if piece.row_group is None else [piece.row_group]
        for batch in file.iter_batches(max_rows, row_groups=list(groups), columns=names, use_threads=False):
            nulls = pa.nulls(len(batch))
            values = {c.name: batch.column(c.file_name) if c.file_name in present else nulls for c in input.columns}
            numbers = np.arange(number, number + len(batch), dtype=np.int64)
            number += len(batch)
            yield RawBatch(piece, numbers, values, [], [])


def _small_dictionaries(input: Input, metadata: Any, row_group: int) -> list[str]:
    """Returns columns of text that few bytes a row express: they are quickest read with their dictionary."""
    names = {c.file_name for c in input.columns if c.kind in (ColumnKind.NAME, ColumnKind.ACTION)}
    small = []
    for index in range(metadata.num_columns):
        chunk = metadata.row_group(row_group).column(index)
        is_text = metadata.schema.column(index).logical_type.type == "STRING"
        is_small = chunk.total_uncompressed_size <= _SMALL_BYTES_PER_ROW * chunk.num_values
        if is_text and is_small and chunk.path_in_schema in names:
            small.append(chunk.path_in_schema)
    return small


def _read_json_lines(piece: Piece, input: Input, max_rows: int) -> Iterator[RawBatch]:
    known = log_files.format_of(piece.path)
    collector, step = _Collector(piece, input), min(_LINES, max_rows)
    number = 0
    with pa.OSFile(piece.path) as file:
        stream = pa.CompressedInputStream(file, known[1]) if known and known[1] else file
        for block in json_lines.line_blocks(stream):
            for start in range(0, len(block), step):
                lines = block[start : start + step]
                collector.add(number, lines)
                number += len(lines)
                if collector.num_records + step > max_rows or collector.num_bytes >= _MAX_BATCH_BYTES:
                    yield collector.take()
    if collector.num_records:
        yield collector.take()


class _Collector:
    """The batch in the making: lines go in, columns come out."""

    def __init__(self, piece: Piece, input: Input) -> None:
        self._piece = piece
        self._sources = {c.name: c.file_name for c in input.columns}
        self._clear()

    def _clear(self) -> None:
        self._values: dict[str, list[Any]] = {name: [] for name in self._sources}
        self._numbers: list[int] = []
        self._lines: list[bytes] = []
        self._errors: list[LineError] = []
        self.num_bytes = 0

    @property
    def num_records(self) -> int:
        return len(self._numbers) + len(self._errors)

    def add(self, first_number: int, lines: list[bytes]) -> None:
        """Adds lines: each is a record, an error, or nothing when it is blank."""
        objects = []
        for number, (line, value) in enumerate(zip(lines, json_lines.parse_objects(lines), strict=True), first_number):
            if value is not None:
                objects.append(value)
                self._numbers.append(number)
                self._lines.append(line[:MAX_RAW_BYTES])
            elif len(line) > json_lines.MAX_LINE_BYTES:
                self._errors.append(LineError(number, "too_long", line[:MAX_RAW_BYTES]))
            elif not json_lines.is_blank(line):
                self._errors.append(LineError(number, "unparsable", line[:MAX_RAW_BYTES]))
        self.num_bytes += sum(map(len, lines))
        # At once: an object takes several times the room of its values.
        for name, source in self._sources.items():
            self._values[name].extend([value.get(source) for value in objects])

    def take(self) -> RawBatch:
        """Returns the batch and starts another."""
        numbers = np.array(self._numbers, dtype=np.int64)
        batch = RawBatch(self._piece, numbers, self._values, self._lines, self._errors)
        self._clear()
        return batch
