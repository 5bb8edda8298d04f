"""Which samples meet in a batch: by hand, and that none is lost or comes twice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedipn_tf import batching

VIEWS = ["swipe", "browse"]


def pool(swipe, browse):
    """A pool of which only the lengths are known."""
    lengths = {"swipe_lengths": np.array(swipe), "browse_lengths": np.array(browse)}
    return {**lengths, "t0_ms": np.arange(len(swipe))}


def samples_of(batches):
    """Pairs of pool and sample, by the identity of the pool."""
    return [(id(of), int(sample)) for batch in batches for of, samples in batch for sample in samples]


def test_the_cut_that_saves_most_comes_first():
    # 48 steps in all; cut off before 33: 2 x 32 saved; before 48: 4 x 16; the last two are alike.
    lengths = np.array([[48], [3], [47], [20], [9], [30]])
    found = batching.alike(lengths, np.arange(6), 2, 256)
    assert [batch.tolist() for batch in found] == [[1, 4], [3, 5], [0, 2]]


def test_the_view_that_saves_more_is_cut():
    # By swipe: two samples lose 48 - 16 steps of it. By browse: two samples lose 240 - 16.
    lengths = np.array([[10, 240], [48, 5], [9, 230], [45, 16]])
    found = batching.alike(lengths, np.arange(4), 2, 256)
    assert [batch.tolist() for batch in found] == [[1, 3], [0, 2]]


def test_samples_that_are_alike_stay_in_their_order():
    lengths = np.array([[250], [256], [241], [245], [255]])
    found = batching.alike(lengths, np.array([4, 0, 2, 1, 3]), 2, 256)
    assert [batch.tolist() for batch in found] == [[4, 0], [2, 1], [3]]


@given(st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=40), st.integers(1, 9))
def test_every_sample_is_in_one_batch_and_batches_are_full(lengths, batch_size):
    array = np.array(lengths, np.int64).reshape(-1, 2)
    found = batching.alike(array, np.arange(len(lengths)), batch_size, 64)
    assert sorted(int(sample) for batch in found for sample in batch) == list(range(len(lengths)))
    assert all(len(batch) == batch_size for batch in found[:-1])
    assert all(1 <= len(batch) <= batch_size for batch in found)


@given(st.lists(st.integers(0, 200), min_size=1, max_size=40), st.integers(1, 9))
def test_one_view_is_padded_no_more_than_in_the_order_of_its_lengths(lengths, batch_size):
    def padding(batches):
        return sum(len(batch) * -(-max(1, *batch, 0) // 16) for batch in batches)

    array = np.array(lengths)
    in_order = np.split(np.sort(array), np.arange(batch_size, len(lengths), batch_size))
    found = batching.alike(array[:, None], np.arange(len(lengths)), batch_size, 256)
    assert padding([array[batch].tolist() for batch in found]) <= padding([part.tolist() for part in in_order])


@pytest.mark.parametrize(
    ("swipe", "browse", "expected"),
    [(0, 0, (16, 16)), (16, 17, (16, 32)), (200, 33, (200, 48)), (193, 200, (200, 200))],
)
def test_views_are_cut_to_their_longest_rounded_up(swipe, browse, expected):
    batch = [(pool([1, 2, swipe], [0, browse, 300]), np.array([2])), (pool([0], [browse]), np.array([0]))]
    batch[0][0]["browse_lengths"][2] = 3  # the longest browse view is in the other pool
    assert tuple(batching.cut_lengths(batch, VIEWS, 200).values()) == expected


def test_file_order_joins_what_pools_leave_over():
    pools = [pool([1] * size, [1] * size) for size in (5, 1, 7)]
    found = list(batching.in_file_order(pools, 4))
    assert [sum(len(samples) for _, samples in batch) for batch in found] == [4, 4, 4, 1]
    assert samples_of(found) == [(id(of), sample) for of in pools for sample in range(len(of["t0_ms"]))]


def test_batches_by_length_hold_every_sample():
    pools = [pool([1, 99, 2, 98, 3], [1] * 5), pool([7], [7])]
    found = list(batching.by_length(pools, VIEWS, 2, 256))
    assert sorted(samples_of(found)) == sorted((id(of), s) for of in pools for s in range(len(of["t0_ms"])))
    assert [samples.tolist() for [(_, samples)] in found] == [[0, 2], [4, 1], [3], [0]]


@pytest.mark.parametrize("are_alike", [True, False])
def test_shuffled_batches_are_full_and_leave_out_less_than_one(are_alike):
    generator = np.random.default_rng(0)
    pools = [pool(generator.integers(0, 256, size), generator.integers(0, 256, size)) for size in (13, 2, 1, 30)]
    found = list(batching.shuffled(pools, VIEWS, 4, 256, are_alike, np.random.default_rng(1)))
    assert [sum(len(samples) for _, samples in batch) for batch in found] == [4] * (46 // 4)
    samples = samples_of(found)
    assert len(set(samples)) == len(samples)
    again = list(batching.shuffled(pools, VIEWS, 4, 256, are_alike, np.random.default_rng(1)))
    assert samples_of(again) == samples
    other = list(batching.shuffled(pools, VIEWS, 4, 256, are_alike, np.random.default_rng(2)))
    assert samples_of(other) != samples


def test_batches_of_one_pool_do_not_come_in_the_order_of_their_lengths():
    lengths = list(range(0, 256, 2))
    found = list(batching.shuffled([pool(lengths, lengths)], VIEWS, 4, 256, True, np.random.default_rng(1)))
    longest = [batching.cut_lengths(batch, VIEWS, 256)["swipe"] for batch in found]
    assert longest != sorted(longest)
    assert sum(longest) == 2 * sum(range(16, 257, 16))  # 8 samples share each multiple of 16
