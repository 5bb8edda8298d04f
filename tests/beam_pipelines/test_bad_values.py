"""One bad value at a time: rejected by hand with its reason, from JSON lines and Parquet."""

import json
import pathlib
from typing import Any

import pyarrow as pa
import pytest

from beam_pipelines.inputs import INPUTS
from beam_pipelines.validation import Reason
from tests.beam_pipelines.judged_records import GOOD, INF, MAX_MS, MIN_MS, NAN, json_content, judge, rows_of

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
