"""From patterns to pieces of files, and from a piece to batches of raw values.

A piece is the unit of parallel work: one row group of a Parquet file, or one Avro file, or one JSON-lines or CSV file
(plain, gzip or Zstandard). A record's number is its row in the binary file or its 0-based line in the text file.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipelines import avro_rows, bigquery_tables, csv_rows, json_lines, log_files
from beam_pipelines.inputs import ColumnKind, Input, did_you_mean
from beam_pipelines.log_files import FileFormat
from beam_pipelines.raw_batches import MAX_RAW_BYTES, MAX_ROWS, LineError, Piece, RawBatch, lines_of, read_lines
from edgedipn_tf.commands import InputError

__all__ = ["MAX_RAW_BYTES", "FileFormat", "LineError", "Piece", "RawBatch", "find_pieces", "read_batches"]

_SMALL_BYTES_PER_ROW = 3
_LINES_WITH_KEYS = 1000


def find_pieces(input: Input, patterns: Sequence[str]) -> list[Piece]:
    """Finds what to read for an input and checks what can be checked before reading.

    Args:
        input: the input.
        patterns: files, folders (all files of a known ending in them, recursively; hidden names and names with a
            leading underscore are passed over), globs, or tables of BigQuery.

    Returns:
        The pieces, ordered by file and row group. A Parquet file without rows and an empty CSV file have none.

    Raises:
        InputError: in one line: nothing matches, an empty folder, an unknown ending, a file that is not what its
            ending says, a file with column names but without a required one, a column of times that are no integers
            of milliseconds.
    """
    tables = sorted(set(filter(bigquery_tables.is_table, patterns)))
    files = [pattern for pattern in patterns if not bigquery_tables.is_table(pattern)]
    paths = log_files.find_files(input.name, files) if files or not tables else []
    return _pieces_of_files(input, paths) + [_table(input, url, len(paths) + n) for n, url in enumerate(tables)]


def _pieces_of_files(input: Input, paths: Sequence[str]) -> list[Piece]:
    pieces: list[Piece] = []
    for index, path in enumerate(paths):
        known = log_files.format_of(path)
        assert known is not None  # find_files returns no other
        if known[0] is FileFormat.PARQUET:
            pieces.extend(_row_groups(input, path, index))
        elif known[0] is FileFormat.AVRO:
            types = avro_rows.column_types(path)
            _check_names(input, path, list(types))
            avro_rows.check_types(input, path, types)
            pieces.append(Piece(input.name, path, index, FileFormat.AVRO))
        else:
            log_files.check_compression(path, known[1])
            if known[0] is FileFormat.CSV:
                names = _header(path)
                if names is None:
                    continue
                _check_names(input, path, names)
            pieces.append(Piece(input.name, path, index, known[0]))
    return pieces


def _table(input: Input, url: str, index: int) -> Piece:
    types = bigquery_tables.column_types(url)
    _check_names(input, url, list(types))
    bigquery_tables.check_types(input, url, types)
    read = tuple(column.file_name for column in input.columns if column.file_name in types)
    return Piece(input.name, url, index, FileFormat.TABLE, columns=read)


def column_names(piece: Piece) -> list[str]:
    """Returns the names of the columns of a piece's file; of JSON lines, the keys of the first lines."""
    if piece.format is FileFormat.PARQUET:
        with log_files.arrow_file(piece.path) as file:
            return list(pq.read_schema(file).names)
    if piece.format is FileFormat.AVRO:
        return list(avro_rows.column_types(piece.path))
    if piece.format is FileFormat.CSV:
        return _header(piece.path) or []
    names: dict[str, None] = {}
    for lines in lines_of(piece.path):
        for value in json_lines.parse_objects(lines[:_LINES_WITH_KEYS]):
            names.update(dict.fromkeys(value or ()))
        break
    return list(names)


def read_batches(piece: Piece, input: Input, max_rows: int = MAX_ROWS) -> Iterator[RawBatch]:
    """Yields the records of a piece, in order; lines that are no record come as errors.

    Args:
        piece: what to read.
        input: the input it belongs to; only its columns are read.
        max_rows: most records, errors included, of a batch.

    Raises:
        InputError: in one line, when the file cannot be read to its end (truncated, corrupt): data would be lost.
    """
    try:
        yield from _READERS[piece.format](piece, input, max_rows)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise _unreadable(piece.path, error) from None


def _unreadable(path: str, error: Exception) -> InputError:
    if isinstance(error, OSError) and error.errno is not None:
        return InputError(f"{path}: {error.strerror}: check the file and its permissions")
    cause = " ".join(str(error).split())
    return InputError(f"{path} is truncated or damaged ({cause}): copy or write the file again")


def _row_groups(input: Input, path: str, file_index: int) -> Iterator[Piece]:
    try:
        with log_files.arrow_file(path) as source, pq.ParquetFile(source) as file:
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


def _header(path: str) -> list[str] | None:
    try:
        return csv_rows.header(path)
    except OSError as error:
        raise _unreadable(path, error) from None


def _check_names(input: Input, path: str, names: Sequence[str]) -> None:
    """Checks that the required columns are there, and that no column that is read is there twice."""
    for column in input.columns:
        name = column.file_name
        if name not in names and column.is_required:
            has = f"{did_you_mean(name, names)}its columns are {', '.join(names) or 'none'}"
            raise InputError(f"{path}: input {input.name} needs a column {name!r}: {has}")
        if names.count(name) > 1:
            raise InputError(f"{path} has more than one column {name!r}: keep one")


def _check_columns(input: Input, path: str, schema: Any) -> None:
    """Checks what every record of a Parquet file would fail.

    A timestamp-typed column is refused here and not row by row, because the remedy concerns the whole file, and
    because a type without time zone does not say which instant it means.
    """
    _check_names(input, path, schema.names)
    for column in input.columns:
        name = column.file_name
        if name in schema.names:
            type_ = schema.field(name).type
            if column.kind is ColumnKind.TIME and pa.types.is_temporal(type_):
                remedy = "write integer milliseconds since the epoch (UTC)"
                raise InputError(f"{path}: column {name!r} is of type {type_}: {remedy}")
            if column.kind is ColumnKind.DATE and pa.types.is_temporal(type_) and not pa.types.is_date(type_):
                raise InputError(f"{path}: column {name!r} is of type {type_}: write dates, or text like 2014-11-30")


def _read_parquet(piece: Piece, input: Input, max_rows: int) -> Iterator[RawBatch]:
    number = piece.first_record
    with log_files.arrow_file(piece.path) as source:
        metadata = pq.read_metadata(source)
    quick = _small_dictionaries(input, metadata, piece.row_group or 0)
    with (
        log_files.arrow_file(piece.path) as source,
        pq.ParquetFile(source, metadata=metadata, read_dictionary=quick) as file,
    ):
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
    sources = [column.file_name for column in input.columns]

    def parse(lines: list[bytes]) -> list[tuple[Any, ...] | None]:
        objects = json_lines.parse_objects(lines)
        return [None if value is None else tuple(map(value.get, sources)) for value in objects]

    yield from read_lines(piece, [column.name for column in input.columns], parse, 0, max_rows)


_READERS = {
    FileFormat.PARQUET: _read_parquet,
    FileFormat.JSON_LINES: _read_json_lines,
    FileFormat.CSV: csv_rows.read,
    FileFormat.AVRO: avro_rows.read,
}
