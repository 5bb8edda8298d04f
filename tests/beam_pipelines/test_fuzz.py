"""Mutated lines of all inputs through the real job: nothing crashes, nothing is lost, every reason is the right one.

An independent judge in plain Python (`tests/reference/raw_records.py`) reads the same lines one by one.
"""

import json
import pathlib
from typing import Any

import pyarrow.parquet as pq
import pytest

from beam_pipelines import discretize_events
from tests.beam_pipelines.judged_records import GOOD, MAX_MS, MIN_MS
from tests.beam_pipelines.mutated_lines import mutated_lines
from tests.reference import raw_records

FLAGS = (
    "--evaluation_users=0.5",
    "--log_end=2017-07-20T00:00:00+00:00",
    "--last_cutoff_date=2017-07-14",
    "--max_bad_fraction=1",
    "--samples_per_user_day=1",
)


def judged(content: bytes, input_name: str) -> tuple[raw_records.Input, dict[int, tuple[str, bytes]]]:
    """Returns the judge's counts, and the reason and first bytes of each bad line by its number."""
    columns = raw_records.readers(MIN_MS, MAX_MS)[input_name]
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    bad = {}
    for number, line in enumerate(lines):
        if not raw_records.is_blank(line):
            try:
                raw_records.judge(line, columns)
            except raw_records.Bad as error:
                bad[number] = (error.args[0], line[:4096])
    return raw_records.judge_all(lines, columns), bad


def check(folder: pathlib.Path, num_lines: int, seed: int) -> None:
    """Puts lines of each input through the job and holds what it says against the judge."""
    contents = {name: mutated_lines(name, num_lines, seed) for name in GOOD}
    for name, content in contents.items():
        (folder / name).mkdir()
        (folder / name / "lines.jsonl").write_bytes(content)
    assert discretize_events.run([f"--logs={folder}", f"--output={folder / 'dataset'}", *FLAGS]) == 0
    counters = json.loads((folder / "dataset" / "counters.json").read_bytes())["inputs"]
    reasons: set[str] = set()
    for name, content in contents.items():
        expected, bad = judged(content, name)
        files = sorted((folder / "dataset" / "rejects").glob(f"{name}-*.parquet"))
        rejects: list[dict[str, Any]] = [row for file in files for row in pq.read_table(file).to_pylist()]
        found = {row["position"]: (row["reason"], row["raw"]) for row in rejects}
        assert {n: (bad.get(n), found.get(n)) for n in bad.keys() | found.keys() if bad.get(n) != found.get(n)} == {}
        counts = counters[name]
        assert counts["accepted"] + sum(counts["rejected"].values()) + counts["duplicates"] == counts["read"]
        assert counts == {
            "read": expected.read,
            "accepted": len(expected.rows),
            "duplicates": expected.duplicates,
            "rejected": expected.rejected,
        }
        assert len(rejects) == len(found) == sum(counts["rejected"].values())
        # Not vacuous: each class of lines is large.
        assert min(counts["accepted"], len(rejects)) > num_lines // 50 and counts["duplicates"] > 0
        reasons |= set(counts["rejected"])
    assert reasons == set(raw_records.REASONS)


def test_10_000_mutated_lines(tmp_path: pathlib.Path) -> None:
    check(tmp_path, 2_000, seed=1)


@pytest.mark.slow
def test_100_000_mutated_lines(tmp_path: pathlib.Path) -> None:
    check(tmp_path, 20_000, seed=2)
