"""Names counted on the training days, after duplicates are gone, and frozen into ids."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from beam_pipelines.candidates import Pair, PopularPairs
from beam_pipelines.encoding import VOCABULARY_FEATURES, encode_name
from beam_pipelines.options import DiscretizeOptions
from beam_pipelines.tracks import VIEW_NAMES, Table, UserLog
from edgedipn_tf.schema import Schema
from edgedipn_tf.vocabulary import Vocabulary

PAIRS_KEY = "pairs"

NameCount = tuple[tuple[str, bytes, bytes], int]
"""((feature key or PAIRS_KEY, name or leaf, empty or top), count). Bytes: the names may hold lone surrogates."""


@dataclasses.dataclass(frozen=True)
class Fitted:
    """All that is fitted on the training days.

    Attributes:
        vocabulary: ids of the names.
        popular: candidate pairs by popularity.
    """

    vocabulary: Vocabulary
    popular: PopularPairs


def count_names(log: UserLog, options: DiscretizeOptions) -> Iterator[NameCount]:
    """Yields the counts of one user's names on training days: actions for the views, the user for the profile.

    A training day is a local day before the evaluation day; the profile counts once for a user with any action on
    one. Users that are for evaluation count nothing.
    """
    if not options.is_training_user(log.user_id):
        return
    split_ms = options.split_ms
    is_active = False
    for view in VIEW_NAMES:
        times = log.timestamps(view)
        num_training = len(times) if split_ms is None else int(np.searchsorted(times, split_ms))
        is_active = is_active or num_training > 0
        table = log.tables[view]
        yield from _table_counts(view, table, num_training)
        if view == "browse":
            yield from _pair_counts(table, num_training)
    if is_active:
        yield from _table_counts("profile", log.tables["profile"], 1)


def _table_counts(view: str, table: Table, num_rows: int) -> Iterator[NameCount]:
    for name in VOCABULARY_FEATURES[view]:
        counts = np.bincount(table.codes(name)[:num_rows] + 1, minlength=1)[1:]
        for code in np.flatnonzero(counts).tolist():
            yield (f"{view}_{name}", encode_name(table.names[name][code]), b""), int(counts[code])


def _pair_counts(table: Table, num_rows: int) -> Iterator[NameCount]:
    leaves, tops = table.codes("leaf_category")[:num_rows], table.codes("top_category")[:num_rows]
    counts: Counter[tuple[int, int]] = Counter(zip(leaves.tolist(), tops.tolist(), strict=True))
    for (leaf, top), count in counts.items():
        if leaf >= 0 or top >= 0:
            yield (PAIRS_KEY, _name(table, "leaf_category", leaf), _name(table, "top_category", top)), count


def _name(table: Table, feature: str, code: int) -> bytes:
    return encode_name(table.names[feature][code]) if code >= 0 else b""


def fit(counts: Iterable[NameCount], schema: Schema, min_count: int) -> Fitted:
    """Freezes summed counts into ids and popular pairs.

    Args:
        counts: summed over all users, in any order; names below the minimum count may be left out.
        schema: says which features have a vocabulary and how many names each may hold.
        min_count: least count of a name, and of a pair.
    """
    by_key: dict[str, dict[str, int]] = {key: {} for key in schema.vocabulary_features()}
    pairs: list[tuple[Pair, int]] = []
    for (key, name, top), count in counts:
        if key == PAIRS_KEY:
            pairs.append(((_decode(name), _decode(top)), count))
        else:
            by_key[key][_decode(name) or ""] = count
    return Fitted(Vocabulary.from_counts(schema, by_key, min_count), PopularPairs.from_counts(pairs, min_count))


def _decode(name: bytes) -> str | None:
    return name.decode("utf-8", "surrogatepass") or None
