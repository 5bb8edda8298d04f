"""The files of rejects."""

import pathlib

import pyarrow.parquet as pq

from beam_pipelines.dead_letters import RejectBlock, pack_rejects, write_rejects
from beam_pipelines.inputs import INPUTS
from beam_pipelines.validation import Reason, Reject
from tests.beam_pipelines.judged_records import GOOD, json_content, judge


def block(file_index: int, *positions: int) -> RejectBlock:
    return pack_rejects([Reject("tap", "/l.json", file_index, number, Reason.BAD_TIME, b"{}") for number in positions])


def test_dead_letters_hold_every_reject(tmp_path: pathlib.Path) -> None:
    content = json_content({**GOOD["tap"], "event": "?"}) + b"\xff\n"
    _, rejects = judge(tmp_path, INPUTS["tap"], content)
    assert write_rejects(tmp_path / "rejects.parquet", [pack_rejects(rejects)]) == 2
    table = pq.read_table(tmp_path / "rejects.parquet")
    assert table.column_names == ["input", "file", "position", "reason", "raw"]
    path = str(tmp_path / "log.jsonl")
    assert table.to_pylist() == [
        {"input": "tap", "file": path, "position": 0, "reason": "unknown_action", "raw": content.split(b"\n")[0]},
        {"input": "tap", "file": path, "position": 1, "reason": "unparsable", "raw": b"\xff"},
    ]


def test_the_order_is_that_of_the_places_whatever_the_order_of_the_blocks(tmp_path: pathlib.Path) -> None:
    blocks = [block(0, 100, 101), block(1, 0), block(0, 5, 99)]
    for name, some in (("a", blocks), ("b", blocks[::-1])):
        assert write_rejects(tmp_path / name, iter(some)) == 5
    assert pq.read_table(tmp_path / "a")["position"].to_pylist() == [5, 99, 100, 101, 0]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_small_blocks_are_written_together_and_large_ones_alone(tmp_path: pathlib.Path) -> None:
    blocks = [block(0, number) for number in range(3000)]
    blocks += [block(1, *range(10_000)), block(2, 1)]
    assert write_rejects(tmp_path / "many.parquet", blocks) == 13_001
    metadata = pq.read_metadata(tmp_path / "many.parquet")
    assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [13_000, 1]


def test_a_block_belongs_to_one_shard_by_its_place_alone() -> None:
    found = [block(0, number, number + 1).shard(4) for number in range(0, 400, 2)]
    assert found == [block(0, number).shard(4) for number in range(0, 400, 2)]
    counts = [found.count(shard) for shard in range(4)]
    assert sum(counts) == 200
    assert min(counts) > 25


def test_a_path_that_is_not_utf_8_is_spelled(tmp_path: pathlib.Path) -> None:
    rejects = [Reject("tap", "/logs/\udcff.json", 0, 3, Reason.BAD_TIME, b"{}")]
    write_rejects(tmp_path / "rejects.parquet", [pack_rejects(rejects)])
    assert pq.read_table(tmp_path / "rejects.parquet")["file"][0].as_py() == "/logs/\\xff.json"
