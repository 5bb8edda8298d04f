"""Rows of text files: the same whatever the blocks, and no more in memory than two of them."""

import collections
import contextlib
import io
import pathlib
import random
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pytest

from beam_pipelines.import_logs import rows
from edgedipn_tf.commands import InputError

FORM = rows.Form("rows", {"number": rows.ID, "kind": "x|y", "ignored": None})


def read(content: bytes, block_bytes: int, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(rows, "BLOCK_BYTES", block_bytes)
    (folder / "a.csv").write_bytes(content)
    counts: rows.Counts = collections.Counter()
    numbers = [n for batch in rows.read_rows(folder / "a.csv", FORM, counts) for n in batch["number"].to_pylist()]
    return numbers, counts["rows_read"], counts["rows_malformed"]


@pytest.mark.parametrize("seed", range(100))
def test_rows_are_the_same_whatever_the_blocks(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    draw = random.Random(seed)
    kinds = ("{},x,q", "{},y,", "{},x,\xff", "{},x", "{},z,q", "", "\0", '"{}",x,', "{},x,q,")
    lines = [draw.choice(kinds).format(number).encode("latin1") for number in range(draw.randrange(15))]
    is_good = [line.count(b",") == 2 and b"z" not in line and b'"' not in line for line in lines]
    good = [line.split(b",")[0].decode() for line, fits in zip(lines, is_good, strict=True) if fits]
    num_rows = sum(bool(line) for line in lines)
    content = draw.choice((b"\n", b"\r\n")).join(lines) + draw.choice((b"", b"\n"))
    expected = (good, num_rows, num_rows - len(good))
    assert read(content, draw.randrange(14, 60), tmp_path, monkeypatch) == expected
    assert read(content, 1 << 20, tmp_path, monkeypatch) == expected


def test_a_line_beyond_a_block_is_an_error_of_one_line(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"a\.csv is damaged \(a line of more than 20 bytes\)"):
        read(b"1,x,q\n" + b"x" * 60 + b"\n2,x,q\n", 20, tmp_path, monkeypatch)


def test_no_block_is_read_before_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO(b"".join(b"%06d,x,\n" % number for number in range(1000)))

    @contextlib.contextmanager
    def opened(_: pathlib.Path) -> Iterator[BinaryIO]:
        yield stream

    monkeypatch.setattr(rows, "BLOCK_BYTES", 500)
    monkeypatch.setattr(rows, "open_plain", opened)
    num_seen = 0
    for batch in rows.read_rows(pathlib.Path("a.csv"), FORM, collections.Counter()):
        num_seen += len(batch)
        assert stream.tell() - 10 * num_seen < 1000
    assert num_seen == 1000


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("1970-01-01 00:00:00", 0),
        ("2020-02-29 23:59:59", 1_583_020_799_000),
        ("2019-02-29 00:00:00", None),
        ("2019-04-31 00:00:00", None),
        ("2019-13-01 00:00:00", None),
    ],
)
def test_times_of_days_that_exist(text: str, expected_ms: int | None) -> None:
    assert rows.utc_ms(pa.array([text])).to_pylist() == [expected_ms]
