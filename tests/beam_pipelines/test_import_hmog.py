"""The H-MOG importer on touches made by hand in the published form; on real gestures only where they are given."""

import collections
import csv
import gzip
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from beam_pipelines.import_logs import hmog_gestures
from tests.beam_pipelines.imported_logs import describe, discretize, judged_intents, read_input, run_import

START_MS = 1_396_226_213_000
UPTIME_MS = 6_792_000


def activity(number: int, task: int, start: int = 0, end: int = 60_000, subject: int = 7) -> str:
    times = (START_MS + start, START_MS + end, UPTIME_MS + start, UPTIME_MS + end)
    return f"{number},{subject},1,{','.join(map(str, times))},1,{task},1"


def touch(time: int, action: int, x: float, y: float, number: int = 71, fingers: int = 1, orientation: int = 0) -> str:
    times = f"{START_MS + time},{UPTIME_MS + time + (1 if action == 1 else 0)}"
    return f"{times},{number},{fingers},0,{action},{x},{y},0.5,0.02,{orientation}"


def write(folder: pathlib.Path, activities: Sequence[str], touches: Sequence[str], subject: int = 7) -> pathlib.Path:
    session = folder / str(subject) / f"{subject}_session_1"
    session.mkdir(parents=True)
    (session / "Activity.csv").write_text("\n".join(activities) + "\n")
    (session / "TouchEvent.csv").write_text("\n".join(touches) + "\n")
    (session / "Gyroscope.csv").write_text("not read\n")
    return folder


def test_touches_become_the_swipe_view(tmp_path: pathlib.Path) -> None:
    touches = [
        touch(1000, 0, 590.0, 1415.0),
        touch(1100, 2, 600.0, 1300.0),
        touch(1660, 1, 632.0, 1240.0),
        touch(3000, 0, 100.5, 200.0),
        touch(3090, 1, 110.0, 210.0),
        touch(5000, 0, 1800.0, 900.0, number=72, orientation=1),
        touch(5200, 1, 200.0, 900.0, number=72, orientation=1),
        touch(6000, 0, 5.0, 5.0, number=99),
        touch(6900, 1, 5.0, 5.0, number=99),
    ]
    activities = [activity(71, 7), activity(72, 18, 4000, 50_000), activity(72, 18, 4000, 52_000)]
    assert run_import("hmog", write(tmp_path / "in", activities, touches), tmp_path / "log") == 0
    nothing = dict.fromkeys(column for column in read_input(tmp_path / "log", "swipe")[0])

    def row(time: int, action: str, page: str | None, **others: float | None) -> dict[str, Any]:
        return {**nothing, "user_id": "7", "timestamp_ms": START_MS + time, "action": action, "page": page, **others}

    upright = {"window_width": 1080.0, "window_height": 1920.0}
    lying = {"window_width": 1920.0, "window_height": 1080.0}
    swipe = {"start_x": 590.0, "start_y": 1415.0, "end_x": 632.0, "end_y": 1240.0, "duration_ms": 661}
    fling = {"start_x": 1800.0, "start_y": 900.0, "end_x": 200.0, "end_y": 900.0, "duration_ms": 201}
    assert read_input(tmp_path / "log", "swipe") == [
        row(0, "open_page", "ReadSit"),
        row(60_000, "leave_page", "ReadSit"),
        row(4000, "open_page", "MapWalk"),
        row(52_000, "leave_page", "MapWalk"),
        row(1660, "swipe", "ReadSit", **swipe, **upright),
        row(3090, "tap", "ReadSit", x=100.5, y=200.0, duration_ms=91, **upright),
        row(5200, "swipe", "MapWalk", **fling, **lying),
        row(6900, "tap", None, x=5.0, y=5.0, duration_ms=901, **upright),
    ]
    counts = describe(tmp_path / "log")["counts"]
    assert (counts["activities_read"], counts["touches_read"], counts["sessions_read"]) == (3, 9, 1)
    assert counts["gestures_without_activity"] == 1 and counts["swipe_rows"] == 8


def found(actions: str, fingers: str) -> tuple[list[tuple[int, int]], int, int]:
    """Gestures in touch events given by a letter each: D own, U p, m ove."""
    codes = np.array(["DUm".index(letter) for letter in actions], dtype=np.int64)
    zeros = np.zeros(len(codes))
    times = np.arange(len(codes))
    touches = hmog_gestures.Touches(
        times, times, np.array([int(f) for f in fingers], dtype=np.int64), codes, zeros, zeros
    )
    gestures = hmog_gestures.find_gestures(touches)
    pairs = list(zip(gestures.first.tolist(), gestures.last.tolist(), strict=True))
    return pairs, gestures.num_with_more_fingers, gestures.num_incomplete


@pytest.mark.parametrize(
    ("actions", "fingers", "expected"),
    [
        ("", "", ([], 0, 0)),
        ("DU", "11", ([(0, 1)], 0, 0)),
        ("DmmUDU", "111111", ([(0, 3), (4, 5)], 0, 0)),
        ("DmmmUDU", "1122111", ([(5, 6)], 1, 0)),
        ("DmDU", "1111", ([(2, 3)], 0, 1)),  # the first finger's UP is missing
        ("DUDm", "1111", ([(0, 1)], 0, 1)),  # cut at the end
        ("mUDU", "1111", ([(2, 3)], 0, 1)),  # cut at the start
        ("mmU", "111", ([], 0, 1)),
        ("DmmDU", "12211", ([(3, 4)], 1, 0)),
        ("DUmDU", "11111", ([(0, 1), (3, 4)], 0, 0)),  # a stray move
    ],
)
def test_gestures_of_one_finger(actions: str, fingers: str, expected: object) -> None:
    assert found(actions, fingers) == expected


BAD_TOUCHES = (
    "Systime,EventTime,ActivityID,Pointer_count,PointerID,ActionID,X,Y,Pressure,Contact_size,Phone_orientation",
    touch(1, 0, 1, 1) + ",",
    touch(1, 0, 1, 1)[:-2],
    touch(1, 0, 1, 1)[:-1] + "4",
    touch(1, 0, float("nan"), 1),
    touch(1, 0, 1, 1).replace("1396", "-1396"),
    touch(1, 0, 1, 1, number=-3),
)


def test_malformed_rows_are_counted_and_the_others_stay(tmp_path: pathlib.Path) -> None:
    touches = [*BAD_TOUCHES, "", touch(1000, 0, 5e-05, 1), touch(1660, 1, -84.0, 1)]
    activities = ["x", activity(71, 0), activity(71, 25), activity(71, 24)]
    assert run_import("hmog", write(tmp_path / "in", activities, touches), tmp_path / "log") == 0
    rows = read_input(tmp_path / "log", "swipe")
    assert [(r["action"], r["page"], r["end_x"]) for r in rows[2:]] == [("swipe", "MapWalk", -84.0)]
    counts = describe(tmp_path / "log")["counts"]
    assert (counts["touches_malformed"], counts["touches_read"]) == (len(BAD_TOUCHES), len(BAD_TOUCHES) + 2)
    assert (counts["activities_malformed"], counts["activities_read"]) == (3, 4)


def test_what_is_no_session_is_one_line(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "in", [activity(71, 7)], [touch(0, 0, 1, 1)])
    (folder / "7" / "7_session_1" / "Activity.csv").write_text("nothing\n")
    assert run_import("hmog", folder, tmp_path / "log") == 2
    assert "Activity.csv: no row has the form of an activity" in capsys.readouterr().err
    (folder / "7" / "7_session_1" / "Activity.csv").unlink()
    assert run_import("hmog", folder, tmp_path / "log") == 2
    assert "a session needs Activity.csv and TouchEvent.csv" in capsys.readouterr().err
    assert run_import("hmog", tmp_path / "in" / "7" / "7_session_1" / "Gyroscope.csv", tmp_path / "log") == 2
    assert not (tmp_path / "log").exists()


def test_the_job_runs_with_the_suggested_flags(tmp_path: pathlib.Path) -> None:
    for subject in range(1, 9):
        touches = [touch(1000 * k, k % 2, 500, 1000 + 400 * (k % 2)) for k in range(40)]
        write(tmp_path / "in", [activity(71, subject, subject=subject)], touches, subject)
    assert run_import("hmog", tmp_path / "in", tmp_path / "log") == 0
    counters = discretize(tmp_path / "log")
    assert counters["inputs"]["swipe"] == {"read": 176, "accepted": 176, "duplicates": 0, "rejected": {}}
    assert counters["samples"]["train"] > 0 < counters["samples"]["eval"]
    assert len(describe(tmp_path / "log")["intents_not_applicable"]) == 8
    assert judged_intents(counters) == set()


def published_form(tables: pathlib.Path, folder: pathlib.Path) -> list[dict[str, str]]:
    """Writes gestures and activities that others took out of the log in the form of the log; returns the gestures."""
    files: dict[pathlib.Path, list[str]] = collections.defaultdict(list)
    with gzip.open(tables / "activities.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            files[folder / row["sub"] / row["ses"] / "Activity.csv"].append(",".join(list(row.values())[:10]))
    with gzip.open(tables / "gestures_derived.csv.gz", "rt") as file:
        gestures = list(csv.DictReader(file))
    for row in gestures:
        for action, end, x, y in ((0, 0, "x0", "y0"), (1, int(row["dur_ms"]), "x1", "y1")):
            time = int(row["t0"]) + end
            fields = (time, time, row["aid"], 1, 0, action, row[x], row[y], row["pressure"], row["size"], row["orient"])
            files[folder / row["user"] / row["session"] / "TouchEvent.csv"].append(",".join(map(str, fields)))
    for path, lines in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines))
    return gestures


def test_real_gestures(tmp_path: pathlib.Path) -> None:
    data = os.environ.get("EDGEDIPN_DATA")
    tables = pathlib.Path(data or "") / "hmog_touch"
    if not data or not tables.is_dir():
        pytest.skip("EDGEDIPN_DATA names no folder with hmog_touch: the real gestures are not here")
    gestures = published_form(tables, tmp_path / "in")
    assert run_import("hmog", tmp_path / "in", tmp_path / "log") == 0
    rows = [row for row in read_input(tmp_path / "log", "swipe") if row["action"] in ("swipe", "tap")]
    counts = describe(tmp_path / "log")["counts"]
    assert counts["touches_malformed"] == counts["activities_malformed"] == counts["gestures_without_activity"] == 0
    assert collections.Counter(row["action"] for row in rows) == {"swipe": 11_769, "tap": 11_211}
    kinds = {"swipe": "swipe", "tap": "tap", "press": "tap"}
    keys = {(g["user"], int(g["t0"]) + int(g["dur_ms"]), kinds[g["kind"]], g["page"]) for g in gestures}
    assert {(row["user_id"], row["timestamp_ms"], row["action"], row["page"]) for row in rows} == keys
    counters = discretize(tmp_path / "log")
    assert counters["inputs"]["swipe"]["rejected"] == {}
    # Each of the 1,148 activities is opened and left; 62 gestures of activities recorded twice are in the table twice.
    assert counters["inputs"]["swipe"]["duplicates"] == 62
    assert counters["inputs"]["swipe"]["accepted"] == 22_980 - 62 + 2 * 1_148
