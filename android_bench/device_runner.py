"""The native runner on a device: pushed once, then a fresh process a turn; its outputs are pulled and compared."""

import pathlib
import tempfile
from collections.abc import Iterator

from android_bench import outputs
from android_bench.cells import Cell, Findings
from android_bench.device import Device
from android_bench.errors import DeviceError
from android_bench.native_runner import (
    PROCESS_LIMIT_S,
    Program,
    checked_output,
    keep_profile,
    max_seconds,
    options,
    process_run,
    profile_options,
    tensor_arguments,
    write_inputs,
)
from android_bench.results import Condition, ProcessRun, Settings
from android_bench.retries import Operation
from android_bench.runner_output import NAME, error_in
from android_bench.validity import problem_of_processes

RUNNER_NAME = "edgedipn_runner"
LIBRARY_NAME = "edgedipn_library.so"


class RunnerWork:
    """One cell measured by the native runner.

    Args:
        device: where it runs.
        cell: what is measured.
        program: the runner and its library, built for the device's ABI.
        settings: how to measure.
        pinning: the words that precede a command to pin it; none where it is not pinned.
    """

    def __init__(
        self, device: Device, cell: Cell, program: Program, settings: Settings, pinning: tuple[str, ...]
    ) -> None:
        self.num_turns = settings.num_processes
        self._device, self._cell, self._program, self._settings = device, cell, program, settings
        self._pinning = pinning
        self._command: list[str] = []
        self._profile_command: list[str] = []
        self._written: dict[str, str] = {}

    def prepare(self) -> None:
        """Pushes everything.

        Raises:
            DeviceError: when that fails.
        """
        file, samples = self._cell.file, self._cell.file.samples
        with tempfile.TemporaryDirectory(prefix="edgedipn_bench-") as folder:
            inputs = write_inputs(pathlib.Path(folder), samples, file.inputs)
            local = {RUNNER_NAME: self._program.runner, LIBRARY_NAME: self._program.library, file.name: file.path}
            remote = self._device.push({**local, **{f"input-{name}": path for name, path in inputs.items()}})
        self._device.check(["chmod", "755", remote[RUNNER_NAME]], Operation.PUSH)
        self._written = {tensor.name: self._device.reserve(f"output-{tensor.name}") for tensor in file.outputs}
        start = [*self._pinning, remote[RUNNER_NAME], f"--library={remote[LIBRARY_NAME]}"]
        start.append(f"--model={remote[file.name]}")
        remote_inputs = {name: remote[f"input-{name}"] for name in inputs}
        how = file, samples, self._cell.condition, self._settings
        self._command = [*start, *tensor_arguments(remote_inputs, self._written), *options(*how)]
        self._profile_command = [*start, *tensor_arguments(remote_inputs, {}), *profile_options(*how)]

    def turn(self, index: int, order: int) -> Iterator[ProcessRun]:
        """Runs one process.

        Raises:
            DeviceError: when it fails, or its report is not whole.
        """
        limit_s = PROCESS_LIMIT_S + max_seconds(self._cell.condition, self._settings)
        result = self._device.shell(self._command, Operation.RUN, limit_s)
        if result.exit_code != 0 and error_in(result.stdout) is None:
            raise DeviceError(f"{NAME} failed with exit code {result.exit_code}: {result.last_line}")
        output = checked_output(result.exit_code, result.stdout, self._cell, self._settings)
        yield process_run(output, order)

    def finish(self, found: Findings) -> None:
        """Pulls the outputs of the last process, compares them, looks at the latencies of all, profiles operators.

        Raises:
            DeviceError: when they cannot be pulled, or the device fails.
        """
        file, samples = self._cell.file, self._cell.file.samples
        arrays = {
            tensor.name: outputs.from_bytes(
                self._device.pull(self._written[tensor.name]), tensor, samples.num_samples, NAME
            )
            for tensor in file.outputs
        }
        reference = outputs.of_host(file, samples, self._cell.condition.num_threads)
        found.parity = outputs.difference(arrays, samples.expected, samples.num_samples)
        found.host_difference = outputs.difference(arrays, reference, samples.num_samples)
        found.auc = outputs.auc_by_intent(arrays, reference, samples)
        found.problem = outputs.problem_of_distance(found.host_difference, file.recipe)
        found.problem = found.problem or problem_of_processes(found.processes, self._settings.max_spread)
        if self._settings.num_profiled_runs and found.problem is None:
            limit_s = PROCESS_LIMIT_S + max_seconds(Condition(), self._settings)
            result = self._device.shell(self._profile_command, Operation.RUN, limit_s)
            keep_profile(found, result.exit_code, result.stdout)
