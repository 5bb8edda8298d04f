"""What the job should have counted: clamps, conflicts of profiles, samples, labels by intent."""

import collections
from collections.abc import Iterable
from typing import Any

from edgedipn_tf import schema
from tests.reference import formulas
from tests.reference.brute_force import Reference, Sample
from tests.reference.raw_records import Row

POSITIONS = {
    "tap": (("tap_x", "x", "window_width"), ("tap_y", "y", "window_height")),
    "swipe": (
        ("start_x", "start_x", "window_width"),
        ("start_y", "start_y", "window_height"),
        ("end_x", "end_x", "window_width"),
        ("end_y", "end_y", "window_height"),
    ),
}
LENGTHS = (
    ("length_x", "start_x", "end_x", "window_width"),
    ("length_y", "start_y", "end_y", "window_height"),
)


def clamped_features(row: Row) -> list[str]:
    """Returns the features of an action of the swipe view that its formula limits.

    As a position at the far edge is inside, so is a displacement by the whole window.
    """
    found = []
    for feature, column, side in POSITIONS.get(row["action"], ()):
        if row[column] is not None and row[side] is not None:
            q, length = formulas.quantum(row[column]), formulas.quantum(row[side])
            found += [feature] if q < 0 or q > length else []
    if row["action"] == "swipe":
        found += ["duration"] if row["duration_ms"] is not None and row["duration_ms"] < 0 else []
        for feature, start, end, side in LENGTHS:
            if None not in (row[start], row[end], row[side]):
                length = formulas.quantum(row[side])
                dq = formulas.quantum(row[end]) - formulas.quantum(row[start])
                found += [feature] if abs(dq) > length else []
    return found


def clamps(reference: Reference) -> dict[str, int]:
    """Returns the number of deduplicated records by `view_feature` that its formula limits."""
    counts: collections.Counter[str] = collections.Counter()
    for row in reference.inputs["swipe"].rows:
        counts.update(f"swipe_{feature}" for feature in clamped_features(row))
    stays = [row["stay_ms"] for row in reference.inputs["browse"].rows if row["stay_ms"] is not None]
    counts["browse_page_stay"] += sum(stay < 0 for stay in stays)
    return {name: count for name, count in counts.items() if count}


def label_counts(samples: Iterable[Sample], intents: Iterable[schema.Intent]) -> dict[str, dict[str, dict[str, int]]]:
    """Returns the places of all samples by split and intent: positive, negative, unknown."""
    counts: dict[str, Any] = {
        split: {intent.name: {"negative": 0, "positive": 0, "unknown": 0} for intent in intents}
        for split in ("eval", "train")
    }
    for sample in samples:
        for intent, labels in sample.labels.items():
            for label, weight in zip(labels, sample.weights[intent], strict=True):
                kind = "unknown" if not weight else "positive" if label else "negative"
                counts[sample.split][intent][kind] += 1
    return counts


def sample_counts(reference: Reference) -> dict[str, int]:
    """Returns the cut-offs by what became of them."""
    counts = {"train": 0, "eval": 0, "other_split": 0, "dropped_all_labels_unknown": 0}
    for user in reference.users:
        for t0 in reference.cutoffs(user):
            sample = reference.sample(user, t0)
            if sample is not None:
                counts[sample.split] += 1
            else:
                counts["dropped_all_labels_unknown" if reference.splits(user, t0) else "other_split"] += 1
    return counts
