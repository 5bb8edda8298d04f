"""The JD importer on sessions made by hand in the published format; above all: nothing of the future enters."""

import datetime
import gzip
import json
import os
import pathlib
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from beam_pipelines.import_logs import __main__ as import_logs
from beam_pipelines.import_logs import jd
from edgedipn_tf import commands
from edgedipn_tf.schema import INTENTS
from tests.beam_pipelines.imported_logs import discretize, judged_intents

NOON_MS = int(datetime.datetime(2001, 1, 1, 12, tzinfo=datetime.UTC).timestamp() * 1000)
# A visit of 60 s: opened from a search, comments read, put into the cart, 60 = 10 + 20 + 30 s of dwell. Then another
# product from the home page, ordered at once.
SESSION = b"501+5+77+10+60 501+6+77+20+60 501+9+77+30+60 502+1+78+5+8 502+10+78+3+8"


def run(input_path: pathlib.Path, output: pathlib.Path) -> int:
    argv = ("--log=jd", f"--input={input_path}", f"--output={output}")
    return commands.run(import_logs.DESCRIPTION, import_logs.define_flags, import_logs.main, argv)


def imported(tmp_path: pathlib.Path, content: bytes, name: str = "mine.txt") -> pathlib.Path:
    (tmp_path / name).write_bytes(content)
    assert run(tmp_path / name, tmp_path / "log") == 0
    return tmp_path / "log"


def rows(output: pathlib.Path, name: str) -> list[dict[str, Any]]:
    parts = sorted((output / name).iterdir()) if (output / name).is_dir() else []
    return [row for part in parts for row in pyarrow.parquet.read_table(part).to_pylist()]


def counts(output: pathlib.Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((output / "log.json").read_text())["counts"]
    return found


def test_items_become_browse_and_tap_rows(tmp_path: pathlib.Path) -> None:
    output = imported(tmp_path, SESSION + b"\n")
    user = jd.user_id(SESSION)
    keys = ("timestamp_ms", "action", "page", "leaf_category", "item_id", "stay_ms")
    assert [tuple(row[key] for key in keys) for row in rows(output, "browse")] == [
        (NOON_MS, "browse", "search", "77", "501", 60_000),
        (NOON_MS + 30_000, "cart", "detail", "77", "501", None),
        (NOON_MS + 60_000, "browse", "home", "78", "502", 8_000),
        (NOON_MS + 65_000, "purchase", None, "78", "502", None),
    ]
    tap = {"timestamp_ms": NOON_MS + 10_000, "event": "button", "page": "detail", "button": "comments"}
    assert rows(output, "tap") == [{"user_id": user, **tap}]
    assert {row["user_id"] for row in rows(output, "browse")} == {user}
    assert all(row["top_category"] is None and row["price"] is None for row in rows(output, "browse"))
    assert {path.name for path in output.iterdir()} == {"browse", "tap", "log.json"}


def test_every_type_has_its_place(tmp_path: pathlib.Path) -> None:
    items = b" ".join(b"9+%d+7+60+60" % kind for kind in range(1, 11))
    output = imported(tmp_path, items)
    browse = [(row["action"], row["page"]) for row in rows(output, "browse")]
    pages = ["home", "list", "sale", "cart", "search"]
    assert browse == [*(("browse", page) for page in pages), ("cart", "detail"), ("purchase", None)]
    assert [row["button"] for row in rows(output, "tap")] == ["comments", "specification", "bottom"]


def test_an_interval_places_the_next_item_and_never_its_own() -> None:
    items = jd.parse_session(b"1+5+7+10+10 2+5+7+20+20 3+5+7+999+5")
    assert ((jd.item_times_ms(items) - NOON_MS) // 1000).tolist() == [0, 10, 30]


def test_stay_times_by_hand() -> None:
    # Intervals: visit one 10 + 20 = 30 s with dwell 30; visit two of the same product 5 s with dwell 6, longer than the
    # visit; visit three 4 s with dwell 3; the last visit has nothing after it.
    items = jd.parse_session(b"1+5+7+10+30 1+4+7+20+30 1+5+7+5+6 2+1+7+4+3 3+2+7+0+9")
    assert jd.stays_ms(items).tolist() == [30_000, 30_000, -1, 3_000, 9_000]


def test_only_openings_have_a_stay_time() -> None:
    items = jd.parse_session(b" ".join(b"9+%d+7+60+60" % kind for kind in range(1, 11)))
    assert (jd.stays_ms(items) >= 0).tolist() == [True] * 5 + [False] * 5


def visible(session: bytes, t0_ms: int) -> list[tuple[int, ...]]:
    """What a model may see at t0: items at or before it, with the stay time once timestamp + stay_ms <= t0."""
    items = jd.parse_session(session)
    times, stays = jd.item_times_ms(items), jd.stays_ms(items)
    shown = np.where((stays >= 0) & (times + stays <= t0_ms), stays, -1)
    columns = (times, items[:, 0], items[:, 1], items[:, 2], shown)
    return [tuple(int(c[k]) for c in columns) for k in np.flatnonzero(times <= t0_ms)]


@pytest.mark.parametrize("seed", range(30))
def test_what_is_seen_does_not_depend_on_what_comes_later(seed: int) -> None:
    random = np.random.default_rng(seed)
    visits = [(int(random.integers(1, 4)), int(random.integers(1, 5))) for _ in range(6)]
    items: list[list[int]] = []
    for sku, length in visits:
        intervals = random.integers(0, 30, length)
        dwell = int(intervals.sum() + random.integers(-20, 40))
        items += [[sku, int(random.integers(1, 11)), 7, int(interval), max(dwell, 0)] for interval in intervals]

    def text(items: list[list[int]]) -> bytes:
        return b" ".join(b"+".join(b"%d" % value for value in item) for item in items)

    times = jd.item_times_ms(jd.parse_session(text(items)))
    for t0_ms in range(NOON_MS, int(times[-1]) + 2000, 1000):
        last = int(np.flatnonzero(times <= t0_ms)[-1])
        # A session that is the same until t0 and another one after it: the item that t0 falls behind has its next item
        # later, nothing else follows but one new visit, and dwells that are not over at t0 are any others.
        start = 0
        changed = [list(item) for item in items[: last + 1]]
        for k in range(last + 1):
            if k and (items[k][0], items[k][4]) != (items[k - 1][0], items[k - 1][4]):
                start = k
            if times[start] + items[k][4] * 1000 > t0_ms:
                changed[k][4] = 10_000 + start
        changed[last][3] = int(t0_ms - times[last]) // 1000 + 1 + seed
        changed.append([99, 5, 7, 1, 1])
        assert visible(text(changed), t0_ms) == visible(text(items), t0_ms)


def test_the_description(tmp_path: pathlib.Path) -> None:
    description = json.loads((imported(tmp_path, SESSION) / "log.json").read_text())
    assert description["name"] == "jd" and description["is_simulated"] is False
    flags = description["suggested_flags"]
    assert "evaluation_date" not in flags and 0 < float(flags["evaluation_users"]) < 1
    assert flags["last_cutoff_date"] == "2001-01-01" and flags["timezone"] == "UTC"
    # One hour after noon lies before the log's end; the last millisecond of the day after it.
    last_ms = NOON_MS + 12 * 3_600_000 - 1
    assert description["log_end_ms"] == last_ms - 1
    log_end = datetime.datetime.fromisoformat(flags["log_end"])
    assert round(log_end.timestamp() * 1000) == description["log_end_ms"]
    assert any("future" in caveat or "passed" in caveat for caveat in description["caveats"])


def test_items_after_the_log_end_are_left_out_and_counted(tmp_path: pathlib.Path) -> None:
    # The second item is 12 h less 1 s after noon, the third at midnight.
    output = imported(tmp_path, b"1+5+7+43199+1 2+5+7+1+1 3+5+7+1+1 3+6+7+1+1")
    assert [row["item_id"] for row in rows(output, "browse")] == ["1", "2"] and not rows(output, "tap")
    assert counts(output)["items_after_log_end"] == 2 and counts(output)["items_read"] == 4


def test_a_session_in_two_files_is_one_user(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    other = b"600+2+70+4+4"
    (folder / "sampleA.txt").write_bytes(SESSION + b"\n" + other + b"\n")
    (folder / "sampleB.txt.gz").write_bytes(gzip.compress(b"  " + SESSION.replace(b" ", b"  ") + b" \r\n"))
    (folder / "FIELDS.md").write_bytes(b"not a log")
    assert run(folder, tmp_path / "log") == 0
    assert counts(tmp_path / "log")["sessions_repeated"] == 1
    assert len(rows(tmp_path / "log", "browse")) == 5
    assert {row["user_id"] for row in rows(tmp_path / "log", "browse")} == {jd.user_id(SESSION), jd.user_id(other)}
    assert set(json.loads((tmp_path / "log" / "log.json").read_text())["source"]) == {"sampleA.txt", "sampleB.txt.gz"}


MALFORMED = (
    b"501+5+77+10",
    b"501+5+77+10+60+1",
    b"501+0+77+10+60",
    b"501+11+77+10+60",
    b"501+5+77+-1+60",
    b"501+5+77+1.5+60",
    b"501+5+77+10+60 rubbish",
    b"501,5,77,10,60",
    b"+++++",
    b"501+5+77+99999999999999999999+60",
    b"99999999999999999999999+5+77+10+60",
    b"\xff\xfe\x00",
    "５+5+77+10+60".encode(),
    b"x" * 100_000,
)


def test_malformed_sessions_are_counted_and_the_others_stay(tmp_path: pathlib.Path) -> None:
    output = imported(tmp_path, b"\n".join(MALFORMED) + b"\n\n \n" + SESSION)
    assert counts(output)["sessions_malformed"] == len(MALFORMED)
    assert counts(output)["sessions_read"] == len(MALFORMED) + 1
    assert len(rows(output, "browse")) == 4


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.txt", b""),
        ("photo.txt", bytes(range(256)) * 100),
        ("cut.txt.gz", gzip.compress(SESSION * 50, mtime=0)[:-20]),
        ("plain.txt.gz", SESSION),
    ],
)
def test_a_file_that_is_no_log_is_one_line_and_publishes_nothing(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    assert run(tmp_path / name, tmp_path / "log") == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and name in errors[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_many_sessions_make_several_parts(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jd, "_SESSIONS_PER_PART", 10)
    output = imported(tmp_path, b"\n".join(b"%d+5+77+1+1" % sku for sku in range(25)))
    assert len(list((output / "browse").iterdir())) == 3
    assert [row["item_id"] for row in rows(output, "browse")] == [str(sku) for sku in range(25)]


def test_the_real_log(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = os.environ.get("EDGEDIPN_DATA")
    folder = pathlib.Path(data or "") / "jd_micro_behaviors"
    if not data or not folder.is_dir():
        pytest.skip("EDGEDIPN_DATA names no folder with jd_micro_behaviors: the real log is not here")
    assert run(folder, tmp_path / "log") == 0
    assert "warning" not in capsys.readouterr().err
    found = counts(tmp_path / "log")
    # 1866 different sessions with 78,040 items, as counted by a plain reading of the two files.
    assert (found["sessions_read"], found["sessions_repeated"], found["items_read"]) == (2000, 134, 78_040)
    assert "sessions_malformed" not in found
    assert found["browse_rows"] + found["tap_rows"] + found["items_after_log_end"] == 78_040
    browse = rows(tmp_path / "log", "browse")
    assert max(row["timestamp_ms"] for row in browse) <= jd.LOG_END_MS
    stays = [row["stay_ms"] for row in browse if row["action"] == "browse"]
    assert 0.8 < np.mean([stay is not None for stay in stays]) < 1


def test_the_job_runs_with_the_suggested_flags(tmp_path: pathlib.Path) -> None:
    sessions = []
    for number in range(40):
        category = number % 4
        items = [f"{number}+5+{category}+20+20", f"{number + 1}+2+{(category + 1) % 4}+30+30"]
        items += [f"{number}+9+{category}+30+30"] * (number % 2) + [f"{number}+10+{category}+9+9"] * (number % 3 == 0)
        sessions.append(" ".join(items))
    output = imported(tmp_path, "\n".join(sessions).encode())
    applicable = {intent.name for intent in INTENTS} - set(jd.NOT_APPLICABLE)
    assert judged_intents(discretize(output)) == applicable
