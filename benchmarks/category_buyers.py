"""Benchmark: how many users a head of category intents can learn a category from.

Its candidate comes in as an embedding, so that it has to learn of each category apart what buying it looks like; a
baseline is told how often the user looked at the candidate, which is one thing for all categories.
"""

import dataclasses
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import flags
from numpy.typing import NDArray

from edgedipn_tf import commands
from edgedipn_tf.commands import InputError
from edgedipn_tf.quiet_start import import_tensorflow
from edgedipn_tf.schema import Level

DESCRIPTION = """
Counts, in the training split, of how many users a category is a positive candidate, and in how many of these samples
the browse view shows it.

  python -m benchmarks.category_buyers --data=DATASET --intent=realtime_leaf_category
"""
_BATCH_SIZE = 256


@dataclasses.dataclass(frozen=True)
class Buyers:
    """Known candidates of one intent.

    Attributes:
        num_users: with a candidate.
        num_categories: that are candidates.
        num_bought: categories with a positive.
        num_pairs: of a category and a user for whom it is positive once or more.
        median_buyers: such users of a category that has any.
        num_of_one_buyer: categories that have one such user.
        num_positives: candidates that are positive.
        num_seen: those of them that the window shows.
    """

    num_users: int
    num_categories: int
    num_bought: int
    num_pairs: int
    median_buyers: float
    num_of_one_buyer: int
    num_positives: int
    num_seen: int


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_string("data", None, "Dataset folder.", required=True, flag_values=values)
    flags.DEFINE_string("intent", "realtime_leaf_category", "A category intent.", flag_values=values)
    flags.DEFINE_integer("max_length", 64, "Newest actions of the browse view.", 1, flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Counts and prints.

    Raises:
        InputError: when the dataset has no such category intent, or no positive of it.
    """
    import_tensorflow()
    from edgedipn_tf.dataset import open_dataset  # loads TensorFlow

    dataset = open_dataset(values.data)
    levels = {intent.name: intent.level for intent in dataset.schema.intents if intent.level is not Level.NONE}
    if values.intent not in levels:
        raise InputError(f"--intent={values.intent}: expected one of {', '.join(levels)}")
    rows = list(_candidates(dataset, values.intent, levels[values.intent], values.max_length))
    users, categories, is_positive, is_seen = (np.concatenate(column) for column in zip(*rows, strict=True))
    if not is_positive.any():
        raise InputError(f"{dataset.path}: no candidate of {values.intent} is positive in the training split")
    found = summarize(users, categories, is_positive, is_seen)
    print(
        f"{values.intent}: {found.num_users:,} users, {found.num_categories:,} categories as candidates, "
        f"{found.num_bought:,} of them positive for anybody, {found.num_of_one_buyer:,} for one user only (median "
        f"{found.median_buyers:g}); {found.num_pairs:,} pairs of user and category; {found.num_seen:,} of "
        f"{found.num_positives:,} positive candidates are in the browse view"
    )


def summarize(
    users: NDArray[Any], categories: NDArray[np.int64], is_positive: NDArray[np.bool_], is_seen: NDArray[np.bool_]
) -> Buyers:
    """Counts known candidates.

    Args:
        users: (N,) whose candidate it is.
        categories: (N,) ids.
        is_positive: (N,) labels.
        is_seen: (N,) whether the window shows the category.
    """
    pairs = set(zip(users[is_positive].tolist(), categories[is_positive].tolist(), strict=True))
    _, buyers = np.unique([category for _, category in pairs], return_counts=True)
    return Buyers(
        num_users=len(np.unique(users)),
        num_categories=len(np.unique(categories)),
        num_bought=len(buyers),
        num_pairs=len(pairs),
        median_buyers=float(np.median(buyers)),
        num_of_one_buyer=int((buyers == 1).sum()),
        num_positives=int(is_positive.sum()),
        num_seen=int((is_positive & is_seen).sum()),
    )


def _candidates(dataset: Any, intent: str, level: Level, max_length: int) -> Iterator[tuple[NDArray[Any], ...]]:
    """Yields users, categories, labels, and whether the window shows them, of the known candidates of a batch."""
    column = dataset.schema.view("browse").index(level.value)
    place = 0 if level is Level.LEAF else 1  # candidates are pairs (leaf, top)
    length = min(max_length, dataset.schema.max_length)
    for inputs, labels, weights, extras in dataset.evaluation_batches(
        "train", length, _BATCH_SIZE, extras=True
    ).as_numpy_iterator():
        categories = inputs["candidates"][:, :, place].astype(np.int64)
        is_seen = (inputs["browse"][:, :, column, np.newaxis] == categories[:, np.newaxis, :]).any(axis=1)
        sample, candidate = np.nonzero((weights[intent] > 0) & (categories > 0))
        yield (
            extras["user_id"][sample],
            categories[sample, candidate],
            labels[intent][sample, candidate] > 0,
            is_seen[sample, candidate],
        )


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
