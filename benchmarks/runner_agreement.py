"""Benchmark: the native runner's latencies against those of ai-edge-litert's Python interpreter, on this host.

Both run the same file on the same samples and time the same span, the inference alone. A turn is four fresh processes,
interpreter, runner, runner, interpreter, so that what else the machine does, and what of it changes meanwhile, falls on
both. Its ratio is that of the processes' medians, and of their fastest runs, which others disturb least; told is the
median of the turns' ratios with a 95 % interval from their ranks, which holds whatever their distribution. The two
agree when the whole interval lies within 5 %, disagree when none of it does; else it takes a quieter machine or more
turns.
"""

import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence

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

Twenty turns of four processes take two or three minutes a file.
"""

MAX_DISAGREEMENT = 0.05
STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {"median": statistics.median, "fastest": min}
_Pair = tuple[float, float]

# One process as the runner's: load, warm up, time; prints the latencies in ms.
_INTERPRETER = """
import pathlib, sys
from android_bench.bundle import open_bundle
from android_bench.host import LoadedModel
file = open_bundle(pathlib.Path(sys.argv[1])).files[int(sys.argv[2])]
model = LoadedModel(file, 1)
runs = [model.run(file.samples.feed(place))[1] for place in range(10 + int(sys.argv[3]))]
print(*runs[10:])
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_string("bundle", None, "Folder made by the converter.", required=True, flag_values=values)
    flags.DEFINE_integer(
        "turns", 20, "Turns of two processes of each; fewer than 6 have no interval.", lower_bound=6, flag_values=values
    )
    flags.DEFINE_integer("runs", 100, "Timed runs of each process.", lower_bound=10, flag_values=values)


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Measures every file of the bundle."""
    bundle = open_bundle(pathlib.Path(values.bundle))
    settings = Settings(
        num_runs=values.runs,
        num_warmup_runs=10,
        num_processes=1,
        num_tool_processes=1,
        num_profiled_runs=0,
        budget_ms=50.0,
        max_spread=1.0,
        max_battery_celsius=0.0,
        cool_down_s=0.0,
    )
    headings = f"{'interpreter ms':>16}{'runner ms':>12}{'ratio':>8}{'95 %':>16}"
    print(f"{'file, signature':48}{'of runs':10}{headings}  within {MAX_DISAGREEMENT:.0%}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        build_runner.build("host", pathlib.Path(folder) / "runner")
        program = Program(pathlib.Path(folder) / "runner", host_library())
        for place, file in enumerate(bundle.files):
            cell = Cell(bundle, file, "host_runner", Condition(), {})
            turns = [_turn(cell, program, settings, values.bundle, place) for _ in range(values.turns)]
            for statistic, pairs in zip(STATISTICS, zip(*turns, strict=True), strict=True):
                _print(f"{file.name}, {file.signature}", statistic, pairs)


def _turn(cell: Cell, program: Program, settings: Settings, bundle: str, place: int) -> tuple[_Pair, ...]:
    """Returns, by statistic, what the interpreter and the runner took, each the mean of its two processes."""
    before = _interpreter_ms(bundle, place, settings.num_runs)
    runner = [_runner_ms(cell, program, settings) for _ in range(2)]
    after = _interpreter_ms(bundle, place, settings.num_runs)
    return tuple(
        ((statistic(before) + statistic(after)) / 2, (statistic(runner[0]) + statistic(runner[1])) / 2)
        for statistic in STATISTICS.values()
    )


def _runner_ms(cell: Cell, program: Program, settings: Settings) -> Sequence[float]:
    """Returns the latencies of a fresh process of the runner, whose outputs must be the interpreter's bit for bit."""
    case = measure_host_runner(cell, program, settings)
    if case.problem:
        raise InputError(f"{cell.file.name}: {case.problem}")
    return case.samples_ms


def _interpreter_ms(bundle: str, place: int, num_runs: int) -> Sequence[float]:
    """Returns the latencies of a fresh process of the interpreter."""
    command = [sys.executable, "-c", _INTERPRETER, bundle, str(place), str(num_runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def rank_interval(ordered: list[float], confidence: float = 0.95) -> tuple[float, float]:
    """Returns an interval of the median from ordered values: between two ranks, by the binomial distribution.

    Raises:
        ValueError: when there are too few values for the confidence.
    """
    size = len(ordered)
    low, tail = 0, 2 * 0.5**size  # the chance that the median lies outside all values
    if tail > 1 - confidence:
        raise ValueError(f"{size} values give no interval of {confidence:.0%}")
    while (tail := tail + 2 * math.comb(size, low + 1) * 0.5**size) <= 1 - confidence:
        low += 1
    return ordered[low], ordered[size - 1 - low]


def _print(file: str, statistic: str, pairs: Sequence[_Pair]) -> None:
    interpreter, runner = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratios = sorted(runner_ms / interpreter_ms for interpreter_ms, runner_ms in pairs)
    low, high = rank_interval(ratios)
    figures = f"{interpreter:>16.3f}{runner:>12.3f}{statistics.median(ratios):>8.3f}{f'{low:.3f} to {high:.3f}':>16}"
    print(f"{file:48}{statistic:10}{figures}  {_answer(low, high)}", flush=True)


def _answer(low: float, high: float) -> str:
    if 1 - MAX_DISAGREEMENT <= low and high <= 1 + MAX_DISAGREEMENT:
        return "yes"
    return "no" if high < 1 - MAX_DISAGREEMENT or low > 1 + MAX_DISAGREEMENT else "undecided"


if __name__ == "__main__":
    sys.exit(commands.run(DESCRIPTION, define_flags, main))
