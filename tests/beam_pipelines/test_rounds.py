"""Rounds of users: how many, and that the bytes do not tell."""

import pathlib

import pytest

from beam_pipelines import discretize_events, rounds
from beam_pipelines.log_files import FileFormat
from beam_pipelines.raw_batches import Piece
from beam_pipelines.transforms import shard_of
from tests.beam_pipelines.test_discretize_events import FLAGS, START_MS, browse_rows, hashes, write_browse


def pieces(folder: pathlib.Path, *sizes: int) -> list[Piece]:
    """Two pieces of each of some files with as many bytes."""
    found = []
    for index, size in enumerate(sizes):
        path = folder / f"{index}.parquet"
        path.write_bytes(bytes(size))
        found += [Piece("browse", str(path), index, FileFormat.PARQUET, group) for group in range(2)]
    return found


@pytest.mark.parametrize(
    ("runner", "sizes", "expected"),
    [
        ("FnApiRunner", (), 1),
        ("FnApiRunner", (99,), 1),
        ("FnApiRunner", (60, 40), 2),
        ("FnApiRunner", (60, 40, 199), 3),
        ("FnApiRunner", (1000,), 8),
        ("apache_beam.runners.portability.fn_api_runner.FnApiRunner", (250,), 3),
        ("DataflowRunner", (1000,), 1),
        ("FlinkRunner", (1000,), 1),
    ],
)
def test_a_round_for_so_many_bytes_where_the_shuffle_is_in_memory(
    runner: str, sizes: tuple[int, ...], expected: int, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "ROUND_BYTES", 100)
    assert rounds.count_rounds(runner, pieces(tmp_path, *sizes), num_shards=8) == expected


def test_every_number_of_rounds_gives_the_same_bytes(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = browse_rows(num_users=4)
    assert 1 < len({shard_of(str(row["user_id"]), 5) for row in rows}) < 5  # a round has nobody
    # A duplicate, a bad record and a user beyond the limit: what is counted comes from every round.
    rows += [rows[0], {**rows[1], "action": "steal"}]
    rows += [{**rows[0], "user_id": user, "timestamp_ms": START_MS + 1} for user in ("u0", "u1", "u3")]
    logs = write_browse(tmp_path / "logs", rows)
    flags = (*FLAGS, "--num_shards=5", "--max_actions_per_user_day=3", "--max_bad_fraction=0.1")
    found = {}
    num_bytes = (logs / "browse" / "part.jsonl").stat().st_size
    workers = ("--direct_num_workers=2", "--direct_running_mode=multi_threading")
    for name, round_bytes, more in (("one", num_bytes + 1, ()), ("two", num_bytes, ()), ("five", 1, workers)):
        monkeypatch.setattr(rounds, "ROUND_BYTES", round_bytes)
        assert discretize_events.run([f"--logs={logs}", f"--output={tmp_path / name}", *flags, *more]) == 0
        found[name] = {file: digest for file, digest in hashes(tmp_path / name).items() if file != "dataset.json"}
    assert any(file.startswith("train") for file in found["one"])
    assert found["one"] == found["two"] == found["five"]
