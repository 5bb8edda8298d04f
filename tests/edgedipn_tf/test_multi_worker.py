"""Training on several workers, each a process of its own on 127.0.0.1."""

import json

import keras
import numpy as np
import pytest

from edgedipn_tf import multi_worker
from edgedipn_tf.commands import InputError
from tests.edgedipn_tf import tiny_model  # noqa: F401  registers the class of the saved model
from tests.edgedipn_tf.tiny_dataset import LONG_LENGTH, write_long_dataset
from tests.edgedipn_tf.tiny_training import run_program, run_workers

# 21 steps over views of several lengths; a fourth of the labels is unknown, unevenly over the samples
SETTINGS = {"dropout": 0, "num_epochs": 7, "max_length": LONG_LENGTH}


def _weights(workdir):
    return np.concatenate([w.ravel() for w in keras.models.load_model(workdir / "model.keras").get_weights()])


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_long_dataset(tmp_path_factory.mktemp("data") / "dataset")


@pytest.fixture(scope="module")
def two_workers(dataset, tmp_path_factory):
    """An undisturbed run of two workers."""
    workdir = tmp_path_factory.mktemp("run") / "workdir"
    (chief, shown), (other, quiet) = run_workers(dataset, workdir, [SETTINGS, SETTINGS])
    assert (chief, other) == (0, 0), shown + quiet
    assert "epoch 7/7" in shown and "epoch" not in quiet
    return workdir


def test_two_workers_end_as_one_process(two_workers, dataset, tmp_path):
    done = run_program(dataset, tmp_path / "workdir", **SETTINGS)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(_weights(two_workers), _weights(tmp_path / "workdir"), rtol=0, atol=1e-5)
    reports = [json.loads((path / "metrics.json").read_text()) for path in (two_workers, tmp_path / "workdir")]
    losses = [[epoch["loss"] for epoch in report["history"]] for report in reports]
    np.testing.assert_allclose(*losses, rtol=1e-5)
    assert [report["best_epoch"] for report in reports] == [reports[0]["best_epoch"]] * 2
    assert list(reports[0]["history"][0]["train"]) == list(reports[1]["history"][0]["train"])


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_worker_is_one_line_and_the_run_goes_on(two_workers, dataset, tmp_path, lost):
    killed = {**SETTINGS, "kill": "worker_step:10"}
    arguments = [killed if index == lost else SETTINGS for index in range(2)]
    codes, outputs = zip(*run_workers(dataset, tmp_path / "workdir", arguments), strict=True)
    assert codes[lost] == -9
    assert codes[1 - lost] == 2
    errors = [line for line in outputs[1 - lost].splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "a worker is lost" in errors[0] and "goes on from the last checkpoint" in errors[0]
    again = run_workers(dataset, tmp_path / "workdir", [SETTINGS, SETTINGS])
    assert [code for code, _ in again] == [0, 0]
    assert "goes on after epoch 3" in again[0][1]
    np.testing.assert_array_equal(_weights(tmp_path / "workdir"), _weights(two_workers))


@pytest.mark.slow
def test_workers_with_different_flags_are_refused(dataset, tmp_path):
    found = run_workers(dataset, tmp_path / "workdir", [SETTINGS, {**SETTINGS, "seed": 9}])
    for code, output in found:
        assert code == 2
        assert "the workers [1] have another dataset or flags than worker 0" in output


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", "{}", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
             '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}'],
)  # fmt: skip
def test_without_a_cluster_the_error_says_what_to_set(monkeypatch, text):
    if text is None:
        monkeypatch.delenv("TF_CONFIG", raising=False)
    else:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match="TF_CONFIG does not describe a cluster .* e.g. {"):
        multi_worker.open_strategy()
