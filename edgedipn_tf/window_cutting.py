"""Records -> windows, in NumPy: the columns of some records are decoded at once, then any samples of them are cut.

Copying windows is the cost of reading a dataset. NumPy copies one as a whole; TensorFlow gathers it action by action,
and copies all again to put a column into it. So `dataset` calls these functions from tf.data.

Pool: what `decode` makes of some records (N samples, m actions of a view, T = max_length, F features), by key:

| key | content |
|---|---|
| VIEW_rows | int32 [T + m, F]: T rows of zeros, then the ids of the actions of all records; elapsed time not filled |
| VIEW_keyed_times | int64 [m], see `_keyed` |
| VIEW_ends | int64 [N]: actions of all records up to the cut-off |
| VIEW_lengths | int64 [N]: actions in the sample's window |
| stay_known_from | int32 [T + browse actions] |
| record, position | int64 [N]: the sample's record, and its position among the record's cut-offs |
| t0_ms, labels, candidates | int64 [N], uint8 [N, places] of label codes, int32 [N, K, 2] of candidate codes |
| history, profile | int32 [records, 18], [records, 6] |
| user_id | bytes [records] |
| names, first_name | names that the vocabulary lacks; int64 [records]: where those of a record begin |
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
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
_ACTIONS_AT_ONCE = 4096
"""Unpacked in parts that stay in the processor's cache."""
_ALIGNMENT_BYTES = 64


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
        "position": np.arange(len(record)) - splits[record],
        "t0_ms": t0_ms,
        "labels": records.unpack_labels(_joined(columns["labels"], "u1"), num_labels),
        "candidates": columns["candidates"].astype(np.int32).reshape(-1, schema.num_candidates, len(CANDIDATE_LEVELS)),
        "history": columns["history"].astype(np.int32).reshape(-1, len(schema.history)),
        "profile": columns["profile"].astype(np.int32).reshape(-1, len(schema.profile)),
        "user_id": columns["user_id"],
        "names": columns["unlisted_names"],
        "first_name": columns["unlisted_names_splits"][:-1],
        "stay_known_from": np.pad(columns[STAY_KNOWN_FROM].astype(np.int32), (max_length, 0)),
    }
    for view in schema.views:
        key = records.time_key(view)
        action_splits = columns[f"{key}_splits"]
        of_record = np.repeat(np.arange(len(num_cutoffs)), np.diff(action_splits))
        keyed_times = _keyed(of_record, _absolute_times(columns[key], action_splits))
        ends = np.searchsorted(keyed_times, _keyed(record, t0_ms), side="right")
        pool[f"{view.name}_rows"] = _rows(view, max_length, columns, len(keyed_times))
        pool[f"{view.name}_keyed_times"] = keyed_times
        pool[f"{view.name}_ends"] = ends
        pool[f"{view.name}_lengths"] = np.minimum(ends - action_splits[record], max_length)
    return pool


def cut(schema: Schema, max_length: int, pool: Arrays, samples: Int64) -> Arrays:
    """Cuts samples out of a pool.

    Args:
        schema: what a sample is made of.
        max_length: T, that of the pool.
        pool: of `decode`.
        samples: positions among the pool's samples, [B].

    Returns:
        The inputs of a batch by name, int32 (see `dataset`), and `labels`, uint8 codes [B, places of all intents].
    """
    inputs = {view.name: _windows(view, max_length, pool, samples) for view in schema.views}
    record = pool["record"][samples]
    codes = pool["candidates"][samples]
    is_listed = codes < _table_sizes(schema)
    return {
        **inputs,
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
    never = np.iinfo(np.int64).min
    times = []
    for view in schema.views:
        padded = np.pad(pool[f"{view.name}_keyed_times"], (max_length, 0))
        windows = sliding_window_view(padded, max_length)[pool[f"{view.name}_ends"][samples]]
        is_padding = np.arange(max_length) < max_length - pool[f"{view.name}_lengths"][samples][:, None]
        times.append(np.where(is_padding, never, windows))
    keyed_times = np.concatenate(times, axis=1)
    newest = np.argsort(keyed_times, axis=1, kind="stable")[:, -max_length:]
    is_padding = np.take_along_axis(keyed_times, newest, axis=1) == never
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


def _rows(view: View, max_length: int, columns: Arrays, num_actions: int) -> NDArray[np.int32]:
    """Unpacks the words of a view, see `records.words`."""
    rows = np.zeros((max_length + num_actions, len(view.features)), np.int32)
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
        ids = rows[max_length:][some]
        for index, values, shift, mask in unpacked:
            ids[:, index] = values[some] >> shift & mask
    return rows


def _mask(feature: Feature) -> int:
    return (1 << records.num_bits(feature)) - 1


def _windows(view: View, max_length: int, pool: Arrays, samples: Int64) -> NDArray[np.int32]:
    """Cuts the windows of one view: for each cut-off its newest actions at or before it, [B, T, F]."""
    windows = _aligned_empty((len(samples), max_length, len(view.features)))
    ends, lengths = pool[f"{view.name}_ends"][samples], pool[f"{view.name}_lengths"][samples]
    rows = pool[f"{view.name}_rows"]
    for window, end in zip(windows, ends.tolist(), strict=True):
        window[:] = rows[end : end + max_length]  # T rows stand in front: these are the T before action `end`
    names = [feature.name for feature in view.features]
    if ELAPSED_TIME.name in names:
        keyed_t0 = _keyed(pool["record"][samples], pool["t0_ms"][samples])
        elapsed_time = _elapsed_time_ids(pool[f"{view.name}_keyed_times"], keyed_t0, ends, lengths, max_length)
        windows[:, :, names.index(ELAPSED_TIME.name)] = elapsed_time
    if PAGE_STAY in names:
        # A stay that ends after t0 is not known on the phone at t0.
        known_from = sliding_window_view(pool["stay_known_from"], max_length)[ends]
        is_unknown = known_from > pool["position"][samples][:, None]
        windows[:, :, names.index(PAGE_STAY)][is_unknown] = NOT_APPLICABLE_ID
    for sample in np.flatnonzero(lengths < max_length).tolist():
        windows[sample, : max_length - lengths[sample]] = PAD_ID  # zeros, or actions of another record
    return windows


def _elapsed_time_ids(keyed_times: Int64, keyed_t0: Int64, ends: Int64, lengths: Int64, max_length: int) -> Int64:
    """Ids of the elapsed time, [B, T], 0 at padding.

    As `discretize.elapsed_time_bins`, found the other way round: along a window, bins only fall, so for each cut-off it
    is searched which actions lie at least 2^23, 2^22, ..., 1 seconds before it, instead of how long before each lies.
    """
    edges_ms = MS_PER_SECOND * ELAPSED_EDGES_SECONDS[::-1]
    past_edges = np.searchsorted(keyed_times, keyed_t0[:, None] - edges_ms, side="right")
    first = (ends - lengths)[:, None]
    bounds = np.concatenate([(ends - max_length)[:, None], first, np.maximum(past_edges, first), ends[:, None]], axis=1)
    ids = np.arange(len(edges_ms), -1, -1) + FIRST_REAL_ID
    runs = np.tile(np.concatenate([[PAD_ID], ids]), len(ends))
    return np.repeat(runs, np.diff(bounds, axis=1).ravel()).reshape(len(ends), max_length)


def _aligned_empty(shape: tuple[int, ...]) -> NDArray[np.int32]:
    """An array that TensorFlow takes over; it copies those that are not aligned."""
    num_bytes = 4 * math.prod(shape)
    room = np.empty(num_bytes + _ALIGNMENT_BYTES, np.uint8)
    first = -room.ctypes.data % _ALIGNMENT_BYTES
    return room[first : first + num_bytes].view(np.int32).reshape(shape)
