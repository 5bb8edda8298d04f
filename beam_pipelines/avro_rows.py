"""Avro object container files, compressed or not: one record an event. A record's number is its row in the file.

Logical types are not read as such: a `timestamp-millis` is the integer of milliseconds that it is on disk, a `date` the
days since 1970. So no value of them can be one that Python's own types do not hold.
"""

import contextlib
import io
import json
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

import fastavro
import numpy as np
import pyarrow as pa

from beam_pipelines import log_files
from beam_pipelines.inputs import Column, ColumnKind, Input
from beam_pipelines.raw_batches import MAX_BATCH_BYTES, Piece, RawBatch
from edgedipn_tf.commands import InputError

_MAGIC = b"Obj\x01"
_CODECS = ("null", "deflate", "bzip2", "xz")
"""Compressions that need no further package."""
_SYNC_BYTES = 16
_READABLE = {
    ColumnKind.TIME: ("timestamp-millis",),
    ColumnKind.DATE: ("date",),
    ColumnKind.INTEGER: (),
    ColumnKind.NUMBER: (),
}
"""Logical types that mean what a column of a kind holds; of names all do."""


def column_types(path: str) -> dict[str, str | None]:
    """Returns the logical type, if any, of each field of a file.

    Raises:
        InputError: when the file is no Avro file of records, is cut off, or compressed in an unknown way.
    """
    with log_files.open_file(path) as file:
        header, sync = _read_header(file, path)
        file.seek(-_SYNC_BYTES, os.SEEK_END)
        if file.read() != sync:  # every block ends with it; a cut within a block's head would pass for the end
            raise InputError(f"{path} is truncated or damaged (its end is missing): copy or write the file again")
    codec = header.get("avro.codec", "null")
    if codec not in _CODECS:
        raise InputError(f"{path} is compressed with {codec}: write it with {', '.join(_CODECS[1:])} or none")
    schema = json.loads(header["avro.schema"])
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise InputError(f"{path}: its Avro schema is no record: write one record an event")
    with _damage_as_input_error(path):
        return {field["name"]: _logical_type(field["type"]) for field in schema["fields"]}


def check_types(input: Input, path: str, types: dict[str, str | None]) -> None:
    """Refuses a file of which a column has a logical type that every record would fail."""
    for column in input.columns:
        type_ = types.get(column.file_name)
        if type_ is not None and type_ not in _READABLE.get(column.kind, (type_,)):
            what = {
                ColumnKind.TIME: "write integer milliseconds since the epoch (UTC), plain or as timestamp-millis",
                ColumnKind.DATE: "write dates, or text like 2014-11-30",
            }.get(column.kind, "write plain numbers")
            raise InputError(f"{path}: column {column.file_name!r} is of the Avro type {type_}: {what}")


def read(piece: Piece, input: Input, max_rows: int) -> Iterator[RawBatch]:
    """Yields the records of an Avro file.

    Raises:
        InputError: in one line, when the file is damaged.
    """
    sources = [column.file_name for column in input.columns]
    types = column_types(piece.path)
    rows: list[list[Any]] = []
    number = num_bytes = 0
    for record, size in _records(piece.path):
        rows.append([record.get(source) for source in sources])
        num_bytes += size
        if len(rows) >= max_rows or num_bytes >= MAX_BATCH_BYTES:
            yield _batch(piece, input, types, rows, number)
            number, num_bytes, rows = number + len(rows), 0, []
    if rows:
        yield _batch(piece, input, types, rows, number)


def _batch(piece: Piece, input: Input, types: dict[str, str | None], rows: list[list[Any]], number: int) -> RawBatch:
    columns = [list(values) for values in zip(*rows, strict=True)]
    values = {
        column.name: _column_values(column, types, values)
        for column, values in zip(input.columns, columns, strict=True)
    }
    return RawBatch(piece, np.arange(number, number + len(rows), dtype=np.int64), values, [], [])


def _column_values(column: Column, types: dict[str, str | None], values: list[Any]) -> Any:
    if types.get(column.file_name) == "date":
        return pa.array(values, pa.int32()).cast(pa.date32())
    if column.kind in (ColumnKind.NAME, ColumnKind.ACTION) and bytes in set(map(type, values)):
        return [value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value for value in values]
    return values


def _records(path: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Yields the records of a file, each with its share of its block's bytes."""
    with _damage_as_input_error(path), log_files.open_file(path) as file:
        # Text that is not UTF-8 becomes one that no column accepts, so only its record is bad.
        for block in fastavro.block_reader(_PlainFile(file, path), handle_unicode_errors="surrogateescape"):
            size = len(block.bytes_.getbuffer()) // max(1, block.num_records)
            for record in block:
                yield record, size


@contextlib.contextmanager
def _damage_as_input_error(path: str) -> Iterator[None]:
    """fastavro has no exception of its own for damaged files: nearly any comes."""
    try:
        yield
    except (InputError, OSError):
        raise
    except Exception as error:
        cause = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(f"{path} is truncated or damaged ({cause}): copy or write the file again") from None


class _PlainFile:
    """A file as it is, but for the logical types in its header."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        header, sync = _read_header(file, path)
        schema = json.dumps(_without_logical_types(json.loads(header["avro.schema"]))).encode()
        entries = ((b"avro.schema", schema), (b"avro.codec", header.get("avro.codec", "null").encode()))
        pairs = b"".join(_avro_bytes(name) + _avro_bytes(value) for name, value in entries)
        self._head = io.BytesIO(_MAGIC + _avro_long(len(entries)) + pairs + _avro_long(0) + sync)
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        """Returns the next bytes: of the new header, then of the file after its own."""
        return self._head.read(size) or self._file.read(size)

    def tell(self) -> int:
        """Returns a position, which fastavro only remembers."""
        return self._file.tell()


def _read_header(file: BinaryIO, path: str) -> tuple[dict[str, str], bytes]:
    """Returns the entries of the header and the mark between blocks; leaves the file at the first block."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise InputError(f"{path} is no Avro file, as its ending says: rename it or copy it again")
    file.seek(0)
    with _damage_as_input_error(path):
        metadata = dict(fastavro.block_reader(file).metadata)
        end = file.tell()
        fastavro.parse_schema(json.loads(metadata["avro.schema"]))
        file.seek(end - _SYNC_BYTES)
        return metadata, file.read(_SYNC_BYTES)


def _logical_type(type_: Any) -> str | None:
    """Returns the logical type of a field's type: its own, or that of the first branch of a union that has one."""
    if isinstance(type_, list):
        return next((found for found in map(_logical_type, type_) if found), None)
    return type_.get("logicalType") if isinstance(type_, dict) else None


def _without_logical_types(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_logical_types(part) for part in schema]
    if isinstance(schema, dict):
        return {key: _without_logical_types(part) for key, part in schema.items() if key != "logicalType"}
    return schema


def _avro_bytes(content: bytes) -> bytes:
    return _avro_long(len(content)) + content


def _avro_long(number: int) -> bytes:
    """Returns a non-negative integer as Avro writes it: doubled (zigzag), 7 bits a byte, the lowest first."""
    rest, encoded = number << 1, bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*encoded, rest])
