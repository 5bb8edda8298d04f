"""Kinds of bad records, each with the reason that the job must give: one table a file format."""

import json
from typing import Any

from tests.beam_pipelines.judged_records import GOOD, INF, MAX_MS, MIN_MS, NAN

T = 1_500_000_000_000
MIB = 1 << 20

JsonKind = tuple[str, str, bytes, str]
"""(what it is, input, line, reason)."""
RowKind = tuple[str, dict[str, Any], str]
"""(what it is, changes to a good record, reason)."""


def line_of(input_name: str, **changes: Any) -> bytes:
    """Returns a good record with changes as a JSON line."""
    return json.dumps({**GOOD[input_name], **changes}).encode()


def _with(input_name: str, column: str, text: bytes) -> bytes:
    """A good record with a column in any writing."""
    return line_of(input_name, **{column: "HERE"}).replace(b'"HERE"', text)


def _without(input_name: str, column: str) -> bytes:
    return json.dumps({key: value for key, value in GOOD[input_name].items() if key != column}).encode()


_TAP = line_of("tap")
JSON_KINDS: list[JsonKind] = [
    ("no JSON", "tap", b"user u tapped", "unparsable"),
    ("a line of CSV", "tap", b"u,1500000000000,page", "unparsable"),
    ("cut off", "tap", _TAP[:-9], "unparsable"),
    ("one character too many", "tap", _TAP + b"}", "unparsable"),
    ("two objects", "tap", _TAP + _TAP, "unparsable"),
    ("two objects with a comma", "tap", _TAP + b"," + _TAP, "unparsable"),
    ("an array", "tap", b"[" + _TAP + b"]", "unparsable"),
    ("text", "tap", json.dumps("u").encode(), "unparsable"),
    ("a number", "tap", b"7", "unparsable"),
    ("null", "tap", b"null", "unparsable"),
    ("an empty object", "tap", b"{}", "missing_key"),
    ("single quotes", "tap", _TAP.replace(b'"', b"'"), "unparsable"),
    ("a comma at the end", "tap", _TAP[:-1] + b",}", "unparsable"),
    ("a leading zero", "tap", _with("tap", "timestamp_ms", b"01500000000000"), "unparsable"),
    ("a hexadecimal number", "tap", _with("tap", "timestamp_ms", b"0x15D3EF79800"), "unparsable"),
    ("bytes of another encoding", "tap", _with("tap", "page", b'"caf\xe9"'), "unparsable"),
    ("a surrogate as UTF-8", "tap", _with("tap", "page", b'"\xed\xa0\x80"'), "unparsable"),
    ("a NUL", "tap", b"\x00" + _TAP, "unparsable"),
    ("a control character in text", "tap", _with("tap", "page", b'"a\tb"'), "unparsable"),
    ("a byte order mark within the file", "tap", b"\xef\xbb\xbf" + _TAP, "unparsable"),
    ("a line of another system", "tap", _TAP + b"\r" + _TAP, "unparsable"),
    ("nested beyond 100", "tap", _with("tap", "page", b"[" * 100 + b"]" * 100), "unparsable"),
    ("nested without end", "tap", b'{"a":' * 50_000, "unparsable"),
    ("too long", "tap", _with("tap", "page", b'"' + b"x" * MIB + b'"'), "too_long"),
    ("too long and no JSON", "tap", b"x" * (MIB + 1), "too_long"),
    ("too long and blank", "tap", b" " * (MIB + 1), "too_long"),
    ("no user", "browse", _without("browse", "user_id"), "missing_key"),
    ("null for a user", "browse", line_of("browse", user_id=None), "missing_key"),
    ("an empty user", "browse", line_of("browse", user_id=""), "missing_key"),
    ("no time", "browse", _without("browse", "timestamp_ms"), "missing_key"),
    ("no action", "browse", _without("browse", "action"), "missing_key"),
    ("no event", "tap", _without("tap", "event"), "missing_key"),
    ("a profile of nobody", "profile", line_of("profile", user_id=None), "missing_key"),
    ("no date", "history", _without("history", "date"), "missing_key"),
    ("the last of equal keys is null", "browse", line_of("browse")[:-1] + b',"user_id":null}', "missing_key"),
    ("a yes for a user", "browse", line_of("browse", user_id=True), "wrong_type"),
    ("half a user", "browse", line_of("browse", user_id=1.5), "wrong_type"),
    ("a list of users", "browse", line_of("browse", user_id=["u"]), "wrong_type"),
    ("an object for a user", "browse", line_of("browse", user_id={"id": "u"}), "wrong_type"),
    ("a user beyond int64", "browse", line_of("browse", user_id=1 << 63), "wrong_type"),
    ("half of a surrogate pair", "browse", _with("browse", "page", rb'"\ud800"'), "wrong_type"),
    ("a time as text", "browse", line_of("browse", timestamp_ms=str(T)), "wrong_type"),
    ("a time as a date", "browse", line_of("browse", timestamp_ms="2017-07-14T02:40:00Z"), "wrong_type"),
    ("a stay as text", "browse", line_of("browse", stay_ms="12"), "wrong_type"),
    ("a stay with a fraction", "browse", line_of("browse", stay_ms=0.5), "wrong_type"),
    ("a stay of 5,000 digits", "browse", _with("browse", "stay_ms", b"1" * 5000), "wrong_type"),
    ("a price as text", "browse", line_of("browse", price="9.50"), "wrong_type"),
    ("an infinite duration", "swipe", line_of("swipe", duration_ms=INF), "wrong_type"),
    ("a position as text", "swipe", line_of("swipe", x=""), "wrong_type"),
    ("a count below zero", "history", line_of("history", count=-1), "wrong_type"),
    ("a date as a number", "history", line_of("history", date=20141130), "wrong_type"),
    ("a gender of yes", "profile", line_of("profile", gender=True), "wrong_type"),
    ("seconds", "browse", line_of("browse", timestamp_ms=T // 1000), "bad_time"),
    ("microseconds", "browse", line_of("browse", timestamp_ms=T * 1000), "bad_time"),
    ("before all times", "browse", line_of("browse", timestamp_ms=MIN_MS - 1), "bad_time"),
    ("after all times", "browse", line_of("browse", timestamp_ms=MAX_MS), "bad_time"),
    ("part of a millisecond", "browse", line_of("browse", timestamp_ms=T + 0.5), "bad_time"),
    ("a time of 5,000 digits", "browse", _with("browse", "timestamp_ms", b"1" * 5000), "bad_time"),
    ("a time beyond float64", "browse", _with("browse", "timestamp_ms", b"1e999"), "bad_time"),
    ("a day that is none", "history", line_of("history", date="2014-02-30"), "bad_time"),
    ("a date without lines", "history", line_of("history", date="20141130"), "bad_time"),
    ("a date of 1899", "history", line_of("history", date="1899-12-31"), "bad_time"),
    ("no number for a time", "browse", line_of("browse", timestamp_ms=NAN), "non_finite"),
    ("no number for a price", "browse", line_of("browse", price=NAN), "non_finite"),
    ("a position beyond float64", "swipe", _with("swipe", "end_x", b"-1e999"), "non_finite"),
    ("no number for a window", "swipe", line_of("swipe", window_height=NAN), "non_finite"),
    ("an unknown action", "browse", line_of("browse", action="steal"), "unknown_action"),
    ("an action in capitals", "browse", line_of("browse", action="Cart"), "unknown_action"),
    ("an action of another input", "browse", line_of("browse", action="swipe"), "unknown_action"),
    ("an action with a space", "swipe", line_of("swipe", action="swipe "), "unknown_action"),
    ("an unknown id", "tap", line_of("tap", event=2002), "unknown_action"),
    ("a search in the history", "history", line_of("history", action="search"), "unknown_action"),
    ("a window without width", "swipe", line_of("swipe", window_width=0), "bad_window"),
    ("a window below a sixteenth", "swipe", line_of("swipe", window_height=0.0624), "bad_window"),
    ("a window of negative height", "swipe", line_of("swipe", window_height=-1920), "bad_window"),
    ("everything wrong but the key", "swipe", line_of("swipe", x="?", timestamp_ms=0, action="?"), "wrong_type"),
    ("the time before the action", "swipe", line_of("swipe", timestamp_ms=0, action="?", window_width=0), "bad_time"),
]

CSV_HEADER = b"user_id,timestamp_ms,action,page,x,duration_ms,window_width"
CSV_KINDS: list[tuple[str, bytes, str]] = [
    ("too few fields", b"u,1500000000000,tap,p,1,2", "unparsable"),
    ("too many fields", b"u,1500000000000,tap,p,1,2,3,", "unparsable"),
    ("an open quote", b'"u,1500000000000,tap,p,1,2,3', "unparsable"),
    ("text after a quote", b'"u"v,1500000000000,tap,p,1,2,3', "unparsable"),
    ("bytes of another encoding", b"u,1500000000000,tap,caf\xe9,1,2,3", "unparsable"),
    ("too long", b"u,1500000000000,tap," + b"x" * MIB + b",1,2,3", "too_long"),
    ("no user", b",1500000000000,tap,p,1,2,3", "missing_key"),
    ("no time", b"u,,tap,p,1,2,3", "missing_key"),
    ("no action", b"u,1500000000000,,p,1,2,3", "missing_key"),
    ("a time in words", b"u,soon,tap,p,1,2,3", "wrong_type"),
    ("a time with a space", b"u, 1500000000000,tap,p,1,2,3", "wrong_type"),
    ("a comma in a number", b'u,1500000000000,tap,p,"1,5",2,3', "wrong_type"),
    ("a duration with a fraction", b"u,1500000000000,tap,p,1,2.5,3", "wrong_type"),
    ("seconds", b"u,1500000000,tap,p,1,2,3", "bad_time"),
    ("a fraction of a time", b"u,1500000000000.5,tap,p,1,2,3", "bad_time"),
    ("no number", b"u,1500000000000,tap,p,nan,2,3", "non_finite"),
    ("an infinite number", b"u,1500000000000,tap,p,-Infinity,2,3", "non_finite"),
    ("an unknown action", b"u,1500000000000,TAP,p,1,2,3", "unknown_action"),
    ("a window without width", b"u,1500000000000,tap,p,1,2,0", "bad_window"),
]

BINARY_KINDS: list[RowKind] = [
    ("null for a user", {"user_id": None}, "missing_key"),
    ("an empty user", {"user_id": ""}, "missing_key"),
    ("null for a time", {"timestamp_ms": None}, "missing_key"),
    ("null for an action", {"action": None}, "missing_key"),
    ("part of a millisecond", {"timestamp_ms": T + 0.5}, "bad_time"),
    ("seconds", {"timestamp_ms": T / 1000}, "bad_time"),
    ("no number for a time", {"timestamp_ms": NAN}, "non_finite"),
    ("an infinite price", {"price": INF}, "non_finite"),
    ("no number for a price", {"price": NAN}, "non_finite"),
    ("a stay with a fraction", {"stay_ms": 0.5}, "wrong_type"),
    ("an endless stay", {"stay_ms": INF}, "wrong_type"),
    ("a yes for a page", {"page": True}, "wrong_type"),
    ("an unknown action", {"action": "steal"}, "unknown_action"),
]
"""Records of the browse input whose page is a boolean or null, and whose numbers are float64."""
