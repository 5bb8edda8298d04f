"""The Taobao importer on rows made by hand in the published format; on the real file only where it is given."""

import collections
import dataclasses
import gzip
import hashlib
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pyarrow.parquet
import pytest

from beam_pipelines.import_logs import __main__ as import_logs
from beam_pipelines.import_logs import rows, source, taobao
from edgedipn_tf import commands
from edgedipn_tf.schema import INTENTS
from tests.beam_pipelines.imported_logs import discretize, judged_intents

ROWS = (
    b"71,9001,301,pv,1511568000\n71,9002,302,fav,1511568001\n72,9002,302,cart,1511568002\n72,9002,302,buy,1512316799\n"
)


def run(input_path: pathlib.Path, output: pathlib.Path, *argv: str) -> int:
    argv = ("--log=taobao", f"--input={input_path}", f"--output={output}", *argv)
    return commands.run(import_logs.DESCRIPTION, import_logs.define_flags, import_logs.main, argv)


def browse_rows(output: pathlib.Path) -> list[dict[str, Any]]:
    parts = sorted((output / "browse").iterdir())
    return [row for part in parts for row in pyarrow.parquet.read_table(part).to_pylist()]


def counts(output: pathlib.Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((output / "log.json").read_text())["counts"]
    return found


def row(user: str, seconds: int, action: str, category: str, item: str) -> dict[str, Any]:
    nulls = dict.fromkeys(("page", "top_category", "stay_ms", "price"))
    keys = {"user_id": user, "timestamp_ms": seconds * 1000, "action": action}
    return {**keys, "leaf_category": category, "item_id": item, **nulls}


EXPECTED = [
    row("71", 1511568000, "browse", "301", "9001"),
    row("71", 1511568001, "collect", "302", "9002"),
    row("72", 1511568002, "cart", "302", "9002"),
    row("72", 1512316799, "purchase", "302", "9002"),
]


def test_rows_become_the_browse_view(tmp_path: pathlib.Path) -> None:
    (tmp_path / "mine.csv").write_bytes(ROWS)
    assert run(tmp_path / "mine.csv", tmp_path / "log") == 0
    assert browse_rows(tmp_path / "log") == EXPECTED
    assert {path.name for path in (tmp_path / "log").iterdir()} == {"browse", "log.json"}
    names = pyarrow.parquet.read_schema(tmp_path / "log" / "browse" / "part-00000.parquet").names
    assert names == [
        "user_id", "timestamp_ms", "action", "page", "leaf_category", "top_category", "item_id", "stay_ms", "price",
    ]  # fmt: skip


def test_the_description(tmp_path: pathlib.Path) -> None:
    (tmp_path / "mine.csv").write_bytes(ROWS)
    assert run(tmp_path / "mine.csv", tmp_path / "log") == 0
    description = json.loads((tmp_path / "log" / "log.json").read_text())
    assert description["name"] == "taobao" and description["is_simulated"] is False
    assert description["source"] == {"mine.csv": hashlib.sha256(ROWS).hexdigest()}
    assert description["counts"] == {"rows_read": 4, "rows_malformed": 0, "browse_rows": 4}
    flags = description["suggested_flags"]
    assert flags["timezone"] == description["timezone"] == "Asia/Shanghai"
    assert (flags["min_time"], flags["max_time"]) == ("2017-11-25T00:00:00+08:00", "2017-12-04T00:00:00+08:00")
    # The day before the last: the next day, for retention, is in the log.
    assert flags["evaluation_date"] == flags["last_cutoff_date"] == "2017-12-02"
    assert description["log_end_ms"] == 1_512_316_799_999 and flags["log_end"] == "2017-12-03T23:59:59.999+08:00"


def test_a_folder_of_plain_and_compressed_files(tmp_path: pathlib.Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    lines = ROWS.splitlines(keepends=True)
    (logs / "a.csv").write_bytes(b"".join(lines[:1]))
    (logs / "b.csv.gz").write_bytes(gzip.compress(b"".join(lines[1:])))
    (logs / "README.txt").write_bytes(b"not a log")
    (logs / "._a.csv").write_bytes(b"left by a file manager")
    assert run(logs, tmp_path / "log") == 0
    assert browse_rows(tmp_path / "log") == EXPECTED


def test_rows_outside_the_nine_days_are_passed_on(tmp_path: pathlib.Path) -> None:
    (tmp_path / "mine.csv").write_bytes(b"71,1,2,pv,1505117799\n71,1,2,pv,2000000000\n71,1,2,pv,-2134915200\n")
    assert run(tmp_path / "mine.csv", tmp_path / "log") == 0
    times = [r["timestamp_ms"] for r in browse_rows(tmp_path / "log")]
    assert times == [1505117799000, 2000000000000, -2134915200000]


MALFORMED = (
    b"user,item,category,behaviour,timestamp",  # a header, which the published file has not
    b"71,9001,301,pv",
    b"71,9001,301,pv,1511568000,1",
    b"71,9001,301,click,1511568000",
    b"71,9001,301,PV,1511568000",
    b"71,9001,301,,1511568000",
    b",9001,301,pv,1511568000",
    b"71,,301,pv,1511568000",
    b"71,9001,,pv,1511568000",
    b"u71,9001,301,pv,1511568000",
    b"71,9001,301,pv,",
    b"71,9001,301,pv,1511568000.5",
    b"71,9001,301,pv,999999999999999999999999",
    b"71,9001,301,pv,2017-11-25",
    b'"71",9001,301,pv,1511568000',
    b"71 ,9001,301,pv,1511568000",
    b"\xff\xfe,9001,301,pv,1511568000",
    b"71,\x00,301,pv,1511568000",
    "７１,9001,301,pv,1511568000".encode(),
    b"x" * 100_000,
)


def test_malformed_rows_are_counted_and_the_others_stay(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.csv").write_bytes(b"\n".join(MALFORMED) + b"\n\n" + ROWS)
    assert run(tmp_path / "mine.csv", tmp_path / "log") == 0
    assert browse_rows(tmp_path / "log") == EXPECTED
    assert counts(tmp_path / "log")["rows_malformed"] == len(MALFORMED)
    assert counts(tmp_path / "log")["rows_read"] == len(MALFORMED) + 4
    assert f"{len(MALFORMED)} rows malformed" in capsys.readouterr().out


@pytest.mark.parametrize("line", MALFORMED)
def test_each_malformed_row_alone_is_refused(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], line: bytes
) -> None:
    (tmp_path / "mine.csv").write_bytes(line + b"\n")
    assert run(tmp_path / "mine.csv", tmp_path / "log") == 2
    assert "mine.csv" in capsys.readouterr().err and not (tmp_path / "log").exists()


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_line_endings(tmp_path: pathlib.Path, ending: bytes) -> None:
    (tmp_path / "mine.csv").write_bytes(ROWS.replace(b"\n", ending).rstrip(ending))
    assert run(tmp_path / "mine.csv", tmp_path / "log") == 0
    assert browse_rows(tmp_path / "log") == EXPECTED


def test_a_log_longer_than_a_block(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "BLOCK_BYTES", 4096)
    lines = [f"{number},9001,301,pv,{1511568000 + number}" for number in range(1000)]
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    assert run(tmp_path / "mine.csv", tmp_path / "log") == 0
    assert len(list((tmp_path / "log" / "browse").iterdir())) > 5
    assert [r["user_id"] for r in browse_rows(tmp_path / "log")] == [str(number) for number in range(1000)]


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("empty.csv", b"", "empty.csv"),
        ("photo.csv", bytes(range(256)) * 100, "photo.csv"),
        ("cut.csv.gz", gzip.compress(ROWS * 50, mtime=0)[:-20], "cut.csv.gz"),
        ("plain.csv.gz", ROWS, "plain.csv.gz"),
    ],
)
def test_a_file_that_is_no_log_is_one_line_and_publishes_nothing(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, named: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert run(tmp_path / name, tmp_path / "log") == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and named in errors[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_a_path_that_is_not_there(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "UserBehavior.csv", tmp_path / "log") == 2
    assert "does not exist" in capsys.readouterr().err
    assert run(tmp_path, tmp_path / "log") == 2
    message = capsys.readouterr().err
    assert "*.csv" in message and "tianchi" in message


def test_an_unknown_file_is_a_warning_and_a_known_one_is_not(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(ROWS)
    digest = hashlib.sha256(ROWS).hexdigest()
    assert source.checksums(taobao.LOG, [path], tmp_path) == {"mine.csv": digest}
    assert capsys.readouterr().err.startswith("warning: mine.csv")
    source.checksums(dataclasses.replace(taobao.LOG, known_sha256={digest: "mine"}), [path], tmp_path)
    assert capsys.readouterr().err == ""


def test_help_says_where_to_get_the_logs() -> None:
    command = [sys.executable, "-m", "beam_pipelines.import_logs", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for place in ("tianchi", "guyulongcs", "rees46.com", "recsys-challenge-2015", "retailrocket/", "nyit-lamp.com"):
        assert place in text
    assert "--log" in text and max(map(len, text.splitlines())) <= 120


def test_the_real_log(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = os.environ.get("EDGEDIPN_DATA")
    folder = pathlib.Path(data or "") / "taobao_userbehavior"
    if not data or not folder.is_dir():
        pytest.skip("EDGEDIPN_DATA names no folder with taobao_userbehavior: the real log is not here")
    assert run(folder, tmp_path / "log") == 0
    assert "warning" not in capsys.readouterr().err
    assert counts(tmp_path / "log") == {"rows_read": 62_844, "rows_malformed": 0, "browse_rows": 62_844}
    imported = browse_rows(tmp_path / "log")
    actions = collections.Counter(r["action"] for r in imported)
    assert actions == {"browse": 56_345, "collect": 1_820, "cart": 3_354, "purchase": 1_325}
    assert len({r["user_id"] for r in imported}) == 618
    inside = [r for r in imported if 1_511_539_200_000 <= r["timestamp_ms"] < 1_512_316_800_000]
    assert len(imported) - len(inside) == 28


def test_the_job_runs_with_the_suggested_flags(tmp_path: pathlib.Path) -> None:
    start = 1_511_539_200 + 12 * 3600  # noon of November 25 in Shanghai
    lines = []
    for day in range(9):
        for user in range(6):
            category = (day // 3 + user) % 5
            kinds = ("pv", "cart" if (day + user) % 2 else "pv", "buy")
            for minute, kind in enumerate(kinds[: 3 if (day + user) % 3 == 0 else 2]):
                lines.append(f"{user},1,{category},{kind},{start + day * 86_400 + 600 * minute + user}")
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    assert run(tmp_path / "mine.csv", tmp_path / "log") == 0
    applicable = {intent.name for intent in INTENTS} - set(taobao.NOT_APPLICABLE)
    # Everybody comes back every day, so retention has one class here.
    assert judged_intents(discretize(tmp_path / "log")) == applicable - {"retention"}
