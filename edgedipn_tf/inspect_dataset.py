"""Command: statistics of a dataset, or its samples as a readable Parquet file.

Examples:

    python -m edgedipn_tf.inspect_dataset --data=dataset
    python -m edgedipn_tf.inspect_dataset --data=dataset --by_day
    python -m edgedipn_tf.inspect_dataset --data=dataset --to_parquet=samples.parquet --max_samples=1000

Columns of the Parquet file, one row a sample: user_id, t0_ms, split; candidate_leaf and candidate_top (lists of K
names, null where there is none), candidates_filled (how many places are filled); VIEW_FEATURE for every view and
feature (list of ids, oldest first, without padding); history and profile (lists of ids); INTENT_label and INTENT_weight
for every intent (lists of 1 or K numbers, weight 0 is unknown).
"""

import pathlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from absl import flags

from edgedipn_tf import commands, dataset_report
from edgedipn_tf.commands import InputError
from edgedipn_tf.quiet_start import import_tensorflow

BATCH_SIZE = 256
SPLITS = ("train", "eval")


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    flags.DEFINE_string("data", None, "dataset folder", required=True, flag_values=values)
    meaning = "tell also the labels of each intent and local day, and why unknown ones are"
    flags.DEFINE_bool("by_day", False, meaning, flag_values=values)
    flags.DEFINE_string("to_parquet", None, "write the samples to this file", flag_values=values)
    flags.DEFINE_integer("max_samples", 0, "stop after so many samples of each split; 0: all", 0, flag_values=values)
    flags.DEFINE_integer("max_length", 0, "actions of a view; 0: as many as the schema holds", 0, flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Prints the statistics, or writes the samples."""
    import_tensorflow()
    from edgedipn_tf.dataset import open_dataset  # loads TensorFlow: --help and wrong flags do without it

    dataset = open_dataset(values.data)
    max_length = dataset.window_length(values.max_length)
    if values.to_parquet is None:
        print(_statistics(dataset, max_length, values.max_samples))
        if values.by_day:
            print(_days(dataset))
        return
    path = pathlib.Path(values.to_parquet)
    if not path.parent.exists():
        raise InputError(f"--to_parquet={path}: the folder {path.parent} does not exist")
    partial = path.with_name(f".{path.name}.partial")
    try:
        num_rows = _write_parquet(dataset, max_length, values.max_samples, partial)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    print(f"{num_rows:,} samples written to {path}")


def _batches(dataset: Any, split: str, max_length: int, max_samples: int) -> Iterator[tuple[Any, Any, Any, Any]]:
    batches = dataset.evaluation_batches(split, max_length, BATCH_SIZE, extras=True).unbatch()
    if max_samples:
        batches = batches.take(max_samples)
    yield from batches.batch(BATCH_SIZE).as_numpy_iterator()


def _write_parquet(dataset: Any, max_length: int, max_samples: int, path: pathlib.Path) -> int:
    writer: pq.ParquetWriter | None = None
    num_rows = 0
    try:
        for split in SPLITS:
            for batch in _batches(dataset, split, max_length, max_samples):
                table = _table(dataset.schema, split, *batch)
                writer = writer or pq.ParquetWriter(path, table.schema)
                writer.write_table(table)
                num_rows += len(table)
                print(f"\r{num_rows:,} samples", end="", flush=True)
    finally:
        if writer is not None:
            writer.close()
    print()
    return num_rows


def _table(schema: Any, split: str, inputs: Any, labels: Any, weights: Any, extras: Any) -> pa.Table:
    num_rows = len(extras["t0_ms"])
    columns: dict[str, Any] = {
        "user_id": [_text(name) for name in extras["user_id"]],
        "t0_ms": extras["t0_ms"],
        "split": [split] * num_rows,
        "candidates_filled": (inputs["candidates"][:, :, 0] != 0).sum(axis=1),
    }
    for side, column in enumerate(("candidate_leaf", "candidate_top")):
        names = [[_text(name) or None for name in row[:, side]] for row in extras["candidate_names"]]
        # Typed, or a batch whose names are all null would not fit the file that others began.
        columns[column] = pa.array(names, pa.list_(pa.string()))
    for view in schema.views:
        is_real = inputs[view.name][:, :, 0] != 0
        for index, feature in enumerate(view.features):
            ids = inputs[view.name][:, :, index]
            columns[f"{view.name}_{feature.name}"] = _lists([row[real] for row, real in zip(ids, is_real, strict=True)])
    columns["history"] = _lists(list(inputs["history"]))
    columns["profile"] = _lists(list(inputs["profile"]))
    for intent in schema.intents:
        columns[f"{intent.name}_label"] = _lists(list(labels[intent.name]))
        columns[f"{intent.name}_weight"] = _lists(list(weights[intent.name]))
    return pa.table(columns)


def _lists(rows: list[Any]) -> pa.Array:
    offsets = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(rows)))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _statistics(dataset: Any, max_length: int, max_samples: int) -> str:
    schema = dataset.schema
    lines = [
        f"schema {schema.name} {schema.fingerprint}, vocabulary {dataset.vocabulary_fingerprint}, "
        f"time zone {schema.timezone} ({schema.timezone_version})"
    ]
    for split in SPLITS:
        lengths: dict[str, list[np.ndarray]] = {view.name: [] for view in schema.views}
        for inputs, _, _, _ in _batches(dataset, split, max_length, max_samples):
            for name in lengths:
                lengths[name].append((inputs[name][:, :, 0] != 0).sum(axis=1))
        lines.append(f"{split}: {dataset.num_samples(split):,} samples")
        for name, parts in lengths.items():
            p10, p50, p90 = np.percentile(np.concatenate(parts), [10, 50, 90])
            lines.append(f"  {name:8} actions in a window: p10 {p10:.0f}, p50 {p50:.0f}, p90 {p90:.0f}")
        lines += dataset_report.label_lines(dataset.description, split)
    lines += dataset_report.coverage_lines(dataset.description)
    return "\n".join(lines)


def _days(dataset: Any) -> str:
    intents = [intent.name for intent in dataset.schema.intents]
    tables = [dataset_report.day_lines(dataset.description, split, name) for split in SPLITS for name in intents]
    return "\n".join(line for table in tables for line in table)


def run(argv: Sequence[str] | None = None) -> int:
    """Runs the command with the given arguments; returns the exit code."""
    return commands.run(__doc__ or "", define_flags, main, argv)


def cli() -> None:
    """Entry point `edgedipn-inspect-dataset`."""
    sys.exit(run())


if __name__ == "__main__":
    cli()
