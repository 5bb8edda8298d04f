"""A training starts with scaled heads of category intents; one that goes on from other weights does not touch them."""

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf import config, initial_checkpoint, training
from edgedipn_tf.layers.category_intent_head import FRESH_STD
from edgedipn_tf.workdir import Workdir
from tests.edgedipn_tf.tiny_dataset import write_dataset

NAME = "realtime_top_category"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(write_dataset(tmp_path_factory.mktemp("data") / "dataset"))


def _prepared(data, workdir, **settings):
    found = config.resolve("smoke", {"data": data, "max_length": 8, "global_batch_size": 24, **settings})
    dataset = training.open_divided(found, workdir)
    run = training.prepare(found, dataset, Workdir(workdir), tf.distribute.MirroredStrategy(["CPU:0"]))
    return run.network, training.fresh_model(found, dataset.schema), dataset


def test_each_part_has_the_deviation_on_the_first_fitted_samples(data, tmp_path):
    network, fresh, dataset = _prepared(data, tmp_path / "workdir")
    inputs, *_ = next(iter(dataset.evaluation_batches("fitted", 8, 128)))
    flat = tf.reshape(network.task_attentions[NAME](network.sources(inputs)[0]), (124, -1))  # all of them: 124
    head, fresh_head = network.category_heads[NAME], fresh.category_heads[NAME]
    assert np.std(head.hidden_1(flat)) == pytest.approx(FRESH_STD, rel=1e-4)
    factors = np.array(head.hidden_1_candidate.kernel) / np.array(fresh_head.hidden_1_candidate.kernel)
    assert factors.min() == pytest.approx(factors.max(), rel=1e-4) and factors.min() > 1


def test_weights_of_an_initial_checkpoint_stay(data, tmp_path, monkeypatch):
    monkeypatch.setattr(initial_checkpoint, "load_initial_weights", lambda *_: 0)
    monkeypatch.setattr(initial_checkpoint, "fingerprint", lambda _: "")
    network, fresh, _ = _prepared(data, tmp_path / "workdir", initial_checkpoint="earlier")
    for found, expected in zip(network.weights, fresh.weights, strict=True):
        np.testing.assert_array_equal(found, expected, err_msg=found.path)
