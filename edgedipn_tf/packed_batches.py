"""Batches on their way from Python to TensorFlow, some together: each handing-over costs as much as cutting 50 samples.

Packed batches, by key (F features; V views in the order of the schema):

| key | content |
|---|---|
| VIEW | ids of a view, flat, one batch after another: [sum of B * T * F] |
| sizes | int32 [batches, 1 + V]: samples of each batch (B), and by view the steps of its windows (T) |
| others | as `window_cutting.cut_rest` gives them, one sample after another: [sum of B, ...] |

Views start where TensorFlow takes an array as it is, in place of copying it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import DTypeLike, NDArray

from edgedipn_tf import window_cutting
from edgedipn_tf.batching import Batch
from edgedipn_tf.schema import Schema, View
from edgedipn_tf.window_cutting import Arrays, Int64, id_dtype

SIZES = "sizes"
SAMPLES_TOGETHER = 2048
"""About how many samples are handed over together."""
ALIGNMENT_BYTES = 64
"""TensorFlow copies an array that does not start at a multiple of it (EIGEN_MAX_ALIGN_BYTES)."""


def together(batches: Iterable[Batch], batch_size: int) -> Iterator[list[Batch]]:
    """Yields the batches, as many at a time as hold about `SAMPLES_TOGETHER`, and what is left in the end."""
    some: list[Batch] = []
    for batch in batches:
        some.append(batch)
        if len(some) * batch_size >= SAMPLES_TOGETHER:
            yield some
            some = []
    if some:
        yield some


def pack(
    schema: Schema,
    max_length: int,
    batches: list[Batch],
    lengths: list[Mapping[str, int]],
    cut_rest: Callable[[Arrays, Int64], Arrays],
) -> Arrays:
    """Cuts batches out of their pools and packs them.

    Args:
        schema: what a sample is made of.
        max_length: T of the pools.
        batches: some.
        lengths: of each batch, by view, the steps of its windows.
        cut_rest: gives all but the views of some samples of a pool.
    """
    rest = [cut_rest(pool, samples) for batch in batches for pool, samples in batch]
    packed = {key: np.concatenate([part[key] for part in rest]) for key in rest[0]}
    num_samples = [sum(len(samples) for _, samples in batch) for batch in batches]
    sizes = [[number, *steps.values()] for number, steps in zip(num_samples, lengths, strict=True)]
    packed[SIZES] = np.array(sizes, np.int32)
    for view in schema.views:
        shapes = [(n, steps[view.name], len(view.features)) for n, steps in zip(num_samples, lengths, strict=True)]
        packed[view.name], windows = _flat(shapes, id_dtype(view))
        for batch, of_batch in zip(batches, windows, strict=True):
            first = 0
            for pool, samples in batch:
                of_pool = of_batch[first : first + len(samples)]
                window_cutting.cut_windows(view, max_length, pool, samples, of_pool)
                first += len(samples)
    return packed


def unpack(views: Sequence[View], num_steps: int | None, packed: Mapping[str, tf.Tensor]) -> tf.data.Dataset:
    """Returns the batches one by one, views [B, T, F].

    Args:
        views: of the schema.
        num_steps: T of all views of all batches; None: it differs.
        packed: some batches.
    """
    sizes = packed[SIZES]
    ends = tf.cumsum(sizes[:, 0])

    def batch(index: tf.Tensor) -> dict[str, tf.Tensor]:
        size = sizes[index]
        first = ends[index] - size[0]
        found = {key: values[first : ends[index]] for key, values in packed.items() if key != SIZES}
        for number, view in enumerate(views, start=1):
            shape = tf.stack([size[0], size[number], len(view.features)])
            first_id = tf.reduce_sum(sizes[:index, 0] * sizes[:index, number]) * len(view.features)
            windows = tf.reshape(packed[view.name][first_id : first_id + tf.reduce_prod(shape)], shape)
            found[view.name] = tf.ensure_shape(windows, [None, num_steps, len(view.features)])
        return found

    return tf.data.Dataset.range(tf.shape(sizes, tf.int64)[0]).map(batch)


def _flat(shapes: list[tuple[int, int, int]], dtype: DTypeLike) -> tuple[NDArray[Any], list[NDArray[Any]]]:
    """Returns an empty flat array, and the parts of it that have these shapes, one after another."""
    lengths = np.prod(shapes, axis=1)
    num_bytes = int(lengths.sum()) * np.dtype(dtype).itemsize
    memory = np.empty(num_bytes + ALIGNMENT_BYTES, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT_BYTES
    flat = memory[start : start + num_bytes].view(dtype)
    parts = np.split(flat, np.cumsum(lengths)[:-1])
    return flat, [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
