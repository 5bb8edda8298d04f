"""From a training run to a bundle: what is in it, what is refused, what a failure leaves behind."""

import dataclasses
import json
import pathlib
import shutil
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion import converter
from edgedipn_tf.conversion.build_bundle import Settings, build_bundle
from edgedipn_tf.conversion.bundle import read_bundle
from edgedipn_tf.conversion.export import probabilities
from edgedipn_tf.conversion.recipes import DYNAMIC_INT8, FLOAT32, STATIC_INT8, Tolerance, with_limits
from edgedipn_tf.conversion.scoring import FileRunner
from edgedipn_tf.conversion.two_steps import score_in_two_steps
from edgedipn_tf.models.inputs import example_inputs
from edgedipn_tf.ranking import auc
from tests.edgedipn_tf.conversion.conftest import NUM_KEPT, NUM_SCORED, Published
from tests.edgedipn_tf.conversion.tiny import (
    INTENTS,
    LENGTHS,
    MAX_LENGTH,
    tiny_model,
    tiny_schema,
    write_dataset,
    write_workdir,
)

NUM_SAMPLES = 60


def manifest(folder: pathlib.Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def test_the_bundle_is_whole_and_described(published: Published) -> None:
    found = read_bundle(published.bundle)
    assert list(found.recipes) == ["float32", "float16", "dynamic_int8", "static_int8"]
    assert found.schema == tiny_schema()
    assert found.manifest["model"] == "edgedipn"
    graph = found.manifest["graph"]
    assert (graph["form"], graph["reason"]) == ("inference", None) and 0 < graph["largest_score"] <= 60
    assert found.manifest["intents"] == [
        {"name": "realtime_purchase", "metric": "RPAUC", "num_places": 1},
        {"name": "realtime_leaf_category", "metric": "RLCAUC", "num_places": 3},
    ]
    assert [file["is_degraded"] for file in found.manifest["files"]] == [False] * 5
    assert found.manifest["thresholds"] == [0.2, 0.3, 0.4]
    assert found.manifest["training"]["max_length"] == MAX_LENGTH and "data" not in found.manifest["training"]
    names = {file["name"]: [s["name"] for s in file["signatures"]] for file in found.manifest["files"]}
    every = ["predict_4", "predict_8", "encode_4", "encode_8", "score_categories"]
    assert names["edgedipn_dynamic_int8.tflite"] == every
    assert names["edgedipn_static_int8_4.tflite"] == ["predict_4"]  # its format cannot share weights
    for file in found.manifest["files"]:
        assert {"name": "GATHER", "version": 1} in file["operators"] or file["recipe"] != "float32"
        assert file["minimum_runtime"] is not None
    assert {path.name for path in published.bundle.iterdir()} == {
        "manifest.json",
        "edgedipn_float32.tflite",
        "edgedipn_float16.tflite",
        "edgedipn_dynamic_int8.tflite",
        "edgedipn_static_int8_4.tflite",
        "edgedipn_static_int8_8.tflite",
        "schema.json",
        "vocabulary.json",
        "parity.json",
        "benchmark",
    }


def test_int8_is_smaller(published: Published) -> None:
    files = manifest(published.bundle)["files"]
    sizes = {file["recipe"]: file["size_bytes"] for file in files if not file["recipe"].startswith("static")}
    # The graphs of five signatures of a tiny model are most of its file.
    assert sizes["dynamic_int8"] < 0.9 * sizes["float32"] and sizes["float16"] < 0.95 * sizes["float32"]


def test_parity_is_that_of_all_samples(published: Published) -> None:
    parity = json.loads((published.bundle / "parity.json").read_text())
    assert parity["num_samples"] == NUM_SAMPLES
    # Labels follow the model's own scores at full length.
    assert parity["keras"]["8"]["auc"] == {intent: 1.0 for intent in INTENTS}
    assert parity["keras"]["4"]["auc"] != parity["keras"]["8"]["auc"]
    found = parity["files"]["edgedipn_float32.tflite"]["predict_8"]
    assert found["is_within_tolerance"] and found["max_abs_error"] <= 1e-5
    assert found["auc_difference"] == {intent: 0.0 for intent in INTENTS}
    files = [file["predict_8"] for file in parity["files"].values() if "predict_8" in file]
    errors = {file["recipe"]: file["mean_abs_error"] for file in files}
    assert 0 < errors["float32"] < errors["float16"] < errors["dynamic_int8"] <= 0.02
    assert errors["dynamic_int8"] < errors["static_int8"] <= 0.02


def test_two_steps_give_what_predict_gives(published: Published) -> None:
    parity = json.loads((published.bundle / "parity.json").read_text())
    names = [f"edgedipn_{recipe}.tflite" for recipe in ("dynamic_int8", "float16", "float32")]
    assert sorted(parity["two_steps"]) == names  # static_int8 cannot share weights
    assert all(found["max_abs_difference"] <= 1e-6 for found in parity["two_steps"].values())


def test_what_two_steps_hand_on_is_described(published: Published) -> None:
    signatures = {s["name"]: s for s in manifest(published.bundle)["files"][0]["signatures"]}
    encode, score = signatures["encode_8"], signatures["score_categories"]
    user = {"name": "user", "dtype": "float32", "shape": [1, 1, 16], "unit": "activation"}
    assert (encode["kind"], encode["length"], score["length"]) == ("encode", 8, None)
    assert "candidates" not in [tensor["name"] for tensor in encode["inputs"]]
    assert user in encode["outputs"] and user in score["inputs"]
    assert {"name": "candidates", "dtype": "int32", "shape": [1, 2, 2], "unit": "id"} in score["inputs"]
    assert [(o["name"], o["shape"]) for o in encode["outputs"] if o["unit"] == "probability"] == [
        ("realtime_purchase", [1, 1])
    ]
    assert [(o["name"], o["shape"]) for o in score["outputs"]] == [("realtime_leaf_category", [1, 2])]


def test_any_number_of_categories_is_scored_in_calls_of_two(published: Published) -> None:
    """Five candidates against Keras; the last call is padded."""
    path = published.bundle / "edgedipn_float32.tflite"
    encode, score = FileRunner(path, "encode_8"), FileRunner(path, "score_categories")
    inputs = example_inputs(tiny_schema(), MAX_LENGTH, 1, seed=5)
    inputs["candidates"] = np.array([[[9, 3], [8, 2], [1, 1], [7, 3], [5, 4]]], np.int32)
    expected = probabilities(published.model, {name: tf.constant(values) for name, values in inputs.items()})
    found = score_in_two_steps(encode, score, inputs)
    assert found["realtime_leaf_category"].shape == (1, 5)
    for intent, values in expected.items():
        np.testing.assert_allclose(found[intent], values, atol=1e-6)


@pytest.mark.parametrize(("name", "reason"), [("edgedipn_v1", "no inter-view"), ("edgedipn_v0", "its encoder is gru")])
def test_two_steps_need_the_inference_graph(
    published: Published, tmp_path: pathlib.Path, name: str, reason: str
) -> None:
    workdir = write_workdir(tmp_path / name, tiny_model(name, tiny_schema()), tiny_schema(), published.data)
    with pytest.raises(InputError, match=f"--encode needs the inference graph.*{reason}"):
        build_bundle(workdir, tmp_path / "bundle", None, Settings(recipes=(FLOAT32,), has_encode=True), print)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"has_encode": True, "calibrate": True}, "--encode gives probabilities that are not scaled"),
        ({"scored_categories": 3}, "--scored_categories=3 does nothing without --encode"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings(recipes=(FLOAT32,), **changes)


def test_benchmark_samples_are_real_and_give_what_they_say(published: Published) -> None:
    with np.load(published.bundle / "benchmark/predict_8.npz") as samples:
        inputs = {n: samples[n] for n in samples.files if not n.startswith(("expected_", "label_", "weight_"))}
        labels = {n.removeprefix("label_"): samples[n] for n in samples.files if n.startswith("label_")}
        weights = {n.removeprefix("weight_"): samples[n] for n in samples.files if n.startswith("weight_")}
        expected = {n.removeprefix("expected_"): samples[n] for n in samples.files if n.startswith("expected_")}
    assert {name: values.shape for name, values in inputs.items()} == {
        file["name"]: (NUM_KEPT, *file["shape"][1:])
        for file in manifest(published.bundle)["files"][0]["signatures"][1]["inputs"]
    }
    assert set(expected) == set(INTENTS)
    keras = probabilities(published.model, {name: tf.constant(values) for name, values in inputs.items()})
    run = FileRunner(published.bundle / "edgedipn_float32.tflite", "predict_8")
    for intent, values in expected.items():
        assert auc(values[weights[intent] > 0], labels[intent][weights[intent] > 0]) == 1.0  # as above
        np.testing.assert_allclose(keras[intent], values, atol=1e-6)
        rows = [run({n: v[i : i + 1] for n, v in inputs.items()})[intent] for i in range(NUM_KEPT)]
        np.testing.assert_allclose(np.concatenate(rows), values, atol=1e-5)


def test_the_table_and_the_steps_are_reported(published: Published) -> None:
    text = "\n".join(published.reported)
    assert "inference graph" in text
    assert "comparing with Keras on 60 of 60 evaluation samples" in text
    every = "predict_4, predict_8, encode_4, encode_8, score_categories"
    assert f"recipe dynamic_int8: converting {every} in its own process" in text
    assert "recipe static_int8: converting predict_4 in its own process" in text
    assert "1.0000 (+0.0000)" in text


# The default and the calibrated recipe give the same bytes again, in a process that has traced other graphs since.
@pytest.mark.slow
def test_equal_checkpoints_give_equal_calibrated_files(published: Published, tmp_path: pathlib.Path) -> None:
    recipe = with_limits(STATIC_INT8, max_auc_drop=0.05, max_flips=0.05)
    settings = Settings(
        recipes=(recipe,),
        lengths=LENGTHS,
        has_encode=True,
        scored_categories=NUM_SCORED,
        benchmark_samples=NUM_KEPT,
        calibration_samples=20,
    )
    build_bundle(published.workdir, tmp_path / "bundle", None, settings, print)
    for name in ("edgedipn_static_int8_4.tflite", "edgedipn_static_int8_8.tflite"):
        assert (tmp_path / "bundle" / name).read_bytes() == (published.bundle / name).read_bytes()


def test_a_calibrated_recipe_is_refused_for_the_plain_graph(published: Published, tmp_path: pathlib.Path) -> None:
    workdir = write_workdir(tmp_path / "v1", tiny_model("edgedipn_v1", tiny_schema()), tiny_schema(), published.data)
    with pytest.raises(InputError, match="static_int8 needs the inference graph.*no inter-view.*use .*dynamic_int8"):
        build_bundle(workdir, tmp_path / "bundle", None, Settings(recipes=(STATIC_INT8,)), print)
    assert not (tmp_path / "bundle").exists()


def test_a_model_that_needs_more_than_a_bundle_gives_is_refused(published: Published, tmp_path: pathlib.Path) -> None:
    workdir = pathlib.Path(shutil.copytree(published.workdir, tmp_path / "workdir"))
    config = json.loads((workdir / "config.json").read_text())
    (workdir / "config.json").write_text(json.dumps({**config, "model": "dipn_early_fusion"}))
    with pytest.raises(InputError, match="workdir holds dipn_early_fusion, which needs the order .*: convert another"):
        build_bundle(workdir, tmp_path / "bundle", None, Settings(recipes=(FLOAT32,)), print)
    assert not (tmp_path / "bundle").exists()


def test_calibration_without_training_samples_is_refused(published: Published, tmp_path: pathlib.Path) -> None:
    data = shutil.copytree(published.data, tmp_path / "dataset")
    description = json.loads((data / "dataset.json").read_text())
    description["splits"]["train"] = {"num_samples": 0, "num_records": 0, "files": []}
    (data / "dataset.json").write_text(json.dumps(description))
    with pytest.raises(InputError, match="dataset has no training samples to calibrate with"):
        build_bundle(published.workdir, tmp_path / "bundle", data, Settings(recipes=(STATIC_INT8,)), print)


# tensorflow/tensorflow#48774: files that were never compared on enough samples, and shipped.
def test_a_file_beyond_its_tolerance_is_refused_unless_allowed_and_then_marked(
    published: Published, tmp_path: pathlib.Path
) -> None:
    strict = dataclasses.replace(DYNAMIC_INT8, tolerance=Tolerance(max_abs_error=1e-9))
    output = tmp_path / "bundle"
    settings = Settings(
        recipes=(strict,), lengths=LENGTHS, has_encode=True, scored_categories=NUM_SCORED, benchmark_samples=NUM_KEPT
    )
    content = (published.bundle / "edgedipn_dynamic_int8.tflite").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(converter, "convert", lambda *arguments: content)
        with pytest.raises(InputError, match="edgedipn_dynamic_int8.tflite, predict_4, is too far from Keras on 60"):
            build_bundle(published.workdir, output, None, settings, print)
    assert list(tmp_path.iterdir()) == []
    # For real this time, in a process that has traced other graphs since: the same bytes.
    build_bundle(published.workdir, output, None, dataclasses.replace(settings, allow_degraded=True), print)
    (file,) = manifest(output)["files"]
    assert file["is_degraded"] is True
    found = json.loads((output / "parity.json").read_text())["files"][file["name"]]
    assert [each["is_within_tolerance"] for each in found.values()] == [False, False]
    for name in ("edgedipn_dynamic_int8.tflite", "benchmark/predict_4.npz", "benchmark/predict_8.npz"):
        assert (output / name).read_bytes() == (published.bundle / name).read_bytes()


@pytest.mark.parametrize("failure", [InputError("crash"), KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_failure_leaves_the_last_bundle_and_nothing_else(
    published: Published, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    output = shutil.copytree(published.bundle, tmp_path / "bundle")

    def fail(*arguments: object) -> bytes:
        raise failure

    monkeypatch.setattr(converter, "convert", fail)
    with pytest.raises(type(failure)):
        build_bundle(published.workdir, output, None, Settings(recipes=(FLOAT32,), overwrite=True), print)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    read_bundle(output)


def test_a_bundle_that_is_there_is_kept(published: Published) -> None:
    with pytest.raises(InputError, match="bundle exists: .*--overwrite"):
        build_bundle(published.workdir, published.bundle, None, Settings(recipes=(FLOAT32,)), print)


def test_a_dataset_of_another_schema_is_refused(published: Published, tmp_path: pathlib.Path) -> None:
    other = dataclasses.replace(tiny_schema(), timezone="Asia/Shanghai")
    data = write_dataset(tmp_path / "dataset", other)
    with pytest.raises(
        InputError, match=f"has the schema {other.fingerprint}.* trained on {tiny_schema().fingerprint}"
    ):
        build_bundle(published.workdir, tmp_path / "bundle", data, Settings(recipes=(FLOAT32,)), print)


def test_a_damaged_record_is_one_line(
    published: Published, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = shutil.copytree(published.data, tmp_path / "dataset")
    path = next(data.glob("eval.tfrecord-*"))
    path.write_bytes(path.read_bytes()[:-20] + bytes(20))
    content = (published.bundle / "edgedipn_float32.tflite").read_bytes()
    monkeypatch.setattr(converter, "convert", lambda *arguments: content)
    with pytest.raises(InputError, match="dataset has .*damaged record"):
        build_bundle(published.workdir, tmp_path / "bundle", data, Settings(recipes=(FLOAT32,)), print)
    assert not (tmp_path / "bundle").exists()
