"""Processes side by side: outcomes, limit of time, interruption."""

import os
import sys
import time

import pytest

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
