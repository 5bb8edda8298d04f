"""Columns of any type, of dates, and of several types at once."""

import datetime
import decimal
import pathlib
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.inputs import INPUTS
from tests.beam_pipelines.judged_records import GOOD, MAX_INT64, NAN, json_content, judge, rows_of


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
