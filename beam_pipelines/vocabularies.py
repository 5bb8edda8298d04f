"""Names counted on the training days, after duplicates are gone, and frozen into ids."""

import dataclasses
import enum
import heapq
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from beam_pipelines.candidates import Pair, PopularPairs
from beam_pipelines.encoding import VOCABULARY_FEATURES
from beam_pipelines.options import TRAIN, DiscretizeOptions
from beam_pipelines.tracks import VIEW_NAMES, Table, UserLog
from edgedipn_tf.schema import Schema
from edgedipn_tf.vocabulary import Vocabulary

PAIRS_KEY = "pairs"

NameCounts = Counter[tuple[str, str, str]]
"""By (feature key or PAIRS_KEY, name or leaf, empty or top)."""
NameCount = tuple[tuple[str, bytes, bytes], int]
"""One of them, for Beam. Bytes: the names may hold lone surrogates."""


class NameState(enum.StrEnum):
    """What a name of the training days is before ids are given."""

    EARLIER = "earlier"  # it has an id of the earlier vocabulary
    RARE = "rare"  # below the minimum count
    FREQUENT = "frequent"


@dataclasses.dataclass(frozen=True)
class Fitted:
    """All that is fitted on the training days.

    Attributes:
        vocabulary: ids of the names.
        popular: candidate pairs by popularity.
    """

    vocabulary: Vocabulary
    popular: PopularPairs


def count_names(log: UserLog, options: DiscretizeOptions, counts: NameCounts) -> None:
    """Adds the counts of one user's names on training days: actions for the views, the user for the profile.

    A training day is a local day before the evaluation day; the profile counts once for a user with any action on
    one. Users that are for evaluation count nothing.
    """
    is_active = False
    for view in VIEW_NAMES:
        rows = options.rows_of(TRAIN, log.user_id, log.timestamps(view))
        if rows.start == rows.stop:
            continue
        is_active = True
        table = log.tables[view]
        _count_table(view, table, rows, counts)
        if view == "browse":
            _count_pairs(table, rows, counts)
    if is_active:
        _count_table("profile", log.tables["profile"], slice(0, 1), counts)


def _count_table(view: str, table: Table, rows: slice, counts: NameCounts) -> None:
    for feature in VOCABULARY_FEATURES[view]:
        key = f"{view}_{feature}"
        for name, count in zip(table.names[feature], name_counts(table, feature, rows).tolist(), strict=True):
            if count:
                counts[key, name, ""] += count


def name_counts(table: Table, feature: str, rows: slice) -> NDArray[np.intp]:
    """Returns how often each of `table.names[feature]` stands in some rows."""
    return np.bincount(table.codes(feature)[rows] + 1, minlength=len(table.names[feature]) + 1)[1:]


def _count_pairs(table: Table, rows: slice, counts: NameCounts) -> None:
    leaves, tops = [*table.names["leaf_category"], ""], [*table.names["top_category"], ""]  # null is the last
    of_leaves, of_tops = table.codes("leaf_category")[rows], table.codes("top_category")[rows]
    for (leaf, top), count in Counter(zip(of_leaves.tolist(), of_tops.tolist(), strict=True)).items():
        if leaf >= 0 or top >= 0:
            counts[PAIRS_KEY, leaves[leaf], tops[top]] += count


def name_state(item: NameCount, min_count: int, earlier: Vocabulary | None) -> tuple[tuple[str, ...], int]:
    """Returns (("names", feature key or PAIRS_KEY, state), 1) for a name with its summed count."""
    (key, name, _), count = item
    if earlier is not None and key != PAIRS_KEY and earlier.has_name(key, _decode(name)):
        return ("names", key, NameState.EARLIER.value), 1
    state = NameState.FREQUENT if count >= min_count else NameState.RARE
    return ("names", key, state.value), 1


def best(key: str, items: list[NameCount], limit: int | None, earlier: Vocabulary | None) -> list[NameCount]:
    """Returns those of some summed names of a feature among which `fit` finds the ones that get an id.

    Args:
        key: key of the feature, or PAIRS_KEY.
        items: the names.
        limit: ids of the feature; None: all are kept.
        earlier: an earlier vocabulary; what it has keeps its id without being counted.
    """
    if limit is None or len(items) <= limit:
        return items
    new = (item for item in items if earlier is None or not earlier.has_name(key, _decode(item[0][1])))
    return heapq.nsmallest(limit, new, key=lambda item: (-item[1], item[0][1]))


def fit(
    counts: Iterable[NameCount], schema: Schema, options: DiscretizeOptions, earlier: Vocabulary | None = None
) -> Fitted:
    """Freezes summed counts into ids and popular pairs.

    Args:
        counts: summed over all users, in any order; names below the minimum count may be left out.
        schema: says which features have a vocabulary and how many names each may hold.
        options: the least count of a name, and of a pair; whether an earlier vocabulary grows.
        earlier: vocabulary of an earlier run, whose ids stay; the pairs are those of this run.
    """
    min_count = options.min_count
    by_key: dict[str, dict[str, int]] = {key: {} for key in schema.vocabulary_features()}
    pairs: list[tuple[Pair, int]] = []
    for (key, name, top), count in counts:
        if key == PAIRS_KEY:
            pairs.append(((_decode(name), _decode(top)), count))
        else:
            by_key[key][_decode(name) or ""] = count
    if earlier is None or options.vocabulary_grows:
        vocabulary = Vocabulary.from_counts(schema, by_key, min_count, earlier)
    else:
        vocabulary = earlier
    return Fitted(vocabulary, PopularPairs.from_counts(pairs, min_count))


def _decode(name: bytes) -> str | None:
    return name.decode("utf-8", "surrogatepass") or None
