import multiprocessing
import os
import pathlib
import signal

import pytest

from edgedipn_tf import publishing
from edgedipn_tf.commands import InputError


def contents(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_folder_appears_whole(tmp_path: pathlib.Path) -> None:
    output = tmp_path / "made" / "here"
    with publishing.publish_folder(output) as folder:
        (folder / "a").write_text("1")
        assert not output.exists()
    assert (output / "a").read_text() == "1"
    assert contents(output.parent) == ["here"]


def test_an_exception_leaves_nothing(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="stop"), publishing.publish_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("1")
        raise ValueError("stop")
    assert contents(tmp_path) == []


def test_an_existing_folder_stays_unless_told(tmp_path: pathlib.Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("1")
    with pytest.raises(InputError, match="out exists: choose another folder, remove it, or pass --overwrite"):
        with publishing.publish_folder(tmp_path / "out"):
            pass
    with pytest.raises(ValueError), publishing.publish_folder(tmp_path / "out", overwrite=True):
        raise ValueError
    assert contents(tmp_path / "out") == ["old"]
    with publishing.publish_folder(tmp_path / "out", overwrite=True) as folder:
        (folder / "new").write_text("1")
    assert contents(tmp_path / "out") == ["new"]
    assert contents(tmp_path) == ["out"]


def test_what_a_crashed_run_left_is_removed(tmp_path: pathlib.Path) -> None:
    (tmp_path / ".out.partial" / "deep").mkdir(parents=True)
    (tmp_path / ".out.partial" / "stale").write_text("1")
    with publishing.publish_folder(tmp_path / "out") as folder:
        (folder / "fresh").write_text("1")
    assert contents(tmp_path / "out") == ["fresh"]


def test_a_crash_between_the_two_renames_is_mended(tmp_path: pathlib.Path) -> None:
    (tmp_path / ".out.replaced").mkdir()
    (tmp_path / ".out.replaced" / "good").write_text("1")
    with pytest.raises(InputError, match="exists"), publishing.publish_folder(tmp_path / "out"):
        pass
    assert contents(tmp_path / "out") == ["good"]


def test_two_runs_into_one_output_exclude_each_other(tmp_path: pathlib.Path) -> None:
    with publishing.publish_folder(tmp_path / "out") as folder:
        (folder / "mine").write_text("1")
        with (
            pytest.raises(InputError, match="being written by another run"),
            publishing.publish_folder(tmp_path / "out"),
        ):
            pass
        assert contents(folder) == ["mine"]
    assert contents(tmp_path / "out") == ["mine"]


def _publish_and_wait(output: pathlib.Path, started: "multiprocessing.synchronize.Event") -> None:
    with publishing.publish_folder(output) as folder:
        (folder / "half").write_text("1")
        started.set()
        signal.pause()


def test_a_killed_run_leaves_no_output_and_the_next_one_succeeds(tmp_path: pathlib.Path) -> None:
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    process = context.Process(target=_publish_and_wait, args=(tmp_path / "out", started))
    process.start()
    assert started.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not (tmp_path / "out").exists()
    with publishing.publish_folder(tmp_path / "out") as folder:
        (folder / "whole").write_text("1")
    assert contents(tmp_path / "out") == ["whole"]


def test_json_is_read_with_remedies(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match=r"x.json \(a thing\) does not exist: make it"):
        publishing.read_json(tmp_path / "x.json", "a thing", "make it")
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(InputError, match=r"x.json \(a thing\) is not JSON .*: make it"):
        publishing.read_json(tmp_path / "x.json", "a thing", "make it")
    publishing.write_json(tmp_path / "x.json", {"b": 1, "a": [2]})
    assert publishing.read_json(tmp_path / "x.json", "a thing", "make it") == {"a": [2], "b": 1}
    assert contents(tmp_path) == ["x.json"]
