"""Measures files with the native runner, a small C program that opens LiteRT's shared library.

It is the same program on this computer and on a device (`build_runner` makes both), it gives every single latency, and
it writes the outputs, so that they can be compared. On this computer they must equal those of ai-edge-litert's Python
interpreter bit for bit. On a device the instruction set differs, and with it the order of sums and the quantized
kernels, so a small difference is allowed (`tolerance`); anything beyond it is a wrong result and never a PASS.
"""

import contextlib
import dataclasses
import importlib.util
import math
import pathlib
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from android_bench.bundle import REMEDY, Bundle, ModelFile, Samples, Tensor
from android_bench.device import Device
from android_bench.errors import DeviceError
from android_bench.host import LoadedModel
from android_bench.latency import neighbourhood, summarize, verdicts_by_budget
from android_bench.results import CaseResult, DeviceInfo, Parity, RunnerFacts, Settings
from android_bench.runner_output import NAME, RunnerOutput, error_in, parse
from edgedipn_tf.commands import InputError
from edgedipn_tf.publishing import file_sha256

RUNNER_NAME = "edgedipn_runner"
LIBRARY_NAME = "libLiteRt.so"
_MAX_SECONDS = 120  # the runner's own limit, so that it ends by itself when the connection is lost
_PROCESS_LIMIT_S = 180.0

# Largest difference of a probability from this computer's. The same int8 file and inputs gave up to 6 steps of 1/256
# between x86 and arm64; float32 differs only by the order of its sums.
_QUANTIZED_TOLERANCE = 6 / 256
_FLOAT_TOLERANCE = 1e-3


@dataclasses.dataclass(frozen=True)
class Program:
    """The runner and the LiteRT library it opens, both built for the machine they run on."""

    runner: pathlib.Path
    library: pathlib.Path


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


def tolerance(recipe: str) -> float:
    """Returns how far a device's probability may lie from this computer's for a file of a recipe."""
    return _FLOAT_TOLERANCE if recipe == "float32" else _QUANTIZED_TOLERANCE


def measure_host_runner(bundle: Bundle, file: ModelFile, runner: pathlib.Path, settings: Settings) -> CaseResult:
    """Measures one file on this computer; a fault of the runner ends in an INVALID case.

    Raises:
        InputError: when LiteRT itself cannot load the file.
    """
    program = Program(runner, host_library())
    output, parity, problem = None, None, None
    with tempfile.TemporaryDirectory(prefix="edgedipn_bench-") as name:
        folder = pathlib.Path(name)
        inputs = _write_inputs(folder, bundle.samples, file.inputs)
        outputs = {tensor.name: folder / f"output-{tensor.name}" for tensor in file.outputs}
        command = _command(str(program.runner.absolute()), program.library, file.path, inputs, outputs)
        command += _options(file, bundle.samples, settings)
        try:
            output = _run_here(command, file, settings)
            found = {
                tensor.name: _array(_content(outputs[tensor.name]), tensor, bundle.samples.num_samples)
                for tensor in file.outputs
            }
            parity = _parity(found, bundle.samples.expected, bundle.samples.num_samples)
            problem = _first_difference(found, host_outputs(file, bundle.samples, settings.num_threads))
        except DeviceError as error:
            problem = str(error)
    return _case(file, None, program, output, parity, problem, settings)


def measure_device_runner(
    device: Device, bundle: Bundle, program: Program, settings: Settings, progress: Callable[[str], None]
) -> list[CaseResult]:
    """Measures every file of a bundle on one device.

    Faults of the device end in INVALID cases, not in exceptions; the files after a fault are still tried.
    """
    try:
        info = device.info()
    except DeviceError as error:
        unknown = DeviceInfo(device.serial, manufacturer="", model="", abi="", android_version="", build="")
        return [_case(file, unknown, program, None, None, str(error), settings) for file in bundle.files]
    cases = []
    for file in bundle.files:
        progress(f"measuring {file.name} on {info.label} with {NAME}: {settings.num_runs} runs")
        output, parity, problem = None, None, None
        try:
            output, found = _run_there(device, bundle.samples, file, program, settings)
            parity = _parity(found, bundle.samples.expected, bundle.samples.num_samples)
            problem = _too_far(found, host_outputs(file, bundle.samples, settings.num_threads), tolerance(file.recipe))
        except DeviceError as error:
            problem = str(error)
            with contextlib.suppress(DeviceError):
                device.stop_programs()  # or it would run beside the next file
        cases.append(_case(file, info, program, output, parity, problem, settings))
    return cases


def host_outputs(file: ModelFile, samples: Samples, num_threads: int) -> dict[str, np.ndarray]:
    """Returns the outputs [N, places] of every sample by ai-edge-litert's Python interpreter on this computer.

    Raises:
        InputError: when LiteRT cannot load or run the file.
    """
    model = LoadedModel(file, num_threads)
    try:
        by_sample = [model.run(samples.feed(place))[0] for place in range(samples.num_samples)]
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{file.path}: LiteRT cannot run it ({' '.join(str(error).split())}): {REMEDY}") from None
    return {tensor.name: np.concatenate([outputs[tensor.name] for outputs in by_sample]) for tensor in file.outputs}


def _command(
    runner: str,
    library: pathlib.Path | str,
    model: pathlib.Path | str,
    inputs: Mapping[str, pathlib.Path | str],
    outputs: Mapping[str, pathlib.Path | str],
) -> list[str]:
    return [
        runner,
        f"--library={library}",
        f"--model={model}",
        *(f"--input={name}={path}" for name, path in inputs.items()),
        *(f"--output={name}={path}" for name, path in outputs.items()),
    ]


def _options(file: ModelFile, samples: Samples, settings: Settings) -> list[str]:
    return [
        f"--signature={file.signature}",
        f"--threads={settings.num_threads}",
        f"--samples={samples.num_samples}",
        f"--warmup={settings.num_warmup_runs}",
        f"--runs={settings.num_runs}",
        f"--max_seconds={_MAX_SECONDS}",
    ]


def _run_here(command: Sequence[str], file: ModelFile, settings: Settings) -> RunnerOutput:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PROCESS_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise DeviceError(f"{NAME} did not end within {_PROCESS_LIMIT_S:g} s") from None
    except OSError as error:
        raise DeviceError(f"{command[0]} cannot be run: {error.strerror}") from None
    return _output(done.returncode, done.stdout, file, settings)


def _run_there(
    device: Device, samples: Samples, file: ModelFile, program: Program, settings: Settings
) -> tuple[RunnerOutput, dict[str, np.ndarray]]:
    """Pushes everything, runs once, and returns the report and the pulled outputs."""
    with tempfile.TemporaryDirectory(prefix="edgedipn_bench-") as folder:
        inputs = _write_inputs(pathlib.Path(folder), samples, file.inputs)
        local = {RUNNER_NAME: program.runner, LIBRARY_NAME: program.library, file.name: file.path}
        remote = device.push({**local, **{f"input-{name}": path for name, path in inputs.items()}})
    device.check(["chmod", "755", remote[RUNNER_NAME]])
    outputs = {tensor.name: device.reserve(f"output-{tensor.name}") for tensor in file.outputs}
    pushed_inputs = {name: remote[f"input-{name}"] for name in inputs}
    command = _command(remote[RUNNER_NAME], remote[LIBRARY_NAME], remote[file.name], pushed_inputs, outputs)
    result = device.shell([*command, *_options(file, samples, settings)], _PROCESS_LIMIT_S)
    if result.exit_code != 0 and error_in(result.stdout) is None:
        raise DeviceError(f"{NAME} failed with exit code {result.exit_code}: {result.last_line}")
    output = _output(result.exit_code, result.stdout, file, settings)
    return output, {
        tensor.name: _array(device.pull(outputs[tensor.name]), tensor, samples.num_samples) for tensor in file.outputs
    }


def _output(exit_code: int, text: str, file: ModelFile, settings: Settings) -> RunnerOutput:
    """Returns the report of a process, or refuses it when the process failed or had too few threads."""
    if reason := error_in(text):
        raise DeviceError(f"{NAME} failed: {reason}")
    if exit_code != 0:
        raise DeviceError(f"{NAME} failed with exit code {exit_code}")
    output = parse(text, file, settings.num_warmup_runs, settings.num_runs)
    if output.num_process_threads < settings.num_threads:
        raise DeviceError(
            f"{NAME} was asked for {settings.num_threads} threads and had {output.num_process_threads}: "
            "this LiteRT does not take the number"
        )
    return output


def _write_inputs(folder: pathlib.Path, samples: Samples, inputs: Sequence[Tensor]) -> dict[str, pathlib.Path]:
    """Writes the raw values of all samples by input, little-endian as every Android device is."""
    written = {}
    for tensor in inputs:
        array = samples.inputs[tensor.name]
        written[tensor.name] = folder / f"input-{tensor.name}"
        written[tensor.name].write_bytes(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return written


def _content(path: pathlib.Path) -> bytes:
    if not path.is_file():
        raise DeviceError(f"{NAME} ended well but wrote no {path.name}")
    return path.read_bytes()


def _array(content: bytes, tensor: Tensor, num_samples: int) -> np.ndarray:
    """Returns an output file as [N, places]."""
    dtype, shape = np.dtype(tensor.dtype).newbyteorder("<"), (num_samples, *tensor.shape[1:])
    if len(content) != dtype.itemsize * math.prod(shape):
        raise DeviceError(f"{NAME} wrote {len(content)} bytes of output {tensor.name!r}, which is not all samples")
    return np.frombuffer(content, dtype).reshape(shape)


def _parity(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], num_samples: int) -> Parity:
    largest = {name: float(np.max(np.abs(array - expected[name]))) for name, array in found.items()}
    return Parity(num_samples, {name: value if np.isfinite(value) else None for name, value in largest.items()})


def _first_difference(found: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]) -> str | None:
    for name, array in found.items():
        if array.tobytes() != reference[name].tobytes():
            return f"output {name!r} is not that of ai-edge-litert's Python interpreter bit for bit"
    return None


def _too_far(found: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray], limit: float) -> str | None:
    for name, array in found.items():
        difference = float(np.max(np.abs(array - reference[name])))
        if not difference <= limit:  # so that NaN is refused
            return f"output {name!r} lies up to {difference:.2g} from this computer's, more than {limit:.2g}: wrong"
    return None


def _case(
    file: ModelFile,
    device: DeviceInfo | None,
    program: Program,
    output: RunnerOutput | None,
    parity: Parity | None,
    problem: str | None,
    settings: Settings,
) -> CaseResult:
    if parity and not parity.is_finite:
        problem = "an output is not a finite number"
    latencies = output.timed_ms if output else ()
    summary = summarize(latencies, neighbourhood(len(latencies))) if latencies and not problem else None
    return CaseResult(
        file=file.name,
        recipe=file.recipe,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        max_length=file.max_length,
        backend="adb_runner" if device else "host_runner",
        device=device,
        load_ms=output.load_ms if output else None,
        warmup_samples_ms=(output.first_ms, *output.warmup_ms) if output else (),
        samples_ms=latencies,
        summary=summary,
        verdicts=verdicts_by_budget(summary, settings.budget_ms, problem),
        parity=parity,
        tool_summary=None,
        runner=_facts(program, output) if output else None,
        problem=problem,
    )


def _facts(program: Program, output: RunnerOutput) -> RunnerFacts:
    return RunnerFacts(
        runner_sha256=file_sha256(program.runner),
        library_sha256=file_sha256(program.library),
        library_ms=output.library_ms,
        num_process_threads=output.num_process_threads,
        peak_memory_kb=output.peak_memory_kb,
        cpus=output.cpus,
    )
