"""Reading JSON lines: every line once, with its number, and none that stops the reader."""

import gzip
import json
import pathlib
import random
import tracemalloc
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines import json_lines
from edgedipn_tf.commands import InputError
from tests.beam_pipelines.tap_files import GOOD_LINE, read_all, read_lines


def test_numbers_are_lines_and_blank_lines_count_as_places(tmp_path: pathlib.Path) -> None:
    batch = read_lines(
        tmp_path / "a.json", b"\n".join([GOOD_LINE, b"", b" \t\r", GOOD_LINE + b"\r", b"oops", GOOD_LINE])
    )
    assert batch.record_numbers.tolist() == [0, 3, 5]
    assert [(e.record_number, e.reason, e.raw) for e in batch.errors] == [(4, "unparsable", b"oops")]
    assert batch.values["user_id"] == ["u"] * 3
    assert batch.values["page"] == [None] * 3
    assert batch.lines[0] == GOOD_LINE


def test_lines_end_at_line_feeds_only(tmp_path: pathlib.Path) -> None:
    line = '{"user_id":"a\u2028\u0085b","timestamp_ms":1,"event":"page"}'.encode()
    batch = read_lines(tmp_path / "a.json", line + b"\n" + GOOD_LINE + b"\r" + GOOD_LINE + b"\n")
    assert batch.values["user_id"] == ["a\u2028\u0085b"]
    assert [e.record_number for e in batch.errors] == [1]


def test_byte_order_mark_at_the_start_is_dropped_and_nowhere_else(tmp_path: pathlib.Path) -> None:
    marked = b"\xef\xbb\xbf" + GOOD_LINE
    batch = read_lines(tmp_path / "a.json", marked + b"\n" + marked)
    assert (batch.record_numbers.tolist(), [e.record_number for e in batch.errors]) == ([0], [1])


@pytest.mark.parametrize("compress", [gzip.compress, lambda data: pa.compress(data, "zstd", asbytes=True)])
def test_compressed_files_and_joined_ones(tmp_path: pathlib.Path, compress: Any) -> None:
    name = "a.jsonl.gz" if compress is gzip.compress else "a.jsonl.zst"
    content = b"".join(b'{"user_id":%d}\n' % i for i in range(100_000))
    (tmp_path / name).write_bytes(compress(content) + compress(b'{"user_id":"last"}'))
    users = [user for batch in read_all(tmp_path / name) for user in batch.values["user_id"]]
    assert users == [*range(100_000), "last"]


@pytest.mark.parametrize("name", ["a.json.gz", "a.json.zst"])
def test_truncated_or_damaged_stream_is_one_line(tmp_path: pathlib.Path, name: str) -> None:
    content = b"".join(b'{"user_id":%d}\n' % i for i in range(50_000))
    whole = gzip.compress(content) if name.endswith("gz") else pa.compress(content, "zstd", asbytes=True)
    for damaged in (whole[:-1], whole[: len(whole) // 2], whole[:10], whole + b"tail"):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(
            InputError, match=rf"{name} is truncated or damaged \([^\n]*\): copy or write the file again"
        ):
            read_all(tmp_path / name)


def test_longest_line_is_one_mebibyte_without_its_end(tmp_path: pathlib.Path) -> None:
    def line(length: int) -> bytes:
        return b'{"user_id":"' + b"x" * (length - 14) + b'"}'

    content = b"\n".join([line(1 << 20), line((1 << 20) + 1), b"{" * (3 << 20), b" " * (2 << 20), GOOD_LINE])
    for ending in (b"", b"\n"):
        path = tmp_path / "a.json"
        path.write_bytes(content + ending)
        batches = read_all(path)
        assert [n for b in batches for n in b.record_numbers.tolist()] == [0, 4]
        errors = [e for b in batches for e in b.errors]
        assert [(e.record_number, e.reason, len(e.raw)) for e in errors] == [(n, "too_long", 4096) for n in (1, 2, 3)]
        assert [len(kept) for b in batches for kept in b.lines] == [4096, len(GOOD_LINE)]


def test_endless_line_takes_bounded_memory(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.json.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(64):
            file.write(b"x" * (1 << 20))
        file.write(b"\n" + GOOD_LINE)
    tracemalloc.start()
    (batch,) = read_all(path)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [e.reason for e in batch.errors] == ["too_long"]
    assert batch.record_numbers.tolist() == [1]
    assert peak_bytes < 12 << 20


@pytest.mark.parametrize(
    "line",
    [
        b"[1]",
        b'"text"',
        b"7",
        b"null",
        b"{",
        b'{"a":1}}',
        b'{"a":1},{"b":2}',
        b'{"a":1}{"b":2}',
        b"{'a':1}",
        b'{"a":01}',
        b'{"a":1,}',
        b'{"a":"\x01"}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',  # a surrogate in UTF-8's clothes
        b'{"a":"\\ud800',
        b"\x00",
        b"user_id,timestamp_ms",
        b'{"a":' * 100_000,
        b'{"a":' + b"[" * 100 + b"]" * 100 + b"}",
        b"[" * 50_000 + b"]" * 50_000,
    ],
)
def test_line_that_is_no_object_is_unparsable_and_harms_no_neighbour(tmp_path: pathlib.Path, line: bytes) -> None:
    batch = read_lines(tmp_path / "a.json", b"\n".join([GOOD_LINE, line, GOOD_LINE]))
    assert [(e.record_number, e.reason) for e in batch.errors] == [(1, "unparsable")]
    assert batch.record_numbers.tolist() == [0, 2]


def test_odd_lines_that_are_objects(tmp_path: pathlib.Path) -> None:
    values = [
        b"1" * 5000,
        b"-" + b"1" * 5000,
        b"1e999",
        b"NaN",
        b'"\\ud800"',
        b"[" * 99 + b"]" * 99,
        b'"[[[{{{"',
        b'1,"page":2',
    ]
    lines = [b'{"user_id":' + value + b"}" for value in values]
    batch = read_lines(tmp_path / "a.json", b"\n".join(lines))
    assert not batch.errors
    users = batch.values["user_id"]
    assert users[0] > 10**399
    assert users[1] < -(10**399)
    assert users[2] == float("inf")
    assert users[3] != users[3]
    assert users[4] == "\ud800"
    assert users[6] == "[[[{{{"


def test_lines_that_are_json_only_together_stay_apart() -> None:
    # Joined by commas each group is a list of as many objects as there are lines.
    groups = [
        [b'{"a":[{"x":1}', b'{"y":2}]}', b'{"b":1},{"c":2}'],
        [b'{"a":{"x":1', b'"y":2}}', b'{"b":1},{"c":2}'],
        [b'{"a":"}', b'{","b":"}', b'{"}'],
    ]
    for lines in groups:
        assert json_lines.parse_objects(lines) == [None] * len(lines)
        assert json_lines.parse_objects([b"{}", *lines, b"{}"]) == [{}, *[None] * len(lines), {}]


def test_lines_parsed_together_are_as_lines_parsed_alone() -> None:
    pieces = [
        b'{"a":1',
        b"}",
        b"{",
        b'"b":2',
        b",",
        b'"',
        b"[",
        b"]",
        b"\\",
        b'{"a":"x"}',
        b'{"c":1}',
        b"{}",
        b" ",
        b"\r",
        b"9",
    ]
    generator = random.Random(5)
    num_agreed = 0
    for _ in range(8_000):
        lines = [
            b"".join(generator.choices(pieces, k=generator.choice((1, 1, 1, 2, 3, 4))))
            for _ in range(generator.randint(1, 3))
        ]
        together = json_lines.parse_objects(lines)
        assert together == [json_lines.parse_objects([line])[0] for line in lines]
        for line, value in zip(lines, together, strict=True):
            try:
                alone = json.loads(line)
            except ValueError:
                alone = None
            assert value == (alone if isinstance(alone, dict) else None)
        num_agreed += len(lines) > 1 and None not in together
    assert num_agreed > 30  # the quick way was taken, too


def test_batches_hold_at_most_max_rows_and_lose_nothing(tmp_path: pathlib.Path) -> None:
    lines = [b"oops" if i % 7 == 0 else b'{"user_id":%d}' % i for i in range(1000)]
    (tmp_path / "a.json").write_bytes(b"\n".join(lines))
    for max_rows in (1, 3, 300, 1000):
        batches = read_all(tmp_path / "a.json", max_rows)
        assert all(0 < len(b.record_numbers) + len(b.errors) <= max_rows for b in batches)
        numbers = np.concatenate([b.record_numbers for b in batches])
        assert numbers.tolist() == [i for i in range(1000) if i % 7]
        assert [user for b in batches for user in b.values["user_id"]] == numbers.tolist()
        assert [e.record_number for b in batches for e in b.errors] == list(range(0, 1000, 7))


def test_long_lines_end_a_batch_early(tmp_path: pathlib.Path) -> None:
    line = b'{"user_id":"' + b"x" * 1_000_000 + b'"}\n'
    (tmp_path / "a.json").write_bytes(line * 40)
    batches = read_all(tmp_path / "a.json")
    assert len(batches) > 1
    assert sum(len(b.record_numbers) for b in batches) == 40


def test_empty_file_has_no_batch(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.json").write_bytes(b"")
    (tmp_path / "b.json").write_bytes(b"\n\n")
    assert read_all(tmp_path) == []
