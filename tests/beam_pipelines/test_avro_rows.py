"""Avro records: the same as those of JSON lines, bad ones one by one, damaged files in one line."""

import json
import pathlib
import random
from typing import Any

import fastavro
import numpy as np
import pytest

from beam_pipelines.inputs import INPUTS, Input
from beam_pipelines.reading import column_names, find_pieces, read_batches
from beam_pipelines.validation import EventBatch, Reject, validate
from edgedipn_tf.commands import InputError

BROWSE, HISTORY = INPUTS["browse"], INPUTS["history"]
MIN_MS, MAX_MS = 946_684_800_000, 4_102_444_800_000
T = 1_500_000_000_000
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
FIELDS = {
    "user_id": "string",
    "timestamp_ms": MILLIS,
    "action": {"type": "enum", "name": "actions", "symbols": ["browse", "cart", "purchase", "steal"]},
    "leaf_category": ["null", "string", "bytes", "long"],
    "extra": {"type": "array", "items": "long"},
    "stay_ms": ["null", "long"],
    "price": ["null", "double"],
}
GOOD = {"user_id": "u", "timestamp_ms": T, "action": "cart", "extra": [1]}


def write(path: pathlib.Path, records: list[dict[str, Any]], fields: dict[str, Any] = FIELDS, **options: Any) -> None:
    schema = {"type": "record", "name": "event", "fields": [{"name": n, "type": t} for n, t in fields.items()]}
    with open(path, "wb") as file:
        fastavro.writer(file, schema, records, **options)


def judge(path: pathlib.Path, input: Input = BROWSE, max_rows: int = 65536) -> tuple[list[EventBatch], list[Reject]]:
    judged = [
        validate(raw, input, MIN_MS, MAX_MS)
        for piece in find_pieces(input, [str(path)])
        for raw in read_batches(piece, input, max_rows)
    ]
    return [batch for batch, _ in judged], [reject for _, rejects in judged for reject in rejects]


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_the_records_are_those_of_json_lines_whatever_the_batches(codec: str, tmp_path: pathlib.Path) -> None:
    draw = random.Random(5)
    records = [
        {
            **GOOD,
            "user_id": f"u{i % 9}",
            "timestamp_ms": T + i,
            "leaf_category": draw.choice([None, "\u00e9", 7]),
            "stay_ms": draw.choice([None, -3, 2**60]),
            "price": draw.choice([None, 0.1, 3.0]),
        }
        for i in range(500)
    ]
    write(tmp_path / "a.avro", records, codec=codec, sync_interval=1500)
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    (expected,), _ = judge(tmp_path / "a.jsonl")
    batches, rejects = judge(tmp_path / "a.avro", max_rows=33)
    assert not rejects
    assert [len(batch) for batch in batches] == [33] * 15 + [5]
    assert np.concatenate([batch.record_numbers for batch in batches]).tolist() == list(range(500))
    assert np.concatenate([batch.row_hashes for batch in batches]).tolist() == expected.row_hashes.tolist()
    (piece,) = find_pieces(BROWSE, [str(tmp_path / "a.avro")])
    assert column_names(piece) == list(FIELDS)


def test_a_bad_record_is_a_reject_with_its_number(tmp_path: pathlib.Path) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"user_id": ""},
        {"timestamp_ms": 2**62},  # no date of Python's
        {"timestamp_ms": -1},
        {"action": "steal"},
        {"leaf_category": b"\xff"},
        {"price": float("nan")},
        {"leaf_category": b"shoes"},
    ]
    write(tmp_path / "a.avro", [{**GOOD, **change} for change in changes])
    (batch,), rejects = judge(tmp_path / "a.avro")
    reasons = ["missing_key", "bad_time", "bad_time", "unknown_action", "wrong_type", "non_finite"]
    assert [(r.record_number, str(r.reason)) for r in rejects] == list(enumerate(reasons, 1))
    assert json.loads(rejects[3].raw)["action"] == "steal"
    assert batch.record_numbers.tolist() == [0, 7]
    # Text that is not UTF-8 is one bad record too, not a bad file.
    write(tmp_path / "b.avro", [GOOD, {**GOOD, "user_id": "QQQQ"}, GOOD])
    content = (tmp_path / "b.avro").read_bytes().replace(b"QQQQ", b"Q\xff\xfeQ")
    (tmp_path / "b.avro").write_bytes(content)
    _, rejects = judge(tmp_path / "b.avro")
    assert [(r.record_number, str(r.reason)) for r in rejects] == [(1, "wrong_type")]


def test_dates_are_days_or_text(tmp_path: pathlib.Path) -> None:
    fields: dict[str, Any] = {"user_id": "string", "action": "string", "date": "string", "count": "int"}
    record = {"user_id": "u", "action": "cart", "date": "1970-01-11", "count": 2}
    write(tmp_path / "a.avro", [record], fields)
    write(tmp_path / "b.avro", [{**record, "date": 10}], {**fields, "date": {"type": "int", "logicalType": "date"}})
    union = ["null", {"type": "int", "logicalType": "date"}]
    write(tmp_path / "c.avro", [{**record, "date": d} for d in (10, None, 2**31 - 1)], {**fields, "date": union})
    batches, rejects = judge(tmp_path, HISTORY)
    assert [batch.integers["date"].values.tolist() for batch in batches] == [[10], [10], [10]]
    assert [(r.record_number, str(r.reason)) for r in rejects] == [(1, "missing_key"), (2, "bad_time")]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"timestamp_ms": {"type": "long", "logicalType": "timestamp-micros"}},
            "'timestamp_ms' is of the Avro type ti",
        ),
        (
            {"price": {"type": "bytes", "logicalType": "decimal", "precision": 9}},
            "is of the Avro type decimal: write pl",
        ),
        ({"userid": "string", "user_id": None}, "needs a column 'user_id': did you mean 'userid'?"),
    ],
)
def test_columns_are_checked_before_reading(fields: dict[str, Any], message: str, tmp_path: pathlib.Path) -> None:
    write(tmp_path / "a.avro", [], {name: type_ for name, type_ in {**FIELDS, **fields}.items() if type_})
    with pytest.raises(InputError) as caught:
        judge(tmp_path / "a.avro")
    assert message in str(caught.value)


def test_a_file_cut_anywhere_or_damaged_is_one_line(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.avro"
    # Blocks of more than 63 records: their number takes two bytes, and a cut between them is hard to see.
    write(path, [{**GOOD, "timestamp_ms": T + i} for i in range(200)], sync_interval=1500, codec="deflate")
    content = path.read_bytes()
    assert content.count(content[-16:]) > 2  # the header, more than one block
    for length in range(len(content)):
        path.write_bytes(content[:length])
        try:
            batches, _ = judge(path)
        except InputError as error:
            assert str(error).startswith(str(path)) and "\n" not in str(error)
        else:  # between two blocks nothing shows that more was meant
            assert content[length - 16 : length] == content[-16:]
    draw = random.Random(1)
    for _ in range(200):
        damaged = bytearray(content)
        damaged[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        try:
            judge(path)
        except InputError as error:
            assert str(error).startswith(str(path)) and "\n" not in str(error)


def test_what_is_no_avro_file_of_records(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.avro"
    for content, message in (
        (b"", "is no Avro file"),
        (b"{}", "is no Avro file"),
        (b"Obj\x01", "truncated or damaged"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=message):
            find_pieces(BROWSE, [str(path)])
    write(path, [GOOD])
    path.write_bytes(path.read_bytes().replace(b"\x08null", b"\x08lz77"))
    with pytest.raises(InputError, match="compressed with lz77: write it with deflate, bzip2, xz or none"):
        find_pieces(BROWSE, [str(path)])
    with open(path, "wb") as file:
        fastavro.writer(file, "long", [1, 2])
    with pytest.raises(InputError, match="its Avro schema is no record"):
        find_pieces(BROWSE, [str(path)])
