"""The file of rejects."""

import pathlib

import pyarrow.parquet as pq

from beam_pipelines.dead_letters import write_rejects
from beam_pipelines.inputs import INPUTS
from beam_pipelines.validation import Reason, Reject
from tests.beam_pipelines.judged_records import GOOD, json_content, judge


def test_dead_letters_hold_every_reject(tmp_path: pathlib.Path) -> None:
    content = json_content({**GOOD["tap"], "event": "?"}) + b"\xff\n"
    _, rejects = judge(tmp_path, INPUTS["tap"], content)
    assert write_rejects(tmp_path / "rejects.parquet", iter(rejects)) == 2
    table = pq.read_table(tmp_path / "rejects.parquet")
    assert table.column_names == ["input", "file", "position", "reason", "raw"]
    path = str(tmp_path / "log.jsonl")
    assert table.to_pylist() == [
        {"input": "tap", "file": path, "position": 0, "reason": "unknown_action", "raw": content.split(b"\n")[0]},
        {"input": "tap", "file": path, "position": 1, "reason": "unparsable", "raw": b"\xff"},
    ]


def test_no_reject_gives_an_empty_table_and_many_are_written_in_parts(tmp_path: pathlib.Path) -> None:
    assert write_rejects(tmp_path / "none.parquet", []) == 0
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0
    reject = Reject("tap", "/logs/\udcff.json", 0, 3, Reason.BAD_TIME, b"{}")
    assert write_rejects(tmp_path / "many.parquet", (reject for _ in range(10_000))) == 10_000
    table = pq.read_table(tmp_path / "many.parquet")
    assert table.num_rows == 10_000
    assert table["file"][0].as_py() == "/logs/\\xff.json"
