"""No iterator of ours is tuned: one that is may take a minute to end."""

import time

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf import held_out_users, pools, training
from edgedipn_tf.dataset import open_dataset
from edgedipn_tf.untuned import untuned
from tests.edgedipn_tf.tiny_dataset import write_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return open_dataset(write_dataset(tmp_path_factory.mktemp("data") / "dataset"))


def _is_tuned(dataset: tf.data.Dataset) -> bool:
    return dataset.options().autotune.enabled is not False


def test_batches_are_not_tuned(dataset):
    assert _is_tuned(tf.data.Dataset.range(3)) and not _is_tuned(untuned(tf.data.Dataset.range(3)))
    assert not _is_tuned(dataset.training_batches(8, 4, seed=1, first_epoch=0, num_epochs=1))
    assert not _is_tuned(dataset.evaluation_batches("eval", 8, 4))
    assert not _is_tuned(dataset.alike_batches("eval", 8, 4))


def test_files_are_not_tuned(dataset, monkeypatch):
    made = []
    monkeypatch.setattr(pools, "untuned", lambda found: made.append(found) or untuned(found))
    monkeypatch.setattr(held_out_users, "untuned", lambda found: made.append(found) or untuned(found))
    split = dataset.splits["train"]
    assert sum(1 for _ in pools.read_pools(dataset.schema, split, 8, 64, np.random.default_rng(1)))
    assert len(made) == len(split.files)
    held_out_users.divide(dataset, seed=1, share=0.2)
    assert len(made) == 2 * len(split.files)


@pytest.mark.slow
def test_iterators_end_at_once(dataset):
    file, *_ = dataset.splits["train"].files
    iterators = [untuned(tf.data.TFRecordDataset(file).batch(2)).as_numpy_iterator() for _ in range(200)]
    for iterator in iterators:
        next(iterator)
    time.sleep(25)  # the thread of a tuned one would sleep for some 20 seconds by now
    begin = time.monotonic()
    while iterators:
        iterators.pop()
    assert time.monotonic() - begin < 5


def test_a_training_on_one_device_distributes_nothing(monkeypatch):
    assert training.default_strategy() is tf.distribute.get_strategy()
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda _: ["GPU:0", "GPU:1"])
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda: "mirrored")
    assert training.default_strategy() == "mirrored"
