"""Building the native runner: one command, the same bytes twice, errors in one line."""

import importlib.util
import re
import struct

import pytest

from android_bench import build_runner
from edgedipn_tf import commands
from edgedipn_tf.commands import InputError

ZIG_MISSING = "ziglang is not installed: `pip install ziglang==0.17.1`, then run again"


def command(*arguments):
    return commands.run(build_runner.DESCRIPTION, build_runner.define_flags, build_runner.main, arguments)


@pytest.fixture(scope="module")
def android_runner(tmp_path_factory):
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip(ZIG_MISSING)
    path = tmp_path_factory.mktemp("android") / "runner"
    build_runner.build(build_runner.ANDROID, path)
    return path


def test_the_host_build_gives_the_same_bytes_twice(host_runner, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command("--target=host", "--output=new/runner") == 0  # a relative path, in a folder that is made
    assert (tmp_path / "new" / "runner").read_bytes() == host_runner.read_bytes()
    assert re.search(r"new/runner: [\d,]+ bytes for host", capsys.readouterr().out)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["runner"]


def test_the_android_build_gives_the_same_bytes_twice(android_runner, tmp_path):
    assert command(f"--target={build_runner.ANDROID}", f"--output={tmp_path}/other") == 0
    content = (tmp_path / "other").read_bytes()
    assert content == android_runner.read_bytes()
    assert str(tmp_path).encode() not in content


def test_the_android_build_is_what_androids_loader_takes(android_runner):
    """Read by hand from the ELF specification; that bionic runs it needs a phone."""
    elf = android_runner.read_bytes()
    kind, machine = struct.unpack_from("<HH", elf, 16)
    assert (elf[:5], kind, machine) == (b"\x7fELF\x02", 3, 183)  # 64 bits, position independent, AArch64
    offset, size, count = (struct.unpack_from(form, elf, at)[0] for form, at in (("<Q", 32), ("<H", 54), ("<H", 56)))
    segments = [struct.unpack_from("<IIQQQQQQ", elf, offset + i * size) for i in range(count)]
    by_kind = {kind: elf[start : start + length] for kind, _, start, _, _, length, _, _ in segments}
    assert by_kind[3] == b"/system/bin/linker64\0"
    assert 7 not in by_kind  # no thread-local storage
    loads = [segment for segment in segments if segment[0] == 1]
    assert all(align == 16384 and start % 16384 == address % 16384 for _, _, start, address, _, _, _, align in loads)
    assert struct.unpack("<III8sI", by_kind[4]) == (8, 4, 1, b"Android\0", 24)  # the note: API level 24
    entries = dict(struct.iter_unpack("<QQ", by_kind[2]))
    names = elf[entries[5] : entries[5] + entries[10]]  # offset and address agree in the first segment
    needed = [value for tag, value in struct.iter_unpack("<QQ", by_kind[2]) if tag == 1]
    assert [names[at : names.index(b"\0", at)] for at in needed] == [b"libc.so", b"libdl.so"]


def refused(capsys, *arguments):
    assert command(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    return error


def test_missing_compilers_are_named_with_the_remedy(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    error = refused(capsys, f"--target={build_runner.ANDROID}", f"--output={tmp_path}/x")
    assert "ziglang is not installed: `pip install ziglang==0.17.1`" in error
    monkeypatch.setattr(build_runner.shutil, "which", lambda name: None)
    assert "no C compiler (`cc`) on the PATH" in refused(capsys, f"--output={tmp_path}/x")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_kept(tmp_path, capsys):
    (tmp_path / "runner").write_text("precious")
    assert "exists: choose another" in refused(capsys, f"--output={tmp_path}/runner")
    assert "exists: choose another" in refused(capsys, f"--output={tmp_path}", "--overwrite")
    assert (tmp_path / "runner").read_text() == "precious"


def test_overwrite_replaces_it(host_runner, tmp_path):
    (tmp_path / "runner").write_text("old")
    assert command(f"--output={tmp_path}/runner", "--overwrite") == 0
    assert (tmp_path / "runner").read_bytes() == host_runner.read_bytes()


def test_a_failing_compiler_is_one_line_and_leaves_nothing(host_runner, tmp_path, monkeypatch):
    monkeypatch.setattr(build_runner, "SOURCES", ("absent.c",))
    with pytest.raises(InputError, match="cannot compile the runner: .*absent.c"):
        build_runner.build("host", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_the_target_is_one_of_two(tmp_path, capsys):
    assert "target" in refused(capsys, "--target=windows", f"--output={tmp_path}/x")
