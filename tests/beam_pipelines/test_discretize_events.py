"""The command as a person uses it: artefacts, errors in one line, the same bytes from every run."""

import hashlib
import json
import pathlib
import shutil
from collections.abc import Sequence

import fastavro
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from beam_pipelines import discretize_events, simulate_events
from edgedipn_tf import commands
from edgedipn_tf.dataset import open_dataset
from edgedipn_tf.random_keys import key

START_MS = 1_772_323_200_000  # 2026-03-01T00:00Z
HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
FLAGS = ("--evaluation_date=2026-03-04", "--samples_per_user_day=3", "--min_count=1", "--num_shards=2")


def write_browse(folder: pathlib.Path, rows: Sequence[dict[str, object]]) -> pathlib.Path:
    (folder / "browse").mkdir(parents=True)
    (folder / "browse" / "part.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def browse_rows(num_users: int = 3, num_days: int = 5, action: str = "purchase") -> list[dict[str, object]]:
    return [
        {
            "user_id": f"u{user}",
            "timestamp_ms": START_MS + day * DAY_MS + hour * HOUR_MS + user,
            "action": action if hour == 12 else "browse",
            "leaf_category": f"l{hour}",
        }
        for user in range(num_users)
        for day in range(num_days)
        for hour in (9, 12, 15)
    ]


def hashes(folder: pathlib.Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_simulated_log_stays_called_so(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = write_browse(tmp_path / "logs", browse_rows())

    def described() -> object:
        arguments = [f"--logs={logs}", f"--output={tmp_path / 'data'}", "--overwrite", *FLAGS]
        assert discretize_events.run(arguments) == 0
        return json.loads((tmp_path / "data" / "dataset.json").read_text())["log"]

    assert described() is None  # nobody said
    log = {"name": "toy", "is_simulated": True, "caveats": ["simulated"], "counts": {"users": 3}}
    (logs / "log.json").write_text(json.dumps(log))
    assert described() == {"name": "toy", "is_simulated": True, "caveats": ["simulated"]}
    (logs / "log.json").write_text('{"name": "toy"}')
    assert discretize_events.run([f"--logs={logs}", f"--output={tmp_path / 'other'}", *FLAGS]) == 2
    assert "log.json is not the description of a log" in capsys.readouterr().err


def test_artefacts_and_counters(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = browse_rows()
    rows += [rows[0], {**rows[1], "action": "steal"}]
    logs = write_browse(tmp_path / "logs", rows)
    arguments = [f"--logs={logs}", f"--output={tmp_path / 'data'}", *FLAGS, "--max_bad_fraction=0.1"]
    assert discretize_events.run(arguments) == 0
    assert "samples: " in capsys.readouterr().out
    names = set(hashes(tmp_path / "data"))
    shards = {f"{split}.tfrecord-0000{i}-of-00002" for split in ("train", "eval") for i in range(2)}
    (rejects_file,) = (name for name in names if name.startswith("rejects/"))
    files = {"schema.json", "vocabulary.json", "counters.json", "dataset.json", rejects_file}
    assert files <= names <= files | shards
    assert rejects_file in {f"rejects/browse-0000{i}-of-00002.parquet" for i in range(2)}
    counters = json.loads((tmp_path / "data" / "counters.json").read_text())
    assert counters["inputs"]["browse"] == {
        "read": 47,
        "accepted": 45,
        "duplicates": 1,
        "rejected": {"unknown_action": 1},
    }
    assert counters["capped_users"] == []
    # 3 users with 3 cut-offs on each of 3 training and 2 evaluation days, less those with every label unknown: none.
    assert counters["samples"]["train"] == 27
    assert counters["samples"]["eval"] == 18
    rejects = pq.read_table(tmp_path / "data" / "rejects").to_pylist()
    assert [(row["reason"], row["position"]) for row in rejects] == [("unknown_action", 46)]


def test_a_user_with_too_many_actions_is_capped_counted_and_named(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = browse_rows()
    rows += [{**rows[0], "timestamp_ms": START_MS + second * 1000} for second in range(20)]
    rows += [{**rows[-1], "user_id": "u1"}]
    logs = write_browse(tmp_path / "logs", rows)
    arguments = [f"--logs={logs}", f"--output={tmp_path / 'data'}", *FLAGS, "--max_actions_per_user_day=3"]
    assert discretize_events.run(arguments) == 0
    counters = json.loads((tmp_path / "data" / "counters.json").read_text())
    # On the first day u0 has 3 + 20 actions, of which the first 3 stay; u1 has 3 + 1.
    assert counters["surplus"] == {"browse": 21}
    assert counters["inputs"]["browse"]["accepted"] == 66  # the surplus among them
    assert counters["capped_users"] == [{"user_id": "u0", "surplus": 20}, {"user_id": "u1", "surplus": 1}]
    printed = capsys.readouterr().out
    assert "21 actions beyond --max_actions_per_user_day=3 were left out, most of user u0 (20), u1 (1)" in printed
    assert "bytes through the shuffle" in printed


def test_longer_windows_stand_in_the_schema_alone(tmp_path: pathlib.Path) -> None:
    logs = write_browse(tmp_path / "logs", browse_rows())
    described, lengths = {}, {}
    for name, more in (("as ever", ()), ("long", ("--max_length=512",))):
        assert discretize_events.run([f"--logs={logs}", f"--output={tmp_path / name}", *FLAGS, *more]) == 0
        described[name] = json.loads((tmp_path / name / "dataset.json").read_text())
        lengths[name] = json.loads((tmp_path / name / "schema.json").read_text())["max_length"]
    assert lengths == {"as ever": 256, "long": 512}
    # What names a dataset of 256 is what it was before there was another length.
    assert "max_length" not in described["as ever"]["flags"]
    differing = {key for key, value in described["as ever"].items() if described["long"][key] != value}
    assert differing == {"schema_fingerprint"}


def test_the_same_bytes_whatever_the_runner_the_workers_and_the_files(tmp_path: pathlib.Path) -> None:
    simulated = [f"--output={tmp_path / 'logs'}", "--num_users=6", "--num_days=6", "--actions_scale=0.3"]
    assert commands.run("", simulate_events.define_flags, simulate_events.main, simulated) == 0
    flags = ("--timezone=Asia/Shanghai", "--evaluation_date=2021-03-05", "--samples_per_user_day=2", "--min_count=1")
    flags += ("--max_bad_fraction=0.5",)

    def discretize(logs: str, name: str, *more: str) -> dict[str, str]:
        output = tmp_path / name
        assert discretize_events.run([f"--logs={tmp_path / logs}", f"--output={output}", *flags, *more]) == 0
        return {file: digest for file, digest in hashes(output).items() if file != "dataset.json"}

    for number in range(6):
        bad = {"user_id": "u", "timestamp_ms": number, "event": "page"}
        (tmp_path / "logs" / "tap" / f"z{number}.jsonl").write_text(f"{json.dumps(bad)}\n{{}}\n")
    expected = discretize("logs", "one")
    assert len([file for file in expected if file.startswith("rejects/tap-")]) > 2
    assert discretize("logs", "direct", "--runner=DirectRunner") == expected
    workers = ("--direct_num_workers=2", "--direct_running_mode=multi_processing")
    assert discretize("logs", "two", *workers) == expected
    # The same records in other files, in the same order of paths and rows.
    for folder in (tmp_path / "logs").iterdir():
        if not folder.is_dir():
            continue
        table = pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("*.parquet"))])
        (tmp_path / "merged" / folder.name).mkdir(parents=True)
        pq.write_table(table, tmp_path / "merged" / folder.name / "all.parquet", row_group_size=500)
        for path in folder.glob("*.jsonl"):
            shutil.copy(path, tmp_path / "merged" / folder.name)
    in_other_files = discretize("merged", "other_files")
    for files in (in_other_files, expected):  # rejects name the files
        for name in [name for name in files if name.startswith("rejects/")]:
            del files[name]
    assert in_other_files == expected


def test_training_records_are_in_random_order_and_those_of_evaluation_by_user(tmp_path: pathlib.Path) -> None:
    logs = write_browse(tmp_path / "logs", browse_rows(num_users=8))
    assert discretize_events.run([f"--logs={logs}", f"--output={tmp_path / 'data'}", *FLAGS, "--num_shards=1"]) == 0
    dataset = open_dataset(tmp_path / "data")
    orders = {name: split["order"] for name, split in dataset.description["splits"].items()}
    assert orders == {"train": "hash of user and time", "eval": "user and time"}
    samples = {}
    for split in orders:
        batches = dataset.evaluation_batches(split, 8, 1000, extras=True).as_numpy_iterator()
        samples[split] = [pair for *_, found in batches for pair in zip(found["user_id"], found["t0_ms"], strict=True)]
    assert samples["eval"] == sorted(samples["eval"])
    days = dict.fromkeys((user, int(t0_ms) // DAY_MS) for user, t0_ms in samples["train"])
    assert len(days) > 8 and list(days) != sorted(days)
    first_ms = {day: int(next(t0 for user, t0 in samples["train"] if (user, t0 // DAY_MS) == day)) for day in days}
    assert list(days) == sorted(days, key=lambda day: key("order", day[0].hex(), first_ms[day]))


def test_the_same_bytes_whatever_the_format_of_the_files(tmp_path: pathlib.Path) -> None:
    table = pa.Table.from_pylist(browse_rows())
    types = {name: "long" if name == "timestamp_ms" else "string" for name in table.column_names}
    fields = [{"name": name, "type": type_} for name, type_ in types.items()]
    write_browse(tmp_path / "jsonl", table.to_pylist())
    for name in ("csv", "avro"):
        (tmp_path / name / "browse").mkdir(parents=True)
    pyarrow.csv.write_csv(table, tmp_path / "csv" / "browse" / "part.csv")
    with open(tmp_path / "avro" / "browse" / "part.avro", "wb") as file:
        fastavro.writer(file, {"type": "record", "name": "event", "fields": fields}, table.to_pylist())
    found = []
    for name in ("jsonl", "csv", "avro"):
        output = tmp_path / f"{name}_data"
        assert discretize_events.run([f"--logs={tmp_path / name}", f"--output={output}", *FLAGS]) == 0
        found.append({file: digest for file, digest in hashes(output).items() if file != "dataset.json"})
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("rows", "flags", "message"),
    [
        (browse_rows(num_users=1), FLAGS, "one user only"),
        (browse_rows(action="cart"), FLAGS, "no purchase in the browse input"),
        (browse_rows(num_days=1), ("--evaluation_date=2026-03-01",), "the log covers 2026-03-01 to 2026-03-01"),
        (browse_rows(), ("--evaluation_date=2026-04-01",), "the log covers 2026-03-01 to 2026-03-05"),
        (browse_rows(), (*FLAGS, "--warmup_days=9"), "no day is left for cut-offs"),
        (browse_rows(), (*FLAGS, "--warmup_days=3"), "the train split is empty"),
        (browse_rows(), (*FLAGS, "--last_cutoff_date=2026-03-03"), "the eval split is empty"),
        (
            [*browse_rows(), {"user_id": "u0", "timestamp_ms": START_MS + 9 * DAY_MS, "action": "browse"}],
            FLAGS,
            "the newest record is of 2026-03-10, the one before of 2026-03-05",
        ),
        ([*browse_rows(), {"user_id": 7}], FLAGS, "input browse: 1 of 46 records are bad (missing_key 1)"),
        ([{"user_id": 7}], (*FLAGS, "--max_bad_fraction=1"), "no accepted record"),
    ],
)
def test_a_log_that_cannot_be_used_is_one_line_and_nothing_is_left(
    rows: list[dict[str, object]],
    flags: tuple[str, ...],
    message: str,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs = write_browse(tmp_path / "logs", rows)
    assert discretize_events.run([f"--logs={logs}", f"--output={tmp_path / 'data'}", *flags]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs"]


def test_a_degenerate_log_is_accepted_when_told(tmp_path: pathlib.Path) -> None:
    logs = write_browse(tmp_path / "logs", browse_rows(num_users=1, action="cart"))
    assert discretize_events.run([f"--logs={logs}", f"--output={tmp_path / 'd'}", *FLAGS, "--allow_degenerate"]) == 0
    labels = json.loads((tmp_path / "d" / "counters.json").read_text())["labels"]["train"]["realtime_purchase"]
    assert labels["positive"] == 0 < labels["negative"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--output"),
        (("--output=OUT",), "no split: give --evaluation_date"),
        (("--output=OUT", "--evaluation_users=0.2"), "no input given"),
        (("--output=OUT", "--evaluation_users=0.2", "--logs=OUT"), "has no folder swipe, tap or browse"),
        (("--output=OUT", "--evaluation_users=2", "--logs=OUT"), "--evaluation_users=2: expected"),
        (("--output=OUT", "--evaluation_users=1/5", "--evaluation_fold=5"), "--evaluation_users=1/5 has no such fold"),
        (("--output=OUT", "--evaluation_date=2026-03-04", "--evaluation_fold=1"), "has no such fold"),
        (("--output=OUT", "--evaluation_date=tomorrow"), "--evaluation_date=tomorrow: expected a date"),
        (("--output=OUT", "--evaluation_date=2026-03-04", "--timezone=Asia/Shangai"), "Asia/Shanghai"),
        (("--output=OUT", "--evaluation_date=2026-03-04", "--log_end=soon"), "--log_end=soon: expected an ISO date"),
        (("--output=OUT", "--evaluation_date=2026-03-04", "--samples_per_user_day=x"), "--samples_per_user_day=x"),
        (("--output=OUT", "--evaluation_date=2026-03-04", "--sede=3"), "unknown flag --sede: did you mean --seed?"),
        (("--output=OUT", "--evaluation_date=2026-03-04", "--browse=nowhere.parquet"), "nowhere.parquet"),
    ],
)
def test_bad_flags_are_one_line(
    arguments: tuple[str, ...], message: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert discretize_events.run([argument.replace("OUT", str(tmp_path / "out")) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
