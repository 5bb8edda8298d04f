"""Benchmark: what a gradient-boosted baseline owes to which kind of aggregates, for one user intent.

A network is given the same windows, and has to find such counts itself; what a baseline loses without them is what is
there to be found.
"""

import re
import sys
from typing import Any

import numpy as np
from absl import flags
from numpy.typing import NDArray

from edgedipn_tf import commands, held_out_users, ranking
from edgedipn_tf.baselines.aggregates import Aggregates
from edgedipn_tf.baselines.gbdt import Gbdt
from edgedipn_tf.commands import InputError
from edgedipn_tf.quiet_start import import_tensorflow
from edgedipn_tf.schema import Level
from edgedipn_tf.schema_files import read_vocabulary

DESCRIPTION = """
Fits gbdt to the training split with some aggregates left out, and prints the AUC on the evaluation split.

  python -m beam_pipelines.simulate_events --output=logs --num_users=6000
  python -m beam_pipelines.discretize_events --logs=logs --output=DATASET ...   # the flags that the former suggests
  python -m benchmarks.aggregate_groups --data=DATASET

See `edgedipn_tf/baselines/aggregates.py` for the names of the aggregates.
"""
_COMPARED = r"_newest_[a-z_]+_(newest_\d+|all)$"
_RANGES = r"_newest_\d+$|_last_\d+_s$"
LEFT_OUT = {
    "nothing": r"^$",
    "ids of frequent names": r"_id_\d+_",
    "history and profile": r"^(history|profile)_",
    "actions like the newest one": _COMPARED,
    "different names": r"_distinct_",
    "recencies": r"recency$",
    "ranges of the newest actions and last seconds": _RANGES,
    "the last three": rf"{_RANGES}|recency$|_distinct_",
    "the last three and actions like the newest one": rf"{_RANGES}|recency$|_distinct_|{_COMPARED}",
}
"""Which aggregates are left out, by what is said of them: a pattern that is found in their names."""
_BATCH_SIZE = 256


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_string("data", None, "Dataset folder.", required=True, flag_values=values)
    flags.DEFINE_string("intent", "realtime_purchase", "A user intent.", flag_values=values)
    flags.DEFINE_list("views", "browse", "Views that are looked at.", flag_values=values)
    flags.DEFINE_integer("max_length", 64, "Actions of a view.", 1, flag_values=values)
    flags.DEFINE_integer("seeds", 2, "Fits of each line.", 1, flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Fits and prints.

    Raises:
        InputError: when the dataset has no such user intent or view, or labels of one class only.
    """
    import_tensorflow()
    from edgedipn_tf.dataset import open_dataset  # loads TensorFlow

    dataset = open_dataset(values.data)
    schema = dataset.schema
    intents = [intent.name for intent in schema.intents if intent.level is Level.NONE]
    for flag, given, known in (
        ("intent", {values.intent}, intents),
        ("views", set(values.views), [view.name for view in schema.views]),
    ):
        if not given <= set(known):
            raise InputError(f"--{flag}={','.join(sorted(given))}: expected of {', '.join(known)}")
    vocabulary = read_vocabulary(dataset.path / "vocabulary.json", schema, "make the dataset again")
    aggregates = Aggregates(schema, vocabulary, min(values.max_length, schema.max_length), values.views)
    fitted, labels, users = _rows(dataset, "train", aggregates, values.intent)
    judged, known_labels = _rows(dataset, "eval", aggregates, values.intent)[:2]
    if min(len(np.unique(labels)), len(np.unique(known_labels))) < 2:
        raise InputError(f"{dataset.path}: {values.intent} has labels of one class only in a split")
    print(
        f"{values.intent}: {len(labels):,} training samples, {labels.sum():,} positive; "
        f"{len(known_labels):,} evaluation samples, {known_labels.sum():,} positive"
    )
    print(f"{'left out':<48}aggregates  AUC by seed")
    for name, pattern in LEFT_OUT.items():
        kept = np.array([re.search(pattern, aggregate) is None for aggregate in aggregates.names])
        aucs = []
        for seed in range(1, values.seeds + 1):
            is_held_out = np.array([held_out_users.is_held_out(user, seed, 0.1) for user in users])
            trees = Gbdt.fit(fitted[:, kept], labels, is_held_out, seed)[0]
            aucs.append(ranking.auc(trees.logits(judged[:, kept]), known_labels))
        print(f"{name:<48}{kept.sum():>10}  {'  '.join(f'{auc:.3f}' for auc in aucs)}", flush=True)


def _rows(
    dataset: Any, split: str, aggregates: Aggregates, intent: str
) -> tuple[NDArray[np.float32], NDArray[np.int64], list[bytes]]:
    """Returns aggregates (N, names), labels and users of the samples of a split whose label is known."""
    found: list[NDArray[np.float32]] = []
    labels: list[NDArray[np.int64]] = []
    users: list[bytes] = []
    batches = dataset.evaluation_batches(split, aggregates.max_length, _BATCH_SIZE, extras=True)
    for inputs, batch_labels, weights, extras in batches.as_numpy_iterator():
        is_known = weights[intent][:, 0] > 0
        found.append(aggregates.of_samples(inputs)[is_known])
        labels.append(batch_labels[intent][is_known, 0].astype(np.int64))
        users += extras["user_id"][is_known].tolist()
    return np.concatenate(found), np.concatenate(labels), users


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
