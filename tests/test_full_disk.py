"""A full disk ends a stage with one line and exit code 2, and leaves nothing that looks whole.

The disk is a small tmpfs, which only root may mount; elsewhere these tests skip and say so.
"""

import pathlib
import subprocess
from collections.abc import Iterator

import pytest

from tests import stages


@pytest.fixture
def small_disk(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A disk with 16 KiB left: less than any stage's output."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a tmpfs cannot be mounted here: run `sudo make test ARGS=tests/test_full_disk.py`")
    (folder / "filler").write_bytes(b"0" * (48 * 1024))
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("work")
    for stage in (stages.SIMULATE, stages.DISCRETIZE, stages.TRAIN):
        stages.finish(stage, folder, folder / stage.name)
    return folder


def assert_refused(stage: stages.Stage, work: pathlib.Path, disk: pathlib.Path) -> None:
    process = stages.start(stage, work, disk / stage.name)
    printed, _ = process.communicate(timeout=240)
    assert process.returncode == 2, printed
    assert "Traceback" not in printed
    last = printed.strip().splitlines()[-1]
    assert last.startswith("error: ") and "space" in last.lower() and "disk" in last, printed


@pytest.mark.parametrize("stage", [stages.SIMULATE, stages.DISCRETIZE, stages.CONVERT], ids=lambda stage: stage.name)
def test_a_stage_on_a_full_disk_publishes_nothing(
    stage: stages.Stage, work: pathlib.Path, small_disk: pathlib.Path
) -> None:
    assert_refused(stage, work, small_disk)
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def test_training_on_a_full_disk_is_not_finished(work: pathlib.Path, small_disk: pathlib.Path) -> None:
    assert_refused(stages.TRAIN, work, small_disk)
    assert not (small_disk / "workdir" / "metrics.json").exists()


@pytest.mark.slow
def test_a_report_on_a_full_disk_is_not_written(work: pathlib.Path, small_disk: pathlib.Path) -> None:
    stages.finish(stages.CONVERT, work, work / "bundle")
    (small_disk / "filler").write_bytes(b"0" * (64 * 1024))  # nothing is left
    process = stages.start(stages.BENCHMARK, work, small_disk / "report")
    printed, _ = process.communicate(timeout=240)
    assert process.returncode == 2 and "Traceback" not in printed, printed
    assert not (small_disk / "report" / "results.json").exists()
