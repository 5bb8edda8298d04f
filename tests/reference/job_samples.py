"""The samples of the Beam job, read through the public commands, and how they differ from the reference's."""

import collections
import datetime
import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow.parquet as pq

from beam_pipelines import discretize_events
from edgedipn_tf import inspect_dataset, schema
from edgedipn_tf.dataset import open_dataset
from tests.reference.brute_force import Options, Sample

VIEWS = (schema.SWIPE_VIEW, schema.TAP_VIEW, schema.BROWSE_VIEW)
Key = tuple[str, int]
Columns = dict[str, Any]


def flags_of(options: Options) -> list[str]:
    """Returns the job's flags for the reference's options."""
    values = {
        "timezone": options.timezone,
        "min_time": _iso(options.min_time_ms),
        "max_time": _iso(options.max_time_ms),
        "evaluation_date": options.evaluation_date,
        "evaluation_users": options.evaluation_users,
        "evaluation_fold": options.evaluation_fold,
        "last_cutoff_date": options.last_cutoff_date,
        "log_end": None if options.log_end_ms is None else _iso(options.log_end_ms),
        "warmup_days": options.warmup_days,
        "seed": options.seed,
        "samples_per_user_day": options.samples_per_user_day,
        "interval": None if options.interval_ms is None else options.interval_ms / 1000,
        "min_count": options.min_count,
        "labels": options.labels,
        "candidates": options.candidates,
    }
    embargo = "--noembargo" if options.no_embargo else "--embargo"
    return [embargo] + [f"--{name}={value}" for name, value in values.items() if value is not None]


def _iso(timestamp_ms: int) -> str:
    moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(milliseconds=timestamp_ms)
    return moment.isoformat(timespec="milliseconds")


def run_job(inputs: Mapping[str, pathlib.Path], options: Options, output: pathlib.Path) -> Columns:
    """Runs `discretize_events` on raw inputs; returns its counters."""
    flags = [f"--{name}={path}" for name, path in inputs.items()]
    flags += [f"--output={output}", "--num_shards=2", "--max_bad_fraction=0.5", *flags_of(options)]
    assert discretize_events.run(flags) == 0
    counters: Columns = json.loads((output / "counters.json").read_bytes())
    return counters


def read_samples(dataset: pathlib.Path) -> dict[Key, Columns]:
    """Returns the rows of `inspect_dataset --to_parquet`, with the ids of the candidates, by (user, cut-off)."""
    path = dataset.with_name(f"{dataset.name}.parquet")
    assert inspect_dataset.run([f"--data={dataset}", f"--to_parquet={path}"]) == 0
    rows = pq.read_table(path).to_pylist()
    samples = {(row["user_id"], row["t0_ms"]): row for row in rows}
    assert len(samples) == len(rows), "two rows of one user and cut-off"
    for split in ("train", "eval"):
        batches = open_dataset(dataset).evaluation_batches(split, 1, 256, extras=True)
        for inputs, _, _, extras in batches.as_numpy_iterator():
            for user, t0, ids in zip(extras["user_id"], extras["t0_ms"], inputs["candidates"], strict=True):
                samples[user.decode(), int(t0)]["candidate_ids"] = [tuple(pair) for pair in ids.tolist()]
    return samples


def columns_of(sample: Sample, num_places: int = 8) -> Columns:
    """Returns a sample of the reference in the columns of the job."""
    nothing: list[None] = [None] * (num_places - len(sample.candidates))
    columns: Columns = {
        "split": sample.split,
        "candidates_filled": len(sample.candidates),
        "candidate_top": [top for top, _ in sample.candidates] + nothing,
        "candidate_leaf": [leaf for _, leaf in sample.candidates] + nothing,
        "candidate_ids": sample.candidate_ids + [(0, 0)] * len(nothing),
        "history": sample.history,
        "profile": sample.profile,
    }
    for view in VIEWS:
        for index, feature in enumerate(view.features):
            columns[f"{view.name}_{feature.name}"] = [ids[index] for ids in sample.ids[view.name]]
    for intent in sample.labels:
        columns[f"{intent}_weight"] = sample.weights[intent]
        columns[f"{intent}_label"] = sample.labels[intent]
    return columns


def known_only(columns: Columns) -> Columns:
    """Returns the columns with the labels of weight 0 taken out: they mean nothing."""
    known = dict(columns)
    for name in (column.removesuffix("_weight") for column in columns if column.endswith("_weight")):
        places = zip(columns[f"{name}_label"], columns[f"{name}_weight"], strict=True)
        known[f"{name}_label"] = [label if weight else None for label, weight in places]
    return known


def differences(expected: Mapping[Key, Columns], actual: Mapping[Key, Columns]) -> list[str]:
    """Returns one line for each column of each sample that differs, and for each sample that only one side has."""
    lines = [f"{key}: only in the reference" for key in expected.keys() - actual.keys()]
    lines += [f"{key}: only in the job's dataset" for key in actual.keys() - expected.keys()]
    for key in sorted(expected.keys() & actual.keys()):
        left, right = known_only(expected[key]), known_only(actual[key])
        lines += [
            f"{key} {name}: reference {left[name]}, job {right[name]}" for name in left if left[name] != right[name]
        ]
    return lines


def summary(lines: Iterable[str]) -> str:
    """Returns the first differences of each column."""
    by_column: dict[str, list[str]] = collections.defaultdict(list)
    for line in lines:
        by_column[line.split(": ")[0].rsplit(" ", 1)[-1] if ") " in line else "rows"].append(line)
    return "\n".join(f"{len(group)} x {name}, e.g. {group[0]}" for name, group in by_column.items())
