"""One session on one device: pre-flight, processes in shuffled order with rests between them, what became of each cell.

Every fault ends in an INVALID case with its reason, never in an exception, and the cells after it are still tried.
"""

import contextlib
import dataclasses
import pathlib
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from android_bench.cells import Cell, Findings, case_result
from android_bench.cool_down import wait_until_cool
from android_bench.device import Device
from android_bench.device_runner import RunnerWork
from android_bench.device_state import fastest_cluster, read_info, read_state
from android_bench.device_tool import ToolWork
from android_bench.errors import DeviceError
from android_bench.native_runner import Program
from android_bench.phone_settings import kept_awake
from android_bench.preflight import free_space_bytes, notes, refusal
from android_bench.results import CaseResult, DeviceInfo, ProcessRun, Settings
from android_bench.retries import Operation
from android_bench.validity import problem_of_states

SEED = 20260  # of the order of processes

Progress = Callable[[str], None]


class Work(Protocol):
    """One cell measured by one program, a turn at a time."""

    num_turns: int

    def prepare(self) -> None:
        """Makes the device ready; raises DeviceError."""

    def turn(self, index: int, order: int) -> Iterator[ProcessRun]:
        """Yields what one turn's processes gave; raises DeviceError."""

    def finish(self, found: Findings) -> None:
        """Completes the findings, perhaps by a problem; raises DeviceError."""


@dataclasses.dataclass
class _Task:
    cell: Cell
    work: Work
    found: Findings


@dataclasses.dataclass(frozen=True)
class DevicePrograms:
    """What runs on a device, built for its ABI."""

    benchmark_model: pathlib.Path | None = None
    runner: Program | None = None

    @property
    def files(self) -> list[pathlib.Path]:
        """Every program and library."""
        found = [self.benchmark_model, *((self.runner.runner, self.runner.library) if self.runner else ())]
        return [path for path in found if path]


class Session:
    """Measures cells on one device.

    Args:
        device: the device; what is pushed is removed when its context ends.
        programs: what runs on it.
        settings: how to measure.
        progress: is told what is being done.
    """

    def __init__(self, device: Device, programs: DevicePrograms, settings: Settings, progress: Progress) -> None:
        self._device, self._programs, self._settings, self._progress = device, programs, settings, progress
        self._order = 0
        self._info = DeviceInfo(device.serial)
        self._notes: list[str] = []
        self._problem: str | None = None
        self._mask: str | None = None
        self.no_pinning: str | None = None  # why pinned cells are left out
        try:
            self._begin()
        except DeviceError as error:
            self._problem = str(error)

    def _begin(self) -> None:
        self._info = read_info(self._device)
        state = read_state(self._device)
        self._problem = refusal(self._info, state, free_space_bytes(self._device), self._programs.files)
        self._notes = notes(self._info, state)
        self._mask = fastest_cluster(self._info)
        if self._mask is None:
            self.no_pinning = "its CPUs are all alike, or it does not tell their clocks"
        elif self._device.shell(["sh", "-c", "command -v taskset"], Operation.READ).exit_code != 0:
            self.no_pinning = "it has no taskset"

    @property
    def machine(self) -> tuple[str, ...]:
        """What identifies the device and its software."""
        return (self._info.serial, self._info.model, self._info.build)

    def measure(self, cells: Sequence[Cell]) -> list[tuple[Cell, CaseResult]]:
        """Measures cells whose processes are shuffled among each other, so that none has the cooler device.

        Pinned cells are left out where the device cannot pin.

        Raises:
            InputError: when this computer's LiteRT cannot load a file.
        """
        if self.no_pinning:
            cells = [cell for cell in cells if not cell.condition.is_pinned]
        if self._problem:
            return self._refused(cells, self._problem)
        tasks: list[_Task] = []
        problem = None
        try:
            with kept_awake(self._device) as note:
                self._notes += [note] if note and note not in self._notes else []
                tasks = [self._task(cell) for cell in cells]
                self._run(tasks)
        except DeviceError as error:  # what is done before and after all cells
            problem = str(error)
        for task in tasks:
            task.found.problem = task.found.problem or problem
        if problem and not tasks:
            return self._refused(cells, problem)
        return [(task.cell, case_result(task.cell, self._info, task.found, self._settings)) for task in tasks]

    def _refused(self, cells: Sequence[Cell], problem: str) -> list[tuple[Cell, CaseResult]]:
        return [(cell, case_result(cell, self._info, Findings(problem=problem), self._settings)) for cell in cells]

    def _task(self, cell: Cell) -> _Task:
        """Returns a cell ready to run, or with the problem that keeps it from running."""
        found = Findings(notes=list(self._notes))
        pinning: tuple[str, ...] = ()
        if cell.condition.is_pinned and self._mask:
            found.affinity_mask = self._mask
            pinning = ("taskset", self._mask)
        work: Work
        if cell.backend == "adb_runner" and self._programs.runner:
            work = RunnerWork(self._device, cell, self._programs.runner, self._settings, pinning)
        elif self._programs.benchmark_model:
            work = ToolWork(self._device, cell, self._programs.benchmark_model, self._settings, pinning)
        else:
            raise ValueError(f"no program for {cell.backend}")
        task = _Task(cell, work, found)
        with self._faults_of(task):
            work.prepare()
        return task

    def _run(self, tasks: Sequence[_Task]) -> None:
        turns = [(task, index) for task in tasks for index in range(task.work.num_turns)]
        random.Random(SEED).shuffle(turns)
        for place, (task, index) in enumerate(turns):
            if task.found.problem is None:
                self._progress(f"{self._info.label}: {place + 1} of {len(turns)}: {task.cell.label}")
                with self._faults_of(task):
                    self._take(task, index)
        for task in tasks:
            if task.found.problem is None:
                with self._faults_of(task):
                    task.work.finish(task.found)

    def _take(self, task: _Task, index: int) -> None:
        found = task.found
        found.states.append(wait_until_cool(self._device, self._settings, self._progress))
        for process in task.work.turn(index, self._order):
            found.processes.append(process)
        self._order += 1
        found.states.append(read_state(self._device))
        found.problem = problem_of_states(found.states)

    @contextlib.contextmanager
    def _faults_of(self, task: _Task) -> Iterator[None]:
        try:
            yield
        except DeviceError as error:
            task.found.problem = str(error)
            with contextlib.suppress(DeviceError):
                self._device.stop_programs()  # or it would run beside the next process
