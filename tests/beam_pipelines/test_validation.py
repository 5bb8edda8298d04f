"""What good values become, by hand, from JSON lines and Parquet."""

import pathlib

import pyarrow as pa

from beam_pipelines.inputs import INPUTS
from tests.beam_pipelines.judged_records import GOOD, MAX_INT64, MAX_MS, MIN_MS, json_content, judge, rows_of


def test_good_records_of_every_input(tmp_path: pathlib.Path) -> None:
    expected = {
        # time, action, names, integers, numbers in the order of the columns
        "swipe": (1_500_000_000_000, 2, "u", "home", 300, None, None, 10, 700.5, 12, 100, 1080, 1920),
        "tap": (1_500_000_000_000, 1, "u", "p", "b"),
        "browse": (1_500_000_000_000, 4, "u", "p", "shoes", "clothes", None, 12_000, 9.5),
        "profile": (0, -1, "u", "3", "f", None, None, None, None),
        "history": (0, 1, "u", 16_404, 2),  # 2014-11-30 is day 16404
    }
    for name, good in GOOD.items():
        for content in (json_content(good), pa.Table.from_pylist([good])):
            batches, rejects = judge(tmp_path, INPUTS[name], content)
            assert not rejects
            assert rows_of(batches)[0][:-1] == expected[name]


def test_bounds_are_inclusive_below_and_exclusive_above(tmp_path: pathlib.Path) -> None:
    times = [MIN_MS, MAX_MS - 1, float(MIN_MS)]
    batches, rejects = judge(
        tmp_path, INPUTS["tap"], json_content(*({**GOOD["tap"], "timestamp_ms": t} for t in times))
    )
    assert not rejects
    assert [row[0] for row in rows_of(batches).values()] == times
    dates = ["1900-01-01", "2199-12-31"]
    batches, rejects = judge(
        tmp_path, INPUTS["history"], json_content(*({**GOOD["history"], "date": d} for d in dates))
    )
    assert not rejects


def test_names_are_text(tmp_path: pathlib.Path) -> None:
    values = [7, 7.0, "7", "7.0", "07", -0.0, 1e17, MAX_INT64, -(2**63), "Ä ", "\U0001f600", "", None, "\u0000"]
    records = [{**GOOD["tap"], "page": value} for value in values]
    batches, rejects = judge(tmp_path, INPUTS["tap"], json_content(*records))
    assert not rejects
    pages = [row[3] for row in rows_of(batches).values()]
    big, least = str(MAX_INT64), str(-(2**63))
    assert pages == [
        "7",
        "7",
        "7",
        "7.0",
        "07",
        "0",
        "1" + "0" * 17,
        big,
        least,
        "Ä ",
        "\U0001f600",
        None,
        None,
        "\u0000",
    ]


def test_tap_events_by_log_id_in_any_writing(tmp_path: pathlib.Path) -> None:
    events = ["page", "button", 2001, 2101, "2001", "2101", 2101.0]
    batches, rejects = judge(tmp_path, INPUTS["tap"], json_content(*({**GOOD["tap"], "event": e} for e in events)))
    assert not rejects
    assert [row[1] for row in rows_of(batches).values()] == [0, 1, 0, 1, 0, 1, 1]


def test_window_of_one_sixteenth_is_one_and_a_null_one_is_fine(tmp_path: pathlib.Path) -> None:
    # float32 rounds 0.062499999999 to 1/16.
    values = [0.0625, 0.062499999999, None, 1, 1e300]
    records = [{**GOOD["swipe"], "window_width": value} for value in values]
    batches, rejects = judge(tmp_path, INPUTS["swipe"], json_content(*records))
    assert not rejects
    assert len(rows_of(batches)) == len(values)
