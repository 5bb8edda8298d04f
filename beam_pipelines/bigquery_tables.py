"""Tables of BigQuery as inputs of a job on Dataflow: bq://PROJECT.DATASET.TABLE, read through its Storage API.

The rows of a table have no order and no numbers: actions of one user, view and millisecond go by their hashes instead,
so that the dataset is the same however the rows come. The position of a reject is its number in what a worker read.
"""

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from beam_pipelines.inputs import ColumnKind, Input
from beam_pipelines.raw_batches import Piece, RawBatch
from edgedipn_tf.commands import InputError

_SCHEME = "bq://"
_URL = re.compile(_SCHEME + r"(?P<project>[a-z][a-z0-9.:-]*)\.(?P<dataset>\w+)\.(?P<table>[\w$-]+)", re.ASCII)
_INTEGERS = ("INTEGER", "INT64")
_READABLE = {
    ColumnKind.NAME: ("STRING", *_INTEGERS),
    ColumnKind.ACTION: ("STRING", *_INTEGERS),
    ColumnKind.INTEGER: _INTEGERS,
    ColumnKind.NUMBER: ("FLOAT", "FLOAT64", *_INTEGERS),
    ColumnKind.TIME: _INTEGERS,
    ColumnKind.DATE: ("DATE", "STRING"),
}
"""Types of BigQuery that mean what a column of a kind holds."""


def is_table(pattern: str) -> bool:
    """Whether what is given for an input names a table."""
    return pattern.startswith(_SCHEME)


def check_runner(url: str, runner: str | None) -> None:
    """Checks that a table is read where it can be.

    Args:
        url: the table.
        runner: the runner of the job; None when no job is run.

    Raises:
        InputError: on every runner but Dataflow's.
    """
    if runner is None or not runner.endswith("DataflowRunner"):
        remedy = "elsewhere write it to files by EXPORT DATA (Avro or Parquet), and give these"
        raise InputError(f"{url}: a table is read by jobs with --runner=DataflowRunner only; {remedy}")


def column_types(url: str) -> dict[str, str]:
    """Returns the type of each column of a table, as BigQuery tells it; of arrays REPEATED.

    Raises:
        InputError: when the name is none of a table, BigQuery's client is not installed, or BigQuery refuses.
    """
    project, dataset, table = _parts(url)
    # Not at the top: it takes seconds and most logs are files.
    from apache_beam.io.gcp import bigquery_tools

    if bigquery_tools.gcp_bigquery is None:
        raise InputError(f"{url}: tables need pip install 'apache-beam[gcp]'")
    try:
        fields = bigquery_tools.BigQueryWrapper().get_table(project, dataset, table).schema.fields
    except Exception as error:  # of the client, of authentication or of the network: they have nothing in common
        cause = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise InputError(f"{url}: {cause}: check the name, your credentials and your rights to it") from None
    return {field.name: "REPEATED" if field.mode == "REPEATED" else field.type for field in fields}


def _parts(url: str) -> tuple[str, str, str]:
    match = _URL.fullmatch(url)
    if match is None:
        raise InputError(f"{url} is no table: write bq://PROJECT.DATASET.TABLE")
    return match["project"], match["dataset"], match["table"]


def check_types(input: Input, url: str, types: Mapping[str, str]) -> None:
    """Refuses a table of which a column has a type that every row would fail."""
    for column in input.columns:
        type_, readable = types.get(column.file_name), _READABLE[column.kind]
        if type_ is not None and type_ not in readable:
            remedy = f"give a table with {' or '.join(readable)} there"
            if column.kind is ColumnKind.TIME:
                remedy = f"give a table with UNIX_MILLIS({column.file_name}), an INTEGER, there"
            raise InputError(f"{url}: column {column.file_name!r} is of type {type_}: {remedy}")


def read_rows(url: str, columns: Sequence[str]) -> Any:
    """Returns the transform that reads some columns of a table: pipeline -> rows as dicts."""
    from apache_beam.io.gcp.bigquery import ReadFromBigQuery

    project, dataset, table = _parts(url)
    method = ReadFromBigQuery.Method.DIRECT_READ
    return ReadFromBigQuery(method=method, project=project, dataset=dataset, table=table, selected_fields=list(columns))


def batch(piece: Piece, input: Input, rows: Sequence[Mapping[str, Any]]) -> RawBatch:
    """Returns some rows as the raw values of an input; a column that the table has not is null."""
    values = {column.name: [row.get(column.file_name) for row in rows] for column in input.columns}
    for column in input.columns_of(ColumnKind.DATE):
        values[column.name] = [_plain_date(value) for value in values[column.name]]
    return RawBatch(piece, np.arange(len(rows), dtype=np.int64), values, [], [])


def _plain_date(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.date) else value
