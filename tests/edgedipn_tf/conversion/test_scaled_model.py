"""Calibrated probabilities: fitted on held-out users' known labels alone, in the file as in Keras."""

import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf import held_out_users, platt_scaling
from edgedipn_tf.calibration import sigmoid
from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.build_bundle import Settings, build_bundle
from edgedipn_tf.conversion.bundle import read_bundle
from edgedipn_tf.conversion.parity import Labels
from edgedipn_tf.conversion.recipes import FLOAT32
from edgedipn_tf.conversion.scaled_model import calibration_json, fit_scalings, format_calibration
from edgedipn_tf.conversion.scoring import FileRunner
from edgedipn_tf.dataset import open_dataset
from edgedipn_tf.finished_run import open_finished_run
from edgedipn_tf.platt_scaling import PlattScaling
from edgedipn_tf.records import UNKNOWN_LABEL
from tests.edgedipn_tf.conversion.tiny import (
    INTENTS,
    MAX_LENGTH,
    NUM_CUTOFFS,
    NUM_USERS,
    tiny_model,
    tiny_schema,
    write_dataset,
    write_workdir,
)

SEED, SHARE = 3, 0.5
SCHEMA = tiny_schema()


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return tiny_model("edgedipn", SCHEMA)


def logits_of(model: keras.Model, data: pathlib.Path) -> dict[str, np.ndarray]:
    batches = open_dataset(data).evaluation_batches("train", MAX_LENGTH, 60)
    return {name: values.numpy() for name, values in model(next(iter(batches))[0], training=False).items()}


@pytest.fixture(scope="module")
def run(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, dict[str, np.ndarray]]:
    """A finished run whose samples of the purchase intent have random labels, a third of them unknown."""
    folder = tmp_path_factory.mktemp("calibrated")
    logits = logits_of(model, write_dataset(folder / "unlabelled", SCHEMA))
    rng = np.random.default_rng(4)
    labels = {
        name: (rng.random(values.shape) < sigmoid(4 * (values - np.median(values)))).astype(int)
        for name, values in logits.items()
    }
    labels["realtime_purchase"][::3] = UNKNOWN_LABEL
    labels["realtime_leaf_category"][:] = UNKNOWN_LABEL
    data = write_dataset(folder / "dataset", SCHEMA, labels)
    workdir = write_workdir(folder / "workdir", model, SCHEMA, data)
    settings = json.loads((workdir / "config.json").read_text())
    (workdir / "config.json").write_text(json.dumps({**settings, "seed": SEED, "held_out_users": SHARE}))
    return workdir, {**labels, "logits": logits["realtime_purchase"]}


def expected_scaling(labels: dict[str, np.ndarray]) -> PlattScaling:
    users = [held_out_users.is_held_out(f"user {u}".encode(), SEED, SHARE) for u in range(NUM_USERS)]
    taken = np.repeat(users, NUM_CUTOFFS) & (labels["realtime_purchase"][:, 0] != UNKNOWN_LABEL)
    assert 0 < taken.sum() < 40
    return platt_scaling.fit(labels["logits"][taken, 0], labels["realtime_purchase"][taken, 0])


def test_known_labels_of_held_out_users_fit_the_scaling(
    model: keras.Model, run: tuple[pathlib.Path, dict[str, np.ndarray]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platt_scaling, "MIN_LABELS", 3)
    workdir = open_finished_run(run[0])
    found = fit_scalings(model, open_dataset(workdir.data), workdir)
    expected = expected_scaling(run[1])
    assert expected.reason is None
    assert found["realtime_purchase"].num_positives == expected.num_positives
    assert found["realtime_purchase"].num_negatives == expected.num_negatives
    assert found["realtime_purchase"].slope == pytest.approx(expected.slope, rel=1e-4)
    assert found["realtime_purchase"].bias == pytest.approx(expected.bias, rel=1e-4)
    assert found["realtime_leaf_category"].reason == "0 positives among the held-out labels, 3 are needed"


@pytest.mark.slow
def test_files_give_scaled_probabilities_and_the_bundle_says_so(
    model: keras.Model,
    run: tuple[pathlib.Path, dict[str, np.ndarray]],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platt_scaling, "MIN_LABELS", 3)
    reported: list[str] = []
    settings = Settings(recipes=(FLOAT32,), lengths=(MAX_LENGTH,), calibrate=True, benchmark_samples=4)
    build_bundle(run[0], tmp_path / "bundle", None, settings, reported.append)
    manifest = read_bundle(tmp_path / "bundle").manifest
    scalings = {intent: PlattScaling(**values) for intent, values in manifest["calibration"].items()}
    assert scalings["realtime_purchase"].slope != 1
    with np.load(tmp_path / "bundle" / f"benchmark/predict_{MAX_LENGTH}.npz") as samples:
        arrays = dict(samples)
    inputs = {tensor["name"]: arrays[tensor["name"]] for tensor in manifest["files"][0]["signatures"][0]["inputs"]}
    logits = model({name: tf.constant(values) for name, values in inputs.items()}, training=False)
    of_file = FileRunner(tmp_path / "bundle/edgedipn_float32.tflite", f"predict_{MAX_LENGTH}")
    for row in range(4):
        found = of_file({name: values[row : row + 1] for name, values in inputs.items()})
        for intent in INTENTS:
            expected = scalings[intent].apply(sigmoid(logits[intent].numpy()))[row : row + 1]
            np.testing.assert_allclose(found[intent], expected, atol=1e-5)
            np.testing.assert_allclose(arrays[f"expected_{intent}"][row : row + 1], expected, atol=1e-5)
    parity = json.loads((tmp_path / "bundle/parity.json").read_text())
    told = parity["calibration"]["realtime_purchase"]
    assert told["calibration_error"] == parity["keras"][str(MAX_LENGTH)]["calibration_error"]["realtime_purchase"]
    assert "realtime_purchase" in reported[-2] and "calibration error" in reported[-2]


def test_a_run_that_held_nobody_out_is_refused(
    model: keras.Model, run: tuple[pathlib.Path, dict[str, np.ndarray]], tmp_path: pathlib.Path
) -> None:
    data = pathlib.Path(open_finished_run(run[0]).data)
    workdir = open_finished_run(write_workdir(tmp_path / "workdir", model, SCHEMA, data))
    with pytest.raises(InputError, match="held no training users out: train with --held_out_users"):
        fit_scalings(model, open_dataset(data), workdir)


def test_errors_before_and_after_are_those_of_both_probabilities() -> None:
    # Unscaled 0.9 and 0.5 became 0.5 (slope 1, bias -log 9) and 0.1; of four samples at 0.5 two are positive, of four
    # at 0.1 none: after, the bins are off by 0 and 0.1; before, by 0.4 and 0.5.
    scaling = {"purchase": PlattScaling(1.0, -float(np.log(9)), 30, 30)}
    scaled = {"purchase": np.repeat([0.5, 0.1], 4).astype(np.float32)[:, None]}
    labels = Labels({"purchase": np.array([1, 1, 0, 0, 0, 0, 0, 0])[:, None]}, {"purchase": np.ones((8, 1))})
    found = calibration_json(scaling, scaled, labels)["purchase"]
    assert found["calibration_error"] == pytest.approx(0.05, abs=1e-6)
    assert found["calibration_error_before"] == pytest.approx(0.45, abs=1e-6)
    unfitted = {**found, "reason": "0 positives", "calibration_error": None}
    text = format_calibration({"purchase": found, "cart": unfitted}).splitlines()
    assert text[1].split() == ["purchase", "0.4500", "0.0500", "1.000", "-2.197"]
    assert text[2].split() == ["cart", "0.4500", "n/a", "0", "positives"]
