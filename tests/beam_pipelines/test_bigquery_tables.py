"""Tables of BigQuery: names and types checked before the job, refused elsewhere, and the dataset that files give."""

import datetime
import json
import pathlib
import random
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.io.gcp import bigquery_tools

from beam_pipelines import bigquery_tables, discretize_events, transforms
from beam_pipelines.inputs import inputs_of
from beam_pipelines.log_files import FileFormat
from beam_pipelines.raw_batches import Piece
from beam_pipelines.reading import find_pieces
from edgedipn_tf.commands import InputError
from edgedipn_tf.schema import edgedipn_schema
from tests.beam_pipelines.test_discretize_events import FLAGS, browse_rows, hashes, write_browse

URL = "bq://my-project.shop.browse"
TYPES = {"user_id": "STRING", "timestamp_ms": "INTEGER", "action": "STRING", "leaf_category": "STRING", "note": "JSON"}
INPUTS = inputs_of(edgedipn_schema("UTC", "2026a"))


def test_a_table_is_one_piece_with_the_columns_that_are_read(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bigquery_tables, "column_types", lambda url: TYPES)
    logs = write_browse(tmp_path / "logs", browse_rows())
    file, *tables = find_pieces(INPUTS["browse"], [URL, str(logs / "browse"), "bq://my-project.shop.a", URL])
    assert file.file_index == 0
    assert [(piece.path, piece.file_index) for piece in tables] == [("bq://my-project.shop.a", 1), (URL, 2)]
    assert {piece.format for piece in tables} == {FileFormat.TABLE}
    assert set(tables[0].columns) == {"user_id", "timestamp_ms", "action", "leaf_category"}


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ({"timestamp_ms": "TIMESTAMP"}, "'timestamp_ms' is of type TIMESTAMP: give a table with UNIX_MILLIS(timestamp"),
        ({"price": "NUMERIC"}, "'price' is of type NUMERIC: give a table with FLOAT or FLOAT64 or INTEGER or INT64"),
        ({"leaf_category": "REPEATED"}, "'leaf_category' is of type REPEATED: give a table with STRING or INTEGER"),
        ({"action": None}, f"{URL}: input browse needs a column 'action'"),
    ],
)
def test_what_every_row_would_fail_is_refused_before_the_job(
    types: dict[str, str | None], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {name: type_ for name, type_ in {**TYPES, **types}.items() if type_ is not None}
    monkeypatch.setattr(bigquery_tables, "column_types", lambda url: found)
    with pytest.raises(InputError) as raised:
        find_pieces(INPUTS["browse"], [URL])
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("url", ["bq://shop.browse", "bq://Project.shop.browse", "bq://p.shop.browse*", "bq://p.s.t/x"])
def test_a_name_that_is_none_of_a_table(url: str) -> None:
    with pytest.raises(InputError, match=r"is no table: write bq://PROJECT\.DATASET\.TABLE"):
        bigquery_tables.column_types(url)


def test_without_the_client_of_bigquery_a_table_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bigquery_tools, "gcp_bigquery", None)
    with pytest.raises(InputError, match=r"tables need pip install 'apache-beam\[gcp\]'"):
        bigquery_tables.column_types(URL)


def test_a_refusal_of_bigquery_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        raise RuntimeError("404\nNot found: Table my-project:shop.browse")

    monkeypatch.setattr(bigquery_tools, "gcp_bigquery", object())
    monkeypatch.setattr(bigquery_tools.BigQueryWrapper, "__init__", refuse)
    with pytest.raises(InputError, match="RuntimeError: 404 Not found: Table my-project:shop.browse: check the name"):
        bigquery_tables.column_types(URL)


@pytest.mark.parametrize("more", [(), ("--runner=FlinkRunner",), ("--validate_only",)])
def test_elsewhere_a_table_is_refused_and_the_way_round_named(
    more: tuple[str, ...], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert discretize_events.run([f"--browse={URL}", f"--output={tmp_path / 'data'}", *FLAGS, *more]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"error: {URL}: a table is read by jobs with --runner=DataflowRunner only")
    assert "EXPORT DATA" in line
    assert not list(tmp_path.iterdir())


def test_dates_of_a_table_are_text() -> None:
    rows = [{"date": datetime.date(2026, 3, 1)}, {"date": None}, {"date": "2026-03-02"}]
    piece = Piece("history", URL, 0, FileFormat.TABLE)
    found = bigquery_tables.batch(piece, INPUTS["history"], rows).values["date"]
    assert found == ["2026-03-01", None, "2026-03-02"]


@pytest.fixture
def discretize(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the job on rows that stand for a table, a few of them at a time; returns the hashes of its files."""
    tables: dict[str, Sequence[dict[str, object]]] = {}
    monkeypatch.setattr(bigquery_tables, "check_runner", lambda url, runner: None)
    monkeypatch.setattr(bigquery_tables, "column_types", lambda url: TYPES)
    monkeypatch.setattr(bigquery_tables, "read_rows", lambda url, columns: beam.Create(tables[url]))
    monkeypatch.setattr(transforms, "_TABLE_ROWS", 10)

    def run(name: str, rows: Sequence[dict[str, object]]) -> dict[str, str]:
        tables[URL] = rows
        flags = (*FLAGS, "--max_bad_fraction=0.1", f"--output={tmp_path / name}")
        assert discretize_events.run([f"--browse={URL}", *flags]) == 0
        return without_rejects(tmp_path / name)

    return run


def without_rejects(folder: pathlib.Path) -> dict[str, str]:
    """Rejects tell their places, and dataset.json the flags."""
    return {
        name: digest
        for name, digest in hashes(folder).items()
        if name != "dataset.json" and not name.startswith("rejects/")
    }


def test_a_table_gives_the_dataset_of_a_file_with_its_rows(discretize: Any, tmp_path: pathlib.Path) -> None:
    rows = browse_rows()
    rows += [rows[0], {**rows[1], "action": "steal"}]
    logs = write_browse(tmp_path / "logs", rows)
    flags = (*FLAGS, "--max_bad_fraction=0.1", f"--output={tmp_path / 'file'}")
    assert discretize_events.run([f"--logs={logs}", *flags]) == 0
    assert discretize("table", random.Random(1).sample(rows, len(rows))) == without_rejects(tmp_path / "file")
    counts = json.loads((tmp_path / "table" / "counters.json").read_text())["inputs"]["browse"]
    assert counts == {"read": 47, "accepted": 45, "duplicates": 1, "rejected": {"unknown_action": 1}}


def test_actions_of_one_millisecond_do_not_go_by_the_order_of_the_rows(discretize: Any) -> None:
    rows = browse_rows()
    rows += [{**row, "leaf_category": f"other-{number}"} for number, row in enumerate(rows)]
    expected = discretize("one", rows)
    assert any(name.startswith("train") for name in expected)
    assert discretize("other", random.Random(2).sample(rows, len(rows))) == expected
