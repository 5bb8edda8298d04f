"""What tests of importers do with a log: import it, read what was written, put it through the job."""

import json
import pathlib
from typing import Any

import pyarrow.parquet as pq

from beam_pipelines import discretize_events
from beam_pipelines.import_logs import __main__ as import_logs
from edgedipn_tf import commands


def run_import(name: str, given: pathlib.Path, output: pathlib.Path) -> int:
    """Runs the command; returns its exit code."""
    argv = (f"--log={name}", f"--input={given}", f"--output={output}")
    return commands.run(import_logs.DESCRIPTION, import_logs.define_flags, import_logs.main, argv)


def describe(output: pathlib.Path) -> dict[str, Any]:
    """Returns the content of log.json."""
    description: dict[str, Any] = json.loads((output / "log.json").read_text())
    return description


def read_input(output: pathlib.Path, name: str = "browse") -> list[dict[str, Any]]:
    """Returns the rows of an input in the order of the files; none when the log has not the input."""
    parts = sorted((output / name).iterdir()) if (output / name).is_dir() else []
    return [row for part in parts for row in pq.read_table(part).to_pylist()]


def discretize(output: pathlib.Path) -> dict[str, Any]:
    """Runs the job on an imported log with the flags that it suggests; returns the counters."""
    dataset = output.with_name("dataset")
    suggested = [f"--{name}={value}" for name, value in describe(output)["suggested_flags"].items()]
    assert discretize_events.run([f"--logs={output}", f"--output={dataset}", *suggested]) == 0
    counters: dict[str, Any] = json.loads((dataset / "counters.json").read_bytes())
    return counters


def judged_intents(counters: dict[str, Any]) -> set[str]:
    """Returns the intents that have known labels of both classes in training and in evaluation."""
    by_split = [
        {name for name, label in labels.items() if label["positive"] and label["negative"]}
        for labels in counters["labels"].values()
    ]
    return set.intersection(*by_split)
