"""A raw log on disk, as the simulator and the importers write it.

One folder per input (`swipe`, `tap`, `browse`, `profile`; an input that the log has not is absent) with Parquet or
JSON lines parts, and `log.json`, written last, which says what the log is, how it is judged best and what to beware of.
"""

import dataclasses
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from beam_pipelines import log_files, remote_files
from beam_pipelines.inputs import INPUTS, ColumnKind
from edgedipn_tf import publishing
from edgedipn_tf.commands import InputError

FORMATS = ("parquet", "jsonl")
DESCRIPTION_FILE = "log.json"

_TYPES = {
    ColumnKind.NAME: pa.string(),
    ColumnKind.ACTION: pa.string(),
    ColumnKind.DATE: pa.string(),
    ColumnKind.TIME: pa.int64(),
    ColumnKind.INTEGER: pa.int64(),
    ColumnKind.NUMBER: pa.float64(),
}
TABLES = {
    name: pa.schema([(column.name, _TYPES[column.kind]) for column in raw_input.columns])
    for name, raw_input in INPUTS.items()
}
"""The columns of each input, in the order of the files."""


@dataclasses.dataclass(frozen=True)
class LogDescription:
    """What is known of a log.

    Attributes:
        name: name of the log.
        is_simulated: whether nobody ever did what it tells.
        timezone: time zone in which its days mean something.
        log_end_ms: last millisecond that it covers, or None when unknown.
        suggested_flags: flags of `beam_pipelines.discretize_events` that fit it.
        caveats: what a reader of results on this log has to know, one sentence each.
        counts: what was read, left out and written.
        intents_not_applicable: names of intents that the log cannot judge: no label is known, or it means nothing.
    """

    name: str
    is_simulated: bool
    timezone: str
    log_end_ms: int | None
    suggested_flags: Mapping[str, str | int]
    caveats: tuple[str, ...]
    counts: Mapping[str, int]
    intents_not_applicable: tuple[str, ...] = ()


class LogWriter:
    """Writes the parts of a log into a folder; each call of `write` makes one part.

    Args:
        folder: an empty folder.
        file_format: `parquet` or `jsonl`.
    """

    def __init__(self, folder: pathlib.Path, file_format: str = "parquet") -> None:
        self.folder = folder
        self.file_format = file_format
        self.num_rows: dict[str, int] = {}
        self._num_parts: dict[str, int] = {}

    def write(self, input_name: str, columns: Mapping[str, Any]) -> None:
        """Writes one part of an input; nothing when it would have no row.

        Args:
            input_name: a key of `TABLES`.
            columns: arrays of one length by column name; columns left out are null. NaN in a floating-point NumPy
                array is null.
        """
        schema = TABLES[input_name]
        unknown = set(columns) - set(schema.names)
        if unknown:
            raise ValueError(f"input {input_name} has no column {sorted(unknown)}")
        num_rows = len(columns["user_id"])
        if not num_rows:
            return
        arrays = [
            _cast(columns[field.name], field.type) if field.name in columns else pa.nulls(num_rows, field.type)
            for field in schema
        ]
        part = self._num_parts.get(input_name, 0)
        path = self.folder / input_name / f"part-{part:05}.{self.file_format}"
        path.parent.mkdir(exist_ok=True)
        table = pa.table(arrays, schema=schema)
        if self.file_format == "parquet":
            pyarrow.parquet.write_table(table, path, compression="zstd")
        else:
            path.write_bytes(_json_lines(table))
        self._num_parts[input_name] = part + 1
        self.num_rows[input_name] = self.num_rows.get(input_name, 0) + num_rows

    def describe(self, description: LogDescription, source: Mapping[str, str]) -> None:
        """Writes `log.json`; the counts gain the rows of each input.

        Args:
            description: the log.
            source: SHA-256 of each file that it was made of, by file name; empty for a simulated one.
        """
        rows = {f"{name}_rows": count for name, count in self.num_rows.items()}
        values = {**dataclasses.asdict(description), "counts": {**description.counts, **rows}, "source": source}
        publishing.write_json(self.folder / DESCRIPTION_FILE, values)


def read_provenance(logs: str) -> dict[str, Any] | None:
    """Returns the name, the caveats and whether it is simulated of a log that has a `log.json`, else None.

    Args:
        logs: its folder, on a disk or in a store.

    Raises:
        InputError: when it has one that cannot be read.
    """
    path = f"{logs.rstrip('/')}/{DESCRIPTION_FILE}"
    if not (remote_files.match(path) if remote_files.is_remote(path) else os.path.exists(path)):
        return None
    remedy = "write the log again, or remove the file"
    with log_files.open_file(path) as file:
        content = file.read()
    try:
        values = json.loads(content)
    except ValueError as error:
        raise InputError(f"{path} (description of a log) is not JSON ({error}): {remedy}") from None
    names = ("name", "is_simulated", "caveats")
    if not isinstance(values, dict) or not set(names) <= set(values):
        raise InputError(f"{path} is not the description of a log (an object with {', '.join(names)}): {remedy}")
    return {name: values[name] for name in names}


def _cast(values: Any, kind: pa.DataType) -> pa.Array:
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, from_pandas=True)
    return array.cast(kind)


def _json_lines(table: pa.Table) -> bytes:
    """Returns one JSON object a row, without the null columns; the first column has no nulls."""
    fields: list[pa.Array] = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        start = f'{"," if fields else "{"}"{name}":'
        texts = _json_values(column.combine_chunks())
        fields.append(pc.coalesce(pc.binary_join_element_wise(start, texts, ""), ""))
    lines = pc.binary_join_element_wise(*fields, "}\n", "")
    return b"".join(lines.cast(pa.binary()).to_pylist())


def _json_values(values: pa.Array) -> pa.Array:
    """Returns each value as JSON text, null where it is null."""
    if not pa.types.is_string(values.type):
        return values.cast(pa.string())
    encoded = values.dictionary_encode()  # names repeat: each is escaped once
    return pa.array([json.dumps(name) for name in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)
