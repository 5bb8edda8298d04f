"""The command `python -m android_bench`: flags, help, exit codes. All work is done by the other modules."""

import pathlib
import sys
from collections.abc import Sequence

from absl import flags

from android_bench import command_flags, compare, report_html, results_json, table
from android_bench.benchmark import TOOL_PAGE, measure
from android_bench.results import Report
from edgedipn_tf import commands
from edgedipn_tf.commands import InputError

DESCRIPTION = f"""
Measures the latency of a converted bundle and judges it by its 90th percentile against a budget.

  python -m android_bench --bundle=quickstart/bundle --output=quickstart/benchmark

measures every .tflite file on this computer ("host, not a phone"). With a phone attached (`adb devices` shows it) and
the standard tool benchmark_model for Android (where to get it: {TOOL_PAGE})

  python -m android_bench --bundle=quickstart/bundle --output=phone --benchmark_model=android_aarch64_benchmark_model

measures on the phone too. So does our native runner (python -m android_bench.build_runner --help), which gives every
single latency of a process and the outputs as well:

  python -m android_bench --bundle=quickstart/bundle --output=phone --host_runner=runner \\
      --device_runner=runner-android --device_library=libLiteRt.so

Several phones are measured side by side: --all, or --serial=SERIAL for each; a wireless one is host:port. --bundle,
--num_threads and --affinity may be given several times: every combination is a cell. Cells that are finished are kept
in OUTPUT/cells, so an interrupted run goes on where it was: run the same command again.

Before a phone is measured it must be charged, cool and not saving power; processes are fresh, their order is shuffled,
and between them the phone may cool down. It is kept awake meanwhile; afterwards the setting and the files are restored.
Inputs are the bundle's real samples. The verdict is PASS or FAIL when the whole 95 % interval of p90 lies on one side
of the budget, else INCONCLUSIVE; INVALID, with the reason, when something went wrong: a lost device, throttling,
falling clocks, processes that disagree, wrong outputs. It rests on single latencies only, never on averages. The output
folder gets results.json with every raw sample and report.html, one page that needs nothing else.

Two results are compared by `python -m android_bench compare OLD NEW`.

Exit codes: 0 measured, whatever the verdict; 2 the input is at fault or a case is INVALID; 130 interrupted.
"""


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Measures, publishes results.json and prints the table.

    Raises:
        InputError: when a flag or the bundle is at fault, no device can be measured that is asked for, or a case is
            INVALID (results.json is written then).
    """
    output = pathlib.Path(values.output)
    _refuse_output(output, values.overwrite or values.resume)
    settings = command_flags.settings(values)
    plan = command_flags.plan(values, settings)
    report = measure(plan, settings, output, lambda line: print(line, flush=True))
    page = report_html.write(report, output)  # the results come last: with them the folder is finished
    path = results_json.write(report, output)
    print(f"\n{table.render(report)}\n\nresults: {path}\nreport: {page}")
    _refuse_problems(report, path)


def _refuse_output(output: pathlib.Path, may_replace: bool) -> None:
    if output.exists() and not output.is_dir():
        raise InputError(f"--output={output} is not a folder: choose another")
    path = output / results_json.FILE_NAME
    if path.exists() and not may_replace:
        raise InputError(f"{path} exists: choose another --output, or pass --overwrite or --resume")


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
    """Runs the command, or `compare` when it is the first argument, and returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["compare"]:
        return compare.run(arguments[1:])
    return commands.run(DESCRIPTION, command_flags.define_flags, main, arguments)


def cli() -> None:
    """Entry point."""
    sys.exit(run())


if __name__ == "__main__":
    cli()
