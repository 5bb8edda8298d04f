"""Records accepted or rejected by hand, and the same answers for JSON lines and Parquet."""

import datetime
import decimal
import hashlib
import json
import pathlib
import random
import subprocess
import sys
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines.dead_letters import write_rejects
from beam_pipelines.inputs import INPUTS, Input
from beam_pipelines.reading import find_pieces, read_batches
from beam_pipelines.validation import EventBatch, Reason, Reject, validate

MIN_MS = 946_684_800_000  # 2000-01-01
MAX_MS = 4_102_444_800_000  # 2100-01-01
MAX_INT64 = 2**63 - 1
NAN, INF = float("nan"), float("inf")

GOOD: dict[str, dict[str, Any]] = {
    "swipe": {
        "user_id": "u",
        "timestamp_ms": 1_500_000_000_000,
        "action": "swipe",
        "page": "home",
        "start_x": 10.0,
        "start_y": 700.5,
        "end_x": 12.0,
        "end_y": 100.0,
        "duration_ms": 300,
        "window_width": 1080,
        "window_height": 1920,
    },
    "tap": {"user_id": "u", "timestamp_ms": 1_500_000_000_000, "event": "button", "page": "p", "button": "b"},
    "browse": {
        "user_id": "u",
        "timestamp_ms": 1_500_000_000_000,
        "action": "purchase",
        "page": "p",
        "leaf_category": "shoes",
        "top_category": "clothes",
        "stay_ms": 12_000,
        "price": 9.5,
    },
    "profile": {"user_id": "u", "age_level": "3", "gender": "f"},
    "history": {"user_id": "u", "date": "2014-11-30", "action": "cart", "count": 2},
}


def judge(
    path: pathlib.Path, input: Input, content: bytes | pa.Table, max_rows: int = 65536
) -> tuple[list[EventBatch], list[Reject]]:
    """Writes JSON lines or a Parquet table, reads it back and validates it."""
    if isinstance(content, bytes):
        path = path / "log.jsonl"
        path.write_bytes(content)
    else:
        path = path / "log.parquet"
        pq.write_table(content, path)
    batches, rejects = [], []
    for piece in find_pieces(input, [str(path)]):
        for raw in read_batches(piece, input, max_rows):
            batch, some = validate(raw, input, MIN_MS, MAX_MS)
            batches.append(batch)
            rejects.extend(some)
    return batches, rejects


def json_content(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def rows_of(batches: list[EventBatch]) -> dict[int, tuple[Any, ...]]:
    """Decodes batches: record number -> (time, action, *columns), None for null."""
    rows = {}
    for batch in batches:
        columns: list[list[Any]] = [batch.timestamp_ms.tolist(), batch.action.tolist()]
        for names in batch.names.values():
            assert sorted(set(names.codes.tolist()) - {-1}) == list(range(len(names.values)))  # none unused
            assert len(set(names.values)) == len(names.values)
            columns.append([None if code < 0 else names.values[code] for code in names.codes])
        for integers in batch.integers.values():
            pairs = zip(integers.values.tolist(), integers.is_null.tolist(), strict=True)
            columns.append([None if is_null else value for value, is_null in pairs])
        for numbers in batch.numbers.values():
            columns.append([None if value != value else value for value in numbers.tolist()])
        columns.append(batch.row_hashes.tolist())
        rows.update(zip(batch.record_numbers.tolist(), zip(*columns, strict=True), strict=True))
    return rows


# One bad value at a time.

BAD: list[tuple[str, dict[str, Any], str]] = [
    # missing_key: absent (see below), null or empty
    ("swipe", {"user_id": None}, "missing_key"),
    ("swipe", {"user_id": ""}, "missing_key"),
    ("swipe", {"timestamp_ms": None}, "missing_key"),
    ("swipe", {"timestamp_ms": ""}, "missing_key"),
    ("swipe", {"action": None}, "missing_key"),
    ("tap", {"event": ""}, "missing_key"),
    ("profile", {"user_id": ""}, "missing_key"),
    ("history", {"date": None}, "missing_key"),
    ("history", {"date": ""}, "missing_key"),
    ("history", {"count": ""}, "wrong_type"),
    # wrong_type
    ("swipe", {"user_id": True}, "wrong_type"),
    ("swipe", {"user_id": 1.5}, "wrong_type"),
    ("swipe", {"user_id": 1e19}, "wrong_type"),
    ("swipe", {"user_id": 2.0**63}, "wrong_type"),
    ("swipe", {"user_id": ["u"]}, "wrong_type"),
    ("swipe", {"user_id": {"id": "u"}}, "wrong_type"),
    ("swipe", {"page": False}, "wrong_type"),
    ("swipe", {"action": True}, "wrong_type"),
    ("swipe", {"action": 1.5}, "wrong_type"),
    ("swipe", {"timestamp_ms": "1500000000000"}, "wrong_type"),
    ("swipe", {"timestamp_ms": True}, "wrong_type"),
    ("swipe", {"timestamp_ms": [1]}, "wrong_type"),
    ("swipe", {"x": "12"}, "wrong_type"),
    ("swipe", {"x": ""}, "wrong_type"),
    ("swipe", {"x": True}, "wrong_type"),
    ("swipe", {"x": [1.0]}, "wrong_type"),
    ("swipe", {"duration_ms": 0.5}, "wrong_type"),
    ("swipe", {"duration_ms": "5"}, "wrong_type"),
    ("swipe", {"duration_ms": 1e30}, "wrong_type"),
    ("swipe", {"duration_ms": 2.0**63}, "wrong_type"),
    ("swipe", {"window_width": "1080"}, "wrong_type"),
    ("browse", {"stay_ms": False}, "wrong_type"),
    ("browse", {"price": "9.5"}, "wrong_type"),
    ("history", {"count": -1}, "wrong_type"),
    ("history", {"count": -1.0}, "wrong_type"),
    ("history", {"count": 1.5}, "wrong_type"),
    ("history", {"date": "2014-02-30"}, "bad_time"),
    ("history", {"date": "20141130"}, "bad_time"),
    ("history", {"date": "2014-W48-1"}, "bad_time"),
    ("history", {"date": "2014-11-3\u0663"}, "bad_time"),
    ("history", {"date": "2014-11-30 "}, "bad_time"),
    ("history", {"date": 20141130}, "wrong_type"),
    # bad_time
    ("swipe", {"timestamp_ms": MIN_MS - 1}, "bad_time"),
    ("swipe", {"timestamp_ms": MAX_MS}, "bad_time"),
    ("swipe", {"timestamp_ms": float(MAX_MS)}, "bad_time"),
    ("swipe", {"timestamp_ms": -1}, "bad_time"),
    ("swipe", {"timestamp_ms": 1_500_000_000_000.5}, "bad_time"),
    ("swipe", {"timestamp_ms": 1e30}, "bad_time"),
    ("swipe", {"timestamp_ms": 2.0**63}, "bad_time"),
    ("history", {"date": "1899-12-31"}, "bad_time"),
    ("history", {"date": "2200-01-01"}, "bad_time"),
    # non_finite
    ("swipe", {"user_id": NAN}, "non_finite"),
    ("swipe", {"page": INF}, "wrong_type"),
    ("swipe", {"timestamp_ms": NAN}, "non_finite"),
    ("swipe", {"timestamp_ms": -INF}, "bad_time"),
    ("swipe", {"action": NAN}, "non_finite"),
    ("swipe", {"x": NAN}, "non_finite"),
    ("swipe", {"end_y": -INF}, "non_finite"),
    ("swipe", {"duration_ms": INF}, "wrong_type"),
    ("swipe", {"window_width": NAN}, "non_finite"),
    # unknown_action: lists are closed and case matters
    ("swipe", {"action": "Swipe"}, "unknown_action"),
    ("swipe", {"action": "browse"}, "unknown_action"),
    ("swipe", {"action": 0}, "unknown_action"),
    ("tap", {"event": 2002}, "unknown_action"),
    ("tap", {"event": "2001.0"}, "unknown_action"),
    ("browse", {"action": " cart"}, "unknown_action"),
    ("history", {"action": "browse"}, "unknown_action"),
    # bad_window: floor(16 * v) is 0 below one sixteenth
    ("swipe", {"window_width": 0}, "bad_window"),
    ("swipe", {"window_height": 0.0624}, "bad_window"),
    ("swipe", {"window_height": -1920.0}, "bad_window"),
    ("swipe", {"window_width": -1e300}, "bad_window"),
    # the first listed reason that any column gives
    ("swipe", {"user_id": "", "timestamp_ms": "1", "x": NAN, "action": "?", "window_width": 0}, "missing_key"),
    ("swipe", {"timestamp_ms": 1, "page": True, "x": NAN, "action": "?", "window_width": 0}, "wrong_type"),
    ("swipe", {"timestamp_ms": 1, "x": NAN, "action": "?", "window_width": 0}, "bad_time"),
    ("swipe", {"x": NAN, "action": "?", "window_width": 0}, "non_finite"),
    ("swipe", {"action": "?", "window_width": 0}, "unknown_action"),
]


@pytest.mark.parametrize(("name", "change", "reason"), BAD)
def test_bad_value_is_rejected_with_its_reason(
    tmp_path: pathlib.Path, name: str, change: dict[str, Any], reason: str
) -> None:
    record = {**GOOD[name], **change}
    for content in (json_content(record), pa.Table.from_pylist([record])):
        batches, rejects = judge(tmp_path, INPUTS[name], content)
        assert [(r.input_name, r.file_index, r.record_number, r.reason) for r in rejects] == [(name, 0, 0, reason)]
        assert [len(batch) for batch in batches] == [0]
        assert b"user_id" in rejects[0].raw


def test_bad_value_spoils_only_its_own_row(tmp_path: pathlib.Path) -> None:
    for name, change, reason in BAD:
        good = GOOD[name]
        batches, rejects = judge(tmp_path, INPUTS[name], json_content(good, {**good, **change}, good))
        assert [(r.record_number, r.reason) for r in rejects] == [(1, reason)]
        assert list(rows_of(batches)) == [0, 2]


def test_absent_keys_are_missing_and_other_absent_columns_null(tmp_path: pathlib.Path) -> None:
    for name, good in GOOD.items():
        input = INPUTS[name]
        required = {column.name for column in input.columns if column.is_required}
        records = [{key: value for key, value in good.items() if key != absent} for absent in required]
        _, rejects = judge(tmp_path, input, json_content(*records, {}))
        assert [r.reason for r in rejects] == [Reason.MISSING_KEY] * (len(required) + 1)
        batches, rejects = judge(tmp_path, input, json_content({key: good[key] for key in required}))
        assert not rejects
        row = rows_of(batches)[0]
        assert sum(value is None for value in row) == len(input.columns) - len(required)


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("1" * 5000, "user_id", "wrong_type"),
        ("1" * 5000, "timestamp_ms", "bad_time"),
        ("-" + "1" * 5000, "duration_ms", "wrong_type"),
        ("1e999", "x", "non_finite"),
        ("1e999", "user_id", "wrong_type"),
        ("1e999", "timestamp_ms", "bad_time"),
        (str(2**63), "page", "wrong_type"),
        (str(-(2**63) - 1), "duration_ms", "wrong_type"),
        (r'"\ud800"', "page", "wrong_type"),
        (r'"a\udfffb"', "user_id", "wrong_type"),
        (r'"\ud800"', "action", "wrong_type"),
        ("[" * 90 + "]" * 90, "page", "wrong_type"),
    ],
)
def test_bad_value_that_only_json_can_write(tmp_path: pathlib.Path, text: str, column: str, reason: str) -> None:
    line = json.dumps({**GOOD["swipe"], column: "HERE"}).replace('"HERE"', text).encode()
    good = json_content(GOOD["swipe"])
    batches, rejects = judge(tmp_path, INPUTS["swipe"], good + line + b"\n" + good)
    assert [(r.record_number, r.reason) for r in rejects] == [(1, reason)]
    assert list(rows_of(batches)) == [0, 2]


def test_bad_lines_come_with_bad_records_in_order_and_raw_bytes_are_cut(tmp_path: pathlib.Path) -> None:
    good, long = json_content(GOOD["tap"]), json_content({**GOOD["tap"], "event": "?" * 9000})
    content = good + b"\xff{\n" + long + b"\n" + b"x" * (1 << 20) + b"x\n" + good
    batches, rejects = judge(tmp_path, INPUTS["tap"], content)
    assert [(r.record_number, r.reason) for r in rejects] == [(1, "unparsable"), (2, "unknown_action"), (4, "too_long")]
    assert rejects[0].raw == b"\xff{"
    assert rejects[1].raw == long[:4096]
    assert rejects[2].raw == b"x" * 4096
    assert list(rows_of(batches)) == [0, 5]
    _, rejects = judge(tmp_path, INPUTS["tap"], b"oops\n")  # no record at all
    assert [r.reason for r in rejects] == ["unparsable"]


# What good values become.


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


@pytest.mark.parametrize(
    ("column", "array", "expected"),
    [
        ("x", pa.array([1], pa.uint8()), 1.0),
        ("x", pa.array([-5], pa.int16()), -5.0),
        ("x", pa.array([2**64 - 1], pa.uint64()), 2.0**64),
        ("x", pa.array([2**53 + 1], pa.int64()), 2.0**53),
        ("x", pa.array([0.5], pa.float16()), 0.5),
        ("x", pa.array([0.1], pa.float32()), float(np.float32(0.1))),
        ("x", pa.array([decimal.Decimal("12.10")], pa.decimal128(10, 2)), 12.1),
        ("x", pa.array([decimal.Decimal(10) ** 60], pa.decimal256(70, 2)), 1e60),
        ("x", pa.array([7.5]).dictionary_encode(), 7.5),
        ("x", pa.nulls(1), None),
        ("x", pa.array([True]), "wrong_type"),
        ("x", pa.array(["1"]).dictionary_encode(), "wrong_type"),
        ("x", pa.array([datetime.date(2014, 1, 1)]), "wrong_type"),
        ("x", pa.array([None], pa.list_(pa.int8())), None),
        ("duration_ms", pa.array([2**63], pa.uint64()), "wrong_type"),
        ("duration_ms", pa.array([MAX_INT64], pa.uint64()), MAX_INT64),
        ("duration_ms", pa.array([9.0], pa.float32()), 9),
        ("duration_ms", pa.array([decimal.Decimal("9.00")], pa.decimal128(10, 2)), 9),
        ("duration_ms", pa.array([decimal.Decimal("9.01")], pa.decimal128(10, 2)), "wrong_type"),
        ("duration_ms", pa.array([decimal.Decimal(10) ** 30], pa.decimal128(38, 0)), "wrong_type"),
        ("duration_ms", pa.array([5], pa.duration("ms")), "wrong_type"),
        ("timestamp_ms", pa.array([decimal.Decimal("1500000000000.5")], pa.decimal128(20, 1)), "bad_time"),
        ("timestamp_ms", pa.array([2**63], pa.uint64()), "bad_time"),
        ("timestamp_ms", pa.array([None], pa.string()), "missing_key"),
        ("page", pa.array(["ä"], pa.large_string()), "ä"),
        ("page", pa.array(["ä"], pa.string_view()), "ä"),
        ("page", pa.array(["ä"]).dictionary_encode(), "ä"),
        ("page", pa.array(["ä"]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.large_string())), "ä"),
        ("page", pa.array([b"\xc3\xa4"], pa.binary()), "ä"),
        ("page", pa.array([b"\xc3"], pa.binary()), "wrong_type"),
        ("page", pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xc3"]).buffers()), "wrong_type"),
        ("page", pa.array([b""], pa.binary()), None),
        ("page", pa.array([b"ab"], pa.binary(2)), "wrong_type"),
        ("page", pa.array([7], pa.uint32()), "7"),
        ("page", pa.array([7], pa.int64()).dictionary_encode(), "7"),
        ("page", pa.array([7.0], pa.float32()), "7"),
        ("page", pa.array([7.0], pa.float16()), "7"),
        ("page", pa.array([2**63], pa.uint64()), "wrong_type"),
        ("page", pa.array([decimal.Decimal("7.00")], pa.decimal128(10, 2)), "7"),
        ("page", pa.array([decimal.Decimal("7.50")], pa.decimal128(10, 2)), "wrong_type"),
        ("page", pa.array([datetime.datetime(2014, 1, 1)], pa.timestamp("us")), "wrong_type"),
        ("page", pa.nulls(1), None),
    ],
)
def test_arrow_types(tmp_path: pathlib.Path, column: str, array: Any, expected: Any) -> None:
    good = pa.Table.from_pylist([{**{c.name: None for c in INPUTS["swipe"].columns}, **GOOD["swipe"]}])
    table = good.set_column(good.column_names.index(column), column, array)
    batches, rejects = judge(tmp_path, INPUTS["swipe"], table)
    if rejects:
        assert [r.reason for r in rejects] == [expected]
        assert isinstance(rejects[0].raw, bytes)
        return
    position = {"page": 3, "duration_ms": 4, "x": 5}[column]
    assert rows_of(batches)[0][position] == expected


def test_date_types(tmp_path: pathlib.Path) -> None:
    days = [datetime.date(2014, 11, 30), datetime.date(1899, 12, 31), datetime.date(2200, 1, 1), None]
    for type_ in (pa.date32(), pa.date64()):
        columns = {"user_id": ["u"] * 4, "date": pa.array(days, type_), "action": ["cart"] * 4, "count": [1] * 4}
        batches, rejects = judge(tmp_path, INPUTS["history"], pa.table(columns))
        assert [row[3] for row in rows_of(batches).values()] == [16_404]
        assert [r.reason for r in rejects] == ["bad_time", "bad_time", "missing_key"]
    far = pa.array([2_000_000_000], pa.int32()).cast(pa.date32())  # Python has no such year
    columns = {"user_id": ["u"], "date": far, "action": ["cart"], "count": [1]}
    _, rejects = judge(tmp_path, INPUTS["history"], pa.table(columns))
    assert [(r.reason, b"unreadable date32" in r.raw) for r in rejects] == [("bad_time", True)]


def test_values_of_several_types_in_one_column(tmp_path: pathlib.Path) -> None:
    values = [1, 1.0, True, "1", None, 1.5, [1], {"a": 1}, NAN, 10**400, 2**63]
    records = [{**GOOD["swipe"], "page": v, "x": v, "duration_ms": v} for v in values]
    expected = [(), (), "wrong_type", "wrong_type", (), *["wrong_type"] * 3, "non_finite", "wrong_type", "wrong_type"]
    batches, rejects = judge(tmp_path, INPUTS["swipe"], json_content(*records))
    assert {r.record_number: str(r.reason) for r in rejects} == {n: e for n, e in enumerate(expected) if e}
    rows = rows_of(batches)
    assert [(row[3], row[4], row[5]) for row in rows.values()] == [("1", 1, 1.0), ("1", 1, 1.0), (None, None, None)]


def test_an_integer_of_any_size_is_a_finite_number_and_a_missing_count_is_null(tmp_path: pathlib.Path) -> None:
    records = [{**GOOD["swipe"], "x": 10**400}, {**GOOD["swipe"], "x": -(10**400)}]
    batches, rejects = judge(tmp_path, INPUTS["swipe"], json_content(*records))
    assert not rejects
    assert batches[0].numbers["x"].tolist() == [1.7976931348623157e308, -1.7976931348623157e308]
    batches, rejects = judge(tmp_path, INPUTS["history"], json_content({**GOOD["history"], "count": None}))
    assert not rejects
    assert batches[0].integers["count"].is_null.tolist() == [True]
    assert batches[0].integers["count"].values.tolist() == [0]


# Hashes.


def mix_one(state: int) -> int:
    """Splitmix64 in plain integers."""
    z = (state + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def blake(text: str) -> int:
    return int(hashlib.blake2b(text.encode(), digest_size=8).hexdigest(), 16)


HASH_CODE = """
import pathlib, sys
sys.path.insert(0, ".")
from tests.beam_pipelines.test_validation import *
import tempfile
with tempfile.TemporaryDirectory() as folder:
    for name, good in GOOD.items():
        print(judge(pathlib.Path(folder), INPUTS[name], json_content(good))[0][0].row_hashes[0])
"""


def test_hashes_are_the_same_in_another_process(tmp_path: pathlib.Path) -> None:
    here = [judge(tmp_path, INPUTS[name], json_content(good))[0][0].row_hashes[0] for name, good in GOOD.items()]
    environment = {"PYTHONHASHSEED": "7"}
    output = subprocess.run([sys.executable, "-c", HASH_CODE], capture_output=True, env=environment, check=True).stdout
    assert [int(line) for line in output.split()] == [int(h) for h in here]


def test_hash_is_the_chain_of_the_columns(tmp_path: pathlib.Path) -> None:
    batches, _ = judge(tmp_path, INPUTS["history"], json_content(GOOD["history"]))
    state = blake("history")
    for bits in (blake("u"), 16_404, 1, 2):  # user, 2014-11-30, cart, count
        state = mix_one(state ^ bits)
    assert batches[0].row_hashes.tolist() == [state]


def test_equal_records_have_equal_hashes(tmp_path: pathlib.Path) -> None:
    base = {**GOOD["swipe"], "user_id": 7, "x": 0.0, "duration_ms": 300, "page": None}
    same = [{"user_id": "7"}, {"user_id": 7.0}, {"x": -0.0}, {"x": 0}, {"duration_ms": 300.0}, {"page": ""}, {"z": 1}]
    records = [base, *({**base, **change} for change in same), {k: v for k, v in base.items() if v is not None}]
    hashes = judge(tmp_path, INPUTS["swipe"], json_content(*records))[0][0].row_hashes
    assert len(hashes) == len(records)
    assert len(set(hashes.tolist())) == 1


def test_different_records_have_different_hashes(tmp_path: pathlib.Path) -> None:
    base = {**GOOD["swipe"], "x": None, "y": None, "page": None}
    changes: list[dict[str, Any]] = [{}, {"page": "0"}, {"x": 0}, {"y": 0}, {"duration_ms": None}, {"duration_ms": 0}]
    changes += [{"x": i, "y": j, "duration_ms": k} for i in range(1, 20) for j in range(20) for k in range(50)]
    changes += [{"page": str(i)} for i in range(1, 1000)]
    batches, rejects = judge(tmp_path, INPUTS["swipe"], json_content(*({**base, **change} for change in changes)))
    assert not rejects
    hashes = np.concatenate([batch.row_hashes for batch in batches])
    assert len(np.unique(hashes)) == len(changes)


# JSON lines and Parquet agree.

TEXTS = st.one_of(st.none(), st.sampled_from(["", "u", "7", "swipe", "page", "2001", "cart", "2014-11-30", "1.5", "ä"]))
INTEGERS = st.one_of(
    st.none(),
    st.sampled_from([0, 7, 2001, -1, MAX_INT64, -(2**63), 2**53 + 1, MIN_MS - 1, MIN_MS, MAX_MS, 1_500_000_000_000]),
)
FLOATS = st.one_of(
    st.none(),
    st.sampled_from(
        [0.0, -0.0, 7.0, 0.5, 0.06, NAN, INF, -INF, 1e300, 5e-324, 2.0**63, -(2.0**63), 1.5e12, float(MAX_MS)]
    ),
    st.floats(width=64),
)
BOOLEANS = st.sampled_from([None, True, False])
LISTS = st.sampled_from([None, [], [1]])
TYPES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (pa.string(), TEXTS),
    (pa.int64(), INTEGERS),
    (pa.float64(), FLOATS),
    (pa.bool_(), BOOLEANS),
    (pa.list_(pa.int64()), LISTS),
    (pa.dictionary(pa.int32(), pa.string()), TEXTS),
]


@st.composite
def columns_of_records(draw: st.DrawFn) -> tuple[Input, dict[str, Any]]:
    """Draws an input and a table of good rows for it, in which up to three columns hold odd values of some type."""
    name = draw(st.sampled_from(sorted(GOOD)))
    size = draw(st.integers(1, 12))
    names = [column.name for column in INPUTS[name].columns]
    odd = draw(st.sets(st.sampled_from(names), max_size=3))
    columns = {}
    for column in names:
        good = GOOD[name].get(column)
        columns[column] = pa.array([good] * size)
        if column in odd:
            type_, values = draw(st.sampled_from(TYPES))
            values = st.one_of(st.just(good), values) if columns[column].type == type_ else values
            columns[column] = pa.array([draw(values) for _ in range(size)], type_)
    return INPUTS[name], columns


@hypothesis.settings(
    max_examples=120, deadline=None, suppress_health_check=list(hypothesis.HealthCheck), derandomize=True
)
@hypothesis.given(columns_of_records(), st.integers(1, 5))
def test_parquet_and_json_lines_agree(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[Input, dict[str, Any]], max_rows: int
) -> None:
    input, columns = drawn
    folder = tmp_path_factory.mktemp("agree")
    table = pa.table(columns)
    from_parquet = judge(folder, input, table)
    from_json = judge(folder, input, json_content(*table.to_pylist()), max_rows)
    assert [(r.record_number, r.reason) for r in from_parquet[1]] == [(r.record_number, r.reason) for r in from_json[1]]
    assert rows_of(from_parquet[0]) == rows_of(from_json[0])


def test_parquet_and_json_lines_agree_on_many_rows(tmp_path: pathlib.Path) -> None:
    generator = random.Random(3)
    records = []
    for i in range(4000):
        record = {**GOOD["swipe"], "user_id": f"u{generator.randrange(300)}", "timestamp_ms": MIN_MS + i}
        record |= {"x": generator.choice([None, generator.random() * 1000]), "page": f"p{generator.randrange(20)}"}
        record |= generator.choice([{}] * 20 + [{"page": None}, {"action": "?"}, {"x": NAN}, {"window_width": -1}])
        records.append(record)
    from_parquet = judge(tmp_path, INPUTS["swipe"], pa.Table.from_pylist(records), 700)
    from_json = judge(tmp_path, INPUTS["swipe"], json_content(*records), 900)
    assert 300 < len(from_parquet[1]) < 900
    assert [(r.record_number, r.reason) for r in from_parquet[1]] == [(r.record_number, r.reason) for r in from_json[1]]
    assert rows_of(from_parquet[0]) == rows_of(from_json[0])


def test_mutated_lines_are_each_accepted_or_rejected(tmp_path: pathlib.Path) -> None:
    generator = random.Random(11)
    tokens = [
        b"NaN",
        b"1e999",
        b"null",
        b"[[",
        b"]]",
        b"{",
        b"}",
        b'"',
        b"\\",
        b"\\ud800",
        b"\xff",
        b"\xf0\x9f",
        b"\x00",
    ]
    tokens += [b"\r", b"-", b".", b"e", b"9" * 4500, b"[" * 2000, b"true", b",", b":", b" ", b"\xef\xbb\xbf", b"0"]
    for name, good in GOOD.items():
        lines = []
        for _ in range(1500):
            line = bytearray(json.dumps(good).encode())
            for _ in range(generator.randint(0, 3)):
                start = generator.randrange(len(line) + 1)
                line[start : start + generator.randint(0, 6)] = generator.choice([b"", *tokens])
            lines.append(bytes(line))
        assert not any(b"\n" in line for line in lines)
        batches, rejects = judge(tmp_path, INPUTS[name], b"\n".join(lines), 64)
        num_accepted = sum(len(batch) for batch in batches)
        num_blank = sum(not line.strip(b" \t\r") for line in lines)
        assert num_accepted + len(rejects) + num_blank == len(lines)
        assert num_accepted > 200
        assert len({reject.reason for reject in rejects}) >= 3
        seen = sorted([*rows_of(batches), *(reject.record_number for reject in rejects)])
        assert seen == [number for number, line in enumerate(lines) if line.strip(b" \t\r")]


# Dead letters.


def test_dead_letters_hold_every_reject(tmp_path: pathlib.Path) -> None:
    content = json_content({**GOOD["tap"], "event": "?"}) + b"\xff\n"
    _, rejects = judge(tmp_path, INPUTS["tap"], content)
    assert write_rejects(tmp_path / "rejects.parquet", iter(rejects)) == 2
    table = pq.read_table(tmp_path / "rejects.parquet")
    assert table.column_names == ["input", "file", "position", "reason", "raw"]
    path = str(tmp_path / "log.jsonl")
    assert table.to_pylist() == [
        {"input": "tap", "file": path, "position": 0, "reason": "unknown_action", "raw": content.split(b"\n")[0]},
        {"input": "tap", "file": path, "position": 1, "reason": "unparsable", "raw": b"\xff"},
    ]


def test_no_reject_gives_an_empty_table_and_many_are_written_in_parts(tmp_path: pathlib.Path) -> None:
    assert write_rejects(tmp_path / "none.parquet", []) == 0
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0
    reject = Reject("tap", "/logs/\udcff.json", 0, 3, Reason.BAD_TIME, b"{}")
    assert write_rejects(tmp_path / "many.parquet", (reject for _ in range(10_000))) == 10_000
    table = pq.read_table(tmp_path / "many.parquet")
    assert table.num_rows == 10_000
    assert table["file"][0].as_py() == "/logs/\\xff.json"
