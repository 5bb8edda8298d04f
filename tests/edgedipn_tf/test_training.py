"""Training runs of a tiny model on a tiny dataset: what they leave behind, resume, replicas, refusals."""

import dataclasses
import json
import shutil
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf import config, training
from edgedipn_tf.commands import InputError
from edgedipn_tf.dataset import open_dataset
from edgedipn_tf.evaluation import open_run
from edgedipn_tf.held_out_users import divide, is_held_out
from edgedipn_tf.ranking import auc
from edgedipn_tf.schema import VIEW_ORDER
from edgedipn_tf.workdir import Workdir
from tests.edgedipn_tf.tiny_dataset import tiny_schema, write_dataset
from tests.edgedipn_tf.tiny_model import TinyModel
from tests.edgedipn_tf.tiny_training import SETTINGS, train_tiny


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "dataset")


@pytest.fixture(scope="module")
def train(dataset):
    """Runs a training in this process, with settings changed."""
    return lambda workdir, data=dataset, **changes: train_tiny(data, workdir, **changes)


@pytest.fixture(scope="module")
def finished(train, tmp_path_factory):
    """An undisturbed run of 4 epochs of 3 steps; a pass has 5."""
    workdir = Workdir(tmp_path_factory.mktemp("run") / "workdir")
    train(workdir.path)
    return workdir


def test_config_holds_settings_and_fingerprints(finished, dataset):
    found = json.loads(finished.config.read_text())
    assert found["learning_rate"] == 0.05
    assert found["schema_fingerprint"] == tiny_schema().fingerprint
    assert found["vocabulary_fingerprint"] == open_dataset(dataset).vocabulary_fingerprint
    assert finished.schema.read_bytes() == (dataset / "schema.json").read_bytes()
    assert finished.vocabulary.read_bytes() == (dataset / "vocabulary.json").read_bytes()


def _auc(model, dataset, split, intent, is_counted=lambda user: True):
    logits, labels = [], []
    for inputs, label, weight, extras in dataset.evaluation_batches(split, 8, 7, extras=True):
        known = (weight[intent].numpy() == 1) & [[is_counted(user)] for user in extras["user_id"].numpy()]
        logits.append(model(inputs)[intent].numpy()[known])
        labels.append(label[intent].numpy()[known])
    return auc(np.concatenate(logits), np.concatenate(labels).astype(np.int64))


def test_saved_model_gives_the_reported_auc_of_the_best_epoch(finished, dataset):
    report = json.loads(finished.metrics.read_text())
    model = keras.models.load_model(finished.model)
    assert not model.compiled  # no optimizer: a third of the size
    expected = _auc(model, open_dataset(dataset), "eval", "realtime_purchase")
    assert report["intents"]["realtime_purchase"]["auc"] == pytest.approx(expected, abs=1e-6)
    assert expected > 0.8  # the tiny dataset can be learned


def test_best_epoch_is_chosen_by_the_held_out_training_users(finished, dataset):
    report = json.loads(finished.metrics.read_text())
    means = [epoch["mean_auc"] for epoch in report["history"]]
    assert report["best_epoch"] == means.index(max(means)) + 1
    model, opened = keras.models.load_model(finished.model), open_dataset(dataset)
    best = report["history"][report["best_epoch"] - 1]["auc"]
    expected = _auc(model, opened, "train", "realtime_purchase", lambda user: is_held_out(user, 5, 0.2))
    assert best["realtime_purchase"] == pytest.approx(expected, abs=1e-6)
    assert best["realtime_purchase"] != pytest.approx(report["intents"]["realtime_purchase"]["auc"], abs=1e-6)
    chosen = {"split": "held_out", "held_out_users": 0.2, "num_samples": 36, "measure": "mean_auc"}
    assert report["selection"] == chosen
    card = " ".join(finished.model_card.read_text().split())
    assert f"| epoch | {report['best_epoch']} of 4, of the greatest mean AUC on 36 samples of held-out train" in card


def test_without_held_out_users_all_are_fitted_and_the_last_epoch_is_taken(train, tmp_path, capsys):
    report = train(tmp_path / "workdir", held_out_users=0.0, num_epochs=2, patience=1)
    assert "0 of 40 training users are held out to choose the epoch (0 samples); 160 samples" in capsys.readouterr().out
    assert [epoch["mean_auc"] for epoch in report["history"]] == [None, None]
    assert (report["best_epoch"], report["selection"]["measure"]) == (2, None)
    assert "2 of 2, the last one: no held-out" in (tmp_path / "workdir/MODEL_CARD.md").read_text()


def test_model_card_stands_beside_the_model(finished):
    card = finished.model_card.read_text()
    auc = json.loads(finished.metrics.read_text())["intents"]["realtime_purchase"]["auc"]
    assert card.startswith("# Model card: edgedipn") and f"| realtime_purchase | {auc:.4f} (" in card
    assert "- retention was not judged" in card


def test_intent_without_positives_is_undefined(finished):
    report = json.loads(finished.metrics.read_text())["intents"]["retention"]
    assert (report["auc"], report["gauc"], report["num_positives"]) == (None, None, 0)


def test_model_of_some_intents_is_trained_and_evaluated_for_these(train, tmp_path, capsys):
    # The tiny dataset labels one of DIPN's two tasks, and two intents that DIPN does not predict.
    report = train(tmp_path / "workdir", model="dipn_edge", num_epochs=1)
    assert list(report["intents"]) == ["realtime_purchase"]
    assert list(report["history"][0]["auc"]) == ["realtime_purchase"]
    assert list(keras.models.load_model(tmp_path / "workdir" / "model.keras").places) == ["realtime_purchase"]
    assert "retention" not in capsys.readouterr().out


def test_model_that_needs_the_order_across_views_gets_it(train, tmp_path):
    seen = []
    with mock.patch.object(TinyModel, "call", autospec=True, side_effect=TinyModel.call) as call:
        train(tmp_path / "workdir", model="dipn_early_fusion", num_epochs=1)
        seen = [set(arguments.args[1]) for arguments in call.call_args_list]
    assert seen and all(VIEW_ORDER in names for names in seen)
    _, opened = open_run(tmp_path / "workdir", None)
    assert VIEW_ORDER in opened.evaluation_batches("eval", 8, 7).element_spec[0]  # evaluate asks for it too


def test_learned_task_weights_are_reported_and_stay_out_of_the_model(train, finished, tmp_path):
    report = train(tmp_path / "workdir", task_weights="uncertainty", num_epochs=2)
    learned = [epoch["task_weight"] for epoch in report["history"]]
    assert list(learned[0]) == list(report["intents"])
    assert learned[1]["realtime_purchase"] != learned[0]["realtime_purchase"] != 1.0
    plain, own = (keras.models.load_model(path / "model.keras") for path in (finished.path, tmp_path / "workdir"))
    assert [w.shape for w in own.weights] == [w.shape for w in plain.weights]
    assert report["num_parameters"] == own.count_params()
    assert report["intents"]["realtime_purchase"]["auc"] > 0.8


def test_task_weight_of_a_task_that_is_not_there_is_refused(train, tmp_path):
    with pytest.raises(InputError, match="the model has no task 'retentoin', did you mean 'retention'"):
        train(tmp_path / "workdir", task_weights="retentoin=2")


def test_dataset_without_the_intents_of_the_model_is_refused(train, tmp_path):
    schema = tiny_schema()
    schema = dataclasses.replace(schema, intents=schema.intents[1:])
    data = write_dataset(tmp_path / "data", schema)
    with pytest.raises(InputError, match="the model dipn predicts .* and the dataset labels retention, realtime_top"):
        train(tmp_path / "workdir", data=data, model="dipn")
    assert not (tmp_path / "workdir").exists()


def test_two_checkpoints_stay_the_newest_and_the_best(finished):
    best = json.loads(finished.metrics.read_text())["best_epoch"] - 1
    names = {path.name for path in finished.checkpoints.iterdir()}
    assert names == {"epoch-00003", f"epoch-{best:05d}"}


def test_learning_rate_decays_once_a_pass(finished):
    # The epochs begin at steps 0, 3, 6 and 9; a pass has 5 steps.
    rates = [epoch["learning_rate"] for epoch in json.loads(finished.metrics.read_text())["history"]]
    np.testing.assert_allclose(rates, 0.05 * 0.9 ** np.array([0, 0, 1, 1]), rtol=1e-6)


def test_learning_rate_cools_down(train, tmp_path):
    # 12 steps, the last 6 of them to zero; the epochs begin at steps 0, 3, 6 and 9, a pass has 5 steps.
    rates = [epoch["learning_rate"] for epoch in train(tmp_path / "cool", cool_down=0.5)["history"]]
    np.testing.assert_allclose(rates, 0.05 * np.array([1, 1, 0.9, 0.9 * 3 / 6]), rtol=1e-6)


def test_curves_are_drawn_for_each_defined_intent(finished):
    drawn = {}
    for path in sorted(finished.tensorboard.iterdir()):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            drawn |= {(value.tag, event.step): tf.make_ndarray(value.tensor).item() for value in event.summary.value}
    history = json.loads(finished.metrics.read_text())["history"]
    assert drawn["auc/realtime_purchase", 4] == pytest.approx(history[3]["auc"]["realtime_purchase"])
    assert drawn["learning_rate", 1] == pytest.approx(0.05)
    assert ("train/realtime_top_category_loss", 2) in drawn
    assert not [tag for tag, _ in drawn if tag == "auc/retention"]


def test_finished_run_is_left_as_it_is(finished, train, capsys):
    before = {path: path.stat().st_mtime_ns for path in finished.path.rglob("*")}
    report = train(finished.path)
    assert "is finished and left as it is" in capsys.readouterr().out
    assert report == json.loads(finished.metrics.read_text())
    assert {path: path.stat().st_mtime_ns for path in finished.path.rglob("*")} == before


def test_other_settings_in_the_same_folder_are_refused(finished, train):
    with pytest.raises(InputError, match=r"holds a run with learning_rate=0.05 \(now 0.01\), seed=5 \(now 6\): pass"):
        train(finished.path, learning_rate=0.01, seed=6)


def test_dataset_may_move_but_not_change(finished, train, dataset, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(dataset, moved)
    train(finished.path, data=moved)
    other = write_dataset(tmp_path / "other", seed=1)
    with pytest.raises(InputError, match="holds a run with dataset_fingerprint="):
        train(finished.path, data=other)


def test_folder_with_other_files_is_refused(train, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="holds files but no training run"):
        train(tmp_path)


def test_order_of_a_step_depends_on_seed_and_position_only(dataset):
    settings = config.resolve("smoke", {**SETTINGS, "data": str(dataset)})

    def order(first_step, seed=5):
        tf.random.set_seed(seed + 1)
        changed = config.resolve("smoke", {**settings.to_json(), "seed": seed})
        steps = training.training_steps(changed, divide(open_dataset(dataset), 5, 0.2), 5, first_step)
        return [inputs["browse"].numpy().tobytes() for inputs, _, _ in steps]

    whole = order(0)
    assert len(whole) == 15  # 12 steps need three passes of 5
    assert order(7) == whole[7:]
    assert order(0, seed=6) != whole


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"global_batch_size": 125},
            "--global_batch_size=125 is more than the 124 training samples that --held_out_users=0.2",
        ),
        ({"held_out_users": 0.999}, "--held_out_users=0.999 leaves none to train on: choose a smaller share"),
        ({"max_length": 9}, "--max_length=9 is more than the 8 actions"),
        ({"data": "/nowhere"}, "/nowhere/dataset.json .* does not exist: make the dataset"),
    ],
)
def test_settings_that_do_not_fit_the_dataset_are_refused(changes, message, train, tmp_path):
    with pytest.raises(InputError, match=message):
        train(tmp_path / "workdir", **changes)
    assert not (tmp_path / "workdir").exists()


def test_batch_that_does_not_divide_over_the_replicas_is_refused(dataset):
    settings = config.resolve("smoke", {**SETTINGS, "data": str(dataset), "global_batch_size": 31})
    message = "--global_batch_size=31 does not divide over 2 replicas: choose a multiple of 2"
    with pytest.raises(InputError, match=message):
        training.check(settings, divide(open_dataset(dataset), 5, 0.2), num_replicas=2)


def test_dataset_without_training_samples_is_refused(train, tmp_path):
    data = write_dataset(tmp_path / "data", num_users={"train": 0, "eval": 2})
    with pytest.raises(InputError, match="has no training samples"):
        train(tmp_path / "workdir", data=data)


def test_damaged_record_is_one_line(train, dataset, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(dataset, damaged)
    path = next(damaged.glob("train*"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"damaged has a file with a damaged record at \d+: make"):
        train(tmp_path / "workdir", data=damaged)


def test_second_run_in_the_same_folder_is_kept_out(train, dataset, tmp_path):
    with Workdir(tmp_path).claim({"seed": 5}, dataset), pytest.raises(InputError, match="in use by another run"):
        train(tmp_path)
