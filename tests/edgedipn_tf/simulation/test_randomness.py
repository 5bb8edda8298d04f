"""Random numbers of rows: their own, whoever is drawn with them, and by the shares that are asked for."""

import numpy as np
import pytest

from edgedipn_tf.random_keys import mix
from edgedipn_tf.simulation.randomness import cumulative, pick, uniform, uniforms


def test_a_stream_is_splitmix64() -> None:
    streams = np.array([1234567], np.uint64)
    # The first two outputs of the public implementation for the state 1234567.
    expected = [6457827717110365317, 3203168211198807973]
    drawn = [uniform(streams)[0], uniform(streams)[0]]
    assert drawn == [(output >> 11) / 2**53 for output in expected]


def test_rows_draw_from_their_own_streams_only() -> None:
    streams = np.array([5, 6, 7], np.uint64)
    alone = uniforms(3, np.array([6], np.uint64))[:, 0]
    first = uniform(streams, np.array([1]))
    assert streams[[0, 2]].tolist() == [5, 7]
    assert [first[0], *uniforms(2, streams)[:, 1]] == alone.tolist()
    assert mix(np.uint64(6)) >> np.uint64(11) == int(alone[0] * 2**53)


def test_numbers_are_uniform() -> None:
    drawn = uniforms(50, np.arange(2000, dtype=np.uint64))
    assert drawn.min() >= 0 and drawn.max() < 1
    assert np.histogram(drawn, 10, (0, 1))[0] == pytest.approx(np.full(10, 10_000), rel=0.05)


def test_picks_follow_cumulative_shares() -> None:
    shares = cumulative([[1.0, 0.0, 3.0], [0.0, 2.0, 0.0]])
    assert shares.tolist() == [[0.25, 0.25, 1.0], [0.0, 1.0, 1.0]]
    # An index without a share is never taken, not even at the ends of the range.
    assert pick(shares[[0, 0, 0, 1, 1]], np.array([0.0, 0.25, 1 - 2**-53, 0.0, 1 - 2**-53])).tolist() == [0, 2, 2, 1, 1]
    assert pick(shares[0], np.array([0.0, 0.2499, 0.25])).tolist() == [0, 0, 2]


def test_weights_of_nothing_take_the_first() -> None:
    assert pick(cumulative([[0.0, 0.0]]), np.array([0.9])).tolist() == [0]
