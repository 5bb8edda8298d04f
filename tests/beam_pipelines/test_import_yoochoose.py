"""The YOOCHOOSE importer on rows made by hand in the published form."""

import gzip
import pathlib
from typing import Any

import pytest

from beam_pipelines.import_logs import yoochoose
from tests.beam_pipelines.imported_logs import describe, discretize, judged_intents, read_input, run_import

CLICKS = (
    b"1,2014-04-07T10:51:09.277Z,214536502,0\n"
    b"1,2014-04-07T10:54:09.868Z,214536500,S\n"
    b"2,2014-04-07T13:56:37.014Z,214662742,12\n"
    b"2,2014-04-07T13:57:19.373Z,214662743,2088683456\n"
    b"2,2014-04-07T13:58:37.446Z,214662744,13\n"
)
BUYS = b"2,2014-04-07T13:59:58.314Z,214662742,12462,1\n1,2014-04-07T11:00:00.000Z,214536500,0,0\n"
AT_MS = 1_396_867_869_277  # 2014-04-07T10:51:09.277Z


def row(session: str, time_ms: int, action: str, item: int, **others: Any) -> dict[str, Any]:
    columns = dict.fromkeys(("page", "leaf_category", "top_category", "stay_ms", "price")) | others
    return {"user_id": session, "timestamp_ms": time_ms, "action": action, "item_id": str(item), **columns}


EXPECTED = [
    row("1", AT_MS, "browse", 214536502),
    row("1", AT_MS + 180_591, "browse", 214536500, page="special_offer"),
    row("2", AT_MS + 11_127_737, "browse", 214662742, page="category/12", top_category="12"),
    row("2", AT_MS + 11_170_096, "browse", 214662743, page="brand/2088683456"),
    row("2", AT_MS + 11_248_169, "browse", 214662744, page="brand/13"),
    row("2", AT_MS + 11_329_037, "purchase", 214662742, price=12462.0),
    row("1", AT_MS + 530_723, "purchase", 214536500),
]


def write(folder: pathlib.Path, clicks: bytes, buys: bytes) -> pathlib.Path:
    folder.mkdir()
    (folder / "yoochoose-clicks.dat").write_bytes(clicks)
    (folder / "yoochoose-buys.dat.gz").write_bytes(gzip.compress(buys))
    (folder / "yoochoose-test.dat").write_bytes(b"9,2014-04-07T10:51:09.277Z,214536502,0\n")
    return folder


def test_clicks_and_buys_become_the_browse_view(tmp_path: pathlib.Path) -> None:
    assert run_import("yoochoose", write(tmp_path / "in", CLICKS, BUYS), tmp_path / "log") == 0
    assert read_input(tmp_path / "log") == EXPECTED
    assert {path.name for path in (tmp_path / "log").iterdir()} == {"browse", "log.json"}
    counts = {"clicks_read": 5, "clicks_malformed": 0, "buys_read": 2, "buys_malformed": 0, "browse_rows": 7}
    assert describe(tmp_path / "log")["counts"] == counts


BAD_CLICKS = (
    b"session,time,item,category",
    b"1,2014-04-07T10:51:09.277Z,214536502",
    b"1,2014-04-07T10:51:09.277Z,214536502,0,0",
    b"1,2014-04-07 10:51:09.277Z,214536502,0",
    b"1,2014-04-07T10:51:09Z,214536502,0",
    b"1,2014-04-07T10:51:09.277,214536502,0",
    b"1,2014-04-31T10:51:09.277Z,214536502,0",
    b"1,2014-04-07T10:51:60.277Z,214536502,0",
    b",2014-04-07T10:51:09.277Z,214536502,0",
    b"1,2014-04-07T10:51:09.277Z,,0",
    b"1,2014-04-07T10:51:09.277Z,214536502,",
    b"1,2014-04-07T10:51:09.277Z,214536502,s",
    b"1,2014-04-07T10:51:09.277Z,214536502,-1",
    b"\xff",
)
BAD_BUYS = (
    b"1,2014-04-07T11:00:00.000Z,214536500,0",
    b"1,2014-04-07T11:00:00.000Z,214536500,free,1",
    b"1,2014-04-07T11:00:00.000Z,214536500,1,-1",
    b"1,2014-04-07T11:00:00.000Z,214536500,,1",
    b"1,2014-02-29T11:00:00.000Z,214536500,1,1",
)


def test_malformed_rows_are_counted_and_the_others_stay(tmp_path: pathlib.Path) -> None:
    clicks, buys = b"\n".join(BAD_CLICKS) + b"\n\n" + CLICKS, b"\r\n".join(BAD_BUYS) + b"\r\n" + BUYS
    assert run_import("yoochoose", write(tmp_path / "in", clicks, buys), tmp_path / "log") == 0
    assert read_input(tmp_path / "log") == EXPECTED
    counts = describe(tmp_path / "log")["counts"]
    assert (counts["clicks_read"], counts["clicks_malformed"]) == (len(BAD_CLICKS) + 5, len(BAD_CLICKS))
    assert (counts["buys_read"], counts["buys_malformed"]) == (len(BAD_BUYS) + 2, len(BAD_BUYS))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("yoochoose-clicks.dat", "needs one file yoochoose-buys.dat"),
        ("yoochoose-buys.dat", "needs one file yoochoose-clicks.dat"),
        ("clicks.csv", "holds no file named yoochoose-clicks.dat"),
    ],
)
def test_both_files_are_needed(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(BUYS if "buys" in name else CLICKS)
    assert run_import("yoochoose", tmp_path / "in", tmp_path / "log") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "log").exists()


def generated(first_day: int, last_day: int) -> tuple[bytes, bytes]:
    """Three sessions on each day of September: of clicks only, with a purchase soon, with one after hours."""
    clicks, buys = [], []
    for day in range(first_day, last_day + 1):
        for kind in range(3):
            session, date = 10 * day + kind, f"2014-09-{day:02}"
            for minute in (0, 10, 20):
                clicks.append(f"{session},{date}T12:{minute:02}:00.000Z,7{kind},{minute % 12 + 1}")
            if kind:
                buys.append(f"{session},{date}T{12 + 3 * (kind - 1)}:30:00.000Z,70,5,1")
    return "\n".join(clicks).encode(), "\n".join(buys).encode()


def test_the_job_runs_with_the_suggested_flags(tmp_path: pathlib.Path) -> None:
    folder = write(tmp_path / "in", *generated(17, 28))
    assert run_import("yoochoose", folder, tmp_path / "log") == 0
    counters = discretize(tmp_path / "log")
    assert counters["inputs"]["browse"]["rejected"] == {}
    assert set(describe(tmp_path / "log")["intents_not_applicable"]) == set(yoochoose.NOT_APPLICABLE)
    assert judged_intents(counters) == {"realtime_purchase", "longtime_purchase"}
