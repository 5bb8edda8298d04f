"""The command that simulates logs: reproducible, in the format, with flags that teach."""

import hashlib
import json
import pathlib
import subprocess
import sys
from typing import Any

import pyarrow.parquet
import pytest

from beam_pipelines import raw_log, simulate_events
from edgedipn_tf import commands

INPUT_NAMES = ("swipe", "tap", "browse", "profile")


def run(*argv: str) -> int:
    return commands.run(simulate_events.DESCRIPTION, simulate_events.define_flags, simulate_events.main, argv)


def digests(folder: pathlib.Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows(folder: pathlib.Path, name: str) -> list[dict[str, Any]]:
    return [row for path in sorted((folder / name).iterdir()) for row in pyarrow.parquet.read_table(path).to_pylist()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    output = tmp_path_factory.mktemp("simulated") / "log"
    assert run(f"--output={output}", "--num_users=3", "--num_days=4", "--seed=7") == 0
    return output


# The command and its files.


def test_the_same_seed_gives_the_same_bytes(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert run(f"--output={tmp_path / 'again'}", "--num_users=3", "--num_days=4", "--seed=7") == 0
    assert run(f"--output={tmp_path / 'other'}", "--num_users=3", "--num_days=4", "--seed=8") == 0
    assert digests(tmp_path / "again") == digests(folder)
    assert digests(tmp_path / "other")["swipe/part-00000.parquet"] != digests(folder)["swipe/part-00000.parquet"]


def test_a_user_does_not_depend_on_the_number_of_users(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert run(f"--output={tmp_path / 'log'}", "--num_users=66", "--num_days=4", "--seed=7") == 0
    for name in INPUT_NAMES:
        first_users = [row for row in rows(tmp_path / "log", name) if row["user_id"] < "user-000003"]
        assert first_users == rows(folder, name)


def test_columns_are_those_of_the_raw_log_format(folder: pathlib.Path) -> None:
    times = {"user_id": "string", "timestamp_ms": "int64"}
    places = dict.fromkeys(("x", "y", "start_x", "start_y", "end_x", "end_y"), "double")
    windows = {"window_width": "double", "window_height": "double"}
    categories = dict.fromkeys(("page", "leaf_category", "top_category", "item_id"), "string")
    profile = ("age_level", "gender", "buyer_star", "tm_level", "vip_level", "phone_price")
    expected = {
        "swipe": {**times, "action": "string", "page": "string", **places, "duration_ms": "int64", **windows},
        "tap": {**times, "event": "string", "page": "string", "button": "string"},
        "browse": {**times, "action": "string", **categories, "stay_ms": "int64", "price": "double"},
        "profile": {"user_id": "string", **dict.fromkeys(profile, "string")},
    }
    assert {path.name for path in folder.iterdir()} == {*expected, "log.json", "world.json"}
    for name, columns in expected.items():
        schema = pyarrow.parquet.read_schema(folder / name / "part-00000.parquet")
        assert {field.name: str(field.type) for field in schema} == columns


def test_json_lines_hold_the_same_rows(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert run(f"--output={tmp_path / 'log'}", "--num_users=3", "--num_days=4", "--seed=7", "--format=jsonl") == 0
    for name in INPUT_NAMES:
        lines = (tmp_path / "log" / name / "part-00000.jsonl").read_text(encoding="utf-8").splitlines()
        present = [{key: value for key, value in row.items() if value is not None} for row in rows(folder, name)]
        assert [json.loads(line) for line in lines] == present


def test_names_are_escaped_in_json_lines(tmp_path: pathlib.Path) -> None:
    names = ['say "hi"', "back\\slash", "line\nbreak", "猫"]
    raw_log.LogWriter(tmp_path, "jsonl").write("tap", {"user_id": names, "button": names, "timestamp_ms": [1] * 4})
    lines = (tmp_path / "tap" / "part-00000.jsonl").read_bytes().splitlines()
    assert [json.loads(line) for line in lines] == [{"user_id": n, "timestamp_ms": 1, "button": n} for n in names]


def test_suggested_flags_of_a_log_of_21_days(tmp_path: pathlib.Path) -> None:
    argv = ("--num_users=1", "--start_date=2021-03-01", "--timezone=America/New_York")
    assert run(f"--output={tmp_path / 'log'}", *argv) == 0
    description = json.loads((tmp_path / "log" / "log.json").read_text())
    assert description["is_simulated"] is True and description["name"] == "simulated"
    assert any("simulated" in caveat for caveat in description["caveats"])
    flags = description["suggested_flags"]
    # Day 14 of 21, so that the seven days after each cut-off lie before the end: the end of March 21.
    assert (flags["evaluation_date"], flags["last_cutoff_date"]) == ("2021-03-14", "2021-03-14")
    assert flags["timezone"] == "America/New_York" and flags["warmup_days"] == 2
    # Clocks went to summer time on March 14: the log ends at 04:00 UTC, not at 05:00.
    assert flags["log_end"] == "2021-03-22T03:59:59.999+00:00"
    assert description["log_end_ms"] == 1_616_385_599_999


@pytest.mark.parametrize(
    ("num_days", "evaluation_date", "warmup_days"),
    [(2, "2021-03-02", 0), (3, "2021-03-02", 0), (9, "2021-03-08", 2), (18, "2021-03-11", 2)],
)
def test_suggested_flags_of_other_lengths(
    tmp_path: pathlib.Path, num_days: int, evaluation_date: str, warmup_days: int
) -> None:
    assert run(f"--output={tmp_path / 'log'}", "--num_users=1", f"--num_days={num_days}") == 0
    flags = json.loads((tmp_path / "log" / "log.json").read_text())["suggested_flags"]
    assert flags["evaluation_date"] == flags["last_cutoff_date"] == evaluation_date
    assert flags["warmup_days"] == warmup_days


def test_the_printed_summary_says_simulated(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"--output={tmp_path / 'log'}", "--num_users=2", "--num_days=2") == 0
    assert "simulated log: 2 users, 2 days" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["--start_date=2021-02-30"], "2021-02-30"),
        (["--timezone=Asia/Shangai"], "Asia/Shanghai"),
        (["--num_days=1"], "num_days"),
        (["--num_users=0"], "num_users"),
        (["--format=csv"], "format"),
        (["--actions_scale=-1"], "actions_scale"),
        (["--volumes=large"], "volumes"),
        (["--world=no_such.toml"], "no_such.toml"),
    ],
)
def test_a_wrong_flag_is_one_line_and_publishes_nothing(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], argv: list[str], named: str
) -> None:
    assert run(f"--output={tmp_path / 'log'}", *argv) == 2
    message = capsys.readouterr().err
    assert named in message and message.count("\n") == 1
    assert not (tmp_path / "log").exists()


def test_an_output_that_is_there_is_kept(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = digests(folder)
    assert run(f"--output={folder}", "--num_users=1") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert digests(folder) == before


def test_help_teaches() -> None:
    command = [sys.executable, "-m", "beam_pipelines.simulate_events", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "--num_users" in text and "python -m beam_pipelines.simulate_events" in text


def test_the_scale_multiplies_touch_and_leaves_the_pages(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    argv = ("--num_users=3", "--num_days=4", "--seed=7", "--actions_scale=4")
    assert run(f"--output={tmp_path / 'log'}", *argv) == 0
    # Times, because a record may be there twice.
    of_action = {
        (action, path): {
            (row["user_id"], row["timestamp_ms"]) for row in rows(path, "swipe") if row["action"] == action
        }
        for action in ("open_page", "swipe")
        for path in (folder, tmp_path / "log")
    }
    assert of_action["open_page", folder] == of_action["open_page", tmp_path / "log"]
    assert 3 < len(of_action["swipe", tmp_path / "log"]) / len(of_action["swipe", folder]) < 5


def test_a_world_file_changes_the_world(tmp_path: pathlib.Path) -> None:
    (tmp_path / "world.toml").write_text("[needs]\npays = 0\n\n[traits]\nmissing_view_shares = [0, 0, 0]\n")
    assert run(f"--output={tmp_path / 'log'}", "--num_users=20", f"--world={tmp_path / 'world.toml'}") == 0
    assert "purchase" not in {row["action"] for row in rows(tmp_path / "log", "browse")}
    config = json.loads((tmp_path / "log" / "world.json").read_text())["config"]
    assert config["needs"]["pays"] == 0 and config["needs"]["forgets"] == 0.1
