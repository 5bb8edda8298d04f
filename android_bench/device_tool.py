"""Measures files on a device with the standard tool, `benchmark_model`.

The tool prints no single latencies, only statistics of its runs. So each latency here is a process of its own that
warms up and then measures exactly one run (`--num_runs=1`); percentiles and the verdict come from these alone. One more
process of many runs gives the tool's own summary, which is recorded beside them as the tool prints it; no verdict rests
on it.
"""

import pathlib
import tempfile
from collections.abc import Iterator, Sequence

from android_bench.benchmark_model_output import ToolOutput, parse, single_latency_ms
from android_bench.bundle import Samples, Tensor
from android_bench.cells import Cell, Findings
from android_bench.device import Device, ShellResult
from android_bench.errors import DeviceError
from android_bench.host import LoadedModel
from android_bench.operator_profile import parse as parse_profile
from android_bench.results import ProcessRun, Settings
from android_bench.retries import Operation

TOOL_NAME = "benchmark_model"
NUM_PUSHED_SAMPLES = 8  # processes take them in turn; more would only lengthen the push
# By delegate: the tool's flag, and the name it has in the tool's output.
DELEGATES = {"gpu": ("--use_gpu=true", "GPU"), "nnapi": ("--use_nnapi=true", "NNAPI")}
PROCESSES_PER_TURN = 10  # the device's state is read between turns
_MAX_SECONDS = 60  # the tool's own limit, so that it ends by itself when the connection is lost
_PROCESS_LIMIT_S = 180.0  # warm-up and measured runs may each take the tool's limit


class ToolWork:
    """One cell measured by the standard tool.

    Args:
        device: where it runs.
        cell: what is measured.
        benchmark_model: the tool, built for the device's ABI.
        settings: how to measure.
        pinning: the words that precede a command to pin it; none where it is not pinned.
    """

    def __init__(
        self, device: Device, cell: Cell, benchmark_model: pathlib.Path, settings: Settings, pinning: tuple[str, ...]
    ) -> None:
        self.num_turns = -(-settings.num_tool_processes // PROCESSES_PER_TURN)
        self._device, self._cell, self._tool, self._settings = device, cell, benchmark_model, settings
        self._pinning = pinning
        self._remote: dict[str, str] = {}
        self._tensors: list[tuple[str, Tensor]] = []  # by the graph's own names, in the graph's order
        self._num_pushed = min(NUM_PUSHED_SAMPLES, cell.file.samples.num_samples)

    def prepare(self) -> None:
        """Pushes everything.

        Raises:
            DeviceError: when that fails.
        """
        file = self._cell.file
        by_name = {tensor.name: tensor for tensor in file.inputs}
        graph_names = LoadedModel(file, self._cell.condition.num_threads).tensor_names()
        self._tensors = [(graph_name, by_name[name]) for name, graph_name in graph_names.items()]
        with tempfile.TemporaryDirectory(prefix="edgedipn_bench-") as folder:
            local = {TOOL_NAME: self._tool, file.name: file.path}
            samples = self._cell.file.samples
            local.update(_write_inputs(pathlib.Path(folder), samples, file.inputs, self._num_pushed))
            self._remote = self._device.push(local)
        self._device.check(["chmod", "755", self._remote[TOOL_NAME]], Operation.PUSH)

    def turn(self, index: int, order: int) -> Iterator[ProcessRun]:
        """Runs up to ten processes of one latency each.

        Raises:
            DeviceError: when one fails, or its output cannot be that of its command.
        """
        start = index * PROCESSES_PER_TURN
        for place in range(start, min(start + PROCESSES_PER_TURN, self._settings.num_tool_processes)):
            output = self._run(place, num_runs=1)
            latency_ms = _single_run(output)
            yield ProcessRun(order, (latency_ms,), output.first_inference_ms, load_ms=output.init_ms)

    def finish(self, found: Findings) -> None:
        """Runs one process of many runs, for the tool's own summary, and one that profiles operators.

        Raises:
            DeviceError: as `turn`.
        """
        num_runs = self._settings.num_runs
        found.tool_summary = _measured_runs(self._run(place=0, num_runs=num_runs), num_runs)
        if self._settings.num_profiled_runs:
            self._profile(found)

    def _profile(self, found: Findings) -> None:
        """Profiles operators; a device that fails is a fault as ever, a tool that gives no profile is none."""
        command = [*self._command(place=0, num_runs=self._settings.num_profiled_runs), "--enable_op_profiling=true"]
        result = self._device.shell(command, Operation.RUN, _PROCESS_LIMIT_S)
        text = f"{result.stdout}\n{result.stderr}"
        profile = parse_profile(text) if result.exit_code == 0 else None
        failure = f"{TOOL_NAME} --enable_op_profiling failed with exit code {result.exit_code}: {result.last_line}"
        found.keep_profile(profile, failure if result.exit_code else f"this {TOOL_NAME} printed none")

    def _run(self, place: int, num_runs: int) -> ToolOutput:
        result = self._device.shell(self._command(place, num_runs), Operation.RUN, _PROCESS_LIMIT_S)
        output = parse(f"{result.stdout}\n{result.stderr}")
        _refuse_faults(result, output)
        _refuse_other_delegate(output, self._cell.condition.delegate)
        return output

    def _command(self, place: int, num_runs: int) -> list[str]:
        """Returns the command line of one process, which runs the sample of its place."""
        shapes = [",".join(str(size) for size in tensor.shape) for _, tensor in self._tensors]
        files = [self._remote[_input_name(tensor, place % self._num_pushed)] for _, tensor in self._tensors]
        names = [name for name, _ in self._tensors]
        # Only in the list of value files does a name end at a colon, so only there is a colon in it doubled.
        values = [f"{name.replace(':', '::')}:{file}" for name, file in zip(names, files, strict=True)]
        return [
            *self._pinning,
            self._remote[TOOL_NAME],
            f"--graph={self._remote[self._cell.file.name]}",
            *self._signature(),
            f"--num_threads={self._cell.condition.num_threads}",
            f"--num_runs={num_runs}",
            "--min_secs=0",
            f"--max_secs={_MAX_SECONDS}",
            f"--warmup_runs={max(1, self._settings.num_warmup_runs)}",
            "--warmup_min_secs=0",
            f"--input_layer={','.join(names)}",
            f"--input_layer_shape={':'.join(shapes)}",
            f"--input_layer_value_files={','.join(values)}",
            *(DELEGATES[delegate][:1] if (delegate := self._cell.condition.delegate) in DELEGATES else ()),
        ]

    def _signature(self) -> list[str]:
        """Returns the flag that names the signature; of a file with one only, which older tools take too, none."""
        file = self._cell.file
        return [f"--signature_to_run_for={file.signature}"] if file.num_signatures > 1 else []


def _write_inputs(
    folder: pathlib.Path, samples: Samples, inputs: Sequence[Tensor], num_samples: int
) -> dict[str, pathlib.Path]:
    """Writes each input of each sample as the raw bytes of its array, little-endian as every Android device is."""
    written = {}
    for sample in range(num_samples):
        feed = samples.feed(sample)
        for tensor in inputs:
            name = _input_name(tensor, sample)
            written[name] = folder / name
            array = feed[tensor.name]
            written[name].write_bytes(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return written


def _input_name(tensor: Tensor, sample: int) -> str:
    return f"{tensor.name}-{sample}.bin"


def _refuse_faults(result: ShellResult, output: ToolOutput) -> None:
    if result.exit_code != 0:
        raise DeviceError(f"{TOOL_NAME} failed with exit code {result.exit_code}: {result.last_line}")
    if output.unknown_flags:
        raise DeviceError(f"this {TOOL_NAME} is too old: it does not know {output.unknown_flags[0]}; get a newer one")
    if failures := [error for error in output.errors if "Benchmarking failed" in error]:
        raise DeviceError(f"{TOOL_NAME} says {failures[0]!r}")


def _refuse_other_delegate(output: ToolOutput, delegate: str) -> None:
    """Refuses a run on another delegate than asked for: the tool falls back to the CPU and ends well."""
    if delegate not in DELEGATES:
        return
    name = DELEGATES[delegate][1]
    applied = [line for line in output.delegates if f"applied {name} delegate" in line]
    if not applied:
        raise DeviceError(f"{TOOL_NAME} did not apply the {name} delegate: the device or the tool has none")
    if "completely executed" not in applied[0]:
        raise DeviceError(
            f"the {name} delegate does not run the whole graph, so part of it ran on the CPU: {applied[0]}"
        )


def _measured_runs(output: ToolOutput, num_runs: int) -> ToolOutput:
    """Returns the output when it is of all the runs asked for: the tool stops early at its time limit."""
    if output.measured is None or output.measured.count is None:
        if output.average_ms is None:
            raise DeviceError(f"{TOOL_NAME} ended well but printed no statistics that can be read")
    elif output.measured.count != num_runs:
        raise DeviceError(f"{TOOL_NAME} measured {output.measured.count} of {num_runs} runs in {_MAX_SECONDS} s")
    return output


def _single_run(output: ToolOutput) -> float:
    try:
        return single_latency_ms(output)
    except ValueError as error:
        raise DeviceError(f"{TOOL_NAME} gives no single latency: {error}") from None
