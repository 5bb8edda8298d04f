"""Training runs that are killed, and runs on several replicas: each in a process of its own."""

import json
import subprocess

import keras
import numpy as np
import pytest

from tests.edgedipn_tf import tiny_training
from tests.edgedipn_tf.tiny_dataset import LONG_LENGTH, write_long_dataset
from tests.edgedipn_tf.tiny_training import run_program, train_tiny

LONG = {"max_length": LONG_LENGTH}
"""Batches of several lengths: their order, and what is cut, has to survive too."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_long_dataset(tmp_path_factory.mktemp("data") / "dataset")


@pytest.fixture(scope="module")
def undisturbed(dataset, tmp_path_factory):
    """A run with dropout, whose random state has to survive too."""
    workdir = tmp_path_factory.mktemp("run") / "undisturbed"
    train_tiny(dataset, workdir, **LONG)
    return workdir


def _weights(workdir):
    return keras.models.load_model(workdir / "model.keras", compile=False).get_weights()


def _assert_same_result(workdir, expected):
    for found, right in zip(_weights(workdir), _weights(expected), strict=True):
        np.testing.assert_array_equal(found, right)
    for name in ("metrics.json", "config.json"):
        assert (workdir / name).read_bytes() == (expected / name).read_bytes()
    assert not [path.name for path in workdir.rglob("*partial*")]


def test_run_killed_while_it_writes_a_checkpoint_ends_as_the_undisturbed_one(undisturbed, dataset, tmp_path, capsys):
    killed = run_program(dataset, tmp_path, kill="writing:1", **LONG)
    assert killed.returncode == -9, killed.stderr
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"epoch-00000", ".epoch-00001.partial"}
    train_tiny(dataset, tmp_path, **LONG)
    assert "goes on after epoch 1" in capsys.readouterr().out
    _assert_same_result(tmp_path, undisturbed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_run_killed_at_every_kind_of_moment_ends_as_the_undisturbed_one(undisturbed, dataset, tmp_path):
    for kill in ("step:0", "step:4", "saved:0", "writing:0", "saved:1", "model:0"):
        assert run_program(dataset, tmp_path, kill=kill, **LONG).returncode == -9
        assert not (tmp_path / "metrics.json").exists()
    assert run_program(dataset, tmp_path, **LONG).returncode == 0
    _assert_same_result(tmp_path, undisturbed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_run_killed_at_ten_random_moments_ends_as_the_undisturbed_one(undisturbed, dataset, tmp_path):
    generator = np.random.default_rng(0)
    for _ in range(10):
        with subprocess.Popen(tiny_training.command(dataset, tmp_path, LONG)) as run:
            try:
                run.wait(timeout=generator.uniform(4, 20))
            except subprocess.TimeoutExpired:
                run.kill()
    assert run_program(dataset, tmp_path, **LONG).returncode == 0
    _assert_same_result(tmp_path, undisturbed)


def test_two_replicas_equal_one_with_uneven_labels_a_penalty_and_learned_task_weights(dataset, tmp_path):
    # Half of the samples lose about half of their labels, so the halves of a batch have unequal counts.
    settings = {"num_epochs": 7, "penalty_weight": 0.5, "dropout": 0, **LONG}  # 21 steps
    done = run_program(dataset, tmp_path / "two", replicas=2, task_weights='"uncertainty"', **settings)
    assert done.returncode == 0, done.stderr
    train_tiny(dataset, tmp_path / "one", task_weights="uncertainty", **settings)
    for two, one in zip(_weights(tmp_path / "two"), _weights(tmp_path / "one"), strict=True):
        np.testing.assert_allclose(two, one, atol=1e-5)
    two, one = (json.loads((tmp_path / name / "metrics.json").read_text())["history"] for name in ("two", "one"))
    np.testing.assert_allclose([epoch["loss"] for epoch in two], [epoch["loss"] for epoch in one], rtol=1e-5)
    assert one[0]["loss"] == pytest.approx(3 * np.log(2), abs=0.3)  # three intents, logits still near 0
    learned = [list(epochs[-1]["task_weight"].values()) for epochs in (two, one)]
    np.testing.assert_allclose(*learned, rtol=1e-5)
    assert all(weight != 1.0 for weight in learned[0])
