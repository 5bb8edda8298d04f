"""Benchmark: the native runner's latencies against those of ai-edge-litert's Python interpreter, on this host.

Both run the same file on the same samples in turns of one short process each, so that what else the machine does falls
on both. They time the same span: the inference alone.
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile

from absl import flags

from android_bench import build_runner
from android_bench.bundle import open_bundle
from android_bench.cells import Cell
from android_bench.native_runner import Program, host_library, measure_host_runner
from android_bench.results import Condition, Settings
from edgedipn_tf import commands
from edgedipn_tf.commands import InputError

DESCRIPTION = """
Measures what the native runner reports, by what ai-edge-litert's Python interpreter takes; one thread.

  python -m benchmarks.runner_agreement --bundle=quickstart/simulated/bundle
"""

# One process as the runner's: load, warm up, time; prints the latencies in ms.
_INTERPRETER = """
import pathlib, sys
from android_bench.bundle import open_bundle
from android_bench.host import LoadedModel
bundle = open_bundle(pathlib.Path(sys.argv[1]))
model = LoadedModel(bundle.files[int(sys.argv[2])], 1)
runs = [model.run(bundle.samples.feed(place))[1] for place in range(10 + int(sys.argv[3]))]
print(*runs[10:])
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_string("bundle", None, "Folder made by the converter.", required=True, flag_values=values)
    flags.DEFINE_integer("turns", 10, "Processes of each.", lower_bound=3, flag_values=values)
    flags.DEFINE_integer("runs", 100, "Timed runs of each process.", lower_bound=10, flag_values=values)


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Measures every file of the bundle."""
    bundle = open_bundle(pathlib.Path(values.bundle))
    settings = Settings(
        num_runs=values.runs,
        num_warmup_runs=10,
        num_processes=1,
        num_tool_processes=1,
        budget_ms=50.0,
        max_spread=1.0,
        max_battery_celsius=0.0,
        cool_down_s=0.0,
    )
    print(f"{'file':36}{'interpreter ms':>16}{'runner ms':>12}{'ratio':>8}{'ratios of turns':>18}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        build_runner.build("host", pathlib.Path(folder) / "runner")
        program = Program(pathlib.Path(folder) / "runner", host_library())
        for place, file in enumerate(bundle.files):
            cell = Cell(bundle, file, "host_runner", Condition(), {})
            pairs = []
            for _ in range(values.turns):
                case = measure_host_runner(cell, program, settings)
                if case.problem:
                    raise InputError(f"{file.name}: {case.problem}")
                pairs.append((_interpreter_ms(values.bundle, place, values.runs), statistics.median(case.samples_ms)))
            _print(file.name, pairs)


def _interpreter_ms(bundle: str, place: int, num_runs: int) -> float:
    """Returns the median of a fresh process of the interpreter."""
    command = [sys.executable, "-c", _INTERPRETER, bundle, str(place), str(num_runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return statistics.median(map(float, done.stdout.split()))


def _print(name: str, pairs: list[tuple[float, float]]) -> None:
    interpreter, runner = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratios = sorted(runner_ms / interpreter_ms for interpreter_ms, runner_ms in pairs)
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    print(f"{name:36}{interpreter:>16.3f}{runner:>12.3f}{statistics.median(ratios):>8.3f}{spread:>18}", flush=True)


if __name__ == "__main__":
    sys.exit(commands.run(DESCRIPTION, define_flags, main))
