"""Every kind of bad record through the real job: its place, its reason, its first bytes, and the counts."""

import collections
import itertools
import json
import pathlib
from typing import Any, NamedTuple

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines import discretize_events
from tests.beam_pipelines.bad_records import BINARY_KINDS, CSV_HEADER, CSV_KINDS, JSON_KINDS, T, line_of
from tests.beam_pipelines.judged_records import GOOD

FLAGS = (
    "--evaluation_users=0.5",
    "--log_end=2017-07-20T00:00:00+00:00",
    "--max_bad_fraction=1",
    "--min_count=1",
    "--samples_per_user_day=1",
)


class Place(NamedTuple):
    """Where a bad record is."""

    input_name: str
    file: str
    position: int


class Job(NamedTuple):
    """What the job wrote, and what it should have rejected: (what it is, reason, first bytes or None) by place."""

    counters: dict[str, Any]
    files: list[list[dict[str, Any]]]
    expected: dict[Place, tuple[str, str, bytes | None]]
    num_good: dict[str, int]

    @property
    def rejects(self) -> list[dict[str, Any]]:
        """The rows of all files."""
        return list(itertools.chain.from_iterable(self.files))


def write_lines(folder: pathlib.Path, expected: dict[Place, Any]) -> collections.Counter[str]:
    """Writes the JSON lines and the CSV file: a good record before and after each bad one; returns the good ones."""
    num_good: collections.Counter[str] = collections.Counter()
    lines: dict[str, list[bytes]] = collections.defaultdict(list)
    for what, name, line, reason in JSON_KINDS:
        user = f"u{len(lines[name])}"
        lines[name] += [line_of(name, user_id=user), line, b" \t\r", line_of(name, user_id=f"{user}b")]
        num_good[name] += 2
        expected[Place(name, "lines.jsonl", len(lines[name]) - 3)] = (what, reason, line[:4096])
    for name, some in lines.items():
        (folder / name).mkdir()
        (folder / name / "lines.jsonl").write_bytes(b"\n".join(some))
    rows = [CSV_HEADER]
    for number, (what, row, reason) in enumerate(CSV_KINDS):
        rows += [b"c%d,1500000000000,tap,p,1,2,3" % number, row]
        expected[Place("swipe", "rows.csv", len(rows) - 1)] = (what, reason, row[:4096])
    (folder / "swipe" / "rows.csv").write_bytes(b"\n".join(rows))
    num_good["swipe"] += len(CSV_KINDS)
    return num_good


def write_binary(folder: pathlib.Path, expected: dict[Place, Any]) -> int:
    """Writes the Parquet and the Avro file of the browse input; returns the number of good records."""
    good = {**GOOD["browse"], "page": None, "timestamp_ms": float(T)}
    rows = []
    for number, (what, change, reason) in enumerate(BINARY_KINDS):
        rows += [{**good, "user_id": f"b{number}"}, {**good, **change}]
        for file in ("rows.parquet", "rows.avro"):
            expected[Place("browse", file, len(rows) - 1)] = (what, reason, None)
    texts = ("user_id", "action", "leaf_category", "top_category")
    types = dict.fromkeys(texts, "string") | {"page": "boolean"}
    arrow = {"string": pa.string(), "boolean": pa.bool_(), "double": pa.float64()}
    schema = pa.schema([(name, arrow[types.get(name, "double")]) for name in good])
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "browse" / "rows.parquet", row_group_size=7)
    fields = [{"name": name, "type": ["null", types.get(name, "double")]} for name in good]
    # Other users, or the records of one file would be duplicates of the other's.
    renamed = [{**row, "user_id": row["user_id"] and f"a{row['user_id']}"} for row in rows]
    with open(folder / "browse" / "rows.avro", "wb") as file:
        fastavro.writer(file, {"type": "record", "name": "event", "fields": fields}, renamed)
    return 2 * len(BINARY_KINDS)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("rejects")
    logs, output = folder / "logs", folder / "dataset"
    logs.mkdir()
    expected: dict[Place, Any] = {}
    num_good = write_lines(logs, expected)
    num_good["browse"] += write_binary(logs, expected)
    assert discretize_events.run([f"--logs={logs}", f"--output={output}", *FLAGS]) == 0
    counters = json.loads((output / "counters.json").read_bytes())
    files = [pq.read_table(path).to_pylist() for path in sorted((output / "rejects").iterdir())]
    return Job(counters, files, expected, num_good)


def place_of(reject: dict[str, Any]) -> Place:
    return Place(reject["input"], pathlib.Path(reject["file"]).name, reject["position"])


def test_every_kind_has_its_place_and_reason_and_nothing_else_is_rejected(job: Job) -> None:
    assert len(JSON_KINDS) >= 25
    found = {place_of(reject): reject["reason"] for reject in job.rejects}
    assert len(found) == len(job.rejects)
    wrong = {
        (place, what): (reason, found.get(place))
        for place, (what, reason, _) in job.expected.items()
        if found.get(place) != reason
    }
    assert wrong == {}
    assert set(found) == set(job.expected)


def test_the_first_4_kib_of_a_line_are_kept_as_they_are(job: Job) -> None:
    for reject in job.rejects:
        what, _, raw = job.expected[place_of(reject)]
        if raw is not None:
            assert reject["raw"] == raw, what
    assert max(len(reject["raw"]) for reject in job.rejects) == 4096


def test_a_bad_record_of_a_binary_file_is_kept_as_json(job: Job) -> None:
    binary = [reject for reject in job.rejects if place_of(reject).file in ("rows.parquet", "rows.avro")]
    assert len(binary) == 2 * len(BINARY_KINDS)
    kinds = {what: change for what, change, _ in BINARY_KINDS}
    for reject in binary:
        ((column, value),) = kinds[job.expected[place_of(reject)][0]].items()
        kept = json.loads(reject["raw"])[column]
        assert kept == value or (kept != kept and value != value), (column, value, kept)


def test_each_file_is_of_one_input_in_the_order_of_files_and_lines(job: Job) -> None:
    assert len(job.files) > len(GOOD)  # of an input there are several
    for rejects in job.files:
        assert len({reject["input"] for reject in rejects}) == 1
        assert list(map(place_of, rejects)) == sorted(map(place_of, rejects))


def test_counts_are_exact(job: Job) -> None:
    for name, counts in job.counters["inputs"].items():
        reasons = collections.Counter(
            reason for place, (_, reason, _) in job.expected.items() if place.input_name == name
        )
        assert counts["rejected"] == reasons
        assert counts["accepted"] + counts["duplicates"] == job.num_good[name]
        assert counts["duplicates"] == 0
        assert counts["read"] == job.num_good[name] + reasons.total()


def test_all_reasons_occur(job: Job) -> None:
    assert len({reject["reason"] for reject in job.rejects}) == 8
