"""The REES46 importer on rows made by hand in the published form."""

import datetime
import gzip
import pathlib
from typing import Any

import pytest

from beam_pipelines.import_logs import rees46, rows
from edgedipn_tf.schema import INTENTS
from tests.beam_pipelines.imported_logs import describe, discretize, judged_intents, read_input, run_import

HEADER = b"event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
ROWS = (
    b"2019-10-01 00:00:00 UTC,view,101,2053013555631882655,electronics.smartphone,acme,489.07,501,aa-1\n"
    b"2019-10-01 00:00:01 UTC,cart,102,2053013553970938175,,,5.40,501,aa-1\n"
    b"2019-10-01 00:00:02 UTC,remove_from_cart,102,2053013553970938175,,,5.40,501,aa-1\n"
    b"2020-02-29 23:59:59 UTC,purchase,103,2053013555631882656,apparel.shoes.step_ins,b d,0,502,\n"
)


def row(time_ms: int, action: str, item: str, leaf: str, top: str | None, price: float, user: str) -> dict[str, Any]:
    columns = {"user_id": user, "timestamp_ms": time_ms, "action": action, "page": None, "leaf_category": leaf}
    return {**columns, "top_category": top, "item_id": item, "stay_ms": None, "price": price}


EXPECTED = [
    row(1_569_888_000_000, "browse", "101", "2053013555631882655", "electronics", 489.07, "501"),
    row(1_569_888_001_000, "cart", "102", "2053013553970938175", None, 5.4, "501"),
    row(1_583_020_799_000, "purchase", "103", "2053013555631882656", "apparel", 0.0, "502"),
]


def test_rows_become_the_browse_view(tmp_path: pathlib.Path) -> None:
    (tmp_path / "2019-Oct.csv").write_bytes(HEADER + ROWS)
    assert run_import("rees46", tmp_path / "2019-Oct.csv", tmp_path / "log") == 0
    assert read_input(tmp_path / "log") == EXPECTED
    counts = {"rows_read": 4, "rows_malformed": 0, "rows_removed_from_cart": 1, "browse_rows": 3}
    assert describe(tmp_path / "log")["counts"] == counts
    assert {path.name for path in (tmp_path / "log").iterdir()} == {"browse", "log.json"}


def test_a_folder_of_months_plain_and_compressed(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "BLOCK_BYTES", 4096)
    lines = ROWS.splitlines(keepends=True)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "2019-Oct.csv").write_bytes(HEADER + b"".join(lines[:3] * 100))
    (tmp_path / "in" / "2020-Feb.csv.gz").write_bytes(gzip.compress(HEADER.rstrip() + b"\r\n" + lines[3]))
    (tmp_path / "in" / "other.csv").write_bytes(b"not a month")
    assert run_import("rees46", tmp_path / "in", tmp_path / "log") == 0
    assert read_input(tmp_path / "log") == EXPECTED[:2] * 100 + EXPECTED[2:]
    assert len(list((tmp_path / "log" / "browse").iterdir())) > 5  # a part a block
    assert set(describe(tmp_path / "log")["source"]) == {"2019-Oct.csv", "2020-Feb.csv.gz"}
    assert "and 1 more files are not of rees46 as this importer was checked with" in capsys.readouterr().err


MALFORMED = (
    HEADER.rstrip(),  # only the first line may be one
    b"2019-10-01 00:00:00 UTC,view,101,205,,,489.07,501",
    b"2019-10-01 00:00:00 UTC,view,101,205,,,489.07,501,s,1",
    b"2019-10-01 00:00:00,view,101,205,,,489.07,501,s",
    b"2019-10-01T00:00:00 UTC,view,101,205,,,489.07,501,s",
    b"2019-10-01 00:00:00.000 UTC,view,101,205,,,489.07,501,s",
    b"2019-02-30 00:00:00 UTC,view,101,205,,,489.07,501,s",
    b"2019-10-01 24:00:00 UTC,view,101,205,,,489.07,501,s",
    b"2019-10-01 00:00:60 UTC,view,101,205,,,489.07,501,s",
    b",view,101,205,,,489.07,501,s",
    b"2019-10-01 00:00:00 UTC,View,101,205,,,489.07,501,s",
    b"2019-10-01 00:00:00 UTC,,101,205,,,489.07,501,s",
    b"2019-10-01 00:00:00 UTC,view,,205,,,489.07,501,s",
    b"2019-10-01 00:00:00 UTC,view,101,-205,,,489.07,501,s",
    b"2019-10-01 00:00:00 UTC,view,101,205,a\xc3\xa9,,489.07,501,s",
    b"2019-10-01 00:00:00 UTC,view,101,205,,,,501,s",
    b"2019-10-01 00:00:00 UTC,view,101,205,,,-1,501,s",
    b"2019-10-01 00:00:00 UTC,view,101,205,,,nan,501,s",
    b"2019-10-01 00:00:00 UTC,view,101,205,,,489.07,,s",
    b"2019-10-01 00:00:00 UTC,view,101,205,,,489.07,u501,s",
    b'2019-10-01 00:00:00 UTC,view,"101",205,,,489.07,501,s',
    b"\xff\xfe\x00",
    b"x" * 100_000,
)


def test_malformed_rows_are_counted_and_the_others_stay(tmp_path: pathlib.Path) -> None:
    (tmp_path / "2019-Oct.csv").write_bytes(
        HEADER + b"\n".join(MALFORMED) + b"\n\n" + ROWS.replace(b"acme", b"\xff\xc3")
    )
    assert run_import("rees46", tmp_path / "2019-Oct.csv", tmp_path / "log") == 0
    assert read_input(tmp_path / "log") == EXPECTED
    counts = describe(tmp_path / "log")["counts"]
    assert (counts["rows_read"], counts["rows_malformed"]) == (len(MALFORMED) + 4, len(MALFORMED))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("2019-Oct.csv", b"", "no row has the form of rees46"),
        ("2019-Oct.csv", HEADER, "no row has the form of rees46"),
        ("2019-Oct.csv", ROWS, "the first line is not event_time,event_type"),
        ("2019-Oct.csv", bytes(range(256)) * 100, "the first line is not event_time,event_type"),
        ("2019-Oct.csv.gz", gzip.compress((HEADER + ROWS) * 50, mtime=0)[:-20], "2019-Oct.csv.gz is damaged"),
        ("2019-Oct.csv", HEADER + b"x" * 10_000 + b"\n" + ROWS, "2019-Oct.csv is damaged"),  # beyond a block
    ],
)
def test_a_file_that_is_no_log_is_one_line_and_publishes_nothing(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
    message: str,
) -> None:
    monkeypatch.setattr(rows, "BLOCK_BYTES", 4096)
    (tmp_path / name).write_bytes(content)
    assert run_import("rees46", tmp_path / name, tmp_path / "log") == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and name in errors[0] and message in errors[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_suggested_flags_fit_the_days_of_the_log() -> None:
    day = datetime.date(2019, 10, 31).toordinal() - datetime.date(1970, 1, 1).toordinal()
    month = rees46.suggested_flags(day - 30, day)
    # 7 x 24 h after the last millisecond of October 24 is the last one of October 31.
    assert month["evaluation_date"] == month["last_cutoff_date"] == "2019-10-24"
    assert month["log_end"] == "2019-10-31T23:59:59.999+00:00"
    assert rees46.suggested_flags(day - 14, day)["evaluation_date"] == "2019-10-30"
    assert rees46.suggested_flags(day - 1, day) == {
        "timezone": "UTC", "samples_per_user_day": 2, "evaluation_users": "0.2",
    }  # fmt: skip


def generated_rows(num_days: int, num_users: int = 4) -> bytes:
    """Every user looks at a product twice a day, and buys it every third day; its category changes then."""
    lines = []
    for day in range(num_days):
        for user in range(num_users):
            for hour, event in ((9, "view"), (10, "cart" if (day + user) % 2 else "view"), (11, "purchase")):
                if event != "purchase" or (day + user) % 3 == 0:
                    kind = (day // 3 + user) % 5
                    date = datetime.date(2019, 10, 1) + datetime.timedelta(days=day)
                    code = f"{'abcde'[kind]}.shoes"
                    lines.append(f"{date} {hour:02}:00:0{user} UTC,{event},7{kind},9{kind},{code},,1.5,50{user},s\n")
    return "".join(lines).encode()


def test_the_job_runs_with_the_suggested_flags(tmp_path: pathlib.Path) -> None:
    (tmp_path / "2019-Oct.csv").write_bytes(HEADER + generated_rows(17))
    assert run_import("rees46", tmp_path, tmp_path / "log") == 0
    counters = discretize(tmp_path / "log")
    assert counters["inputs"]["browse"]["rejected"] == {}
    assert describe(tmp_path / "log")["intents_not_applicable"] == []
    assert judged_intents(counters) >= {intent.name for intent in INTENTS} - {"retention"}
