"""What one record on disk holds: the encoded actions of a user that serve the cut-offs of one local day.

A user's actions are stored once and the windows are cut when the record is read (`dataset`): 400 windows of 256
actions would store each action hundreds of times. Times are stored exactly, as differences in milliseconds; what
depends on the cut-off (elapsed time, page stay known or not yet) is computed at reading.

Features of the `tf.train.Example` (n cut-offs, m actions of a view, P distinct candidate pairs):

| feature | content |
|---|---|
| user_id | UTF-8 bytes |
| t0_ms | int64 [n]: first cut-off, then differences |
| VIEW_time_ms | int64 [m]: first action, then differences |
| VIEW_FEATURE | raw little-endian [m] of `storage_dtype`: ids |
| browse_stay_ms | int64 [m]: when the stay is known, after the action; 0 where it is null |
| history, profile | raw uint8 [18], [6]: ids |
| pair_names | bytes [2 P]: leaf, top, leaf, top ...; empty is null |
| pair_ids | raw uint16 [P, 2]: leaf id, top id |
| candidates | raw uint8 [n, K]: place in the pairs plus 1; 0 is an unfilled place |
| labels | raw uint8 [n, sum of places over the intents]: 0, 1 or UNKNOWN_LABEL |
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from edgedipn_tf import examples
from edgedipn_tf.schema import ELAPSED_TIME, Feature, Schema, View, feature_key

UNKNOWN_LABEL = 255
"""Stored label of a window that the log does not cover, or of an unfilled or repeated candidate."""
FORMAT_VERSION = 2
"""Version of the dataset folder; a reader refuses another one."""


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
    ids: dict[str, list[NDArray[np.int64]]]
    stay_ms: NDArray[np.int64]
    history: NDArray[np.int64]
    profile: NDArray[np.int64]
    pair_names: list[tuple[bytes, bytes]]
    pair_ids: NDArray[np.int64]
    candidates: NDArray[np.int64]
    labels: NDArray[np.uint8]


def stored_features(view: View) -> tuple[Feature, ...]:
    """Returns the features that a record stores: all but the elapsed time, which depends on the cut-off."""
    return tuple(feature for feature in view.features if feature.name != ELAPSED_TIME.name)


def storage_dtype(feature: Feature) -> str:
    """Returns the little-endian dtype that holds every id of a feature."""
    return "<u1" if feature.table_size <= 256 else "<u2"


def time_key(view: View) -> str:
    """Returns the record's key of a view's times."""
    return f"{view.name}_time_ms"


def serialize(record: UserDay, schema: Schema) -> bytes:
    """Returns a record as the bytes of a `tf.train.Example`."""
    features: dict[str, examples.Value] = {
        "user_id": record.user_id,
        "t0_ms": _differences(record.t0_ms),
        "browse_stay_ms": record.stay_ms.tolist(),
        "history": record.history.astype("<u1").tobytes(),
        "profile": record.profile.astype("<u1").tobytes(),
        "pair_names": [name for pair in record.pair_names for name in pair],
        "pair_ids": record.pair_ids.astype("<u2").tobytes(),
        "candidates": (record.candidates + 1).astype("<u1").tobytes(),
        "labels": record.labels.tobytes(),
    }
    for view in schema.views:
        features[time_key(view)] = _differences(record.times_ms[view.name])
        for feature, ids in zip(stored_features(view), record.ids[view.name], strict=True):
            features[feature_key(view.name, feature)] = ids.astype(storage_dtype(feature)).tobytes()
    return examples.serialize(features)


def _differences(times_ms: NDArray[np.int64]) -> list[int]:
    differences: list[int] = np.diff(times_ms, prepend=0).tolist()
    return differences
