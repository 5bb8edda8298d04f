"""What one record on disk holds: the encoded actions of a user that serve the cut-offs of one local day.

A user's actions are stored once and the windows are cut when the record is read (`window_cutting`): 400 windows of 256
actions would store each action hundreds of times. Times are stored exactly, as differences in milliseconds; what
depends on the cut-off (elapsed time, page stay known or not yet) is computed at reading.

Ids of an action are packed into words of 8, 16 or 32 bits, each id in as many bits as its table needs. Features that
belong to one kind of action (`Feature.only_for`) have words of their own, stored for actions of that kind alone.

Features of the `tf.train.Example` (n cut-offs, m actions of a view, K candidate places):

| feature | content |
|---|---|
| user_id | UTF-8 bytes |
| t0_ms | int64 [n]: first cut-off, then differences |
| VIEW_time_ms | int64 [m]: first action, then differences |
| VIEW_word_I, VIEW_ACTION_word_I | raw little-endian unsigned integers, see `Word` |
| browse_stay_known_from | int64 [m]: how many of the record's cut-offs lie before the end of the page stay |
| history, profile | int64 [18], [6]: ids |
| candidates | int64 [n, K, 2]: codes of leaf and top, 0 for an unfilled place, see `unlisted_names` |
| unlisted_names | bytes: names of candidates that the vocabulary lacks; code table_size + i is the i-th of them |
| labels | raw uint8 [n, places / 4 rounded up]: two bits a place, 0, 1 or 2 for unknown |
"""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedipn_tf import examples
from edgedipn_tf.schema import ELAPSED_TIME, FIRST_REAL_ID, NOT_APPLICABLE_ID, Feature, Schema, View

UNKNOWN_LABEL = 255
"""Label of a window that the log does not cover, or of an unfilled or repeated candidate."""
UNKNOWN_LABEL_CODE = 2
"""What two bits of a record say for it."""
FORMAT_VERSION = 3
"""Version of the dataset folder; a reader refuses another one."""
WORD_BITS = 32
"""Most bits of a word."""
STAY_KNOWN_FROM = "browse_stay_known_from"
"""The record's key of the page stays' ends."""
CANDIDATE_LEVELS = ("leaf_category", "top_category")
"""Features of the browse view that a candidate names, in the order of its codes."""


@dataclasses.dataclass(frozen=True)
class UserDay:
    """One record.

    Attributes:
        user_id: the user, UTF-8.
        t0_ms: cut-offs, ascending, int64 [n].
        times_ms: by view, times of the stored actions, ascending, int64 [m].
        ids: by view, ids of the stored features (all but the elapsed time), in schema order, each [m].
        stay_ms: of the browse view's actions, int64 [m].
        history, profile: ids.
        pair_names: distinct candidate pairs as (leaf, top) in UTF-8, empty for null.
        pair_ids: their vocabulary ids, [P, 2].
        candidates: for each cut-off and place the position in the pairs, -1 for an unfilled place, [n, K].
        labels: uint8 [n, sum of places].
    """

    user_id: bytes
    t0_ms: NDArray[np.int64]
    times_ms: dict[str, NDArray[np.int64]]
    ids: dict[str, list[NDArray[Any]]]
    stay_ms: NDArray[np.int64]
    history: NDArray[np.int64]
    profile: NDArray[np.int64]
    pair_names: list[tuple[bytes, bytes]]
    pair_ids: NDArray[np.int64]
    candidates: NDArray[np.int64]
    labels: NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Word:
    """One unsigned integer an action that holds the ids of some features of a view.

    Attributes:
        key: the record's key of the column.
        only_for: name of the actions that have it; empty: all actions of the view.
        features: what it holds, the first feature in the lowest bits.
    """

    key: str
    only_for: str
    features: tuple[Feature, ...]

    @functools.cached_property
    def shifts(self) -> tuple[int, ...]:
        """Position of each feature's lowest bit."""
        return tuple(sum(num_bits(f) for f in self.features[:i]) for i in range(len(self.features)))

    @functools.cached_property
    def dtype(self) -> str:
        """The smallest little-endian dtype that holds the word."""
        total = sum(num_bits(feature) for feature in self.features)
        return next(f"<u{size // 8}" for size in (8, 16, 32) if total <= size)

    @functools.cached_property
    def not_applicable(self) -> int:
        """The word of an action to which none of the features applies."""
        return sum(NOT_APPLICABLE_ID << shift for shift in self.shifts)


def num_bits(feature: Feature) -> int:
    """Returns the bits that hold every id of a feature."""
    return (feature.table_size - 1).bit_length()


def stored_features(view: View) -> tuple[Feature, ...]:
    """Returns the features that a record stores: all but the elapsed time, which depends on the cut-off."""
    return tuple(feature for feature in view.features if feature.name != ELAPSED_TIME.name)


@functools.cache
def words(view: View) -> tuple[Word, ...]:
    """Returns the words of a view: its stored features in order, by the kind of action that they belong to."""
    kinds = dict.fromkeys(feature.only_for for feature in stored_features(view))
    return tuple(word for kind in kinds for word in _words_of_kind(view, kind))


def _words_of_kind(view: View, kind: str) -> Iterator[Word]:
    parts: list[list[Feature]] = []
    free_bits = 0
    for feature in (f for f in stored_features(view) if f.only_for == kind):
        if num_bits(feature) > free_bits:
            parts.append([])
            free_bits = WORD_BITS
        parts[-1].append(feature)
        free_bits -= num_bits(feature)
    prefix = f"{view.name}_{kind}" if kind else view.name
    for index, features in enumerate(parts):
        yield Word(f"{prefix}_word_{index}", kind, tuple(features))


def time_key(view: View) -> str:
    """Returns the record's key of a view's times."""
    return f"{view.name}_time_ms"


def serialize(record: UserDay, schema: Schema) -> bytes:
    """Returns a record as the bytes of a `tf.train.Example`.

    Raises:
        ValueError: when a feature has an id at an action that it does not apply to; it would be lost.
    """
    codes, unlisted_names = _candidate_codes(record, schema)
    features: dict[str, examples.Value] = {
        "user_id": record.user_id,
        "t0_ms": _differences(record.t0_ms),
        "history": record.history.tolist(),
        "profile": record.profile.tolist(),
        "candidates": codes,
        "unlisted_names": unlisted_names,
        "labels": _pack_labels(record.labels),
    }
    for view in schema.views:
        features[time_key(view)] = _differences(record.times_ms[view.name])
        features |= _packed_words(view, record.ids[view.name])
    stay_end_ms = record.times_ms["browse"] + record.stay_ms
    features[STAY_KNOWN_FROM] = np.searchsorted(record.t0_ms, stay_end_ms).tolist()
    return examples.serialize(features)


def _differences(times_ms: NDArray[np.int64]) -> list[int]:
    first: list[int] = times_ms[:1].tolist()
    return [*first, *(times_ms[1:] - times_ms[:-1]).tolist()]


def _packed_words(view: View, ids: list[NDArray[Any]]) -> dict[str, bytes]:
    by_name = dict(zip((feature.name for feature in stored_features(view)), ids, strict=True))
    packed = {}
    for word in words(view):
        values = np.zeros(len(ids[0]), np.uint32)
        for feature, shift in zip(word.features, word.shifts, strict=True):
            values |= by_name[feature.name].astype(np.uint32) << np.uint32(shift)
        if word.only_for:
            has_word = by_name[view.action.name] == view.action_id(word.only_for)
            if (values[~has_word] != word.not_applicable).any():
                names = ", ".join(feature.name for feature in word.features)
                raise ValueError(f"{view.name} view: {names} at an action other than {word.only_for}")
            values = values[has_word]
        packed[word.key] = values.astype(word.dtype).tobytes()
    return packed


def _candidate_codes(record: UserDay, schema: Schema) -> tuple[list[int], list[bytes]]:
    """Codes of all places, [n, K, 2] flattened, and the names that the vocabulary lacks."""
    browse = schema.view("browse")
    unlisted: tuple[dict[bytes, int], ...] = ({}, {})
    pair_codes = np.array(record.pair_ids, np.int64).reshape(-1, len(CANDIDATE_LEVELS))
    for pair, names in enumerate(record.pair_names):
        for level, name in enumerate(names):
            if name and pair_codes[pair, level] < FIRST_REAL_ID:
                pair_codes[pair, level] = -1 - unlisted[level].setdefault(name, len(unlisted[level]))
    # The names of both levels stand in one list: those of the tops follow those of the leaves.
    for level, feature in enumerate(CANDIDATE_LEVELS):
        first = browse.feature(feature).table_size + (len(unlisted[0]) if level else 0)
        column = pair_codes[:, level]
        column[column < 0] = first - 1 - column[column < 0]
    unfilled = np.zeros((1, len(CANDIDATE_LEVELS)), np.int64)
    codes: list[int] = np.concatenate([pair_codes, unfilled])[record.candidates].ravel().tolist()
    return codes, [*unlisted[0], *unlisted[1]]


def _pack_labels(labels: NDArray[np.uint8]) -> bytes:
    codes = np.zeros((len(labels), -(-labels.shape[1] // 4) * 4), np.uint8)
    codes[:, : labels.shape[1]] = np.where(labels == UNKNOWN_LABEL, UNKNOWN_LABEL_CODE, labels)
    in_fours = codes.reshape(-1, 4)
    packed: NDArray[np.uint8] = in_fours[:, 0] | in_fours[:, 1] << 2 | in_fours[:, 2] << 4 | in_fours[:, 3] << 6
    return packed.tobytes()


def unpack_labels(packed: NDArray[np.uint8], num_places: int) -> NDArray[np.uint8]:
    """Returns the label codes (0, 1, UNKNOWN_LABEL_CODE) of packed labels, [n, num_places].

    Args:
        packed: bytes of any number of records.
        num_places: labels of a sample.
    """
    num_bytes = -(-num_places // 4)
    codes = packed.reshape(-1, num_bytes)[:, :, None] >> np.arange(0, 8, 2, dtype=np.uint8) & 3
    return np.ascontiguousarray(codes.reshape(-1, 4 * num_bytes)[:, :num_places])
