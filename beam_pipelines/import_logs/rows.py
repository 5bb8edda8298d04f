"""Rows of a text file with commas and without quotes: many at a time, each judged by the form of its fields.

Memory is bounded by blocks of some MiB, whatever the file: REES46 publishes months of 9 GB.
"""

import collections
import dataclasses
import functools
import pathlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from beam_pipelines.import_logs.source import open_plain
from edgedipn_tf.commands import InputError

BLOCK_BYTES = 32 << 20
"""Read at a time: one batch of rows, and so one part of an input."""
_MAX_HEADER_BYTES = 4096

ID = "[0-9]{1,19}"
"""An identifier: decimal digits."""
DATE = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
"""A date; `utc_ms` finds those that no calendar has."""
CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
"""A time of day in whole seconds."""
PRICE = r"[0-9]{1,12}(?:\.[0-9]{1,6})?"
"""A price."""

Counts = collections.Counter[str]


@dataclasses.dataclass(frozen=True)
class Form:
    """The published form of a file.

    Attributes:
        what: what a row is called in the counts: `<what>_read`, `<what>_malformed`.
        fields: ASCII regular expression (RE2) of each field by name, in the order of the file; None: it is not read.
        has_header: whether the first line names the fields.
    """

    what: str
    fields: Mapping[str, str | None]
    has_header: bool = False


def read_rows(file: pathlib.Path, form: Form, counts: Counts) -> Iterator[pa.RecordBatch]:
    """Yields the rows of a file as text columns; rows of another form are counted and left out.

    Blank lines are no rows. Says on the screen how far it is in a file of several blocks.

    Raises:
        InputError: when the file is damaged, its header is another one, or a line is longer than a block.
    """
    patterns = {name: rf"\A(?:{pattern})\z" for name, pattern in form.fields.items() if pattern is not None}
    with open_plain(file) as stream:
        if form.has_header:
            _check_header(file, stream.readline(_MAX_HEADER_BYTES), form)
        for number, block in enumerate(_blocks(file, stream)):
            for rows in _parse(block, form, list(patterns), counts):
                fits = [pc.match_substring_regex(rows[name], pattern) for name, pattern in patterns.items()]
                yield keep(rows, functools.reduce(pc.and_, fits), form, counts)
            if number:
                print(f"{file.name}: {counts[f'{form.what}_read']:,} {form.what} read", flush=True)


def keep(rows: pa.RecordBatch, is_good: pa.Array, form: Form, counts: Counts) -> pa.RecordBatch:
    """Returns the good rows; the others, null included, are counted as malformed."""
    good = rows.filter(is_good)
    counts[f"{form.what}_malformed"] += len(rows) - len(good)
    return good


def utc_ms(texts: pa.Array, separator: str = " ") -> pa.Array:
    """Returns milliseconds since the epoch of texts `YYYY-MM-DD hh:mm:ss`, null for a day that no calendar has."""
    moments = pc.strptime(texts, format=f"%Y-%m-%d{separator}%H:%M:%S", unit="s", error_is_null=True)
    # strptime takes February 30 for March 2.
    is_day = pc.equal(pc.day(moments), pc.utf8_slice_codeunits(texts, 8, 10).cast(pa.int64()))
    return pc.if_else(is_day, pc.multiply(moments.cast(pa.int64()), 1000), None)


def _check_header(file: pathlib.Path, line: bytes, form: Form) -> None:
    expected = ",".join(form.fields)
    if line and line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n") != expected.encode():
        raise InputError(f"{file}: the first line is not {expected}: this is not the published file")


def _blocks(file: pathlib.Path, stream: BinaryIO) -> Iterator[bytes]:
    """Yields whole lines, about BLOCK_BYTES at a time. Arrow's own streaming reader keeps 32 blocks waiting."""
    rest = b""
    while chunk := stream.read(BLOCK_BYTES):
        start = chunk.rfind(b"\n") + 1
        if not start and len(rest) + len(chunk) > BLOCK_BYTES:
            raise InputError(
                f"{file} is damaged (a line of more than {BLOCK_BYTES:,} bytes): copy or download it again"
            )
        if start:
            yield rest + chunk[:start]
            rest = b""
        rest += chunk[start:]
    if rest:
        yield rest


def _parse(block: bytes, form: Form, names: list[str], counts: Counts) -> list[pa.RecordBatch]:
    """Returns the rows with the right number of fields, if there are any, as one batch of text columns."""

    def skip(_: object) -> str:
        counts.update([f"{form.what}_read", f"{form.what}_malformed"])
        return "skip"

    if not block.strip():
        return []
    table = pyarrow.csv.read_csv(
        pa.BufferReader(block),
        pyarrow.csv.ReadOptions(
            use_threads=False,
            block_size=len(block) + 1,
            column_names=list(form.fields),
            encoding="latin1",  # any byte is text: `skip` is not called with what is not
        ),
        pyarrow.csv.ParseOptions(quote_char=False, invalid_row_handler=skip),
        pyarrow.csv.ConvertOptions(
            check_utf8=False, column_types=dict.fromkeys(names, pa.string()), include_columns=names
        ),
    )
    counts[f"{form.what}_read"] += len(table)
    rows: list[pa.RecordBatch] = table.combine_chunks().to_batches()
    return rows
