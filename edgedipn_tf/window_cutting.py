"""Records -> windows, in NumPy: the columns of some records are decoded at once, then any samples of them are cut.

Copying windows is the cost of reading a dataset. NumPy copies one as a whole; TensorFlow gathers it action by action,
and copies all again to put a column into it. So `dataset` calls these functions, from Python, in the process that
trains: a tf.data service, which would read in other processes, cannot.

Pool: what `decode` makes of some records (N samples, m actions of a view, T = max_length, F features), by key; of a
view the rows are those of all records, before the actions of each T rows of zeros:

| key | content |
|---|---|
| VIEW_rows | ids, of the view's `id_dtype`, [rows, F]; elapsed time not filled |
| VIEW_seconds | float64 [rows]: times |
| VIEW_starts | int64 [N]: the row at which the sample's window of T actions begins |
| VIEW_lengths | int64 [N]: actions in the sample's window |
| unknown_splits, unknown_steps | page stays that are not known at a sample's cut-off: int64 [N + 1], and their steps |
| record | int64 [N]: the sample's record |
| t0_ms, labels, candidates | int64 [N], uint8 [N, places] of label codes, int32 [N, K, 2] of candidate codes |
| history, profile | int32 [records, 18], [records, 6] |
| user_id | bytes [records] |
| names, first_name | names that the vocabulary lacks; int64 [records]: where those of a record begin |
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedipn_tf import records
from edgedipn_tf.discretize import ELAPSED_EDGES_SECONDS, MS_PER_SECOND
from edgedipn_tf.records import CANDIDATE_LEVELS, STAY_KNOWN_FROM
from edgedipn_tf.schema import ELAPSED_TIME, FIRST_REAL_ID, NOT_APPLICABLE_ID, PAD_ID, Feature, Schema, View

Arrays = dict[str, NDArray[Any]]
Int64 = NDArray[np.int64]

_RECORD_BITS = 44
"""A record's number above, a time in milliseconds below: times of the years 1900 to 2199 need 43 bits and a sign."""
PAGE_STAY = "page_stay"
_ACTIONS_AT_ONCE = 16384
"""Unpacked in parts that stay in the processor's cache."""
_BLOCKS_AT_ONCE = 64
"""Windows are copied twice in parts that stay there too."""
_MANTISSA_BITS, _EXPONENT_OF_HALF = 52, 1022
"""Of a float64: bits below the exponent, and the exponent of numbers from 1/2 to below 1."""


def id_dtype(view: View) -> np.dtype[Any]:
    """Returns the smallest unsigned type that holds all ids of a view: copying windows is what reading costs."""
    return np.min_scalar_type(max(feature.table_size for feature in view.features) - 1)


def decode(schema: Schema, max_length: int, columns: Arrays) -> Arrays:
    """Returns the pool of some records.

    Args:
        schema: what a sample is made of.
        max_length: T, at most the schema's.
        columns: the features of the records, see `records`: raw ones as bytes objects [records], lists as the values
            of all records with `KEY_splits` [records + 1].
    """
    splits = columns["t0_ms_splits"]
    num_cutoffs = np.diff(splits)
    record = np.repeat(np.arange(len(num_cutoffs)), num_cutoffs)
    t0_ms = _absolute_times(columns["t0_ms"], splits)
    num_labels = sum(schema.num_places(intent) for intent in schema.intents)
    pool: Arrays = {
        "record": record,
        "t0_ms": t0_ms,
        "labels": records.unpack_labels(_joined(columns["labels"], "u1"), num_labels),
        "candidates": columns["candidates"].astype(np.int32).reshape(-1, schema.num_candidates, len(CANDIDATE_LEVELS)),
        "history": columns["history"].astype(np.int32).reshape(-1, len(schema.history)),
        "profile": columns["profile"].astype(np.int32).reshape(-1, len(schema.profile)),
        "user_id": columns["user_id"],
        "names": columns["unlisted_names"],
        "first_name": columns["unlisted_names_splits"][:-1],
    }
    for view in schema.views:
        key = records.time_key(view)
        action_splits = columns[f"{key}_splits"]
        times_ms = _absolute_times(columns[key], action_splits)
        of_record = np.repeat(np.arange(len(num_cutoffs)), np.diff(action_splits))
        keyed_times, keyed_t0 = _keyed(of_record, times_ms), _keyed(record, t0_ms)
        ends = np.searchsorted(keyed_times, keyed_t0, side="right")
        ids = _unpacked(view, columns, len(times_ms))
        pool[f"{view.name}_rows"] = _apart(ids, action_splits, max_length)
        pool[f"{view.name}_seconds"] = _apart(times_ms / MS_PER_SECOND, action_splits, max_length)
        pool[f"{view.name}_starts"] = ends + max_length * record  # behind as many zeros more than there are records
        pool[f"{view.name}_lengths"] = np.minimum(ends - action_splits[record], max_length)
        if PAGE_STAY in (feature.name for feature in view.features):
            first_seen = np.searchsorted(keyed_t0, keyed_times)  # the first cut-off that sees the action
            first_known = np.maximum(splits[of_record] + columns[STAY_KNOWN_FROM], first_seen)
            pool |= _unknown_stays(ends, first_seen, first_known, max_length)
    return pool


def _unknown_stays(ends: Int64, first_seen: Int64, first_known: Int64, max_length: int) -> Arrays:
    """Returns the steps whose page stay ends after t0, so that the phone does not know it at t0.

    Args:
        ends: actions of all records up to each cut-off, [N].
        first_seen: for each action, the first sample that sees it, [m].
        first_known: for each action, the first sample that knows its stay, [m]; no sample in between does.
        max_length: T.
    """
    num_unknown = first_known - first_seen
    action = np.repeat(np.arange(len(num_unknown)), num_unknown)
    first_of_action = np.cumsum(num_unknown) - num_unknown
    sample = np.arange(len(action)) - first_of_action[action] + first_seen[action]
    step = max_length - (ends[sample] - action)
    order = np.argsort(sample, kind="stable")
    order = order[step[order] >= 0]
    num_steps = np.bincount(sample[order], minlength=len(ends))
    return {"unknown_splits": np.concatenate([[0], np.cumsum(num_steps)]), "unknown_steps": step[order]}


def cut_windows(view: View, max_length: int, pool: Arrays, samples: Int64, windows: NDArray[Any]) -> None:
    """Cuts the windows of one view out of a pool.

    Args:
        view: which.
        max_length: T, that of the pool.
        pool: of `decode`.
        samples: positions among the pool's samples, [B].
        windows: what is filled with ids, of the view's `id_dtype`, contiguous, [B, length, F], length at most T: the
            newest steps of each window.
    """
    length = windows.shape[1]
    num_skipped = max_length - length
    starts = pool[f"{view.name}_starts"][samples] + num_skipped
    blocks = _blocks(pool[f"{view.name}_rows"], length)
    filled = np.ndarray(len(starts), blocks.dtype, windows)
    # NumPy copies what it has chosen a second time, so it should still be in the processor's cache.
    for begin in range(0, len(starts), _BLOCKS_AT_ONCE):
        some = slice(begin, begin + _BLOCKS_AT_ONCE)
        filled[some] = blocks[starts[some]]
    names = [feature.name for feature in view.features]
    if ELAPSED_TIME.name in names:
        ids = _elapsed_time_ids(pool["t0_ms"][samples], _seconds(view, pool, starts, length))
        if (pool[f"{view.name}_lengths"][samples] < length).any():
            ids *= windows[:, :, 0] != PAD_ID
        windows[:, :, names.index(ELAPSED_TIME.name)] = ids
    if PAGE_STAY in names:
        first, num_unknown = pool["unknown_splits"][samples], np.diff(pool["unknown_splits"])[samples]
        row = np.repeat(np.arange(len(samples)), num_unknown)
        place = np.arange(len(row)) - np.repeat(np.cumsum(num_unknown) - num_unknown - first, num_unknown)
        step = pool["unknown_steps"][place] - num_skipped
        windows[row[step >= 0], step[step >= 0], names.index(PAGE_STAY)] = NOT_APPLICABLE_ID


def cut_rest(schema: Schema, pool: Arrays, samples: Int64) -> Arrays:
    """Cuts all but the views of samples out of a pool.

    Args:
        schema: what a sample is made of.
        pool: of `decode`.
        samples: positions among the pool's samples, [B].

    Returns:
        Other inputs of a batch by name (see `dataset`), int32; and `labels`, uint8 codes [B, places of all intents].
    """
    record = pool["record"][samples]
    codes = pool["candidates"][samples]
    is_listed = codes < _table_sizes(schema)
    return {
        "history": pool["history"][record],
        "profile": pool["profile"][record],
        "candidates": np.where(is_listed, codes, np.int32(NOT_APPLICABLE_ID)),
        "labels": pool["labels"][samples],
    }


def view_order(schema: Schema, max_length: int, pool: Arrays, samples: Int64) -> NDArray[np.int32]:
    """Returns of which view each of the newest actions of all views is, oldest first, right-aligned, [B, T].

    Args:
        schema: what a sample is made of.
        max_length: T, that of the pool.
        pool: of `decode`.
        samples: positions among the pool's samples, [B].

    Returns:
        v + 1 for an action of view v, 0 for padding. At one time, the views follow in the order of the schema.
    """
    never = -np.inf
    times = []
    for view in schema.views:
        windows = _seconds(view, pool, pool[f"{view.name}_starts"][samples], max_length)
        is_padding = np.arange(max_length) < max_length - pool[f"{view.name}_lengths"][samples][:, None]
        times.append(np.where(is_padding, never, windows))
    seconds = np.concatenate(times, axis=1)
    newest = np.argsort(seconds, axis=1, kind="stable")[:, -max_length:]
    is_padding = np.take_along_axis(seconds, newest, axis=1) == never
    return np.where(is_padding, PAD_ID, newest // max_length + 1).astype(np.int32)


def cut_extras(schema: Schema, vocabulary: Sequence[NDArray[np.object_]], pool: Arrays, samples: Int64) -> Arrays:
    """Returns what identifies samples and is no input: user_id, t0_ms, and candidate_names, bytes [B, K, 2].

    Args:
        schema: what a sample is made of.
        vocabulary: for leaf and top, the name of every id of the table; empty where there is none.
        pool: of `decode`.
        samples: positions among the pool's samples, [B].
    """
    record = pool["record"][samples]
    codes = pool["candidates"][samples].astype(np.int64)
    sides = []
    for level, (names, size) in enumerate(zip(vocabulary, _table_sizes(schema).tolist(), strict=True)):
        code = codes[:, :, level]
        unlisted = pool["first_name"][record][:, None] + code
        sides.append(np.concatenate([names, pool["names"]])[np.where(code < size, code, unlisted)])
    return {
        "user_id": pool["user_id"][record],
        "t0_ms": pool["t0_ms"][samples],
        "candidate_names": np.stack(sides, axis=2),
    }


def _table_sizes(schema: Schema) -> NDArray[np.int32]:
    browse = schema.view("browse")
    return np.array([browse.feature(level).table_size for level in CANDIDATE_LEVELS], np.int32)


def _absolute_times(differences: Int64, splits: Int64) -> Int64:
    """Undoes the differences of each record."""
    sums = np.cumsum(differences)
    before = np.concatenate([np.zeros(1, np.int64), sums])[splits[:-1]]
    times_ms: Int64 = sums - np.repeat(before, np.diff(splits))
    return times_ms


def _keyed(record: Int64, times_ms: Int64) -> Int64:
    """Numbers that order times by record, so that one search serves all records."""
    return (record << _RECORD_BITS) + times_ms


def _joined(column: NDArray[np.object_], dtype: str) -> NDArray[Any]:
    return np.frombuffer(b"".join(column), dtype)


def _unpacked(view: View, columns: Arrays, num_actions: int) -> NDArray[Any]:
    """Unpacks the words of a view, see `records.words`: ids [m, F]."""
    ids = np.empty((num_actions, len(view.features)), id_dtype(view))
    unpacked: list[tuple[int, NDArray[Any], int, int]] = []
    for word in records.words(view):
        values = _joined(columns[word.key], word.dtype)
        if not unpacked:  # the first word holds the kind of action
            actions = values & _mask(view.action)
        if word.only_for:
            stored, values = values, np.full(num_actions, word.not_applicable, word.dtype)
            values[actions == view.action_id(word.only_for)] = stored
        for feature, shift in zip(word.features, word.shifts, strict=True):
            unpacked.append((view.index(feature.name), values, shift, _mask(feature)))
    for first in range(0, num_actions, _ACTIONS_AT_ONCE):
        some = slice(first, first + _ACTIONS_AT_ONCE)
        for index, values, shift, mask in unpacked:
            ids[some, index] = values[some] >> shift & mask
    return ids


def _apart(rows: NDArray[Any], splits: Int64, num_zeros: int) -> NDArray[Any]:
    """Returns the rows of all records with so many rows of zeros before those of each: the padding of windows."""
    num_records = len(splits) - 1
    apart = np.zeros((len(rows) + num_zeros * num_records, *rows.shape[1:]), rows.dtype)
    for record, (first, last) in enumerate(itertools.pairwise(splits.tolist())):
        shift = num_zeros * (record + 1)
        apart[first + shift : last + shift] = rows[first:last]
    return apart


def _mask(feature: Feature) -> int:
    return (1 << records.num_bits(feature)) - 1


def _blocks(rows: NDArray[Any], length: int) -> NDArray[np.void]:
    """Returns the `length` rows from each row on, as elements that are copied as a whole, [rows - length + 1]."""
    row_bytes = rows.itemsize * math.prod(rows.shape[1:])
    blocks: NDArray[np.void] = np.ndarray(len(rows) - length + 1, f"V{length * row_bytes}", rows, strides=(row_bytes,))
    return blocks


def _seconds(view: View, pool: Arrays, starts: Int64, length: int) -> NDArray[np.float64]:
    """Returns the times of the actions of windows that begin at these rows, [B, length]."""
    blocks = _blocks(pool[f"{view.name}_seconds"], length)[starts]
    return blocks.view(np.float64).reshape(len(starts), length)


def _elapsed_time_ids(t0_ms: Int64, seconds: NDArray[np.float64]) -> NDArray[np.int8]:
    """Ids of the elapsed time since actions, [B, T]; overwrites `seconds`, their times.

    The bins of `discretize.elapsed_time_bins` by the exponents of floats: for whole milliseconds m, (m + 0.5) / 1000 is
    never nearer to a power of two than 0.0005, and rounding moves it by less than 3e-6 (years 1900 to 2199).
    """
    elapsed = np.subtract(((t0_ms + 0.5) / MS_PER_SECOND)[:, None], seconds, out=seconds)
    exponents = elapsed.view(np.uint64)
    exponents >>= _MANTISSA_BITS
    # Their lowest eight bits tell them: they lie between -10 and 34 from that of a half.
    ids = (exponents.astype(np.uint8) - np.uint8((_EXPONENT_OF_HALF - FIRST_REAL_ID) % 256)).view(np.int8)
    return np.clip(ids, FIRST_REAL_ID, FIRST_REAL_ID + len(ELAPSED_EDGES_SECONDS), out=ids)
