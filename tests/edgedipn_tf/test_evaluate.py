"""The command `evaluate` on a finished run of the tiny model."""

import dataclasses
import json
import shutil

import pytest

from edgedipn_tf import commands, evaluate
from tests.edgedipn_tf.tiny_dataset import tiny_schema, write_dataset
from tests.edgedipn_tf.tiny_training import train_tiny


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "dataset")


@pytest.fixture(scope="module")
def workdir(dataset, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "workdir"
    train_tiny(dataset, path, num_epochs=1)
    return path


def _run(*arguments):
    return commands.run(evaluate.DESCRIPTION, evaluate.define_flags, evaluate.main, list(arguments))


def test_own_evaluation_split_gives_the_metrics_of_the_training_run(workdir, capsys):
    before = json.loads((workdir / "metrics.json").read_text())
    assert _run(f"--workdir={workdir}") == 0
    assert json.loads((workdir / "metrics.json").read_text()) == before  # history and best epoch stay
    shown = capsys.readouterr().out
    auc = before["intents"]["realtime_purchase"]["auc"]
    assert f"realtime_purchase       RPAUC   {auc:.4f} (" in shown
    assert shown.splitlines()[2].split()[2:6] == ["n/a"] * 3 + [f"{before['intents']['retention']['log_loss']:.4f}"]


def test_training_split_is_written_beside(workdir, capsys):
    before = (workdir / "metrics.json").read_bytes()
    assert _run(f"--workdir={workdir}", "--split=train", "--bootstrap_draws=0") == 0
    found = json.loads((workdir / "metrics-train.json").read_text())
    assert (found["split"], found["dataset"]["num_samples"]) == ("train", 160)
    assert found["dataset"]["candidates"] == "bought_browsed_popular"
    assert found["intents"]["realtime_purchase"]["auc_interval"] == {"low": None, "high": None, "num_undefined": 0}
    assert (workdir / "metrics.json").read_bytes() == before
    assert "(" not in capsys.readouterr().out.splitlines()[1]


def test_other_dataset_is_written_under_its_fingerprint_or_to_output(workdir, tmp_path):
    other = write_dataset(tmp_path / "other", seed=1)
    assert _run(f"--workdir={workdir}", f"--data={other}") == 0
    written = [path for path in workdir.glob("metrics-eval-*.json")]
    assert [json.loads(path.read_text())["dataset"]["dataset_fingerprint"] for path in written] == [
        written[0].stem[13:]
    ]
    assert _run(f"--workdir={workdir}", f"--data={other}", f"--output={tmp_path / 'm.json'}") == 0
    assert (tmp_path / "m.json").read_bytes() == written[0].read_bytes()


@pytest.mark.parametrize("what", ["schema", "vocabulary"])
def test_dataset_of_another_schema_or_vocabulary_is_refused_naming_both(what, workdir, tmp_path, capsys):
    schema = dataclasses.replace(tiny_schema(), timezone="Asia/Shanghai") if what == "schema" else tiny_schema()
    other = write_dataset(tmp_path / "other", schema, vocabulary_size=3 if what == "schema" else 4)
    assert _run(f"--workdir={workdir}", f"--data={other}") == 2
    error = capsys.readouterr().err
    own = json.loads((workdir / "config.json").read_text())[f"{what}_fingerprint"]
    foreign = json.loads((other / "dataset.json").read_text())[f"{what}_fingerprint"]
    assert own != foreign and own in error and foreign in error and error.count("\n") == 1


def test_unfinished_run_is_refused(workdir, tmp_path, capsys):
    shutil.copytree(workdir, tmp_path / "unfinished")
    (tmp_path / "unfinished/metrics.json").unlink()
    assert _run(f"--workdir={tmp_path / 'unfinished'}") == 2
    assert "is not a finished training run" in capsys.readouterr().err


def test_unknown_split_is_refused(workdir, capsys):
    assert _run(f"--workdir={workdir}", "--split=test") == 2
    assert "--split=test" in capsys.readouterr().err


def test_damaged_model_is_one_line(workdir, tmp_path, capsys):
    shutil.copytree(workdir, tmp_path / "damaged")
    (tmp_path / "damaged/model.keras").write_bytes(b"not a zip")
    assert _run(f"--workdir={tmp_path / 'damaged'}") == 2
    error = capsys.readouterr().err
    assert "model.keras cannot be read" in error and error.count("\n") == 1


def test_explanations_need_a_model_that_attends(workdir, tmp_path, capsys):
    assert _run(f"--workdir={workdir}", f"--explain={tmp_path / 'page.html'}") == 2
    assert "has no attention over actions" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("samples", ["-1", "1,x", ""])
def test_positions_that_are_none_are_refused(workdir, tmp_path, capsys, samples):
    assert _run(f"--workdir={workdir}", f"--explain={tmp_path / 'page.html'}", f"--explain_samples={samples}") == 2
    assert "must be positions from 0" in capsys.readouterr().err
