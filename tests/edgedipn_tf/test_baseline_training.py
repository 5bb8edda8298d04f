"""Runs of the baselines on a tiny dataset: what they leave behind, and what reads it."""

import json
import shutil

import numpy as np
import pytest

pytest.importorskip("lightgbm", reason="lightgbm is not installed: run `make setup`")

from edgedipn_tf import baseline_training, commands, config, convert, evaluate, train  # noqa: E402
from edgedipn_tf.baselines.aggregates import Aggregates  # noqa: E402
from edgedipn_tf.baselines.baseline import CLASSIFIERS  # noqa: E402
from edgedipn_tf.dataset import open_dataset  # noqa: E402
from edgedipn_tf.held_out_users import HELD_OUT_SPLIT, divide  # noqa: E402
from edgedipn_tf.models.catalog import VIEWS  # noqa: E402
from edgedipn_tf.ranking import auc  # noqa: E402
from edgedipn_tf.schema_files import read_vocabulary  # noqa: E402
from tests.edgedipn_tf.tiny_dataset import write_dataset  # noqa: E402

MODELS = ("gbdt", "logistic_regression")


def _run(command, *arguments):
    return commands.run(command.DESCRIPTION, command.define_flags, command.main, list(arguments))


def _train(model, data, workdir, *flags):
    return _run(train, f"--data={data}", f"--workdir={workdir}", f"--model={model}", "--max_length=8", *flags)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "dataset", num_users={"train": 150, "eval": 40})


@pytest.fixture(scope="module")
def finished(dataset, tmp_path_factory):
    """A finished run of each baseline."""
    folder = tmp_path_factory.mktemp("runs")
    assert [_train(model, dataset, folder / model) for model in MODELS] == [0, 0]
    return {model: folder / model for model in MODELS}


@pytest.mark.parametrize("model", MODELS)
def test_who_bought_lately_buys_again(model, finished):
    report = json.loads((finished[model] / "metrics.json").read_text())
    # Buyers buy with 0.9, others with 0.1, and half are buyers: the best AUC is 0.9.
    found = report["intents"]["realtime_purchase"]
    assert found["auc_interval"]["low"] < 0.9 < found["auc_interval"]["high"] and found["auc"] > 0.85
    assert report["intents"]["realtime_top_category"]["auc"] > 0.8
    assert report["selection"]["measure"] == "log_loss" and 80 < report["selection"]["num_samples"] < 160
    assert set(report["fits"]) == set(report["intents"]) == {"realtime_purchase", "realtime_top_category"}


@pytest.mark.parametrize("model", MODELS)
def test_reported_auc_is_that_of_the_published_files(model, finished, dataset):
    opened = open_dataset(dataset)
    path = finished[model] / "baseline"
    aggregates = Aggregates(opened.schema, read_vocabulary(dataset / "vocabulary.json", opened.schema, ""), 8, VIEWS)
    assert json.loads((path / "aggregates.json").read_text())["sample"] == list(aggregates.names)
    classifier = CLASSIFIERS[model].from_text(next(path.glob("realtime_purchase.*")).read_text())
    logits, labels = [], []
    for inputs, label, weight in opened.evaluation_batches("eval", 8, 7).as_numpy_iterator():
        known = weight["realtime_purchase"][:, 0] == 1
        logits.append(classifier.logits(aggregates.of_samples(inputs)[known]))
        labels.append(label["realtime_purchase"][known, 0])
    report = json.loads((finished[model] / "metrics.json").read_text())
    expected = auc(np.concatenate(logits), np.concatenate(labels).astype(np.int64))
    assert report["intents"]["realtime_purchase"]["auc"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_evaluate_gives_the_metrics_of_the_run(model, finished):
    before = (finished[model] / "metrics.json").read_bytes()
    assert _run(evaluate, f"--workdir={finished[model]}", "--batch_size=7") == 0
    assert (finished[model] / "metrics.json").read_bytes() == before


@pytest.mark.parametrize("model", MODELS)
def test_run_again_and_stopped_run_give_the_same_bytes(model, finished, dataset, tmp_path):
    if model == "gbdt":  # this one was stopped before its metrics, and a file of it is of an older program
        shutil.copytree(finished[model], tmp_path / "again")
        (tmp_path / "again/metrics.json").unlink()
        (tmp_path / "again/baseline/realtime_purchase.txt").write_text("older")
    assert _train(model, dataset, tmp_path / "again") == 0
    files = sorted(path.relative_to(tmp_path / "again") for path in (tmp_path / "again").rglob("*") if path.is_file())
    assert len(files) == 7  # config, schema, vocabulary, aggregates, a file for each of two intents, metrics
    for file in files:
        assert (finished[model] / file).read_bytes() == (tmp_path / "again" / file).read_bytes(), file


def test_finished_run_is_left_as_it_is(finished, dataset, capsys):
    assert _train("gbdt", dataset, finished["gbdt"]) == 0
    assert "is finished and left as it is" in capsys.readouterr().out
    assert _train("logistic_regression", dataset, finished["gbdt"]) == 2
    assert "holds a run with model=gbdt (now logistic_regression)" in capsys.readouterr().err


def test_unknown_labels_count_nowhere(dataset):
    opened = open_dataset(dataset)
    aggregates = Aggregates(opened.schema, read_vocabulary(dataset / "vocabulary.json", opened.schema, ""), 8, VIEWS)
    table = baseline_training._read_table(opened, aggregates, config.resolve("smoke", {"data": str(dataset)}))
    expected = {"realtime_purchase": [], "realtime_top_category": []}
    for _, label, weight in opened.evaluation_batches("train", 8, 7).as_numpy_iterator():
        for name, labels in expected.items():
            labels.extend(label[name][weight[name] == 1])
    for intent in opened.schema.intents[::2]:
        values, labels, is_held_out = table.rows(intent)
        assert labels.tolist() == expected[intent.name]
        assert len(values) == len(labels) == len(is_held_out) < table.labels[intent.name].size
        assert 0.1 < is_held_out.mean() < 0.35
    users = np.repeat(table.is_held_out.reshape(-1, 4)[:, :1], 4, axis=1).reshape(-1)
    np.testing.assert_array_equal(table.is_held_out, users)  # four samples a user, all on one side
    # A network of the same seed holds the same users out.
    assert table.is_held_out.sum() == divide(opened, 0, 0.2).num_samples(HELD_OUT_SPLIT)


@pytest.mark.parametrize("model", MODELS)
def test_conversion_and_initial_checkpoint_refuse_it_in_one_line(model, finished, dataset, tmp_path, capsys):
    assert _run(convert, f"--workdir={finished[model]}", f"--output={tmp_path / 'bundle'}") == 2
    start = f"--initial_checkpoint={finished[model]}"
    network = [f"--data={dataset}", f"--workdir={tmp_path / 'w'}", "--preset=smoke", "--max_length=8"]
    assert _run(train, *network, start) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert f"{finished[model]} holds {model}, a baseline on counts and not a network" in line
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--learning_rate=0.1"], "--learning_rate does nothing for --model=gbdt, which takes --data, --model"),
        (["--strategy=multi_worker"], "--strategy=multi_worker does nothing for --model=gbdt"),
        (["--held_out_users=0"], "--held_out_users=0: gbdt needs users to choose by"),
        (["--max_length=9"], "--max_length=9 is more than the 8 actions"),
    ],
)
def test_settings_that_cannot_be_are_refused(flags, message, dataset, tmp_path, capsys):
    assert _train("gbdt", dataset, tmp_path / "workdir", *flags) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "workdir").exists()


def test_dataset_with_nothing_to_learn_is_one_line(tmp_path, capsys):
    data = write_dataset(tmp_path / "data", num_users={"train": 1, "eval": 2})
    assert _train("gbdt", data, tmp_path / "workdir") == 2
    assert "too few known labels of both classes" in capsys.readouterr().err


def test_damaged_files_are_one_line(finished, tmp_path, capsys):
    shutil.copytree(finished["gbdt"], tmp_path / "damaged")
    (tmp_path / "damaged/baseline/realtime_purchase.txt").write_text("not trees")
    assert _run(evaluate, f"--workdir={tmp_path / 'damaged'}") == 2
    error = capsys.readouterr().err
    assert "realtime_purchase.txt is not a gbdt" in error and error.count("\n") == 1
    (tmp_path / "damaged/baseline/aggregates.json").write_text("{}")
    assert _run(evaluate, f"--workdir={tmp_path / 'damaged'}") == 2
    assert "names other aggregates than this program computes" in capsys.readouterr().err


def test_without_touch_a_baseline_does_not_look_at_it(dataset, tmp_path):
    assert _train("logistic_regression_tradition", dataset, tmp_path / "run") == 0
    names = json.loads((tmp_path / "run/baseline/aggregates.json").read_text())["sample"]
    assert names and {name.split("_")[0] for name in names} <= {"browse", "history", "profile"}
    before = (tmp_path / "run/metrics.json").read_bytes()
    assert _run(evaluate, f"--workdir={tmp_path / 'run'}", "--batch_size=7") == 0
    assert (tmp_path / "run/metrics.json").read_bytes() == before
