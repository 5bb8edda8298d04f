"""Small user logs for tests, written as lists of actions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from beam_pipelines.chunks import Chunk, ChunkBuilder
from beam_pipelines.encoding import DTYPES, VOCABULARY_FEATURES, Encoded
from beam_pipelines.tracks import UserLog, assemble, browse_action_code

BrowseAction = tuple[int, str, str | None, str | None]
"""(time in ms, action, leaf category, top category)."""


def chunk_of(
    input_name: str,
    columns: Mapping[str, Any],
    names: Mapping[str, Sequence[str]] | None = None,
    file_index: int = 0,
    first_record: int = 0,
) -> Chunk:
    """Builds the chunk of a user; columns left out are 0, names left out are null, hashes count the rows."""
    size = len(next(iter(columns.values())))
    defaults = {name: np.zeros(size, dtype) for name, dtype in DTYPES[input_name].items()}
    defaults |= {f"{feature}_code": np.full(size, -1, np.int32) for feature in VOCABULARY_FEATURES[input_name]}
    defaults["row_hash"] = np.arange(first_record, first_record + size, dtype=np.uint64)
    given = {name: np.array(values, DTYPES[input_name][name]) for name, values in columns.items()}
    of_features = {feature: list((names or {}).get(feature, ())) for feature in VOCABULARY_FEATURES[input_name]}
    builder = ChunkBuilder(input_name, file_index)
    encoded = Encoded(defaults | given, np.zeros(size, np.int32), {"user_id": ["u"], **of_features})
    builder.add(encoded, first_record)
    return next(builder.take())[1]


def browse_chunk(actions: Sequence[BrowseAction], file_index: int = 0, first_record: int = 0) -> Chunk:
    """Builds the browse chunk of a user; equal actions are duplicates."""
    names = {
        feature: sorted({action[place] for action in actions} - {None})
        for feature, place in (("leaf_category", 2), ("top_category", 3))
    }
    columns = {
        "timestamp_ms": [action[0] for action in actions],
        "row_hash": [hash(action) % (1 << 64) for action in actions],
        "action": [browse_action_code(action[1]) for action in actions],
        "page_stay": [1] * len(actions),
        "hour": [2] * len(actions),
        "leaf_category_code": [_code(names["leaf_category"], action[2]) for action in actions],
        "top_category_code": [_code(names["top_category"], action[3]) for action in actions],
    }
    return chunk_of("browse", columns, names, file_index, first_record)


def _code(names: list[Any], name: str | None) -> int:
    return -1 if name is None else names.index(name)


def browse_log(actions: Sequence[BrowseAction], user_id: str = "u") -> UserLog:
    """Builds the log of a user who only browses."""
    return assemble(user_id, [browse_chunk(actions)] if actions else [])
