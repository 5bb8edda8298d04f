"""CSV lines accepted, rejected and numbered by hand, and the same records as those of JSON lines."""

import gzip
import json
import pathlib
import random
import tracemalloc
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.inputs import INPUTS, Input
from beam_pipelines.reading import column_names, find_pieces, read_batches
from beam_pipelines.validation import EventBatch, Reject, validate
from edgedipn_tf.commands import InputError

TAP, BROWSE, SWIPE = INPUTS["tap"], INPUTS["browse"], INPUTS["swipe"]
MIN_MS, MAX_MS = 946_684_800_000, 4_102_444_800_000
T = 1_500_000_000_000


def judge(path: pathlib.Path, input: Input, content: bytes, max_rows: int = 65536) -> tuple[EventBatch, list[Reject]]:
    """Writes a file that fits one batch, reads it back and validates it."""
    path.write_bytes(content)
    (piece,) = find_pieces(input, [str(path)])
    (raw,) = read_batches(piece, input, max_rows)
    return validate(raw, input, MIN_MS, MAX_MS)


def reasons(rejects: list[Reject]) -> list[tuple[int, str]]:
    return [(reject.record_number, str(reject.reason)) for reject in rejects]


def test_each_line_is_a_record_or_a_reject_with_its_number(tmp_path: pathlib.Path) -> None:
    lines = [
        "page,user_id,extra,event,timestamp_ms",  # 0: header, other order, a column that is not read
        f"home,u1,x,page,{T}",
        f'"a, ""b""",u2,,page,{T + 1}\r',  # 2: quotes, an end of DOS
        "",
        f",007,x,page,{T + 2}",  # 4: no page; a user whose zeros count
        f"home,u,x,page,{T},more",  # 5: too many fields
        f"home,u,x,{T}",  # 6: too few
        f'"open,u,x,page,{T}',  # 7: an open quote takes no other line with it
        f'"a"b,u,x,page,{T}',
        f"home,,x,page,{T}",  # 9: no user
        "home,u,x,page,",  # 10: no time
        "home,u,x,page,soon",  # 11
        f"home,u,x,page, {T}",  # 12: spaces are text
        f"home,u,x,pages,{T}",  # 13
        f"home,u,x,2001,{T}.0",  # 14: an alias; a fraction that is none
        f"home,u,x,page,{T}.5",  # 15
        "home,u,x,page,1500000000",  # 16: seconds
        f"home,u\0,x,page,{T + 3}",
        f"home,u,{'x' * (1 << 20)},page,{T}",  # 18: too long
        f"{'h' * 200_000},long,x,page,{T + 4}",  # 19: beyond the csv module's own limit of a field
    ]
    content = "\n".join(lines).encode() + b"\nhome,\xff,x,page,1\n\r\nhome,last,x,page,1500000000009"
    batch, rejects = judge(tmp_path / "a.csv", TAP, content)
    assert reasons(rejects) == [
        (5, "unparsable"),
        (6, "unparsable"),
        (7, "unparsable"),
        (8, "unparsable"),
        (9, "missing_key"),
        (10, "missing_key"),
        (11, "wrong_type"),
        (12, "wrong_type"),
        (13, "unknown_action"),
        (15, "bad_time"),
        (16, "bad_time"),
        (18, "too_long"),
        (20, "unparsable"),
    ]
    assert batch.record_numbers.tolist() == [1, 2, 4, 14, 17, 19, 22]
    users, pages = batch.names["user_id"], batch.names["page"]
    assert [users.values[i] for i in users.codes] == ["u1", "u2", "007", "u", "u\0", "long", "last"]
    assert pages.values[pages.codes[1]] == 'a, "b"'
    assert pages.codes[2] == -1
    assert batch.timestamp_ms.tolist() == [T, T + 1, T + 2, T, T + 3, T + 4, 1_500_000_000_009]
    raw = {reject.record_number: reject.raw for reject in rejects}
    assert raw[7] == f'"open,u,x,page,{T}'.encode()
    assert len(raw[18]) == 4096


def test_an_open_quote_that_a_later_line_would_close_takes_no_line_with_it(tmp_path: pathlib.Path) -> None:
    lines = ["user_id,timestamp_ms,event,page", f'u,{T},page,"open', f'u,{T},page,closed"', f"u,{T},page,"]
    batch, rejects = judge(tmp_path / "a.csv", TAP, "\n".join(lines).encode())
    assert reasons(rejects) == [(1, "unparsable")]
    assert batch.record_numbers.tolist() == [2, 3]
    assert batch.names["page"].values == ['closed"']


NUMBERS = [
    # text, INTEGER column, NUMBER column: a value or the reason
    ("5", 5, 5.0),
    ("-5", -5, -5.0),
    ("+5", 5, 5.0),
    ("05", 5, 5.0),
    ("5.0", 5, 5.0),
    ("5.", 5, 5.0),
    (".5", "wrong_type", 0.5),
    ("1e3", 1000, 1000.0),
    ("1E-1", "wrong_type", 0.1),
    ("0.1", "wrong_type", 0.1),
    ("9223372036854775807", 2**63 - 1, 2.0**63),
    ("9007199254740993", 2**53 + 1, 2.0**53),
    ("9223372036854775808", "wrong_type", 2.0**63),
    ("9" * 5000, "wrong_type", 1.7976931348623157e308),
    ("1e999", "wrong_type", "non_finite"),
    ("nan", "non_finite", "non_finite"),
    ("-Infinity", "wrong_type", "non_finite"),
    ("", None, None),
    ("NULL", "wrong_type", "wrong_type"),
    ("0x10", "wrong_type", "wrong_type"),
    ("1_000", "wrong_type", "wrong_type"),
    ("1,5", "wrong_type", "wrong_type"),
    ("\u0665", "wrong_type", "wrong_type"),
    ("true", "wrong_type", "wrong_type"),
    ("-", "wrong_type", "wrong_type"),
]


@pytest.mark.parametrize(("text", "as_integer", "as_number"), NUMBERS)
@pytest.mark.parametrize("neighbours", [[], ["7"], ["7.5"], ["7", "x", "2.5"]])
def test_text_that_is_a_number_counts_as_one(
    text: str, as_integer: Any, as_number: Any, neighbours: list[str], tmp_path: pathlib.Path
) -> None:
    for column, expected in (("stay_ms", as_integer), ("price", as_number)):
        rows = [f'u,{T},browse,"{field}"' for field in (text, *neighbours)]
        content = f"user_id,timestamp_ms,action,{column}\n" + "\n".join(rows)
        batch, rejects = judge(tmp_path / "a.csv", BROWSE, content.encode())
        if isinstance(expected, str):
            assert reasons(rejects)[0] == (1, expected)
            continue
        assert batch.record_numbers[0] == 1
        if column == "stay_ms":
            integers = batch.integers["stay_ms"]
            assert (None if integers.is_null[0] else int(integers.values[0])) == expected
        else:
            number = float(batch.numbers["price"][0])
            assert (number != number) if expected is None else number == expected


def test_the_records_are_those_of_json_lines_whatever_the_batches(tmp_path: pathlib.Path) -> None:
    draw = random.Random(3)
    columns = [column.name for column in SWIPE.columns]
    records = [
        {
            "user_id": f'u"{i % 7},',
            "timestamp_ms": T + i,
            "action": draw.choice(SWIPE.actions),
            "page": draw.choice(["home", "p\u00e4ge", "a,b", None]),
            "x": draw.choice([None, draw.random() * 1000, 7]),
            "duration_ms": draw.choice([None, 300, -1]),
            "window_width": draw.choice([1080, 360.5, None]),
        }
        for i in range(1000)
    ]

    def field(value: Any) -> str:
        return "" if value is None else '"' + value.replace('"', '""') + '"' if isinstance(value, str) else repr(value)

    lines = [",".join(columns), *(",".join(field(record.get(name)) for name in columns) for record in records)]
    expected, _ = judge(tmp_path / "a.jsonl", SWIPE, "\n".join(map(json.dumps, records)).encode())
    content = "\n".join(lines).encode()
    actual, rejects = judge(tmp_path / "a.csv", SWIPE, content)
    assert not rejects
    assert actual.row_hashes.tolist() == expected.row_hashes.tolist()
    for name, packed in (
        ("b.csv.gz", gzip.compress(content)),
        ("c.csv.zst", pa.compress(content, "zstd", asbytes=True)),
    ):
        (tmp_path / name).write_bytes(packed)
        (piece,) = find_pieces(SWIPE, [str(tmp_path / name)])
        batches = [validate(raw, SWIPE, MIN_MS, MAX_MS)[0] for raw in read_batches(piece, SWIPE, max_rows=37)]
        assert max(map(len, batches)) <= 37
        assert np.concatenate([batch.record_numbers for batch in batches]).tolist() == list(range(1, 1001))
        assert np.concatenate([batch.row_hashes for batch in batches]).tolist() == expected.row_hashes.tolist()


def test_header_is_checked_before_reading(tmp_path: pathlib.Path) -> None:
    def failure(content: bytes) -> str:
        (tmp_path / "a.csv").write_bytes(content)
        with pytest.raises(InputError) as caught:
            find_pieces(TAP, [str(tmp_path / "a.csv")])
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "needs a column 'user_id': did you mean 'userid'? its columns are userid, t" in failure(b"userid,t\n")
    assert "more than one column 'page'" in failure(b"user_id,timestamp_ms,event,page,page\n")
    for content in (b"\n1,2,3\n", b'"user_id\nu\n', b"\xff\n", b"x" * (1 << 21)):
        assert "the first line must name the columns" in failure(content)


def test_empty_file_has_no_piece_and_a_header_alone_no_record(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbfuser_id,timestamp_ms,event")
    (piece,) = find_pieces(TAP, [str(tmp_path)])
    assert piece.file_index == 1
    assert column_names(piece) == ["user_id", "timestamp_ms", "event"]
    assert list(read_batches(piece, TAP)) == []


def test_a_truncated_file_is_one_line(tmp_path: pathlib.Path) -> None:
    lines = "\n".join(f"u{random.Random(i).random()},{T + i},page" for i in range(50_000))
    packed = gzip.compress(f"user_id,timestamp_ms,event\n{lines}".encode())
    (tmp_path / "a.csv.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputError, match=r"a\.csv\.gz is truncated or damaged \([^\n]*\): copy or write") as caught:
        for piece in find_pieces(TAP, [str(tmp_path)]):
            list(read_batches(piece, TAP))
    assert "\n" not in str(caught.value)


def test_memory_is_bounded(tmp_path: pathlib.Path) -> None:
    with gzip.open(tmp_path / "a.csv.gz", "wb", compresslevel=1) as file:
        file.write(b"user_id,timestamp_ms,event\n")
        for _ in range(64):  # one line of 64 MiB, then lines of 32 KiB that would be a batch of 128 MiB
            file.write(b'"' + b"x" * (1 << 20))
        file.write(b"\n")
        for i in range(4096):
            file.write(b"u%05d" % i + b"y" * (1 << 15) + b",%d,page\n" % T)
    (piece,) = find_pieces(TAP, [str(tmp_path)])
    tracemalloc.start()
    numbers = []
    for raw in read_batches(piece, TAP):
        numbers += [*raw.record_numbers.tolist(), *(error.record_number for error in raw.errors)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sorted(numbers) == list(range(1, 4098))
    assert peak < 200 << 20


def test_mutated_bytes_never_stop_the_reader(tmp_path: pathlib.Path) -> None:
    draw = random.Random(7)
    header = b"user_id,timestamp_ms,event,page,button\n"
    line = f'u1,{T},button,"a, b",c\n'.encode()
    content = bytearray(line * 3000)
    for _ in range(3000):
        content[draw.randrange(len(content))] = draw.choice(b'",\n\r\0\xff0-e.')
    body = bytes(content)
    batch, rejects = judge(tmp_path / "a.csv", TAP, header + body)
    lines = [number for number, line in enumerate(body.split(b"\n"), 1) if line.strip(b" \t\r")]
    found = sorted([*batch.record_numbers.tolist(), *(reject.record_number for reject in rejects)])
    assert found == lines
    assert len(batch) > 500 < len(rejects)
