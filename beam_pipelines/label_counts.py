"""Labels counted by split, intent, local day and state: what a dataset's description tells of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beam_pipelines.encoding import Int64
from beam_pipelines.labels import LabelState, States
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.schema import Schema

Counts = Counter[tuple[str, ...]]
STATES = tuple(state.name.lower() for state in LabelState)
UNKNOWN_STATES = tuple(state.name.lower() for state in LabelState if state > LabelState.POSITIVE)
DROPPED = "dropped_all_labels_unknown"


def count_labels(
    split: str, schema: Schema, days: Int64, states: States, is_kept: NDArray[np.bool_], counts: Counts
) -> None:
    """Counts the cut-offs of one user, and the labels of those that become samples.

    Args:
        split: `train` or `eval`.
        schema: gives the intents and their places.
        days: local day of each cut-off, [n].
        states: states of its labels, [n, sum of places].
        is_kept: whether it becomes a sample, [n].
        counts: gets ("days", split, date, "samples" or DROPPED) and ("labels", split, date, intent, state).
    """
    found, of_rows = np.unique(days, return_inverse=True)
    sizes = [schema.num_places(intent) for intent in schema.intents]
    shape = (len(found), len(sizes), len(STATES))
    of_columns = np.repeat(np.arange(len(sizes)), sizes)
    cells = (of_rows[is_kept][:, None] * len(sizes) + of_columns) * len(STATES) + states[is_kept]
    table = np.bincount(cells.ravel(), minlength=int(np.prod(shape))).reshape(shape)
    num_cutoffs = np.bincount(of_rows, minlength=len(found))
    num_kept = np.bincount(of_rows[is_kept], minlength=len(found))
    dates = [LocalTime.date_text(day) for day in found]
    for date, kept, dropped in zip(dates, num_kept.tolist(), (num_cutoffs - num_kept).tolist(), strict=True):
        counts["days", split, date, "samples"] += kept
        counts["days", split, date, DROPPED] += dropped
    for day, intent, state in np.argwhere(table).tolist():
        counts["labels", split, dates[day], schema.intents[intent].name, STATES[state]] += int(
            table[day, intent, state]
        )


def totals(counts: Mapping[tuple[str, ...], int], schema: Schema, splits: Iterable[str]) -> dict[str, Any]:
    """Returns the labels by split and intent: positive, negative, unknown."""
    sums: Counts = Counter()
    for name, count in counts.items():
        if name[0] == "labels":
            _, split, _, intent, state = name
            sums[split, intent, "unknown" if state in UNKNOWN_STATES else state] += count
    return {
        split: {
            intent.name: {value: sums[split, intent.name, value] for value in ("positive", "negative", "unknown")}
            for intent in schema.intents
        }
        for split in splits
    }


def by_day(counts: Mapping[tuple[str, ...], int], schema: Schema, splits: Iterable[str]) -> dict[str, Any]:
    """Returns by split and local day: samples, dropped cut-offs, and the labels of each intent by state."""
    dates: dict[str, list[str]] = {split: [] for split in splits}
    for name in sorted(counts):
        if name[0] == "days" and name[-1] == "samples":
            dates[name[1]].append(name[2])
    return {
        split: {
            date: {
                "samples": counts["days", split, date, "samples"],
                DROPPED: counts["days", split, date, DROPPED],
                "labels": {
                    intent.name: {state: counts.get(("labels", split, date, intent.name, state), 0) for state in STATES}
                    for intent in schema.intents
                },
            }
            for date in of_split
        }
        for split, of_split in dates.items()
    }
