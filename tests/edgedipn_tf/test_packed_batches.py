"""Batches that go to TensorFlow together come out as those that go one by one, and TensorFlow need not copy them."""

import pathlib
from collections.abc import Iterator
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf import packed_batches, window_cutting
from edgedipn_tf.batching import Batch
from edgedipn_tf.dataset import Dataset, open_dataset
from edgedipn_tf.pools import read_pools
from edgedipn_tf.window_cutting import Arrays, id_dtype
from tests.edgedipn_tf.test_dataset import SCHEMA, user_day, write_dataset

MAX_LENGTH = 60


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """20 samples of 5 users."""
    return open_dataset(write_dataset(tmp_path_factory.mktemp("packed") / "data", [user_day(s, 4) for s in range(5)]))


@pytest.mark.parametrize("is_short", [False, True])
def test_together_or_one_by_one_batches_are_the_same(dataset: Dataset, is_short: bool) -> None:
    def batches() -> Iterator[tuple[dict[str, np.ndarray], ...]]:
        return dataset.training_batches(MAX_LENGTH, 3, 1, 0, 2, are_alike=is_short).as_numpy_iterator()

    with mock.patch.object(packed_batches, "SAMPLES_TOGETHER", 1):
        one_by_one = list(batches())
    assert len(one_by_one) == 2 * 6
    for samples_together in (6, 10, 1000):  # by twos; by fours, which leaves some; all
        with mock.patch.object(packed_batches, "SAMPLES_TOGETHER", samples_together):
            tf.nest.map_structure(np.testing.assert_array_equal, list(batches()), one_by_one)


def test_batches_are_grouped_until_they_hold_enough_samples() -> None:
    batches: list[Batch] = [[({}, np.arange(3) + number)] for number in range(5)]
    with mock.patch.object(packed_batches, "SAMPLES_TOGETHER", 5):
        groups = [[int(batch[0][1][0]) for batch in some] for some in packed_batches.together(batches, 3)]
    assert groups == [[0, 1], [2, 3], [4]]


def test_what_is_packed_lies_batch_after_batch_where_tensorflow_takes_it(dataset: Dataset) -> None:
    pools = list(read_pools(SCHEMA, dataset.splits["train"], MAX_LENGTH, 8))
    assert len(pools) > 1
    batches: list[Batch] = [[(pools[0], np.array([1, 0])), (pools[1], np.array([2]))], [(pools[1], np.array([0]))]]
    lengths = [{"swipe": 48, "tap": 5, "browse": 16}, {"swipe": 1, "tap": MAX_LENGTH, "browse": 2}]

    def cut_rest(pool: Arrays, samples: np.ndarray) -> Arrays:
        return window_cutting.cut_rest(SCHEMA, pool, samples)

    packed = packed_batches.pack(SCHEMA, MAX_LENGTH, batches, lengths, cut_rest)
    assert packed[packed_batches.SIZES].tolist() == [[3, 48, 5, 16], [1, 1, MAX_LENGTH, 2]]
    assert len(packed["labels"]) == 4
    for view in SCHEMA.views:
        whole = []  # windows of all actions, each sample by itself
        for batch in batches:
            for pool, samples in batch:
                windows = np.empty((len(samples), MAX_LENGTH, len(view.features)), id_dtype(view))
                window_cutting.cut_windows(view, MAX_LENGTH, pool, samples, windows)
                whole += list(windows)
        steps = [of_batch[view.name] for of_batch in lengths for _ in range(3 if of_batch is lengths[0] else 1)]
        expected = np.concatenate([window[MAX_LENGTH - n :].ravel() for window, n in zip(whole, steps, strict=True)])
        np.testing.assert_array_equal(packed[view.name], expected)
        assert packed[view.name].ctypes.data % packed_batches.ALIGNMENT_BYTES == 0


def test_shapes_are_known_where_they_do_not_differ(dataset: Dataset) -> None:
    num_features = len(SCHEMA.view("tap").features)
    whole, _, _ = dataset.training_batches(MAX_LENGTH, 3, 1, 0, 1).element_spec
    assert whole["tap"].shape == (3, MAX_LENGTH, num_features)
    short, _, _ = dataset.training_batches(MAX_LENGTH, 3, 1, 0, 1, are_alike=True).element_spec
    assert short["tap"].shape.as_list() == [3, None, num_features]


def test_a_damaged_record_is_told(tmp_path: pathlib.Path) -> None:
    found = open_dataset(write_dataset(tmp_path / "data", [user_day(seed, 4) for seed in range(2)]))
    path = pathlib.Path(found.splits["eval"].files[0])
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    with pytest.raises(tf.errors.OpError, match="corrupted record"):
        list(found.evaluation_batches("eval", MAX_LENGTH, 3))
