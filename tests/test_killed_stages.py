"""Every stage, killed at random moments and run again, gives the artefact of an undisturbed run.

Minutes long: `make test-slow ARGS=tests/test_killed_stages.py`. EDGEDIPN_NUM_KILLS says how often each stage is killed.
"""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

import pytest

from tests import stages

NUM_KILLS = int(os.environ.get("EDGEDIPN_NUM_KILLS", "10"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, dict[str, float]]:
    """All stages run once; the seconds each took."""
    work = tmp_path_factory.mktemp("undisturbed")
    seconds = {}
    for stage in stages.STAGES:
        begin = time.monotonic()
        stages.finish(stage, work, work / stage.name)
        seconds[stage.name] = time.monotonic() - begin
    return work, seconds


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("stage", stages.STAGES, ids=lambda stage: stage.name)
def test_a_killed_stage_run_again_gives_the_same_artefact(
    stage: stages.Stage, undisturbed: tuple[pathlib.Path, dict[str, float]], tmp_path: pathlib.Path
) -> None:
    work, seconds = undisturbed
    expected = stages.artefact(stage, work / stage.name)
    # Outputs lie beside the originals under the same name: config.json of a run holds no path that could differ.
    output = tmp_path / stage.name
    rng = random.Random(stage.name)
    num_killed = 0
    for _ in range(NUM_KILLS):
        process = stages.start(stage, work, output)
        time.sleep(rng.uniform(0.0, seconds[stage.name]))
        num_killed += process.poll() is None
        stages.kill(process)
        if (output / stage.last).exists():
            # Published: it must be whole, although the process was killed.
            assert stages.artefact(stage, output) == expected
            shutil.rmtree(output)
            continue
        stages.finish(stage, work, output)
        assert stages.artefact(stage, output) == expected
        leftovers = [path.name for path in tmp_path.iterdir() if path != output]
        assert not leftovers
        shutil.rmtree(output)
    print(f"{stage.name}: killed {num_killed} times within {seconds[stage.name]:.1f} s")
    assert num_killed >= NUM_KILLS // 2


def _wait_for_work(process: subprocess.Popen[str], folder: pathlib.Path) -> None:
    """Waits until the command has begun its output: before that, Python may still be importing its modules."""
    deadline = time.monotonic() + 120
    while process.poll() is None and not any(folder.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("stage", stages.STAGES, ids=lambda stage: stage.name)
def test_ctrl_c_ends_with_one_line_and_the_next_run_completes(
    stage: stages.Stage, undisturbed: tuple[pathlib.Path, dict[str, float]], tmp_path: pathlib.Path
) -> None:
    work, seconds = undisturbed
    output = tmp_path / stage.name
    process = stages.start(stage, work, output)
    _wait_for_work(process, tmp_path)
    time.sleep(0.2 * seconds[stage.name])
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the command and its children
    printed, _ = process.communicate(timeout=120)
    if process.returncode != 0:  # it may have been done already
        assert process.returncode == 130, printed
        assert "Traceback" not in printed
        assert "interrupted" in printed.strip().splitlines()[-1]
        stages.finish(stage, work, output)
    assert stages.artefact(stage, output) == stages.artefact(stage, work / stage.name)
