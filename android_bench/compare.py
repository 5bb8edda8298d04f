"""The command `python -m android_bench compare OLD NEW`: what became slower beyond the noise of the measurements.

A cell is slower when the whole 95 % interval of new/old, for p50 or p90, lies above 1 + tolerance. The interval is a
bootstrap over processes and, within each, over blocks of neighbouring runs: what differs between two processes of one
file is noise, not a change. It is wider where there are few processes, so that nothing is told that they cannot tell.
"""

import dataclasses
import enum
import pathlib
from collections.abc import Sequence

import numpy as np
from absl import flags

from android_bench import results_json
from android_bench.latency import CONFIDENCE, SEED, neighbourhood
from android_bench.results import CaseResult, Report
from edgedipn_tf import commands
from edgedipn_tf.commands import InputError

NUM_RESAMPLES = 1000
PERCENTILES = (50, 90)
SLOWER_CODE = 1

DESCRIPTION = """
Compares two results of `python -m android_bench` cell by cell: the same file name, length, program, condition and
machine.

  python -m android_bench compare OLD NEW

OLD and NEW are the folders that hold results.json. A cell is SLOWER or FASTER when the whole 95 % interval of new/old,
for p50 or p90, lies beyond the tolerance, else SAME; the interval is a bootstrap over processes and runs. UNKNOWN is
what one side lacks, or what is INVALID there, or what was measured on hosts with other processors.

Exit codes: 0 nothing is slower; 1 something is slower, or INVALID or missing in NEW; 2 the input is at fault.
"""


class Change(enum.StrEnum):
    """What became of a cell."""

    SLOWER = "SLOWER"
    FASTER = "FASTER"
    SAME = "SAME"  # no difference beyond noise and tolerance
    UNKNOWN = "UNKNOWN"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One cell in both reports."""

    label: str
    change: Change
    reason: str
    is_lost: bool = False  # measured in the old report, not in the new one


def compare(old: Report, new: Report, tolerance: float) -> list[Comparison]:
    """Returns what became of every cell of either report."""
    old_cases, new_cases = ({_key(case): case for case in report.cases} for report in (old, new))
    same_host = old.environment.processor == new.environment.processor
    return [
        _compare(old_cases.get(key), new_cases.get(key), tolerance, same_host) for key in {**old_cases, **new_cases}
    ]


def ratio_intervals(old: CaseResult, new: CaseResult) -> dict[int, tuple[float, float]]:
    """Returns the bootstrap interval of new/old by percentile."""
    random = np.random.default_rng(SEED)
    ratios = _percentiles(new, random) / _percentiles(old, random)
    bounds = np.quantile(ratios, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=1)
    return {percent: (float(low), float(high)) for percent, low, high in zip(PERCENTILES, *bounds, strict=True)}


def _key(case: CaseResult) -> tuple[object, ...]:
    serial = case.device.serial if case.device else None
    return (case.bundle_model, case.file, case.max_length, case.backend, serial, case.condition)


def _compare(old: CaseResult | None, new: CaseResult | None, tolerance: float, same_host: bool) -> Comparison:
    case = new or old
    if case is None:
        raise ValueError("a cell of neither report")
    label = f"{case.file_label} ({case.machine}, {case.condition.label})"
    if old is None or new is None:
        return Comparison(label, Change.UNKNOWN, f"only in {'NEW' if new else 'OLD'}", is_lost=new is None)
    for side, each in (("OLD", old), ("NEW", new)):
        if each.summary is None:
            return Comparison(label, Change.UNKNOWN, f"INVALID in {side}: {each.problem}", is_lost=side == "NEW")
    if case.device is None and not same_host:
        return Comparison(label, Change.UNKNOWN, "the hosts have other processors")
    return _judged(label, old, new, tolerance)


def _judged(label: str, old: CaseResult, new: CaseResult, tolerance: float) -> Comparison:
    intervals = ratio_intervals(old, new)
    text = ", ".join(f"p{percent} x {low:.3f} to {high:.3f}" for percent, (low, high) in intervals.items())
    if any(low > 1 + tolerance for low, _ in intervals.values()):
        return Comparison(label, Change.SLOWER, text)
    if any(high < 1 - tolerance for _, high in intervals.values()):
        return Comparison(label, Change.FASTER, text)
    return Comparison(label, Change.SAME, text)


def _percentiles(case: CaseResult, random: np.random.Generator) -> np.ndarray:
    """Returns percentiles [percentiles, NUM_RESAMPLES] of resamples of processes and of blocks of their runs."""
    processes = [process.samples_ms for process in case.processes if process.samples_ms]
    sizes = np.asarray([len(samples) for samples in processes])
    size, count = int(sizes.max()), len(processes)
    padded = np.asarray([np.resize(np.asarray(samples), size) for samples in processes])
    length = neighbourhood(size)
    chosen = random.integers(0, count, (NUM_RESAMPLES, count, 1))
    starts = random.integers(0, size, (NUM_RESAMPLES, count, -(-size // length)))
    places = (starts[..., None] + np.arange(length)).reshape(NUM_RESAMPLES, count, -1)[..., :size] % sizes[chosen]
    resamples = padded[chosen, places].reshape(NUM_RESAMPLES, -1)
    return np.asarray(np.percentile(resamples, PERCENTILES, axis=1))


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_float(
        "tolerance", 0.05, "Changes below this fraction do not count.", lower_bound=0.0, flag_values=values
    )


def run(arguments: Sequence[str]) -> int:
    """Runs the command and returns its exit code."""
    slower: list[Comparison] = []

    def main(values: flags.FlagValues, rest: list[str]) -> None:
        if len(rest) != 2 or any(word.startswith("-") for word in rest):
            raise InputError("name two folders: python -m android_bench compare OLD NEW")
        old, new = (results_json.read(pathlib.Path(folder)) for folder in rest)
        found = compare(old, new, values.tolerance)
        for each in found:
            print(f"{each.change:8} {each.label}: {each.reason}")
        slower.extend(each for each in found if each.change is Change.SLOWER or each.is_lost)
        print(f"{len(found)} cells, {len(slower)} slower, INVALID or missing")

    code = commands.run(DESCRIPTION, _define_flags, main, arguments, known_only=True)
    return code or (SLOWER_CODE if slower else 0)
