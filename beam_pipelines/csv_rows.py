"""CSV files: comma separated, UTF-8, the first line names the columns, one record a line.

Quotes are those of RFC 4180 (`"a ""b"", c"`), except that no field holds a line feed: so one bad line never takes
others with it, and a record's number is its line. A line with an open quote or more or fewer fields than the header
is no record. An empty field is null.

CSV has no types. In the columns of names, actions and dates a field is the text it is. In those of numbers, integers
and times a field that is a number counts as that number, as it would in JSON: digits with a sign, a fraction and an
exponent if any; `nan`, `inf`, `infinity` in any case are numbers that are not finite. Other text, spaces included,
stays text and so is of the wrong type.
"""

import csv
import dataclasses
import operator
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines import json_lines
from beam_pipelines.inputs import ColumnKind, Input
from beam_pipelines.raw_batches import Piece, RawBatch, lines_of, read_lines
from edgedipn_tf.commands import InputError

_NUMERIC = (ColumnKind.INTEGER, ColumnKind.NUMBER, ColumnKind.TIME)
_PLAIN_INTEGER = "^-?[0-9]{1,18}$"  # surely within int64
_PLAIN_NUMBER = r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$"
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)


def header(path: str) -> list[str] | None:
    """Returns the names of the columns, or None when the file is empty.

    Raises:
        InputError: when the first line is no header.
    """
    for block in lines_of(path):
        names = _parse_line(block[0])
        if not names:
            raise InputError(f"{path}: the first line must name the columns, separated by commas")
        return names
    return None


def read(piece: Piece, input: Input, max_rows: int) -> Iterator[RawBatch]:
    """Yields the records of a CSV file; the header is line 0."""
    names = header(piece.path) or []
    present = [column for column in input.columns if column.file_name in names]
    parser = _Parser([names.index(column.file_name) for column in present], len(names))
    for batch in read_lines(piece, [column.name for column in present], parser.parse, 1, max_rows):
        values: dict[str, Any] = {}
        for column in input.columns:
            if column not in present:
                values[column.name] = [None] * len(batch.record_numbers)
            elif column.kind in _NUMERIC:
                values[column.name] = _numbers(batch.values[column.name], column.kind)
            else:
                values[column.name] = batch.values[column.name]  # empty text is null there
        yield dataclasses.replace(batch, values=values)


class _Parser:
    """Reads lines as rows of a known width and picks the fields at some positions."""

    def __init__(self, positions: Sequence[int], width: int) -> None:
        self._pick = operator.itemgetter(*positions) if len(positions) > 1 else lambda row: (row[positions[0]],)
        self._width = width

    def parse(self, lines: list[bytes]) -> list[Sequence[str] | None]:
        """Returns the picked fields of each line, None where a line is no record."""
        rows = _parse_together(lines) or [_parse_line(line) for line in lines]
        return [self._pick(row) if row is not None and len(row) == self._width else None for row in rows]


def _parse_together(lines: list[bytes]) -> Sequence[list[str] | None] | None:
    """Reads lines at once, or returns None when they have to be read one by one.

    A row that runs over several lines, by an open quote, makes the rows fewer than the lines.
    """
    if max(map(len, lines)) > json_lines.MAX_LINE_BYTES:
        return None
    try:
        rows = list(_reader(b"\n".join(lines).decode().split("\n")))
    except (csv.Error, UnicodeDecodeError):
        return None
    return rows if len(rows) == len(lines) else None


def _parse_line(line: bytes) -> list[str] | None:
    if len(line) > json_lines.MAX_LINE_BYTES:
        return None
    try:
        return next(_reader([line.decode()]), None)
    except (csv.Error, UnicodeDecodeError):
        return None


def _reader(lines: list[str]) -> Iterator[list[str]]:
    csv.field_size_limit(json_lines.MAX_LINE_BYTES)  # of the process, 128 KiB otherwise
    return csv.reader(lines, strict=True)


def _numbers(fields: list[str], kind: ColumnKind) -> Any:
    """Returns fields as a pyarrow array when all are plain numbers or empty, else as a list of values of any type."""
    texts = pa.array([field or None for field in fields], pa.string())
    if _all_match(texts, _PLAIN_INTEGER):
        return texts.cast(pa.int64())
    if kind is ColumnKind.NUMBER and _all_match(texts, _PLAIN_NUMBER):  # large integers would lose digits
        return texts.cast(pa.float64())
    values = {field: _value(field) for field in set(fields)}
    return [values[field] for field in fields]


def _all_match(texts: Any, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(texts, pattern)).as_py() is not False


def _value(field: str) -> Any:
    if not field:
        return None
    if _INTEGER.fullmatch(field):
        return json_lines.integer_of(field)
    return float(field) if _NUMBER.fullmatch(field) else field
