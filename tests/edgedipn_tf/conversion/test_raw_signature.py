"""The signature that discretizes: in real files, with all features, it gives what `predict` gives of the ids."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.build_bundle import Settings, build_bundle
from edgedipn_tf.conversion.bundle import read_bundle
from edgedipn_tf.conversion.converted_files import ConvertedFile
from edgedipn_tf.conversion.export import probabilities
from edgedipn_tf.conversion.raw_inputs import model_inputs
from edgedipn_tf.conversion.raw_signature import check_raw, example_raw, raw_signature, zone_warning
from edgedipn_tf.conversion.recipes import DYNAMIC_INT8, FLOAT32, RECIPES
from edgedipn_tf.conversion.scoring import FileRunner
from edgedipn_tf.conversion.signatures import SignatureKey
from edgedipn_tf.conversion.tflite_file import TfliteContent
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.schema import Feature, Kind, Schema, View, edgedipn_schema
from tests.edgedipn_tf.conversion.tiny import INTENTS, MAX_LENGTH, tiny_model, write_dataset, write_workdir

ZONE = "Europe/Berlin"


def schema_of_all_features() -> Schema:
    whole = edgedipn_schema(ZONE, "test")
    intents = tuple(intent for intent in whole.intents if intent.name in INTENTS)
    return dataclasses.replace(whole, intents=intents, max_length=2 * MAX_LENGTH, num_candidates=3)


SCHEMA = schema_of_all_features()


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return tiny_model("edgedipn", SCHEMA)


@pytest.fixture(scope="module")
def bundle(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("raw")
    workdir = write_workdir(folder / "workdir", model, SCHEMA, write_dataset(folder / "dataset", SCHEMA))
    settings = Settings(
        recipes=(FLOAT32, DYNAMIC_INT8),
        lengths=(MAX_LENGTH,),
        predict_raw=True,
        benchmark_samples=2,
        allow_degraded=True,
    )
    build_bundle(workdir, folder / "bundle", None, settings, print)
    return folder / "bundle"


def ids_of(raw: Mapping[str, np.ndarray]) -> dict[str, tf.Tensor]:
    return model_inputs(SCHEMA, {name: tf.constant(values) for name, values in raw.items()}, LocalTime(ZONE))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["float32", "dynamic_int8"])
def test_raw_inputs_give_the_probabilities_of_their_ids(bundle: pathlib.Path, model: keras.Model, recipe: str) -> None:
    path = bundle / f"edgedipn_{recipe}.tflite"
    of_raw, of_ids = (FileRunner(path, f"{kind}_{MAX_LENGTH}") for kind in ("predict_raw", "predict"))
    found: dict[str, list[float]] = {intent: [] for intent in INTENTS}
    for seed in range(100, 120):
        raw = example_raw(SCHEMA, MAX_LENGTH, seed)
        if seed % 4 == 0:  # far beyond the limit of coordinates: a constant of the graph that must not be rounded
            raw["swipe_end_x"] *= np.float32(1e30)
        ids = ids_of(raw)
        expected = of_ids({name: values.numpy() for name, values in ids.items()})
        for intent, values in of_raw(raw).items():
            np.testing.assert_array_equal(values, expected[intent])
            found[intent].append(float(values[0, 0]))
            if recipe == "float32":
                np.testing.assert_allclose(values, probabilities(model, ids)[intent], atol=1e-5)
    assert all(np.std(values) > 0.05 for values in found.values())  # the samples differ, so equal means something


@pytest.mark.slow
def test_the_manifest_tells_what_to_hand_over(bundle: pathlib.Path) -> None:
    manifest = read_bundle(bundle).manifest
    for file in manifest["files"]:
        signatures = {signature["name"]: signature for signature in file["signatures"]}
        assert set(signatures) == {"predict_8", "predict_raw_8"}
        raw = signatures["predict_raw_8"]
        assert (raw["kind"], raw["length"], raw["samples"]) == ("predict_raw", 8, None)
        inputs = {tensor["name"]: tensor for tensor in raw["inputs"]}
        assert len(inputs) == 13 + 4 + 6 + 4
        time = {"name": "tap_timestamp_ms", "dtype": "int64", "shape": [1, 8], "unit": "ms since 1970-01-01 UTC"}
        assert inputs["tap_timestamp_ms"] == time
        assert inputs["now_ms"] == {**time, "name": "now_ms", "shape": [1]}
        assert inputs["swipe_start_x"] == {
            "name": "swipe_start_x",
            "dtype": "float32",
            "shape": [1, 8],
            "unit": "pixel",
        }
        assert inputs["browse_stay_ms"]["unit"] == "ms"
        assert (inputs["browse_page"]["unit"], inputs["history_counts"]["unit"]) == ("id", "count")
        assert raw["outputs"] == signatures["predict_8"]["outputs"]
        assert {operator["name"] for operator in file["operators"]} >= {"FLOOR_MOD", "BITCAST"}


def test_files_that_round_the_constants_or_cannot_share_weights_do_not_discretize() -> None:
    assert [recipe.name for recipe in RECIPES.values() if recipe.discretizes] == ["float32", "dynamic_int8"]


@pytest.mark.slow
def test_the_parity_is_that_of_the_ids_alone(bundle: pathlib.Path) -> None:
    parity: dict[str, Any] = json.loads((bundle / "parity.json").read_text())
    assert {name: list(found) for name, found in parity["files"].items()} == {
        "edgedipn_float32.tflite": ["predict_8"],
        "edgedipn_dynamic_int8.tflite": ["predict_8"],
    }
    assert {name: found["max_abs_difference"] <= 1e-6 for name, found in parity["predict_raw"].items()} == {
        "edgedipn_float32.tflite": True,
        "edgedipn_dynamic_int8.tflite": True,
    }


def test_a_file_whose_signatures_differ_is_refused() -> None:
    def returning(value: float) -> Any:
        return lambda inputs: {"retention": np.array([[value]], np.float32)}

    raw, ids = SignatureKey("predict_raw", MAX_LENGTH), SignatureKey("predict", MAX_LENGTH)
    content = TfliteContent((), (), (), None)

    def made(**values: float) -> ConvertedFile:
        runners = {key: returning(values[key.kind]) for key in (raw, ids) if key.kind in values}
        return ConvertedFile("m.tflite", FLOAT32, runners, content)

    both, alone = made(predict=0.5, predict_raw=0.5 + 2**-24), made(predict=0.5)
    assert check_raw([alone], SCHEMA) == {}
    assert check_raw([both, alone], SCHEMA) == {"m.tflite": 2**-24}
    for wrong in (0.51, np.nan):
        with pytest.raises(InputError, match="m.tflite: predict_raw_8 is .* away from predict_8"):
            check_raw([alone, made(predict=0.5, predict_raw=wrong)], SCHEMA)


def test_another_time_zone_database_than_the_dataset_has_is_told() -> None:
    version = LocalTime("UTC").version
    assert zone_warning(dataclasses.replace(SCHEMA, timezone_version=version)) is None
    told = zone_warning(dataclasses.replace(SCHEMA, timezone_version="1999a"))
    assert told is not None and f"database {version}, the dataset those of 1999a" in told


def test_a_schema_without_formulas_is_refused(model: keras.Model) -> None:
    views = (View("swipe", (*SCHEMA.views[0].features, Feature("speed", 9, Kind.NUMERIC))), *SCHEMA.views[1:])
    with pytest.raises(InputError, match="--predict_raw: no formula in the graph for swipe feature speed: leave"):
        raw_signature(model, dataclasses.replace(SCHEMA, views=views), MAX_LENGTH)
