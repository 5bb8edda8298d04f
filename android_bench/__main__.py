"""The command `python -m android_bench`: flags, help, exit codes. All work is done by the other modules."""

import pathlib
import sys
from collections.abc import Sequence

from absl import flags

from android_bench import results, table
from android_bench.benchmark import TOOL_PAGE, Tools, measure
from android_bench.bundle import open_bundle
from android_bench.results import Report, Settings
from edgedipn_tf import commands
from edgedipn_tf.commands import InputError

DESCRIPTION = f"""
Measures the latency of a converted bundle and judges it by its 90th percentile against a budget.

  python -m android_bench --bundle=quickstart/bundle --output=quickstart/benchmark

measures every .tflite file on this computer ("host, not a phone"). With a phone attached (`adb devices` shows it) and
the standard tool benchmark_model for Android (where to get it: {TOOL_PAGE})

  python -m android_bench --bundle=quickstart/bundle --output=phone --benchmark_model=android_aarch64_benchmark_model

measures on every attached device too. So does our native runner (python -m android_bench.build_runner --help), which
gives every single latency of one process and the outputs as well:

  python -m android_bench --bundle=quickstart/bundle --output=phone --host_runner=runner \\
      --device_runner=runner-android --device_library=libLiteRt.so

Inputs are the bundle's real samples. The verdict is PASS or FAIL when the whole
95 % interval of p90 lies on one side of the budget, else INCONCLUSIVE; INVALID, with the reason, when something went
wrong. It rests on single latencies only, never on averages. The output folder gets results.json with every raw sample,
and a table is printed.

Exit codes: 0 measured, whatever the verdict; 2 the input is at fault or a device failed; 130 interrupted.
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags on `values`."""

    def integer(name: str, default: int, meaning: str) -> None:
        flags.DEFINE_integer(name, default, meaning, lower_bound=1, flag_values=values)

    flags.DEFINE_string(
        "bundle", None, "Folder made by `python -m edgedipn_tf.convert`.", required=True, flag_values=values
    )
    flags.DEFINE_string("output", None, "Folder that gets results.json.", required=True, flag_values=values)
    flags.DEFINE_bool("overwrite", False, "Replace a results.json that is there.", flag_values=values)
    flags.DEFINE_enum(
        "backend",
        "auto",
        ["auto", "host", "adb"],
        "host: this computer. adb: every attached device. auto: this computer, and every attached device when adb and "
        "--benchmark_model or --device_runner are there.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "benchmark_model", None, f"The standard tool, built for the device's ABI: {TOOL_PAGE}.", flag_values=values
    )
    flags.DEFINE_string(
        "host_runner",
        None,
        "The native runner built for this computer: measured beside ai-edge-litert's Python interpreter, whose outputs "
        "it must give bit for bit.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "device_runner",
        None,
        "The native runner built for the devices' ABI; with --device_library.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "device_library",
        None,
        "libLiteRt.so built for the devices' ABI, of the release of this computer's ai-edge-litert.",
        flag_values=values,
    )
    flags.DEFINE_float(
        "budget_ms", 50.0, "The budget for p90; 20 is always reported too.", lower_bound=0.001, flag_values=values
    )
    integer("num_runs", 200, "Timed runs on this computer and of the native runner. Else: runs of the tool's summary.")
    integer("num_processes", 50, "Processes of benchmark_model, each giving one latency after warm-up.")
    integer("num_warmup_runs", 10, "Runs before those that count.")
    integer("num_threads", 1, "Threads of the interpreter.")


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Measures, publishes results.json and prints the table.

    Raises:
        InputError: when a flag or the bundle is at fault, no device can be measured with --backend=adb, or a case is
            INVALID (results.json is written then).
    """
    output = pathlib.Path(values.output)
    _refuse_output(output, values.overwrite)
    tools = _tools(values)
    settings = Settings(
        num_runs=values.num_runs,
        num_warmup_runs=values.num_warmup_runs,
        num_threads=values.num_threads,
        num_processes=values.num_processes,
        budget_ms=values.budget_ms,
    )
    bundle = open_bundle(pathlib.Path(values.bundle))
    report = measure(bundle, values.backend, tools, settings, progress=lambda line: print(line, flush=True))
    path = results.write(report, output)
    print(f"\n{table.render(report)}\n\nresults: {path}")
    _refuse_problems(report, path)


def _tools(values: flags.FlagValues) -> Tools:
    build = "make it with `python -m android_bench.build_runner`"
    tools = Tools(
        benchmark_model=_file(values, "benchmark_model", f"get it from {TOOL_PAGE}"),
        host_runner=_file(values, "host_runner", build),
        device_runner=_file(values, "device_runner", build),
        device_library=_file(values, "device_library", "it is part of LiteRT's releases for Android"),
    )
    if bool(tools.device_runner) != bool(tools.device_library):
        raise InputError("--device_runner and --device_library go together: pass both")
    return tools


def _file(values: flags.FlagValues, flag: str, remedy: str) -> pathlib.Path | None:
    if not (text := values[flag].value):
        return None
    path = pathlib.Path(text)
    if not path.is_file():
        raise InputError(f"--{flag}={path} does not exist: {remedy}")
    return path


def _refuse_output(output: pathlib.Path, overwrite: bool) -> None:
    if output.exists() and not output.is_dir():
        raise InputError(f"--output={output} is not a folder: choose another")
    if (output / results.FILE_NAME).exists() and not overwrite:
        raise InputError(f"{output / results.FILE_NAME} exists: choose another --output, or pass --overwrite")


def _refuse_problems(report: Report, path: pathlib.Path) -> None:
    """Ends with code 2 when a case is INVALID: a script must not take that for a measurement."""
    invalid = [case for case in report.cases if case.problem]
    if invalid:
        first = invalid[0]
        raise InputError(
            f"{len(invalid)} of {len(report.cases)} cases are INVALID, first {first.file} on {first.machine}: "
            f"{first.problem}; all are in {path}"
        )


def run(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return commands.run(DESCRIPTION, define_flags, main, argv)


def cli() -> None:
    """Entry point."""
    sys.exit(run())


if __name__ == "__main__":
    cli()
