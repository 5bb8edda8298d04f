"""Records of a split -> pools: read from TFRecords in their order or shuffled, parsed, decoded by `window_cutting`.

A shuffled pool is drawn from some thousand samples only. So that they are of many users, the files lie in random order
(`beam_pipelines.options.RECORD_ORDERS`) and are read in turn: a file has the records of some of the users.
"""

import collections
import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edgedipn_tf import records, window_cutting
from edgedipn_tf.schema import Schema
from edgedipn_tf.untuned import untuned
from edgedipn_tf.window_cutting import Arrays

Records = NDArray[np.object_]
"""Serialized records, bytes [n]."""
SHUFFLED_RECORDS = 512
"""Of so many records, and as many more as make a pool, a shuffled pool is drawn."""
_RECORDS_AT_ONCE = 64
_FILES_IN_TURN = 64
"""Most files that are open at once."""


@dataclasses.dataclass(frozen=True)
class Split:
    """Some records of a dataset.

    Attributes:
        files: where they are.
        num_samples: how many samples they hold.
        num_records: how many records they are.
        is_member: for each file, whether its records belong to the split, bool [records]; None: all do.
    """

    files: tuple[str, ...]
    num_samples: int
    num_records: int
    is_member: tuple[NDArray[np.bool_], ...] | None = None


def read_pools(
    schema: Schema, split: Split, max_length: int, num_samples: int, generator: np.random.Generator | None = None
) -> Iterator[Arrays]:
    """Yields the pools of a split.

    Args:
        schema: what a sample is made of.
        split: what to read.
        max_length: T, at most the schema's.
        num_samples: about how many samples a pool holds.
        generator: decides the order of the records; without one it is that of the files.

    Raises:
        ValueError: when `max_length` is out of range.
        tensorflow.errors.DataLossError: when a record is damaged.
    """
    if not 1 <= max_length <= schema.max_length:
        raise ValueError(f"max_length={max_length}: this schema stores 1 to {schema.max_length} actions")
    num_records = max(1, num_samples * split.num_records // max(1, split.num_samples))
    blocks = _in_order(split) if generator is None else _in_turn(split, generator)
    for chosen in _chosen(blocks, num_records, generator):
        yield window_cutting.decode(schema, max_length, _parse(schema, chosen))


def _in_order(split: Split) -> Iterator[Records]:
    """Yields the records of a split, some at a time, one file after another."""
    for number in range(len(split.files)):
        yield from _of_file(split, number)


def _in_turn(split: Split, generator: np.random.Generator) -> Iterator[Records]:
    """Yields the records of a split, some of each file in turn; chance decides the order of the files."""
    waiting = generator.permutation(len(split.files)).tolist()
    being_read: collections.deque[Iterator[Records]] = collections.deque()
    while waiting or being_read:
        while waiting and len(being_read) < _FILES_IN_TURN:
            being_read.append(_of_file(split, waiting.pop()))
        blocks = being_read.popleft()
        block = next(blocks, None)
        if block is not None:
            yield block
            being_read.append(blocks)


def _of_file(split: Split, number: int) -> Iterator[Records]:
    """Yields the records of a file, some at a time."""
    first = 0
    blocks = untuned(tf.data.TFRecordDataset(split.files[number]).batch(_RECORDS_AT_ONCE))
    for block in blocks.as_numpy_iterator():
        if split.is_member is None:
            yield block
        else:
            yield block[split.is_member[number][first : first + len(block)]]
            first += len(block)


def _chosen(blocks: Iterator[Records], num_records: int, generator: np.random.Generator | None) -> Iterator[Records]:
    """Yields `num_records` records at a time, the last time perhaps fewer: shuffled, or as they come."""
    waiting: Records = np.empty(0, object)
    num_needed = num_records + (0 if generator is None else SHUFFLED_RECORDS)
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        while len(waiting) >= num_needed:
            chosen, waiting = np.split(_permuted(waiting, generator), [num_records])
            yield chosen
    if len(waiting):
        yield from np.split(_permuted(waiting, generator), np.arange(num_records, len(waiting), num_records))


def _permuted(values: Records, generator: np.random.Generator | None) -> Records:
    return values if generator is None else generator.permutation(values)


def _parse(schema: Schema, serialized: Records) -> Arrays:
    """Returns the features of some records, as `window_cutting.decode` takes them.

    `tf.io.parse_example` would do the same in many small operations, which are dear outside of a graph.
    """
    raw = ["user_id", "labels", *(word.key for view in schema.views for word in records.words(view))]
    integers = ["t0_ms", "history", "profile", "candidates", records.STAY_KNOWN_FROM]
    integers += [records.time_key(view) for view in schema.views]
    lists = [*integers, "unlisted_names"]
    parsed = tf.raw_ops.ParseExampleV2(
        serialized=serialized,
        names=[],
        sparse_keys=[],
        dense_keys=raw,
        ragged_keys=lists,
        dense_defaults=[tf.constant([], tf.string)] * len(raw),  # none: each record has them
        num_sparse=0,
        sparse_types=[],
        ragged_value_types=[tf.int64] * len(integers) + [tf.string],
        ragged_split_types=[tf.int64] * len(lists),
        dense_shapes=[[]] * len(raw),
    )
    columns = {name: values.numpy() for name, values in zip(raw, parsed.dense_values, strict=True)}
    for name, values, splits in zip(lists, parsed.ragged_values, parsed.ragged_row_splits, strict=True):
        columns |= {name: values.numpy(), f"{name}_splits": splits.numpy()}
    return columns
