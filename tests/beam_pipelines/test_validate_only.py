"""What --validate_only tells of logs whose figures are known by hand."""

import json
import pathlib
import re
import subprocess
import sys
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines import discretize_events

START_MS = 1_772_323_200_000  # 2026-03-01T00:00Z
HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
FLAGS = ("--evaluation_date=2026-03-04", "--samples_per_user_day=3", "--min_count=1", "--num_shards=2")


def browse_rows(num_users: int = 4, num_days: int = 12, no_purchases: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    """A day of a user: 3 browses and, but for some days, 9 purchases."""
    return [
        {
            "user_id": f"u{user}",
            "timestamp_ms": START_MS + day * DAY_MS + hour * HOUR_MS + user,
            "action": "browse" if hour < 3 else "purchase",
            "leaf_category": f"l{hour}",
        }
        for user in range(num_users)
        for day in range(num_days)
        for hour in range(3 if day in no_purchases else 12)
    ]


def write(path: pathlib.Path, rows: list[dict[str, Any]]) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def check(capsys: pytest.CaptureFixture[str], *flags: str, code: int = 0) -> list[str]:
    """Runs the command; returns the lines of the report and, last, the error if any."""
    assert discretize_events.run(["--validate_only", *flags]) == code
    captured = capsys.readouterr()
    assert captured.err.count("\n") == (1 if code else 0)
    return [*captured.out.splitlines(), *captured.err.splitlines()]


def outlook_line(intent: str, training: str, evaluation: str) -> list[str]:
    """Words of a line: days with known labels, events that make positives."""
    return [intent, *training.split(), *evaluation.split()]


def test_a_good_log_has_figures(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row | {"stay_ms": 5, "page": "p", "top_category": None, "pric": 3} for row in browse_rows()]
    write(tmp_path / "browse" / "a.jsonl", [*rows, {**rows[0], "timestamp_ms": None}])
    write(tmp_path / "profile" / "a.jsonl", [{"user_id": f"u{i}", "gender": "f", "age_level": 1} for i in range(4)])
    lines = check(capsys, f"--logs={tmp_path}", *FLAGS, "--timezone=Asia/Shanghai")
    assert lines[:15] == [
        "browse: 577 rows (all rows of 1 files)",
        "  bad rows: 1 (missing_key 1)",
        "  users: 4",
        "  local days: 2026-03-01 to 2026-03-12 (Asia/Shanghai), 12 with rows",
        "  actions: browse 25.00%, search 0.00%, collect 0.00%, cart 0.00%, purchase 75.00%",
        "  no column 'item_id'",
        "  no column 'price': is it 'pric'? Name it in --log_config",
        "  columns without any value: top_category",
        "profile: 4 rows (all rows of 1 files)",
        "  bad rows: 0",
        "  users: 4",
        *(f"  no column {name!r}" for name in ("buyer_star", "tm_level", "vip_level", "phone_price")),
    ]
    # Four users; three training days of 9 purchases each, nine evaluation days. A week from 4 or 5 March is in the log.
    assert [line.split() for line in lines[17:25]] == [
        outlook_line("realtime_purchase", "3 of 3 108", "9 of 9 324"),
        outlook_line("longtime_purchase", "3 of 3 108", "9 of 9 324"),
        outlook_line("realtime_cart", "3 of 3 0", "9 of 9 0"),
        outlook_line("retention", "2 of 3 8", "8 of 9 32"),
        outlook_line("realtime_top_category", "3 of 3 0", "9 of 9 0"),
        outlook_line("longtime_top_category", "0 of 3 0", "2 of 9 0"),
        outlook_line("realtime_leaf_category", "3 of 3 108", "9 of 9 324"),
        outlook_line("longtime_leaf_category", "0 of 3 0", "2 of 9 324"),
    ]
    assert lines[25:] == [
        "warning: no training label of longtime_top_category, longtime_leaf_category is known: "
        "all their windows reach the evaluation day; they need --evaluation_date=2026-03-09 or later",
        "warning: no carts for training: few positive labels of realtime_cart, if any",
        "warning: only 8 returns on the next day for training: few positive labels of retention, if any",
        "warning: no purchases with a top_category for training: few positive labels of realtime_top_category, if any",
        "warning: no carts for evaluation: few positive labels of realtime_cart, if any",
        "warning: only 32 returns on the next day for evaluation: few positive labels of retention, if any",
        "warning: no purchases with a top_category for evaluation: "
        "few positive labels of realtime_top_category, longtime_top_category, if any",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["browse", "profile"]


def test_warnings_name_what_is_odd(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = browse_rows(num_users=2, num_days=6, no_purchases=(1, 4))
    odd = [{**rows[0], "timestamp_ms": (START_MS + i) // 1000} for i in range(3)]
    odd += [{**rows[0], "timestamp_ms": START_MS * 1000}, {**rows[0], "action": "add_cart"}]
    write(tmp_path / "browse.jsonl", [*rows, *odd])
    window = {"window_width": 100, "window_height": 200}
    # 10 swipes: u0 has 4, two users 3 each; one starts left of the window, one taps below it, one lacks its window.
    swipes: list[dict[str, Any]] = [{"start_x": 5, **window} for _ in range(7)]
    swipes += [{"start_x": -1, **window}, {"y": 200.5, **window}, {"x": -7}]
    users = ["u0", "u1", "u2", "u0", "u1", "u2", "u0", "u1", "u2", "u0"]
    common = {"timestamp_ms": START_MS, "action": "swipe"}
    write(tmp_path / "swipe.jsonl", [{"user_id": u, **common, **s} for u, s in zip(users, swipes, strict=True)])
    flags = [f"--browse={tmp_path / 'browse.jsonl'}", f"--swipe={tmp_path / 'swipe.jsonl'}", *FLAGS]
    lines = check(capsys, *flags, "--max_bad_fraction=0.2")
    assert [line for line in lines if line.startswith("warning: ")] == [
        "warning: swipe: user 'u0' has 40% of the rows: a robot, or a default id?",
        "warning: swipe: 20.0% of the rows have positions outside the window: are both in the same unit?",
        "warning: browse: 1 rows with the unknown action 'add_cart': is it 'cart'? name it in --log_config",
        "warning: browse: 3 bad times look like seconds: write milliseconds since the epoch",
        "warning: browse: 1 bad times look like microseconds: write milliseconds since the epoch",
        "warning: browse: user 'u0' has 50% of the rows: a robot, or a default id?",
        "warning: browse: 2 days without a purchase: 2026-03-02, 2026-03-05",
        "warning: no training label of longtime_top_category, longtime_leaf_category is known: "
        "all their windows reach the evaluation day; they need --evaluation_date=2026-03-09 or later",
        # From 4 March on 3 days: retention of the first is known, seven days are not.
        "warning: no evaluation label of longtime_top_category, longtime_leaf_category is known: "
        "all their windows end after the log does; they need a log until 2026-03-11",
        *(
            f"warning: {count} for {split}: few positive labels of {intents}, if any"
            for split in ("training", "evaluation")
            for count, intents in (
                ("only 36 purchases", "realtime_purchase, longtime_purchase"),
                ("no carts", "realtime_cart"),
                ("only 4 returns on the next day", "retention"),
                ("no purchases with a top_category", "realtime_top_category"),
                ("only 36 purchases with a leaf_category", "realtime_leaf_category"),
            )
        ),
    ]


def test_the_outlook_is_of_the_intents_that_are_labelled_and_of_the_users_of_a_split(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "browse.jsonl", browse_rows(num_users=10, num_days=3))
    lines = check(capsys, f"--browse={path}", "--labels=dipn", "--evaluation_users=1/5")
    start = next(i for i, line in enumerate(lines) if line.startswith("labels: "))
    # 270 purchases, a fifth of them of evaluation users; of the third day's 24 hours none are in the log.
    assert [line.split() for line in lines[start + 2 : start + 4]] == [
        outlook_line("realtime_purchase", "3 of 3 216", "3 of 3 54"),
        outlook_line("longtime_purchase", "2 of 3 216", "2 of 3 54"),
    ]
    few = "only 54 purchases for evaluation: few positive labels of realtime_purchase, longtime_purchase, if any"
    assert lines[start + 4 :] == [f"warning: {few}"]


def test_returns_are_those_of_the_same_user(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = browse_rows(num_users=2, num_days=4)
    second_day = range(START_MS + DAY_MS, START_MS + 2 * DAY_MS)
    kept = [row for row in rows if row["user_id"] == "u0" or row["timestamp_ms"] not in second_day]
    lines = check(capsys, f"--browse={write(tmp_path / 'browse.jsonl', kept)}", *FLAGS)
    # The day after the third is the evaluation day; the other user stays away on the second.
    assert outlook_line("retention", "2 of 3 2", "0 of 1 0") in [line.split() for line in lines]


def test_a_missing_column_of_json_lines_is_named_with_the_nearest(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"uid": row["user_id"], **{k: v for k, v in row.items() if k != "user_id"}} for row in browse_rows()]
    lines = check(capsys, f"--browse={write(tmp_path / 'browse.jsonl', rows)}", *FLAGS, code=2)
    assert "  bad rows: 576 (missing_key 576)" in lines
    assert "  no column 'user_id', which is needed: is it 'uid'? Name it in --log_config" in lines


@pytest.mark.parametrize(
    ("rows", "flags", "message"),
    [
        (browse_rows(), (), "no split: give --evaluation_date=YYYY-MM-DD"),
        (browse_rows(num_users=1), FLAGS, "one user only"),
        (browse_rows(no_purchases=tuple(range(12))), FLAGS, "no purchase in the browse input"),
        (browse_rows(), ("--evaluation_date=2026-04-01",), "the log covers 2026-03-01 to 2026-03-12"),
        (browse_rows(), (*FLAGS, "--warmup_days=3"), "the train split is empty"),
        (browse_rows(), (*FLAGS, "--last_cutoff_date=2026-03-03"), "the eval split is empty"),
        (browse_rows()[:30] + [{"user_id": 7}] * 20, FLAGS, "input browse: 20 of 50 records are bad (missing_key 20)"),
        ([{"user_id": 7}], (*FLAGS, "--max_bad_fraction=1"), "no accepted record"),
    ],
)
def test_exit_code_2_where_the_job_fails_with_the_same_words(
    rows: list[dict[str, Any]],
    flags: tuple[str, ...],
    message: str,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = write(tmp_path / "browse.jsonl", rows)
    lines = check(capsys, f"--browse={path}", *flags, code=2)
    assert any(line.startswith("the job would fail: ") and message in line for line in lines[:-1])
    assert lines[-1].startswith("error: ") and message in lines[-1]
    assert discretize_events.run([f"--browse={path}", f"--output={tmp_path / 'data'}", *flags]) == 2
    assert message in capsys.readouterr().err


def test_a_sample_is_spread_over_the_files_and_says_so(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = browse_rows(num_users=300)
    for day in range(12):
        of_day = [row for row in rows if (row["timestamp_ms"] - START_MS) // DAY_MS == day]
        write(tmp_path / "browse" / f"{day:02}.jsonl", of_day)
    lines = check(capsys, f"--logs={tmp_path}", *FLAGS, "--validate_rows=24000")
    assert re.fullmatch(r"browse: 2[4-7],\d{3} rows \(a sample of 12 files\)", lines[0])  # an eighth more at most
    assert lines[3] == "  local days: 2026-03-01 to 2026-03-12 (UTC), 12 with rows"
    lines = check(capsys, f"--logs={tmp_path}", *FLAGS, "--validate_rows=4000")  # two files are worth opening
    assert lines[3] == "  local days: 2026-03-01 to 2026-03-07 (UTC), 2 with rows"
    # What a sample of the days cannot know is a warning.
    assert "warning: in the rows read: the newest record is of 2026-03-07, the one before of 2026-03-01" in lines[-1]
    # A whole read of a Parquet file with fewer rows than asked for, in several row groups.
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "all.parquet", row_group_size=5000)
    lines = check(capsys, f"--browse={tmp_path / 'all.parquet'}", *FLAGS)
    assert lines[0] == "browse: 43,200 rows (all rows of 1 files)"


def test_names_of_the_config_are_used_and_beam_is_not_loaded(tmp_path: pathlib.Path) -> None:
    rows = [{"uid": r["user_id"], "timestamp_ms": r["timestamp_ms"], "action": r["action"]} for r in browse_rows()]
    write(tmp_path / "browse.jsonl", rows)
    (tmp_path / "names.toml").write_text("[browse.columns]\nuser_id = 'uid'\npage = 'screen'\n")
    program = (
        "import sys; from beam_pipelines import discretize_events; "
        f"code = discretize_events.run(['--validate_only', '--browse={tmp_path}/browse.jsonl', "
        f"'--log_config={tmp_path}/names.toml', '--evaluation_date=2026-03-09']); "
        "print(code, 'apache_beam' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    lines = result.stdout.splitlines()
    assert lines[-1] == "0 False"
    assert "  users: 4" in lines
    assert "  no column 'screen'" in lines


def test_flags_are_checked(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "browse.jsonl", browse_rows())
    assert "unknown flag --sede" in check(capsys, f"--browse={path}", *FLAGS, "--sede=3", code=2)[-1]
    assert "no input given" in check(capsys, *FLAGS, code=2)[-1]
    check(capsys, f"--browse={path}", *FLAGS, "--direct_num_workers=2")
