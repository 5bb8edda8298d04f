"""Which samples make a batch together, and how much of their padding is cut off.

A step of training costs what the padded lengths of the views cost, their pairs most. So samples whose views have like
lengths are put into one batch, and each view of a batch is cut to the longest that the batch holds. Batches are made
of pools (`window_cutting`); what a pool leaves over is joined with what the next ones do.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgedipn_tf.window_cutting import Arrays, Int64

Batch = list[tuple[Arrays, Int64]]
"""Pools and the positions of the samples to take of each."""
LENGTH_STEP = 16
"""Views are cut to multiples of it: few shapes, for each of which TensorFlow prepares its kernels."""
_STEPS_AS_DEAR_AS_A_PAIR = 64
"""A step of a view by itself costs about what it costs in a pair with so many steps of another view (EdgeDIPN)."""


def shuffled(
    pools: Iterable[Arrays],
    views: Sequence[str],
    batch_size: int,
    max_length: int,
    are_alike: bool,
    generator: np.random.Generator,
) -> Iterator[Batch]:
    """Yields batches of randomly chosen samples in random order; what fills none in the end is left out.

    Args:
        pools: of `window_cutting.decode`.
        views: their names.
        batch_size: samples of a batch.
        max_length: T of the pools.
        are_alike: whether the samples of a batch have like lengths, but for batches of what pools left over.
        generator: decides everything.
    """
    rest = _Joined(batch_size)
    for pool in pools:
        samples = generator.permutation(len(pool["t0_ms"]))
        batched, left_over = np.split(samples, [len(samples) // batch_size * batch_size])
        if are_alike:
            batches = alike(_lengths(pool, views), batched, batch_size, max_length)
        else:
            batches = _in_order(batched, batch_size)
        for index in generator.permutation(len(batches)):
            yield [(pool, batches[index])]
        yield from rest.add(pool, left_over)


def in_file_order(pools: Iterable[Arrays], batch_size: int) -> Iterator[Batch]:
    """Yields all samples as they come, `batch_size` together; the last batch may be smaller."""
    rest = _Joined(batch_size)
    for pool in pools:
        yield from rest.add(pool, np.arange(len(pool["t0_ms"])))
    if rest.batch:
        yield rest.batch


def by_length(pools: Iterable[Arrays], views: Sequence[str], batch_size: int, max_length: int) -> Iterator[Batch]:
    """Yields all samples, those of a pool in batches of like lengths; the last batch of each pool may be smaller."""
    for pool in pools:
        for batch in alike(_lengths(pool, views), np.arange(len(pool["t0_ms"])), batch_size, max_length):
            yield [(pool, batch)]


def cut_lengths(batch: Batch, views: Sequence[str], max_length: int) -> dict[str, int]:
    """Returns by view the steps that a batch needs: its longest, rounded up to `LENGTH_STEP`, at most `max_length`."""
    longest = np.max([_lengths(pool, views)[samples].max(axis=0) for pool, samples in batch], axis=0)
    return dict(zip(views, _padded(longest, max_length).tolist(), strict=True))


def alike(lengths: Int64, samples: Int64, batch_size: int, max_length: int) -> list[Int64]:
    """Parts samples into batches of like lengths: cuts them in two where that saves most, and each part again.

    Args:
        lengths: actions by sample and view, [N, V].
        samples: which of them, in the order that decides between equal ones.
        batch_size: samples of a batch; only the last may be smaller.
        max_length: T of whole windows.
    """
    ends = np.arange(batch_size, len(samples), batch_size)
    if not len(ends):
        return [samples] if len(samples) else []
    padded = _padded(lengths[samples], max_length)
    longest = padded.max(axis=0)
    best_saving, best_parts = 0.0, None
    for view in range(lengths.shape[1]):
        order = np.argsort(padded[:, view], kind="stable")
        shorter = np.tile(longest, (len(ends), 1))
        shorter[:, view] = padded[order[ends - 1], view]
        savings = ends * (_cost(longest) - _cost(shorter))
        if savings.max() > best_saving:
            best_saving = float(savings.max())
            best_parts = np.split(samples[order], [ends[savings.argmax()]])
    if best_parts is None:
        return _in_order(samples, batch_size)
    return [batch for part in best_parts for batch in alike(lengths, part, batch_size, max_length)]


class _Joined:
    """Joins samples of several pools into batches.

    Attributes:
        batch: what is not full yet.
    """

    def __init__(self, batch_size: int) -> None:
        self.batch: Batch = []
        self._batch_size = self._room = batch_size

    def add(self, pool: Arrays, samples: Int64) -> Iterator[Batch]:
        """Yields the batches that these samples fill."""
        while len(samples):
            taken, samples = np.split(samples, [self._room])
            self.batch.append((pool, taken))
            self._room -= len(taken)
            if not self._room:
                yield self.batch
                self.batch, self._room = [], self._batch_size


def _in_order(samples: Int64, batch_size: int) -> list[Int64]:
    return np.split(samples, np.arange(batch_size, len(samples), batch_size)) if len(samples) else []


def _lengths(pool: Mapping[str, NDArray[np.int64]], views: Sequence[str]) -> Int64:
    return np.stack([pool[f"{view}_lengths"] for view in views], axis=1)


def _padded(lengths: Int64, max_length: int) -> Int64:
    steps: Int64 = -(-np.maximum(lengths, 1) // LENGTH_STEP) * LENGTH_STEP
    return np.minimum(steps, max_length)


def _cost(lengths: Int64) -> NDArray[np.float64]:
    """Returns what a sample of these padded lengths costs, up to a factor: [..., V] -> [...]."""
    steps = lengths.sum(axis=-1)
    of_pairs = (steps**2 - (lengths**2).sum(axis=-1)) / 2  # the sum of the products of two different views
    cost: NDArray[np.float64] = steps + of_pairs / _STEPS_AS_DEAR_AS_A_PAIR
    return cost
