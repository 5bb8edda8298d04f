"""The native runner, a small C program that opens LiteRT's or TFLite's library: its command line, its runs here.

It is the same program on this computer and on a device (`build_runner` makes both), it gives every single latency, and
it writes the outputs, so that they can be compared.
"""

import dataclasses
import importlib.util
import pathlib
import subprocess
import tempfile
from collections.abc import Mapping, Sequence

from android_bench import operator_profile, outputs
from android_bench.bundle import ModelFile, Samples, Tensor
from android_bench.cells import Cell, Findings, case_result
from android_bench.errors import DeviceError
from android_bench.results import CaseResult, Condition, ProcessRun, Settings
from android_bench.runner_output import NAME, RunnerOutput, error_in, parse, profile_in
from edgedipn_tf.commands import InputError
from edgedipn_tf.publishing import file_sha256

LIBRARY_NAME = "libLiteRt.so"
PROCESS_LIMIT_S = 60.0  # beyond the time that the runs themselves may take
_MAX_SECONDS = 120  # of the runs one after another, so that it ends by itself when the connection is lost


@dataclasses.dataclass(frozen=True)
class Program:
    """The runner and the library it opens, LiteRT's or TFLite's, both built for the machine they run on."""

    runner: pathlib.Path
    library: pathlib.Path

    def sha256(self) -> dict[str, str]:
        """Returns the hashes of both by name."""
        return {"runner": file_sha256(self.runner), f"library {self.library.name}": file_sha256(self.library)}


def host_library() -> pathlib.Path:
    """Returns the library of the installed ai-edge-litert.

    Raises:
        InputError: when that release has none.
    """
    spec = importlib.util.find_spec("ai_edge_litert")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := pathlib.Path(folder) / LIBRARY_NAME).is_file():
            return path
    raise InputError(f"this ai-edge-litert has no {LIBRARY_NAME}: install 2.3 or newer, or leave out --host_runner")


def measure_host_runner(cell: Cell, program: Program, settings: Settings) -> CaseResult:
    """Measures one file on this computer; a fault of the runner ends in an INVALID case.

    Raises:
        InputError: when LiteRT itself cannot load the file.
    """
    file, samples, found = cell.file, cell.file.samples, Findings()
    with tempfile.TemporaryDirectory(prefix="edgedipn_bench-") as name:
        folder = pathlib.Path(name)
        inputs = write_inputs(folder, samples, file.inputs)
        written = {tensor.name: folder / f"output-{tensor.name}" for tensor in file.outputs}
        start = [str(program.runner.absolute()), f"--library={program.library}", f"--model={file.path}"]
        command = [*start, *tensor_arguments(inputs, written), *options(file, samples, cell.condition, settings)]
        try:
            for order in range(settings.num_processes):
                done = _run_here(command, cell, settings)
                found.processes.append(process_run(checked_output(*done, cell, settings), order))
            arrays = {
                tensor.name: outputs.from_bytes(_content(written[tensor.name]), tensor, samples.num_samples, NAME)
                for tensor in file.outputs
            }
            found.parity = outputs.difference(arrays, samples.expected, samples.num_samples)
            reference = outputs.of_host(file, samples, cell.condition.num_threads)
            found.auc = outputs.auc_by_intent(arrays, reference, samples)
            found.problem = outputs.problem_of_other_bits(arrays, reference)
            if settings.num_profiled_runs:
                profiled = profile_options(file, samples, cell.condition, settings)
                keep_profile(found, *_run_here([*start, *tensor_arguments(inputs, {}), *profiled], cell, settings))
        except DeviceError as error:
            found.problem = str(error)
    return case_result(cell, None, found, settings)


def tensor_arguments(inputs: Mapping[str, pathlib.Path | str], written: Mapping[str, pathlib.Path | str]) -> list[str]:
    """Returns the arguments that name the files of inputs and outputs."""
    return [
        *(f"--input={name}={path}" for name, path in inputs.items()),
        *(f"--output={name}={path}" for name, path in written.items()),
    ]


def options(file: ModelFile, samples: Samples, condition: Condition, settings: Settings) -> list[str]:
    """Returns the arguments that say how to run."""
    return [
        f"--signature={file.signature}",
        f"--threads={condition.num_threads}",
        f"--samples={samples.num_samples}",
        f"--warmup={settings.num_warmup_runs}",
        f"--runs={settings.num_runs_per_process}",
        f"--interval_us={round(1000 * condition.interval_ms)}",
        f"--max_seconds={max_seconds(condition, settings)}",
    ]


def profile_options(file: ModelFile, samples: Samples, condition: Condition, settings: Settings) -> list[str]:
    """Returns the arguments of the process that profiles operators, whose latencies count for nothing."""
    once = dataclasses.replace(settings, num_runs=1, num_processes=1)
    unpaced = dataclasses.replace(condition, interval_ms=0.0)
    return [*options(file, samples, unpaced, once), f"--profile={settings.num_profiled_runs}"]


def keep_profile(found: Findings, exit_code: int, text: str) -> None:
    """Keeps the operator profile of a process that was asked for one, or notes why it gave none."""
    error = error_in(text) or (f"exit code {exit_code}" if exit_code else None)
    profile = profile_in(text) if error is None else None
    reason = error or "the text of this LiteRT cannot be read"
    found.keep_profile(operator_profile.parse(profile) if profile is not None else None, f"{NAME}: {reason}")


def max_seconds(condition: Condition, settings: Settings) -> int:
    """Returns the runner's own limit for the runs of a process."""
    return _MAX_SECONDS + round(settings.num_runs_per_process * condition.interval_ms / 1000)


def checked_output(exit_code: int, text: str, cell: Cell, settings: Settings) -> RunnerOutput:
    """Returns the report of a process.

    Raises:
        DeviceError: when the process failed, had too few threads, or its report is not whole.
    """
    if reason := error_in(text):
        raise DeviceError(f"{NAME} failed: {reason}")
    if exit_code != 0:
        raise DeviceError(f"{NAME} failed with exit code {exit_code}")
    output = parse(text, cell.file, settings.num_warmup_runs, settings.num_runs_per_process)
    if output.num_process_threads < cell.condition.num_threads:
        raise DeviceError(
            f"{NAME} was asked for {cell.condition.num_threads} threads and had {output.num_process_threads}: "
            "this LiteRT does not take the number"
        )
    return output


def process_run(output: RunnerOutput, order: int) -> ProcessRun:
    """Returns the record of a process."""
    return ProcessRun(
        order=order,
        samples_ms=output.timed_ms,
        first_ms=output.first_ms,
        warmup_ms=output.warmup_ms,
        load_ms=output.load_ms,
        library_ms=output.library_ms,
        cpus=output.cpus,
        num_threads=output.num_process_threads,
        peak_memory_kb=output.peak_memory_kb,
    )


def write_inputs(folder: pathlib.Path, samples: Samples, inputs: Sequence[Tensor]) -> dict[str, pathlib.Path]:
    """Writes the raw values of all samples by input, little-endian as every Android device is."""
    written = {}
    for tensor in inputs:
        array = samples.inputs[tensor.name]
        written[tensor.name] = folder / f"input-{tensor.name}"
        written[tensor.name].write_bytes(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return written


def _run_here(command: Sequence[str], cell: Cell, settings: Settings) -> tuple[int, str]:
    """Returns exit code and standard output of a process."""
    limit_s = PROCESS_LIMIT_S + max_seconds(cell.condition, settings)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired:
        raise DeviceError(f"{NAME} did not end within {limit_s:g} s") from None
    except OSError as error:
        raise DeviceError(f"{command[0]} cannot be run: {error.strerror}") from None
    return done.returncode, done.stdout


def _content(path: pathlib.Path) -> bytes:
    if not path.is_file():
        raise DeviceError(f"{NAME} ended well but wrote no {path.name}")
    return path.read_bytes()
