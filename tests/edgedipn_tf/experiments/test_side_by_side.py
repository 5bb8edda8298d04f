"""Processes side by side: outcomes, limit of time, interruption."""

import os
import signal
import subprocess
import sys
import time

import pytest

from edgedipn_tf.commands import InputError
from edgedipn_tf.experiments.side_by_side import Task, run_tasks

PRINTS = "print('hello')"
FAILS = "print('first'); raise SystemExit('error: the reason')"
SLEEPS = "import time; time.sleep(60)"
INTERRUPTED = "raise SystemExit(130)"


def run(tmp_path, *programs, num_together=2, max_minutes=1.0):
    failures = {}
    tasks = [
        Task(str(place), [sys.executable, "-S", "-c", program], tmp_path / "logs" / f"{place}.log")
        for place, program in enumerate(programs)
    ]
    num_failed = run_tasks(
        tasks,
        num_together=num_together,
        max_minutes=max_minutes,
        folder=tmp_path,
        environment=os.environ,
        claimed=tmp_path / "requests",
        on_failure=lambda task, reason: failures.update({task.name: reason}),
    )
    assert num_failed == len(failures)
    return failures


def test_a_failure_is_told_and_stops_nothing(tmp_path, capsys):
    assert run(tmp_path, FAILS, PRINTS, PRINTS) == {"0": "exit code 1: error: the reason"}
    assert (tmp_path / "logs" / "2.log").read_text() == "hello\n"
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and lines[-1].endswith("all done") and "about 0:00:0" in lines[0]
    assert any("FAILED (exit code 1: error: the reason)" in line for line in lines)


def test_what_takes_too_long_is_stopped(tmp_path):
    began = time.monotonic()
    assert run(tmp_path, SLEEPS, max_minutes=0.005) == {"0": "took more than 0.005 minutes"}
    assert time.monotonic() - began < 30


def test_an_interrupted_run_stops_the_others(tmp_path):
    marker = tmp_path / "late"
    late = f"import time; time.sleep(2); open({str(marker)!r}, 'w')"
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, INTERRUPTED, late, PRINTS)
    time.sleep(2.2)
    assert not marker.exists() and not (tmp_path / "logs" / "2.log").exists()


def test_nothing_to_do(tmp_path):
    assert run(tmp_path) == {}


def test_what_a_killed_command_left_running_keeps_its_claim(tmp_path):
    # The command is killed while its task runs: the lock lives on in the task.
    source = f"""
import os, pathlib, sys
from edgedipn_tf.experiments.side_by_side import Task, run_tasks
left = Task("left", [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"],
            pathlib.Path({str(tmp_path)!r}, "left.log"))
run_tasks([left], num_together=1, max_minutes=1, folder=pathlib.Path({str(tmp_path)!r}), environment=os.environ,
          claimed=pathlib.Path({str(tmp_path)!r}, "requests"), on_failure=print)
"""
    command = subprocess.Popen([sys.executable, "-c", source])
    deadline = time.monotonic() + 30
    log = tmp_path / "left.log"
    while not (log.exists() and log.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = int(log.read_text())
    command.kill()
    command.wait()
    try:
        with pytest.raises(InputError, match="requests: runs of another command are going on: wait for them"):
            run(tmp_path)
    finally:
        os.kill(left, signal.SIGKILL)
    while time.monotonic() < deadline:  # nobody waits for it, so its end shows in the claim
        try:
            assert run(tmp_path) == {}
            break
        except InputError:
            time.sleep(0.05)
    else:
        pytest.fail("the claim outlived the task")
