"""Processes side by side: as many as asked, with progress, a limit of time, and none left behind."""

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from edgedipn_tf import commands
from edgedipn_tf.commands import InputError

_POLL_S = 0.2
_GRACE_S = 20.0


@dataclasses.dataclass(frozen=True)
class Task:
    """One process.

    Attributes:
        name: for the screen.
        command: with the interpreter.
        log: file for what it prints.
    """

    name: str
    command: Sequence[str]
    log: pathlib.Path


@dataclasses.dataclass(frozen=True)
class _Started:
    task: Task
    process: "subprocess.Popen[bytes]"
    at: float


def run_tasks(
    tasks: Sequence[Task],
    *,
    num_together: int,
    max_minutes: float,
    folder: pathlib.Path,
    environment: Mapping[str, str],
    claimed: pathlib.Path,
    on_failure: Callable[[Task, str], None],
) -> int:
    """Runs tasks and returns how many failed; one that fails does not stop the others.

    Args:
        tasks: in the order in which they start.
        num_together: processes at a time.
        max_minutes: a process that takes longer is stopped and has failed.
        folder: where they run.
        environment: of the processes.
        claimed: folder that nobody else's tasks may claim while one of these runs; made when absent.
        on_failure: is told the task and the reason.

    Raises:
        InputError: when the folder is claimed, perhaps by processes whose command was killed.
        KeyboardInterrupt: when this process or one of them was interrupted; all are stopped then.
    """
    waiting, running, num_failed = list(tasks), list[_Started](), 0
    began = time.monotonic()
    with _claim(claimed) as descriptor:
        try:
            while waiting or running:
                while waiting and len(running) < num_together:
                    running.append(_start(waiting.pop(0), folder, environment, descriptor))
                time.sleep(_POLL_S)
                for one in list(running):
                    reason = _outcome(one, max_minutes)
                    if reason is None:
                        continue
                    running.remove(one)
                    if reason:
                        num_failed += 1
                        on_failure(one.task, reason)
                    num_done = len(tasks) - len(waiting) - len(running)
                    _show(one, reason, num_done, len(tasks), time.monotonic() - began)
        finally:
            _stop([one.process for one in running])
    return num_failed


@contextlib.contextmanager
def _claim(folder: pathlib.Path) -> Iterator[int]:
    """Yields a descriptor whose lock on the folder lasts until all processes that hold it have ended."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{folder}: runs of another command are going on: wait for them, or end them, then run again"
            ) from None
        yield descriptor
    finally:
        os.close(descriptor)


def _start(task: Task, folder: pathlib.Path, environment: Mapping[str, str], descriptor: int) -> _Started:
    task.log.parent.mkdir(parents=True, exist_ok=True)
    with open(task.log, "wb") as log:
        process = subprocess.Popen(
            task.command,
            cwd=folder,
            env=dict(environment),
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(descriptor,),
        )
    return _Started(task, process, time.monotonic())


def _outcome(one: _Started, max_minutes: float) -> str | None:
    """Returns None while it runs, "" when it is done, else why it failed."""
    code = one.process.poll()
    if code is None:
        if time.monotonic() - one.at <= 60 * max_minutes:
            return None
        _stop([one.process])
        return f"took more than {max_minutes:g} minutes"
    if code in (commands.INTERRUPTED_CODE, -2, -15):
        raise KeyboardInterrupt
    return f"exit code {code}: {_last_line(one.task.log)}" if code else ""


def _last_line(log: pathlib.Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "it printed nothing")[:300]


def _show(one: _Started, reason: str, num_done: int, num_tasks: int, seconds: float) -> None:
    left = round(seconds / num_done * (num_tasks - num_done))
    time_left = (
        f"about {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left" if num_done < num_tasks else "all done"
    )
    took = f"{time.monotonic() - one.at:.0f} s"
    words = f"FAILED ({reason}); what it printed: {one.task.log}" if reason else took
    print(f"[{num_done}/{num_tasks}] {one.task.name}: {words}; {time_left}", flush=True)


def _stop(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Ends processes as Ctrl-C does, and by force when they do not end."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _GRACE_S
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
