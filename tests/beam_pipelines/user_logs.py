"""Small user logs for tests, written as lists of actions."""

from collections.abc import Sequence

import numpy as np

from beam_pipelines import encoding
from beam_pipelines.encoding import Chunk
from beam_pipelines.tracks import UserLog, assemble, browse_action_code

BrowseAction = tuple[int, str, str | None, str | None]
"""(time in ms, action, leaf category, top category)."""


def browse_chunk(actions: Sequence[BrowseAction], file_index: int = 0) -> Chunk:
    """Builds the browse chunk of a user; the record number is the position in the list."""
    rows = np.zeros(len(actions), encoding.ROW_DTYPES["browse"])
    names: dict[str, list[bytes]] = {"leaf_category": [], "top_category": []}
    for number, (time_ms, action, leaf, top) in enumerate(actions):
        rows[number]["timestamp_ms"] = time_ms
        rows[number]["file_index"] = file_index
        rows[number]["record_number"] = number
        rows[number]["row_hash"] = np.uint64(abs(hash((time_ms, action, leaf, top))))
        rows[number]["action"] = browse_action_code(action)
        rows[number]["page_stay"] = 1
        rows[number]["hour"] = 2
        rows[number]["page_code"] = -1
        for feature, name in (("leaf_category", leaf), ("top_category", top)):
            if name is None:
                rows[number][f"{feature}_code"] = -1
                continue
            if name.encode() not in names[feature]:
                names[feature].append(name.encode())
            rows[number][f"{feature}_code"] = names[feature].index(name.encode())
    by_feature = {**names, "page": []}
    return Chunk(
        "browse", rows.tobytes(), tuple(tuple(by_feature[name]) for name in encoding.VOCABULARY_FEATURES["browse"])
    )


def browse_log(actions: Sequence[BrowseAction], user_id: str = "u") -> UserLog:
    """Builds the log of a user who only browses."""
    return assemble(user_id, [browse_chunk(actions)])
