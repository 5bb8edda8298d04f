"""Finding files and reading Parquet: every record once, with its number, or one line that says why not."""

import gzip
import os
import pathlib
import pickle

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines.reading import FileFormat, Piece, find_pieces, read_batches
from edgedipn_tf.commands import InputError
from tests.beam_pipelines.tap_files import GOOD_LINE, TAP, failure, read_all, write_taps


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
    assert "gopher://x.json: no file system for gopher:// is installed" in failure(["gopher://x.json"])
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
