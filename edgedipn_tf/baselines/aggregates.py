"""Aggregates: what a person would count in a sample's windows, each with a name. NumPy only.

Everything is computed from the inputs that a network gets (`dataset`), so no aggregate sees more than a network does:
the newest T actions of a view, at or before the cut-off, with the elapsed time in bins.

Ranges of actions that counts are taken over: the newest 1, 8, 32 or all T actions, or those of the last 64, 512, 4096
or 65536 seconds (1 min, 9 min, 1.1 h, 18 h: edges of the bins of the elapsed time). Names, for a view `V`, a feature
`F` and a range `R`:

    V_actions_R             actions
    V_F_NAME_R              actions of this name: action, event, direction; every range
    V_F_id_I_R              actions of this id, for the 32 most frequent names of a vocabulary; newest 8, 32, all
    V_distinct_F_R          different names of a vocabulary; newest 8, 32, all
    V_newest_F_R            actions of the newest action's name of a vocabulary; newest 8, 32, all
    V_mean_F_R              mean bin plus 1 of a numeric feature, 0 where no action has one; newest 1, 8, all
    V_recency, V_F_NAME_recency     25 less the bin of the elapsed time of the newest (such) action; 0 for none
    V_oldest_recency        the same of the oldest action of the window
    history_F               the count's bin plus 1
    profile_F_id_I          1 for the user's id, else 0

For a category intent, of each candidate (`L` is leaf_category or top_category; leaf intents get both):

    candidate_L_actions_R   browse actions in the candidate's category
    candidate_L_NAME        those of one action (browse, cart, purchase ...) in all of the window
    candidate_L_recency     as above, of the newest action in the category
    candidate_L_rank        position of the name in the vocabulary: 0 is the most frequent, the end is a name not in it

The place of a candidate is no aggregate: places are filled with what was bought *after* the cut-off first.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedipn_tf.schema import (
    ELAPSED_TIME,
    FIRST_REAL_ID,
    NOT_APPLICABLE_ID,
    PAD_ID,
    Feature,
    Kind,
    Level,
    Schema,
    View,
    feature_key,
)
from edgedipn_tf.vocabulary import Vocabulary

Inputs = Mapping[str, NDArray[np.int32]]
Mask = NDArray[np.bool_]
Columns = Iterator[tuple[str, NDArray[Any]]]
NEWEST = (1, 8, 32)
LAST_SECONDS = (64, 512, 4096, 65536)
NUM_FREQUENT_NAMES = 32
_LEVELS = {Level.TOP: (Level.TOP,), Level.LEAF: (Level.LEAF, Level.TOP)}
"""Which names of a candidate an intent of that level is told, as the heads of the networks are."""
_POSITION = {Level.LEAF: 0, Level.TOP: 1}


class Aggregates:
    """Computes the aggregates of batches of one dataset.

    Args:
        schema: what the inputs hold.
        vocabulary: says how many names there are.
        max_length: T of the inputs.
        views: names of those that are looked at.

    Attributes:
        schema: as given.
        max_length: as given.
        names: of the aggregates of a sample.
        candidate_names: of those of a candidate, by level.
    """

    def __init__(self, schema: Schema, vocabulary: Vocabulary, max_length: int, views: Collection[str]) -> None:
        self.schema = schema
        self._views = tuple(view for view in schema.views if view.name in views)
        self._vocabulary = vocabulary
        self.max_length = max_length
        nothing = {v.name: np.zeros((0, max_length, len(v.features)), np.int32) for v in schema.views}
        nothing["history"] = np.zeros((0, len(schema.history)), np.int32)
        nothing["profile"] = np.zeros((0, len(schema.profile)), np.int32)
        nothing["candidates"] = np.zeros((0, schema.num_candidates, len(_POSITION)), np.int32)
        self.names = tuple(name for name, _ in self._columns(nothing))
        self.candidate_names = {
            level: tuple(name for name, _ in self._candidate_columns(nothing, level)) for level in _LEVELS
        }

    def to_json(self) -> dict[str, list[str]]:
        """Returns all names, of a `sample` and of a candidate by level."""
        named = {"sample": self.names, **{str(level): names for level, names in self.candidate_names.items()}}
        return {what: list(names) for what, names in named.items()}

    def of_samples(self, inputs: Inputs) -> NDArray[np.float32]:
        """Returns the aggregates of a batch in the order of `names`, (B, names)."""
        return np.stack([values for _, values in self._columns(inputs)], axis=-1).astype(np.float32)

    def of_candidates(self, inputs: Inputs, level: Level) -> NDArray[np.float32]:
        """Returns the aggregates of a batch's candidates in the order of `candidate_names`, (B, K, names)."""
        return np.stack([values for _, values in self._candidate_columns(inputs, level)], axis=-1).astype(np.float32)

    def _columns(self, inputs: Inputs) -> Columns:
        for view in self._views:
            yield from self._view_columns(view, inputs[view.name])
        for feature, ids in zip(self.schema.history, inputs["history"].T, strict=True):
            yield f"history_{feature.name}", ids - NOT_APPLICABLE_ID
        for feature, ids in zip(self.schema.profile, inputs["profile"].T, strict=True):
            for value in range(NOT_APPLICABLE_ID, self._num_ids("profile", feature)):
                yield f"profile_{feature.name}_id_{value}", ids == value

    def _view_columns(self, view: View, ids: NDArray[np.int32]) -> Columns:
        ranges = _ranges(view, ids)
        for name, chosen in ranges.items():
            yield f"{view.name}_actions_{name}", chosen.sum(axis=1)
        yield from _recencies(view, ids)
        for index, feature in enumerate(view.features):
            of_feature = ids[:, :, index]
            match feature.kind:
                case Kind.FIXED:
                    yield from _name_counts(view, feature, of_feature, ranges)
                case Kind.VOCABULARY:
                    num_ids = self._num_ids(view.name, feature)
                    yield from _vocabulary_counts(view, feature, of_feature, ranges, num_ids)
                case Kind.NUMERIC if feature.name != ELAPSED_TIME.name:
                    yield from _means(view, feature, of_feature, ranges)

    def _candidate_columns(self, inputs: Inputs, level: Level) -> Columns:
        view = self.schema.view("browse")
        browse = inputs[view.name]
        ranges = _ranges(view, browse)
        actions = browse[:, :, view.index("action")]
        for told in _LEVELS[level]:
            candidates = inputs["candidates"][:, :, _POSITION[told]]
            # (B, K, T); padding and names that are not in the vocabulary are alike without being the same category.
            is_real = candidates[:, :, None] >= FIRST_REAL_ID
            is_same = is_real & (candidates[:, :, None] == browse[:, None, :, view.index(told)])
            for name, chosen in ranges.items():
                yield f"candidate_{told}_actions_{name}", (is_same & chosen[:, None, :]).sum(axis=2)
            for value, name in enumerate(view.feature("action").names, FIRST_REAL_ID):
                yield f"candidate_{told}_{name}", (is_same & (actions == value)[:, None, :]).sum(axis=2)
            elapsed = browse[:, None, :, view.index(ELAPSED_TIME.name)]
            yield f"candidate_{told}_recency", _newest(is_same, elapsed)
            num_ids = self._num_ids(view.name, view.feature(told))
            yield f"candidate_{told}_rank", np.where(is_real[:, :, 0], candidates, num_ids) - FIRST_REAL_ID

    def _num_ids(self, source: str, feature: Feature) -> int:
        """Returns the first id that no name of the vocabulary has."""
        return FIRST_REAL_ID + self._vocabulary.size(feature_key(source, feature))


def _ranges(view: View, ids: NDArray[np.int32]) -> dict[str, Mask]:
    """Returns which actions of a view are in a range, (B, T), by the range's name; without ranges that are all of T."""
    is_real = ids[:, :, 0] != PAD_ID
    length = ids.shape[1]
    position = np.arange(length)
    ranges = {f"newest_{n}": is_real & (position >= length - n) for n in NEWEST if n < length}
    ranges["all"] = is_real
    elapsed = ids[:, :, view.index(ELAPSED_TIME.name)]
    for seconds in LAST_SECONDS:
        last_bin = seconds.bit_length() - 1  # bin k + 1 holds [2^k, 2^(k + 1)) seconds
        ranges[f"last_{seconds}_s"] = is_real & (elapsed - FIRST_REAL_ID <= last_bin)
    return ranges


def _chosen(ranges: Mapping[str, Mask], *numbers: int) -> Iterator[tuple[str, Mask]]:
    """Yields the ranges of the newest actions, by number, as far as there are such, and that of all actions."""
    for name in (*(f"newest_{n}" for n in numbers), "all"):
        if name in ranges:
            yield name, ranges[name]


def _newest(chosen: Mask, elapsed: NDArray[np.int32]) -> NDArray[np.int64]:
    """Returns the recency of the newest chosen action along the last axis: the bins less its bin; 0 for none."""
    recency = np.where(chosen, ELAPSED_TIME.table_size - elapsed, 0)
    return np.asarray(recency.max(axis=-1), np.int64)


def _recencies(view: View, ids: NDArray[np.int32]) -> Columns:
    elapsed = ids[:, :, view.index(ELAPSED_TIME.name)]
    is_real = ids[:, :, 0] != PAD_ID
    yield f"{view.name}_recency", _newest(is_real, elapsed)
    oldest = np.where(is_real, ELAPSED_TIME.table_size - elapsed, ELAPSED_TIME.bins)
    yield f"{view.name}_oldest_recency", np.where(is_real.any(axis=1), oldest.min(axis=1), 0)
    first = view.features[0]
    for value, name in enumerate(first.names, FIRST_REAL_ID):
        yield f"{view.name}_{first.name}_{name}_recency", _newest(ids[:, :, 0] == value, elapsed)


def _name_counts(view: View, feature: Feature, ids: NDArray[np.int32], ranges: Mapping[str, Mask]) -> Columns:
    for value, name in enumerate(feature.names, FIRST_REAL_ID):
        for range_name, chosen in ranges.items():
            yield f"{view.name}_{feature.name}_{name}_{range_name}", (chosen & (ids == value)).sum(axis=1)


def _vocabulary_counts(
    view: View, feature: Feature, ids: NDArray[np.int32], ranges: Mapping[str, Mask], num_ids: int
) -> Columns:
    frequent = range(FIRST_REAL_ID, min(num_ids, FIRST_REAL_ID + NUM_FREQUENT_NAMES))
    newest = ids[:, -1:]
    is_same = (ids == newest) & (newest >= FIRST_REAL_ID)
    for name, chosen in _chosen(ranges, 8, 32):
        counts = _counts_by_id(ids, chosen, num_ids)
        for value in frequent:
            yield f"{view.name}_{feature.name}_id_{value}_{name}", counts[:, value]
        yield f"{view.name}_distinct_{feature.name}_{name}", (counts[:, FIRST_REAL_ID:] > 0).sum(axis=1)
        yield f"{view.name}_newest_{feature.name}_{name}", (chosen & is_same).sum(axis=1)


def _counts_by_id(ids: NDArray[np.int32], chosen: Mask, num_ids: int) -> NDArray[np.int64]:
    """Returns how often each id below `num_ids` occurs among the chosen actions, (B, num_ids)."""
    cells = ids + num_ids * np.arange(len(ids))[:, None]
    return np.bincount(cells[chosen & (ids < num_ids)], minlength=len(ids) * num_ids).reshape(len(ids), num_ids)


def _means(view: View, feature: Feature, ids: NDArray[np.int32], ranges: Mapping[str, Mask]) -> Columns:
    for name, chosen in _chosen(ranges, 1, 8):
        counted = chosen & (ids >= FIRST_REAL_ID)
        total = np.where(counted, ids - NOT_APPLICABLE_ID, 0).sum(axis=1)
        yield f"{view.name}_mean_{feature.name}_{name}", total / np.maximum(counted.sum(axis=1), 1)
