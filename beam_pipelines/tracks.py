"""One user's whole log: chunks put together, in order, without duplicates, and not longer than a user can be."""

import dataclasses
import functools
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beam_pipelines import chunks, encoding
from beam_pipelines.chunks import Chunk
from beam_pipelines.encoding import DTYPES, VOCABULARY_FEATURES, Columns, Int64
from edgedipn_tf import discretize, schema
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.schema import FIRST_REAL_ID, NOT_APPLICABLE_ID

VIEW_NAMES = ("swipe", "tap", "browse")
MAX_UNMERGED_ROWS = 1 << 21
"""Records of a user and input that are held before they are merged into what is kept of those before."""
_PLACE_DTYPES: dict[str, Any] = {"file_index": np.int32, "record_number": np.int64, "num_copies": np.int32}


@dataclasses.dataclass(frozen=True)
class Rows:
    """Columns of equal length, by name; its length is theirs."""

    columns: Columns

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def __len__(self) -> int:
        return len(self.columns["row_hash"])

    def take(self, rows: NDArray[Any] | slice) -> "Rows":
        """Returns some of the rows."""
        return Rows({name: column[rows] for name, column in self.columns.items()})


@dataclasses.dataclass(frozen=True)
class Table:
    """The records of one input of one user.

    Attributes:
        rows: the columns of `encoding.DTYPES`, ordered by (timestamp, file, record), first of each duplicate.
        names: for each vocabulary feature of the input, the names that its `_code` column points into (-1 is null).
    """

    rows: Rows
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
        counts: what was met while putting the log together: duplicates, surplus, clamps, conflicting profile rows.
    """

    user_id: str
    tables: dict[str, Table]
    time_gap_ids: NDArray[np.uint8]
    counts: Counter[tuple[str, ...]]

    def timestamps(self, view: str) -> Int64:
        """Returns the times of a view's actions in milliseconds, ascending."""
        return self.tables[view].rows["timestamp_ms"]

    @functools.cached_property
    def all_timestamps(self) -> Int64:
        """The times of the actions of all views, ascending."""
        # Stable, for this sort merges what is sorted already.
        return np.sort(np.concatenate([self.timestamps(view) for view in VIEW_NAMES]), kind="stable")


@dataclasses.dataclass(frozen=True)
class DayLimit:
    """Most actions of a user, view and local day: those first in order stay.

    The first and not the last, because whether an action is there must not depend on what follows it.
    """

    local_time: LocalTime
    max_actions: int


def assemble(user_id: str, parts: Iterable[Chunk], limit: DayLimit | None = None) -> UserLog:
    """Puts a user's chunks together: the result does not depend on their order, nor on how records were chunked.

    Duplicates are records that are equal in all columns as encoded and in the hash of their raw ones; the first by
    (file, record number) stays.
    Of several different profile rows the one with the smallest canonical JSON stays.

    Args:
        user_id: the user.
        parts: the chunks, read once; besides what is kept, at most `MAX_UNMERGED_ROWS` and a chunk are in memory.
        limit: of the views; None for no limit.
    """
    merges = {name: _Merge(name, limit if name in VIEW_NAMES else None) for name in VOCABULARY_FEATURES}
    for chunk in parts:
        merges[chunk.input_name].add(chunk)
    counts: Counter[tuple[str, ...]] = Counter()
    tables = {name: merge.table(counts) for name, merge in merges.items()}
    tables["profile"] = _single_profile(user_id, tables["profile"], counts)
    _count_clamps(tables["swipe"].rows["clamps"], "swipe", encoding.SWIPE_CLAMPED_FEATURES, counts)
    _count_clamps(tables["browse"].rows["clamps"], "browse", encoding.BROWSE_CLAMPED_FEATURES, counts)
    return UserLog(user_id, tables, time_gap_ids(tables["swipe"].rows["timestamp_ms"]), counts)


class _Merge:
    """The table of one input in the making: chunks come in any order.

    Args:
        input_name: the input.
        limit: of each local day; None for no limit.
    """

    def __init__(self, input_name: str, limit: DayLimit | None) -> None:
        self._input_name = input_name
        self._limit = limit
        self._chunks: list[Chunk] = []
        self._num_waiting = self._num_read = 0
        self._kept = Rows({name: np.zeros(0, dtype) for name, dtype in (DTYPES[input_name] | _PLACE_DTYPES).items()})
        self._places: dict[str, dict[str, int]] = {name: {} for name in VOCABULARY_FEATURES[input_name]}

    def add(self, chunk: Chunk) -> None:
        """Adds a chunk."""
        self._chunks.append(chunk)
        self._num_waiting += chunk.num_rows
        self._num_read += chunk.num_rows
        if self._num_waiting >= MAX_UNMERGED_ROWS:
            self._merge(is_last=False)

    def table(self, counts: Counter[tuple[str, ...]]) -> Table:
        """Returns what is kept; counts the records that are not."""
        if len(self._kept) or self._chunks:
            self._merge(is_last=True)
        num_copies = int(self._kept["num_copies"].sum())
        # A record is a duplicate when one equal to it is kept, however many came in between.
        for name, count in (("duplicates", num_copies - len(self._kept)), ("surplus", self._num_read - num_copies)):
            if count:
                counts[(name, self._input_name)] += count
        rows = Rows({name: self._kept[name] for name in DTYPES[self._input_name]})
        return Table(rows, {name: list(table) for name, table in self._places.items()})

    def _merge(self, is_last: bool) -> None:
        # Mostly this is the order of all records, and nothing is left to sort.
        self._chunks.sort(key=lambda chunk: (chunk.file_index, chunk.first_record, chunk.first_time_ms))
        parts = [*([self._kept] if len(self._kept) else []), *map(self._unpacked, self._chunks)]
        self._chunks, self._num_waiting = [], 0
        rows = parts[0] if len(parts) == 1 else _joined(parts)
        order = _order(rows)
        if order is not None:
            rows = rows.take(order)
        rows = _without_duplicates(rows)
        if self._limit is not None:
            rows = _first_of_days(rows, self._limit, with_ties=not is_last)
        self._kept = rows

    def _unpacked(self, chunk: Chunk) -> Rows:
        """Returns a chunk's rows with their places, its name codes translated to the user's."""
        columns, names = chunks.unpack(chunk)
        for feature, of_chunk in names.items():
            place = self._places[feature]
            if not place:  # the chunk's positions are the user's
                place.update(zip(of_chunk, range(len(of_chunk)), strict=True))
                continue
            # Position -1 (null) picks the last entry, which is -1.
            translation = np.array([*(place.setdefault(name, len(place)) for name in of_chunk), -1], np.int32)
            columns[f"{feature}_code"] = translation[columns[f"{feature}_code"]]
        columns["file_index"] = np.full(chunk.num_rows, chunk.file_index, np.int32)
        # Not the records' own numbers, but in their order: no other chunk has a record in between.
        columns["record_number"] = np.arange(chunk.first_record, chunk.first_record + chunk.num_rows, dtype=np.int64)
        if chunk.first_record == chunks.WITHOUT_ORDER:
            columns["record_number"] = columns["row_hash"].astype(np.int64)
        columns["num_copies"] = np.ones(chunk.num_rows, np.int32)
        return Rows(columns)


def _joined(parts: list[Rows]) -> Rows:
    return Rows({name: np.concatenate([part[name] for part in parts]) for name in parts[0].columns})


def _order(rows: Rows) -> NDArray[np.intp] | None:
    """Returns the order by (time, file, record); None when it is the order of the rows."""
    steps = np.diff(rows["timestamp_ms"])
    if not (steps < 0).any():
        same = np.flatnonzero(steps == 0)
        files, records = rows["file_index"], rows["record_number"]
        file_steps = files[same + 1] - files[same]
        if ((file_steps > 0) | ((file_steps == 0) & (records[same + 1] > records[same]))).all():
            return None
    return np.lexsort((rows["record_number"], rows["file_index"], rows["timestamp_ms"]))


def _without_duplicates(rows: Rows) -> Rows:
    """Keeps the first of rows that are equal but for their places, and counts the copies; looks at equal times only.

    Different rows have equal hashes once in 4 * 10^9, so that all other columns must be equal too.
    """
    is_same_time = np.diff(rows["timestamp_ms"]) == 0
    if not is_same_time.any():
        return rows
    shared = np.flatnonzero(np.append(is_same_time, False) | np.append(False, is_same_time))
    times, hashes = rows["timestamp_ms"][shared], rows["row_hash"][shared]
    if not _repeats_previous([times, hashes], np.lexsort((hashes, times))).any():
        return rows
    identity = [column[shared] for name, column in rows.columns.items() if name not in _PLACE_DTYPES]
    order = np.lexsort((shared, *identity))
    is_copy = _repeats_previous(identity, order)
    by_identity = shared[order]
    firsts = by_identity[~is_copy][np.cumsum(~is_copy) - 1]
    num_copies = rows["num_copies"].copy()
    np.add.at(num_copies, firsts[is_copy], num_copies[by_identity[is_copy]])
    is_kept = np.ones(len(rows), np.bool_)
    is_kept[by_identity[is_copy]] = False
    return Rows({**rows.columns, "num_copies": num_copies}).take(is_kept)


def _repeats_previous(columns: list[NDArray[Any]], order: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Returns for each place in an order whether its row is equal to the one before."""
    is_equal = np.ones(len(order), np.bool_)
    is_equal[:1] = False
    for column in columns:
        is_equal[1:] &= column[order[1:]] == column[order[:-1]]
    return is_equal


def _first_of_days(rows: Rows, limit: DayLimit, with_ties: bool) -> Rows:
    """Keeps the first rows of each local day; with ties, also those of the same time as the last of them.

    Ties stay while chunks may follow: one of them may be a copy of a record that comes before it in another chunk.
    """
    if len(rows) <= limit.max_actions:
        return rows
    times = rows["timestamp_ms"]
    bounds = day_bounds(times, limit.local_time)[1]
    sizes = np.diff(bounds)
    if (sizes <= limit.max_actions).all():
        return rows
    is_kept = np.arange(len(rows)) - np.repeat(bounds[:-1], sizes) < limit.max_actions
    if with_ties:
        last = bounds[:-1] + np.minimum(sizes, limit.max_actions) - 1
        is_kept |= times == np.repeat(times[last], sizes)
    return rows.take(is_kept)


def day_bounds(times_ms: Int64, local_time: LocalTime) -> tuple[Int64, NDArray[np.intp]]:
    """Returns where local days start in ascending times.

    Returns:
        The days from that of the first time to that of the last; the position of each day's first time, and the end:
        day i has the times from bound i to bound i + 1.
    """
    if not len(times_ms):
        return np.zeros(0, np.int64), np.zeros(1, np.intp)
    first, last = local_time.day_index(times_ms[[0, -1]]).tolist()
    days = np.arange(first, last + 2, dtype=np.int64)
    return days[:-1], np.searchsorted(times_ms, local_time.day_start_ms(days))


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
    return Table(table.rows.take(slice(smallest, smallest + 1)), table.names)


def time_gap_ids(timestamps_ms: Int64) -> NDArray[np.uint8]:
    """Returns ids of the gap to the previous action of the swipe view; not applicable for the first action ever."""
    ids = np.full(len(timestamps_ms), NOT_APPLICABLE_ID, np.uint8)
    ids[1:] = discretize.time_gap_bins(np.diff(timestamps_ms)).bins + FIRST_REAL_ID
    return ids


def _count_clamps(
    clamps: NDArray[np.uint16], view: str, features: tuple[str, ...], counts: Counter[tuple[str, ...]]
) -> None:
    any_clamped = int(np.bitwise_or.reduce(clamps, initial=0))
    for bit, feature in enumerate(features):
        if any_clamped & (1 << bit):
            counts[("clamps", f"{view}_{feature}")] += int(np.count_nonzero(clamps & (1 << bit)))


def vocabulary_ids(table: Table, feature: str, ids_of_names: Int64) -> Int64:
    """Returns the vocabulary ids of a feature's rows, given the ids of `table.names[feature]`."""
    return np.append(ids_of_names, NOT_APPLICABLE_ID)[table.codes(feature)]


def browse_action_code(name: str) -> int:
    """Returns the id of a browse action in the rows of a browse table."""
    return schema.BROWSE_VIEW.feature("action").names.index(name) + FIRST_REAL_ID
