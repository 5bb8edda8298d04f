"""Raw records judged by the reference: each reason of the closed list, and the first of several."""

from typing import Any

import pytest

from tests.reference import raw_records

GOOD = {
    "swipe": {"user_id": "u", "timestamp_ms": 1_500_000_000_000, "action": "swipe"},
    "tap": {"user_id": "u", "timestamp_ms": 1_500_000_000_000, "event": 2001},
    "browse": {"user_id": 7, "timestamp_ms": 1.5e12, "action": "browse", "stay_ms": 3.0, "price": 1.25, "extra": [[]]},
    "profile": {"user_id": "u", "gender": 2.0},
    "history": {"user_id": "u", "date": "2024-02-29", "action": "cart", "count": 0},
}
COLUMNS = raw_records.readers(946_684_800_000, 4_102_444_800_000)


def judged(name: str, **changes: Any) -> Any:
    try:
        return raw_records.judge({**GOOD[name], **changes}, COLUMNS[name])
    except raw_records.Bad as bad:
        return bad.args[0]


@pytest.mark.parametrize("name", GOOD)
def test_good_records(name: str) -> None:
    assert set(judged(name)) == set(COLUMNS[name])


def test_names_are_text() -> None:
    assert [judged("browse", user_id=user)["user_id"] for user in (7, 7.0, "7", "7.0", " 7")] == [
        "7", "7", "7", "7.0", " 7",
    ]  # fmt: skip
    assert judged("browse", page="")["page"] is None


@pytest.mark.parametrize(
    ("reason", "name", "changes"),
    [
        ("missing_key", "browse", {"user_id": ""}),
        ("missing_key", "browse", {"user_id": None}),
        ("missing_key", "browse", {"timestamp_ms": None}),
        ("missing_key", "tap", {"event": None}),
        ("missing_key", "history", {"date": ""}),
        ("missing_key", "browse", {"user_id": None, "stay_ms": True, "timestamp_ms": 0}),
        ("wrong_type", "browse", {"user_id": True}),
        ("wrong_type", "browse", {"user_id": 7.5}),
        ("wrong_type", "browse", {"page": 1 << 63}),
        ("wrong_type", "browse", {"page": ["p"]}),
        ("wrong_type", "browse", {"stay_ms": "5"}),
        ("wrong_type", "browse", {"stay_ms": 0.5}),
        ("wrong_type", "browse", {"stay_ms": 1 << 63}),
        ("wrong_type", "browse", {"timestamp_ms": "1500000000000"}),
        ("wrong_type", "browse", {"timestamp_ms": True}),
        ("wrong_type", "browse", {"price": False}),
        ("wrong_type", "swipe", {"x": "1"}),
        ("wrong_type", "history", {"count": -1}),
        ("wrong_type", "browse", {"stay_ms": 0.5, "timestamp_ms": 0, "action": "?"}),
        ("bad_time", "browse", {"timestamp_ms": 946_684_799_999}),
        ("bad_time", "browse", {"timestamp_ms": 4_102_444_800_000}),
        ("bad_time", "browse", {"timestamp_ms": 1.5e12 + 0.5}),
        ("bad_time", "browse", {"timestamp_ms": 1e300}),
        ("bad_time", "browse", {"timestamp_ms": 0, "price": float("nan")}),
        ("bad_time", "history", {"date": "2023-02-29"}),
        ("non_finite", "browse", {"price": float("inf"), "action": "?"}),
        ("non_finite", "swipe", {"x": float("nan"), "window_width": 0}),
        ("unknown_action", "browse", {"action": "Browse"}),
        ("unknown_action", "tap", {"event": 2002}),
        ("unknown_action", "swipe", {"action": "?", "window_width": 0}),
        ("bad_window", "swipe", {"window_width": 0}),
        ("bad_window", "swipe", {"window_height": 0.0624}),
    ],
)
def test_the_first_listed_reason(reason: str, name: str, changes: dict[str, Any]) -> None:
    assert judged(name, **changes) == reason


def test_bounds_and_least_sizes_are_good() -> None:
    assert judged("browse", timestamp_ms=946_684_800_000)["timestamp_ms"] == 946_684_800_000
    assert judged("browse", timestamp_ms=4_102_444_799_999)["timestamp_ms"] == 4_102_444_799_999
    assert judged("swipe", window_width=0.0625, x=1e300)["window_width"] == 0.0625


def test_lines() -> None:
    good = b'{"user_id":"u","timestamp_ms":1500000000000,"action":"cart"'
    lines = [good + b"}", b"", b" \r", b"[1]", b"{", b'{"user_id":"\xff"}', good + b',"price":' + b"1" * 5000 + b"}"]
    lines += [
        good + b',"price":1e999}',
        good + b',"timestamp_ms":' + b"1" * 5000 + b"}",
        good + b" " * (1 << 20) + b"}",
    ]
    judged_lines = raw_records.judge_all(lines, COLUMNS["browse"])
    assert judged_lines.read == 8
    assert judged_lines.rejected == {"unparsable": 3, "non_finite": 1, "bad_time": 1, "too_long": 1}
    assert len(judged_lines.rows) == 2


@pytest.mark.parametrize(
    ("text", "expected"), [("{}", 1), ('{"a":[[],[[]]]}', 4), (r'{"[[[":"]\"{{{"}', 1), ("[" * 200 + "]" * 200, 200)]
)
def test_depth_of_brackets_outside_strings(text: str, expected: int) -> None:
    assert raw_records.depth(text) == expected


def test_lines_nested_beyond_100_are_unparsable() -> None:
    good = b'{"user_id":"u","timestamp_ms":1500000000000,"action":"cart","x":%s}'
    lines = [good % (b"[" * depth + b"]" * depth) for depth in (99, 100)]
    judged_lines = raw_records.judge_all(lines, COLUMNS["browse"])
    assert (len(judged_lines.rows), judged_lines.rejected) == (1, {"unparsable": 1})


def test_the_first_of_two_duplicates_stays() -> None:
    records = [GOOD["browse"], {**GOOD["browse"], "price": 2}, {**GOOD["browse"], "user_id": "7", "price": 1.25}]
    judged_records = raw_records.judge_all(records, COLUMNS["browse"])
    assert [row["price"] for row in judged_records.rows] == [1.25, 2]
    assert judged_records.duplicates == 1
