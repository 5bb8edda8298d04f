"""One user's whole log: chunks put together, in order, without duplicates."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from beam_pipelines import encoding
from beam_pipelines.encoding import VOCABULARY_FEATURES, Chunk, Int64
from edgedipn_tf import discretize, schema
from edgedipn_tf.schema import FIRST_REAL_ID, NOT_APPLICABLE_ID

VIEW_NAMES = ("swipe", "tap", "browse")


@dataclasses.dataclass(frozen=True)
class Table:
    """The records of one input of one user.

    Attributes:
        rows: array of `encoding.ROW_DTYPES`, ordered by (timestamp, file, record number), first of each duplicate.
        names: for each vocabulary feature of the input, the names that its `_code` field points into (-1 is null).
    """

    rows: NDArray[np.void]
    names: dict[str, list[str]]

    def codes(self, feature: str) -> Int64:
        """Returns the positions in `names[feature]` of every row, -1 where null."""
        return self.rows[f"{feature}_code"].astype(np.int64)


@dataclasses.dataclass(frozen=True)
class UserLog:
    """Everything that is known of one user.

    Attributes:
        user_id: the user.
        tables: the user's records by input, every input present, possibly empty.
        time_gap_ids: ids of the swipe view's time gap, which needs the whole track.
        counts: what was met while putting the log together: duplicates, clamps, conflicting profile rows.
    """

    user_id: str
    tables: dict[str, Table]
    time_gap_ids: NDArray[np.uint8]
    counts: Counter[tuple[str, ...]]

    def timestamps(self, view: str) -> Int64:
        """Returns the times of a view's actions in milliseconds, ascending."""
        return self.tables[view].rows["timestamp_ms"]


def assemble(user_id: str, chunks: Iterable[Chunk]) -> UserLog:
    """Puts a user's chunks together: the result does not depend on their order.

    Duplicates are records of equal time and equal 64-bit hash of all their columns; the first by (file, record number)
    stays. Of several different profile rows the one with the smallest canonical JSON stays.
    """
    by_input: dict[str, list[Chunk]] = {name: [] for name in VOCABULARY_FEATURES}
    for chunk in chunks:
        by_input[chunk.input_name].append(chunk)
    counts: Counter[tuple[str, ...]] = Counter()
    tables = {name: _merge(name, parts, counts) for name, parts in by_input.items()}
    tables["profile"] = _single_profile(user_id, tables["profile"], counts)
    _count_clamps(tables["swipe"].rows["clamps"], "swipe", encoding.SWIPE_CLAMPED_FEATURES, counts)
    _count_clamps(tables["browse"].rows["clamps"], "browse", encoding.BROWSE_CLAMPED_FEATURES, counts)
    return UserLog(user_id, tables, _time_gap_ids(tables["swipe"].rows["timestamp_ms"]), counts)


def _merge(input_name: str, chunks: list[Chunk], counts: Counter[tuple[str, ...]]) -> Table:
    dtype = encoding.ROW_DTYPES[input_name]
    parts = [np.frombuffer(chunk.rows, dtype).copy() for chunk in chunks]
    names: dict[str, list[str]] = {}
    for position, feature in enumerate(VOCABULARY_FEATURES[input_name]):
        place: dict[bytes, int] = {}
        for part, chunk in zip(parts, chunks, strict=True):
            # Position -1 (null) of the local list picks the last entry of this array, which is -1.
            translation = np.array([place.setdefault(name, len(place)) for name in chunk.names[position]] + [-1])
            part[f"{feature}_code"] = translation[part[f"{feature}_code"]]
        names[feature] = [encoding.decode_name(name) for name in place]
    rows = np.concatenate(parts) if parts else np.zeros(0, dtype)
    rows = rows[np.lexsort((rows["record_number"], rows["file_index"], rows["timestamp_ms"]))]
    _, first = np.unique(rows["row_hash"], return_index=True)
    if len(first) < len(rows):
        counts[("duplicates", input_name)] += len(rows) - len(first)
        rows = rows[np.sort(first)]
    return Table(rows, names)


def _single_profile(user_id: str, table: Table, counts: Counter[tuple[str, ...]]) -> Table:
    if len(table.rows) < 2:
        return table
    counts[("profile_conflicts",)] += len(table.rows) - 1
    features = VOCABULARY_FEATURES["profile"]

    def canonical(row: int) -> bytes:
        values: dict[str, str | None] = {"user_id": user_id}
        for feature in features:
            code = table.rows[f"{feature}_code"][row]
            values[feature] = table.names[feature][code] if code >= 0 else None
        text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return encoding.encode_name(text)

    smallest = min(range(len(table.rows)), key=canonical)
    return Table(table.rows[smallest : smallest + 1], table.names)


def _time_gap_ids(timestamps_ms: Int64) -> NDArray[np.uint8]:
    """Ids of the gap to the previous action of the swipe view; not applicable for the first action ever."""
    ids = np.full(len(timestamps_ms), NOT_APPLICABLE_ID, np.uint8)
    ids[1:] = discretize.time_gap_bins(np.diff(timestamps_ms)).bins + FIRST_REAL_ID
    return ids


def _count_clamps(
    clamps: NDArray[np.uint16], view: str, features: tuple[str, ...], counts: Counter[tuple[str, ...]]
) -> None:
    for bit, feature in enumerate(features):
        clamped = int(np.count_nonzero(clamps & (1 << bit)))
        if clamped:
            counts[("clamps", f"{view}_{feature}")] += clamped


def vocabulary_ids(table: Table, feature: str, ids_of_names: Int64) -> Int64:
    """Returns the vocabulary ids of a feature's rows, given the ids of `table.names[feature]`."""
    return np.append(ids_of_names, NOT_APPLICABLE_ID)[table.codes(feature)]


def browse_action_code(name: str) -> int:
    """Returns the id of a browse action in the rows of a browse table."""
    return schema.BROWSE_VIEW.feature("action").names.index(name) + FIRST_REAL_ID
