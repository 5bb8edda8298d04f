"""Finding files and reading records: every record once, with its number, or one line that says why not."""

import gzip
import json
import os
import pathlib
import pickle
import random
import tracemalloc
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines import json_lines, log_files
from beam_pipelines.inputs import INPUTS, inputs_of
from beam_pipelines.reading import FileFormat, Piece, RawBatch, find_pieces, read_batches
from edgedipn_tf.commands import InputError
from edgedipn_tf.schema import edgedipn_schema

TAP = INPUTS["tap"]
GOOD_LINE = b'{"user_id":"u","timestamp_ms":1500000000000,"event":"page"}'


def write_taps(path: pathlib.Path, num_rows: int, **options: Any) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {"user_id": [f"u{i}" for i in range(num_rows)], "timestamp_ms": list(range(num_rows))}
    pq.write_table(pa.table({**rows, "event": ["page"] * num_rows}), path, **options)
    return path


def read_all(path: pathlib.Path, max_rows: int = 65536) -> list[RawBatch]:
    return [batch for piece in find_pieces(TAP, [str(path)]) for batch in read_batches(piece, TAP, max_rows)]


def read_lines(path: pathlib.Path, content: bytes, max_rows: int = 65536) -> RawBatch:
    """Reads JSON lines that fit one batch."""
    path.write_bytes(content)
    (batch,) = read_all(path, max_rows)
    return batch


def failure(patterns: list[str], input_name: str = "tap") -> str:
    with pytest.raises(InputError) as caught:
        find_pieces(INPUTS[input_name], patterns)
    message = str(caught.value)
    assert "\n" not in message
    return message


# Finding files.


def test_folder_gives_known_files_recursively_sorted_without_hidden_ones(tmp_path: pathlib.Path) -> None:
    for name in ("b/2.jsonl", "a.json.gz", "c.parquet", "_temporary/x.json", ".hid/x.json", "_meta.json", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".parquet":
            write_taps(path, 1)
        else:
            path.write_bytes(gzip.compress(b"") if path.suffix == ".gz" else b"")
    pieces = find_pieces(TAP, [str(tmp_path)])
    expected = [(0, "a.json.gz"), (1, "b/2.jsonl"), (2, "c.parquet")]
    assert [(p.file_index, os.path.relpath(p.path, tmp_path)) for p in pieces] == expected
    assert [p.format for p in pieces] == [FileFormat.JSON_LINES, FileFormat.JSON_LINES, FileFormat.PARQUET]
    assert pickle.loads(pickle.dumps(pieces)) == pieces


def test_file_named_by_two_patterns_is_read_once(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.json").write_bytes(GOOD_LINE)
    monkeypatch.chdir(tmp_path)
    pieces = find_pieces(TAP, ["x.json", str(tmp_path), "*.json", "./x.json"])
    assert [p.path for p in pieces] == [str(tmp_path / "x.json")]


def test_glob_may_name_folders_and_a_name_with_brackets_is_a_file(tmp_path: pathlib.Path) -> None:
    for name in ("day=1/a.json", "day=2/a.json", "day=2/_SUCCESS.json", "x[1].json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert len(find_pieces(TAP, [f"{tmp_path}/day=*"])) == 2
    assert len(find_pieces(TAP, [f"{tmp_path}/*/*.json"])) == 2
    assert len(find_pieces(TAP, [f"{tmp_path}/x[1].json"])) == 1


def test_links_in_a_circle_end(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.json").write_bytes(b"")
    (tmp_path / "again").symlink_to(tmp_path)
    assert len(find_pieces(TAP, [str(tmp_path)])) == 1


def test_what_cannot_be_found_is_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "events.xlsx").write_bytes(b"")
    assert failure([f"{tmp_path}/none*.json"]).startswith(f"input tap: nothing matches '{tmp_path}/none*.json'")
    assert f"no log file in folder {tmp_path}/empty" in failure([f"{tmp_path}/empty"])
    assert ".parquet, .avro, .json, .jsonl, .ndjson, .csv" in failure([f"{tmp_path}/events.xlsx"])
    assert "gs://bucket/x.json is not a local path" in failure(["gs://bucket/x.json"])
    assert failure([]) == "input tap: no file is given"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.json", gzip.compress(b"{}", mtime=0), "is gzip data: give its name the ending .gz"),
        ("a.jsonl", pa.compress(b"{}", "zstd", asbytes=True), "is zstd data: give its name the ending .zst"),
        ("a.json.gz", b"{}", "is not gzip data"),
        ("a.json.gz", b"", "is not gzip data"),
        ("a.ndjson.zst", b"{}", "is not zstd data"),
        ("a.parquet", b"", "is truncated or damaged"),
        ("a.parquet", b"PAR1" + b"x" * 100, "is truncated or damaged"),
    ],
)
def test_file_that_is_not_what_its_ending_says(
    tmp_path: pathlib.Path, name: str, content: bytes, expected: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert f"{tmp_path / name} {expected}" in failure([str(tmp_path)])


def test_missing_required_column_names_file_column_nearest_and_all(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"userid": ["u"], "timestamp_ms": [1], "event": ["page"]}), path)
    assert failure([str(path)]) == (
        f"{path}: input tap needs a column 'user_id': did you mean 'userid'? "
        "its columns are userid, timestamp_ms, event"
    )


def test_timestamp_types_are_refused_before_reading(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.parquet"
    times = pa.array([0], pa.timestamp("ms", "UTC"))
    pq.write_table(pa.table({"user_id": ["u"], "timestamp_ms": times, "event": ["page"]}), path)
    assert "column 'timestamp_ms' is of type timestamp[ms, tz=UTC]: write integer" in failure([str(path)])
    pq.write_table(pa.table({"user_id": ["u"], "date": times, "action": ["cart"], "count": [1]}), path)
    assert "column 'date' is of type timestamp[ms, tz=UTC]: write dates" in failure([str(path)], "history")


def test_column_twice_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.parquet"
    columns = [pa.array(["u"]), pa.array([1]), pa.array(["page"]), pa.array(["p"]), pa.array(["q"])]
    pq.write_table(pa.Table.from_arrays(columns, ["user_id", "timestamp_ms", "event", "page", "page"]), path)
    assert "more than one column 'page'" in failure([str(path)])


# Parquet.


def test_row_groups_are_pieces_and_numbers_count_over_all_of_them(tmp_path: pathlib.Path) -> None:
    path = write_taps(tmp_path / "a.parquet", 10, row_group_size=4)
    pieces = find_pieces(TAP, [str(path)])
    assert [(p.row_group, p.first_record) for p in pieces] == [(0, 0), (1, 4), (2, 8)]
    batches = [list(read_batches(piece, TAP, max_rows=3)) for piece in pieces]
    assert [[b.record_numbers.tolist() for b in some] for some in batches] == [
        [[0, 1, 2], [3]],
        [[4, 5, 6], [7]],
        [[8, 9]],
    ]
    assert batches[1][1].values["user_id"].to_pylist() == ["u7"]
    whole = Piece("tap", str(path), 0, FileFormat.PARQUET)
    assert [b.record_numbers.tolist() for b in read_batches(whole, TAP)] == [list(range(10))]


def test_optional_column_that_is_absent_is_null_and_others_are_not_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"extra": [[1]], "event": ["page"], "user_id": ["u"], "timestamp_ms": [1]})
    pq.write_table(table, path)
    (batch,) = read_all(path)
    assert set(batch.values) == {"user_id", "timestamp_ms", "event", "page", "button"}
    assert batch.values["page"].to_pylist() == [None]
    assert batch.values["event"].to_pylist() == ["page"]


def test_file_without_rows_has_no_piece(tmp_path: pathlib.Path) -> None:
    write_taps(tmp_path / "a.parquet", 0)
    write_taps(tmp_path / "b.parquet", 1)
    assert [(p.file_index, p.row_group) for p in find_pieces(TAP, [str(tmp_path)])] == [(1, 0)]


def test_damaged_pages_are_one_line(tmp_path: pathlib.Path) -> None:
    path = write_taps(tmp_path / "a.parquet", 1000, compression="zstd")
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(196)
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=r"a\.parquet is truncated or damaged \([^\n]*\): copy or write the file again"
    ):
        read_all(path)


def test_file_that_vanished_is_one_line(tmp_path: pathlib.Path) -> None:
    path = write_taps(tmp_path / "a.parquet", 1)
    pieces = find_pieces(TAP, [str(path)])
    path.unlink()
    with pytest.raises(InputError, match=r"a\.parquet"):
        list(read_batches(pieces[0], TAP))


def test_columns_may_have_other_names_in_the_files(tmp_path: pathlib.Path) -> None:
    renamed = TAP.renamed({"user_id": "member", "button": "control"})
    pq.write_table(pa.table({"member": ["u"], "timestamp_ms": [1], "event": ["page"]}), tmp_path / "a.parquet")
    (tmp_path / "b.json").write_bytes(b'{"member":"v","timestamp_ms":1,"event":"page","control":"c"}\n')
    batches = [b for piece in find_pieces(renamed, [str(tmp_path)]) for b in read_batches(piece, renamed)]
    assert [list(b.values["user_id"]) for b in batches] == [[pa.scalar("u")], ["v"]]
    assert batches[1].values["button"] == ["c"]
    with pytest.raises(InputError, match="input tap has no column 'colour' to rename: it has user_id, timestamp_ms"):
        TAP.renamed({"colour": "x"})


# JSON lines.


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


# Inputs.


def test_inputs_of_the_schema() -> None:
    inputs = inputs_of(edgedipn_schema())
    assert list(inputs) == ["swipe", "tap", "browse", "profile", "history"]
    profile = ["user_id", "age_level", "gender", "buyer_star", "tm_level", "vip_level", "phone_price"]
    assert [c.name for c in inputs["profile"].columns] == profile
    assert [c.name for c in inputs["history"].columns if c.is_required] == ["user_id", "date", "action"]
    assert inputs["swipe"].actions == ("open_page", "leave_page", "swipe", "tap")
    assert pickle.loads(pickle.dumps(inputs)) == inputs


def test_endings() -> None:
    assert log_files.format_of("x/part-0.snappy.PARQUET") == (FileFormat.PARQUET, None)
    assert log_files.format_of("a.ndjson.gz") == (FileFormat.JSON_LINES, "gzip")
    assert log_files.format_of("a.parquet.gz") is None
