"""Measures files on a device with the standard tool, `benchmark_model`.

The tool prints no single latencies, only statistics of its runs. So each latency here is a process of its own that
warms up and then measures exactly one run (`--num_runs=1`); percentiles and the verdict come from these alone. One more
process of many runs gives the tool's own summary, which is recorded beside them as the tool prints it; no verdict rests
on it.

A fault (device lost, wrong exit code, output that is none) makes the case INVALID with its reason; latencies taken
before it are kept in the record.
"""

import contextlib
import dataclasses
import pathlib
import tempfile
from collections.abc import Callable, Sequence

from android_bench.benchmark_model_output import ToolOutput, parse, single_latency_ms
from android_bench.bundle import Bundle, ModelFile, Samples, Tensor
from android_bench.device import Device, ShellResult
from android_bench.errors import DeviceError
from android_bench.host import LoadedModel
from android_bench.latency import summarize, verdicts_by_budget
from android_bench.results import CaseResult, DeviceInfo, Settings

TOOL_NAME = "benchmark_model"
NUM_PUSHED_SAMPLES = 8  # processes take them in turn; more would only lengthen the push
_MAX_SECONDS = 60  # the tool's own limit, so that it ends by itself when the connection is lost
_PROCESS_LIMIT_S = 180.0  # warm-up and measured runs may each take the tool's limit


@dataclasses.dataclass(frozen=True)
class _Tool:
    """The tool and one file on the device, with one set of value files per pushed sample."""

    device: Device
    tool: str
    graph: str
    tensors: tuple[tuple[str, Tensor], ...]  # the graph's own tensor names, in the graph's order
    value_files: tuple[tuple[str, ...], ...]  # by sample, then in the order of `tensors`
    settings: Settings

    def run(self, sample: int, num_runs: int) -> ToolOutput:
        """Runs one process.

        Raises:
            DeviceError: when it fails, or its output cannot be that of this command.
        """
        result = self.device.shell(self.command(sample, num_runs), _PROCESS_LIMIT_S)
        output = parse(f"{result.stdout}\n{result.stderr}")
        _refuse_faults(result, output)
        return output

    def command(self, sample: int, num_runs: int) -> list[str]:
        """Returns the command line of one process."""
        names = [name for name, _ in self.tensors]
        shapes = [",".join(str(size) for size in tensor.shape) for _, tensor in self.tensors]
        files = self.value_files[sample % len(self.value_files)]
        # Only in the list of value files does a name end at a colon, so only there is a colon in it doubled.
        values = [f"{name.replace(':', '::')}:{file}" for name, file in zip(names, files, strict=True)]
        return [
            self.tool,
            f"--graph={self.graph}",
            f"--num_threads={self.settings.num_threads}",
            f"--num_runs={num_runs}",
            "--min_secs=0",
            f"--max_secs={_MAX_SECONDS}",
            f"--warmup_runs={max(1, self.settings.num_warmup_runs)}",
            "--warmup_min_secs=0",
            f"--input_layer={','.join(names)}",
            f"--input_layer_shape={':'.join(shapes)}",
            f"--input_layer_value_files={','.join(values)}",
        ]


def measure_device(
    device: Device,
    bundle: Bundle,
    benchmark_model: pathlib.Path,
    settings: Settings,
    progress: Callable[[str], None],
) -> list[CaseResult]:
    """Measures every file of a bundle on one device.

    Faults of the device end in INVALID cases, not in exceptions; the files after a fault are still tried.

    Args:
        device: the device; what is pushed is removed when its context ends.
        bundle: the bundle.
        benchmark_model: the tool, built for the device's ABI.
        settings: how to measure.
        progress: is told what is being done.
    """
    try:
        info = device.info()
    except DeviceError as error:
        unknown = DeviceInfo(device.serial, manufacturer="", model="", abi="", android_version="", build="")
        return [_case(file, unknown, [], None, str(error), settings) for file in bundle.files]
    cases = []
    for file in bundle.files:
        progress(f"measuring {file.name} on {info.label}: {settings.num_processes} processes")
        cases.append(_measure_file(device, info, bundle.samples, file, benchmark_model, settings))
    return cases


def _measure_file(
    device: Device,
    info: DeviceInfo,
    samples: Samples,
    file: ModelFile,
    benchmark_model: pathlib.Path,
    settings: Settings,
) -> CaseResult:
    latencies: list[float] = []
    tool_summary = None
    problem = None
    try:
        tool = _prepare(device, samples, file, benchmark_model, settings)
        tool_summary = _measured_runs(tool.run(sample=0, num_runs=settings.num_runs), settings.num_runs)
        for place in range(settings.num_processes):
            latencies.append(_single_run(tool.run(place, num_runs=1)))
    except DeviceError as error:
        problem = str(error)
        with contextlib.suppress(DeviceError):
            device.stop_programs()  # or it would run beside the next file
    return _case(file, info, latencies, tool_summary, problem, settings)


def _case(
    file: ModelFile,
    info: DeviceInfo,
    latencies: Sequence[float],
    tool_summary: ToolOutput | None,
    problem: str | None,
    settings: Settings,
) -> CaseResult:
    summary = summarize(latencies) if latencies and not problem else None
    return CaseResult(
        file=file.name,
        recipe=file.recipe,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        max_length=file.max_length,
        backend="adb",
        device=info,
        load_ms=tool_summary.init_ms if tool_summary else None,
        warmup_samples_ms=(),
        samples_ms=tuple(latencies),
        summary=summary,
        verdicts=verdicts_by_budget(summary, settings.budget_ms, problem),
        parity=None,
        tool_summary=tool_summary,
        runner=None,
        problem=problem,
    )


def _prepare(
    device: Device, samples: Samples, file: ModelFile, benchmark_model: pathlib.Path, settings: Settings
) -> _Tool:
    """Pushes the tool, the file and its inputs, and returns them ready to run."""
    names = LoadedModel(file, settings.num_threads).tensor_names()
    by_name = {tensor.name: tensor for tensor in file.inputs}
    tensors = tuple((tensor_name, by_name[name]) for name, tensor_name in names.items())
    num_pushed = min(NUM_PUSHED_SAMPLES, samples.num_samples)
    with tempfile.TemporaryDirectory(prefix="edgedipn_bench-") as folder:
        local = {TOOL_NAME: benchmark_model, file.name: file.path}
        local.update(_write_inputs(pathlib.Path(folder), samples, file.inputs, num_pushed))
        remote = device.push(local)
    device.check(["chmod", "755", remote[TOOL_NAME]])
    value_files = tuple(
        tuple(remote[_input_name(tensor, sample)] for _, tensor in tensors) for sample in range(num_pushed)
    )
    return _Tool(device, remote[TOOL_NAME], remote[file.name], tensors, value_files, settings)


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
