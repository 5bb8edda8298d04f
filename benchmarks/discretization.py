"""Benchmark: the discretization job, as a user runs it, against a polars program that does the same on the same files.

Each run is a process of its own, in turns, so that what else the machine does falls on both; what counts is the CPU of
the process, user and system. The results of both are compared: numbers of samples, positive labels, and the sums of all
ids in all windows.
"""

import dataclasses
import json
import os
import pathlib
import statistics
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from absl import flags

from edgedipn_tf import commands, publishing
from edgedipn_tf.commands import InputError

DESCRIPTION = """
Measures the discretization job on FnApiRunner against polars: CPU-seconds, peak memory, bytes written.

  pip install polars==2.1.0        # the extra `benchmarks`
  python -m benchmarks.reference_log --output=logs/reference
  python -m benchmarks.discretization --logs=logs/reference

polars reads, validates, orders, encodes, draws and labels, and in a second program cuts the windows, too, where the job
stores what they are cut from. It does neither candidates nor category intents, history or files; the job does all.
"""
_PROGRAMS = ("job", "polars", "polars + windows")
_COMPARED_INTENTS = ("realtime_purchase", "longtime_purchase", "realtime_cart", "retention")


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a process took: CPU-seconds, and the largest memory it held, in MB."""

    cpu_seconds: float
    peak_mb: float


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_string("logs", None, "A log of benchmarks.reference_log.", flag_values=values, required=True)
    flags.DEFINE_string("evaluation_date", "2021-03-13", "First evaluation day (UTC).", flag_values=values)
    flags.DEFINE_integer("runs", 3, "Runs of each program.", 1, flag_values=values)
    flags.DEFINE_bool("job_only", False, "Whether only the job is measured: without polars, once.", flag_values=values)
    flags.DEFINE_bool("compare", True, "Whether the sums of all windows are compared (TensorFlow).", flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Measures, compares, prints."""
    counts = publishing.read_json(pathlib.Path(values.logs) / "log.json", "description of a log", "make it again")[
        "counts"
    ]
    num_events = sum(counts[f"{view}_rows"] for view in ("swipe", "tap", "browse"))
    with tempfile.TemporaryDirectory() as scratch:
        dataset = pathlib.Path(scratch) / "dataset"
        if values.job_only:
            _print_costs({"job": [_run(_arguments("job", values, dataset))[0]]}, num_events)
        else:
            costs, results = _measure(values, dataset)
            _print_costs(costs, num_events)
            _check(results, dataset, values.compare)
        print(f"{sum(file.stat().st_size for file in dataset.rglob('*.tfrecord*')):,} bytes of TFRecords")


def _measure(values: flags.FlagValues, dataset: pathlib.Path) -> tuple[dict[str, list[Cost]], dict[str, Any]]:
    costs: dict[str, list[Cost]] = {program: [] for program in _PROGRAMS}
    results: dict[str, Any] = {}
    for number in range(values.runs + 1):
        for program in _PROGRAMS:
            cost, output = _run(_arguments(program, values, dataset))
            if number:  # the first fills the caches of files and of compiled modules
                costs[program].append(cost)
            if program != "job":
                results = json.loads(output.splitlines()[-1])
            print(f"run {number} {program}: {cost.cpu_seconds:.2f} CPU-s, {cost.peak_mb:,.0f} MB", flush=True)
    return costs, results


def _arguments(program: str, values: flags.FlagValues, dataset: pathlib.Path) -> list[str]:
    flags = [f"--logs={values.logs}", f"--evaluation_date={values.evaluation_date}"]
    if program == "job":
        return ["beam_pipelines.discretize_events", *flags, f"--output={dataset}", "--overwrite"]
    return ["benchmarks.polars_job", *flags, f"--windows={program != 'polars'}"]


def _run(arguments: Sequence[str]) -> tuple[Cost, str]:
    """Runs a module in a process of its own; returns what it took and what it printed."""
    with tempfile.TemporaryFile("w+") as output:
        process = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", *arguments],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)],
        )
        _, status, usage = os.wait4(process, 0)
        output.seek(0)
        printed = output.read()
    if status:
        raise InputError(f"python -m {' '.join(arguments)} failed: {printed[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024), printed


def _print_costs(costs: dict[str, list[Cost]], num_events: int) -> None:
    print(f"{num_events:,} events\n{'program':18}{'CPU-s':>8}{'least':>8}{'most':>8}{'us/event':>10}{'peak MB':>10}")
    for program, of_program in costs.items():
        seconds = [cost.cpu_seconds for cost in of_program]
        median = statistics.median(seconds)
        peak_mb = max(cost.peak_mb for cost in of_program)
        print(
            f"{program:18}{median:>8.2f}{min(seconds):>8.2f}{max(seconds):>8.2f}{1e6 * median / num_events:>10.2f}"
            f"{peak_mb:>10,.0f}"
        )
    for program in list(costs)[1:]:
        ratios = [job.cpu_seconds / other.cpu_seconds for job, other in zip(costs["job"], costs[program], strict=True)]
        print(f"job / {program}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def _check(results: dict[str, Any], dataset: pathlib.Path, with_sums: bool) -> None:
    """Compares what polars found with the dataset.

    Raises:
        InputError: naming what differs.
    """
    counters = json.loads((dataset / "counters.json").read_bytes())
    for split, count in results["samples"].items():
        _expect(f"{split} samples", count, counters["samples"][split])
        for intent in _COMPARED_INTENTS:
            positives = counters["labels"][split][intent]["positive"]
            _expect(f"{split} {intent}", results["labels"][split][intent], positives)
    print("numbers of samples and positive labels agree")
    if with_sums:
        sums = _window_sums(dataset)
        for name, expected in results["sums"].items():
            _expect(f"sum of {name}", expected, sums[name])
        print(f"sums of all ids in all windows agree for {len(sums)} features")


def _expect(what: str, of_polars: int, of_job: int) -> None:
    if of_polars != of_job:
        raise InputError(f"{what}: {of_polars} with polars, {of_job} in the dataset: one of the programs is wrong")


def _window_sums(dataset: pathlib.Path) -> dict[str, int]:
    """Returns the sums of the ids of every feature over the windows of all samples, as a training reads them."""
    from edgedipn_tf.quiet_start import import_tensorflow

    import_tensorflow()
    from edgedipn_tf.dataset import open_dataset

    opened = open_dataset(dataset)
    sums = {f"{view.name}_{feature.name}": 0 for view in opened.schema.views for feature in view.features}
    for split in ("train", "eval"):
        for inputs, *_ in opened.evaluation_batches(split, opened.schema.max_length, 512).as_numpy_iterator():
            for view in opened.schema.views:
                of_features = inputs[view.name].sum(axis=(0, 1)).tolist()
                for feature, total in zip(view.features, of_features, strict=True):
                    sums[f"{view.name}_{feature.name}"] += total
    return sums


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
