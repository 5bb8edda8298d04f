"""Random numbers of simulated users: each user's are a function of (seed, user), however many users are drawn together.

What is drawn for many users at once comes from streams, one 64-bit state a user (splitmix64): a user's stream moves on
only when the user draws. What is drawn for one user alone comes from a generator of NumPy.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgedipn_tf.random_keys import mix

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Streams = NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_UNIT = 2.0**-53


def uniform(streams: Streams, rows: IntArray | slice = slice(None)) -> FloatArray:
    """Draws a number in [0, 1) from the streams of some rows and moves these on, in place."""
    return np.asarray(uniforms(1, streams, rows)[0])


def uniforms(count: int, streams: Streams, rows: IntArray | slice = slice(None)) -> FloatArray:
    """Draws `count` numbers in [0, 1) from the streams of some rows and moves these on, in place: (count, rows)."""
    steps = np.arange(count + 1, dtype=np.uint64)[:, np.newaxis] * _STEP
    states = streams[rows] + steps  # arithmetic modulo 2^64, which arrays do silently
    streams[rows] = states[-1]
    return (mix(states[:-1]) >> np.uint64(11)).astype(np.float64) * _UNIT


def generator(seed: int, number: int) -> np.random.Generator:
    """Returns the random numbers of one user, or of the shop: a function of (seed, number) only."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, number], dtype=np.uint64)))


def cumulative(weights: ArrayLike) -> FloatArray:
    """Returns cumulative shares along the last axis, the last one 1, for `pick`.

    Weights that are all zero have no shares: their row is 1 throughout, and `pick` takes the first.
    """
    sums = np.cumsum(np.asarray(weights, np.float64), axis=-1)
    totals = sums[..., -1:]
    return np.where(totals > 0, sums / np.where(totals > 0, totals, 1.0), 1.0)


def pick(shares: FloatArray, drawn: FloatArray) -> IntArray:
    """Returns for each number in [0, 1) the index whose cumulative share first exceeds it.

    Args:
        shares: (choices,) for all, or (numbers, choices).
        drawn: (numbers,).
    """
    if shares.ndim == 1:
        return np.searchsorted(shares, drawn, side="right").astype(np.int64)
    found = np.zeros(len(drawn), np.int64)
    for choice in range(shares.shape[1] - 1):  # a column at a time: faster than comparing (numbers, choices) at once
        found += shares[:, choice] <= drawn
    return found


def logistic(logits: FloatArray) -> FloatArray:
    """Returns 1 / (1 + exp(-logits))."""
    return np.asarray(1.0 / (1.0 + np.exp(-logits)))
