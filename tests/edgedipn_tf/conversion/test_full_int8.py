"""full_int8: operators of integers only, but for named ones; a warning; the gate still judges it."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as tflite

from edgedipn_tf import convert
from edgedipn_tf.conversion import converter
from edgedipn_tf.conversion.build_bundle import Settings, build_bundle
from edgedipn_tf.conversion.bundle import read_bundle
from edgedipn_tf.conversion.export import export_saved_model, predict_signatures, probabilities
from edgedipn_tf.conversion.inference_graph import InferenceGraph
from edgedipn_tf.conversion.recipes import FLOAT32, FULL_INT8, RECIPES, with_limits
from edgedipn_tf.conversion.scoring import FileRunner
from edgedipn_tf.conversion.tflite_file import check_content, read_content
from edgedipn_tf.models.inputs import example_inputs
from tests.edgedipn_tf.conversion.conftest import Published
from tests.edgedipn_tf.conversion.tiny import MAX_LENGTH, tiny_model, tiny_schema

SCHEMA = tiny_schema()
OPERATOR_NAMES = {value: name for name, value in vars(tflite.BuiltinOperator).items() if not name.startswith("_")}
# What enters and leaves the integers: the mask of real steps becomes a float and is quantized; probabilities are told
# as floats.
WITH_FLOATS = {"CAST", "QUANTIZE", "DEQUANTIZE"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder, model = tmp_path_factory.mktemp("full_int8"), tiny_model("edgedipn", SCHEMA)
    graph = InferenceGraph(model, in_integers=True)
    signatures = predict_signatures(graph, SCHEMA, [MAX_LENGTH])
    export_saved_model(graph, signatures, folder / "saved_model")
    np.savez(folder / "calibration.npz", **example_inputs(SCHEMA, MAX_LENGTH, 40, seed=2))
    names, path = [signature.key.name for signature in signatures], folder / "full_int8.tflite"
    path.write_bytes(
        converter.convert(folder / "saved_model", FULL_INT8, names, calibration=folder / "calibration.npz")
    )
    check_content(read_content(path.read_bytes()), FULL_INT8, model.count_params())
    return path


def test_every_operator_is_of_integers_but_at_the_ends(file: pathlib.Path) -> None:
    model = tflite.ModelT.InitFromPackedBuf(file.read_bytes(), 0)
    (graph,) = model.subgraphs
    of_floats = set()
    names = set()
    for operator in graph.operators:
        name = OPERATOR_NAMES[model.operatorCodes[operator.opcodeIndex].builtinCode]
        names.add(name)
        tensors = [graph.tensors[index] for index in (*operator.inputs, *operator.outputs) if index >= 0]
        if any(tensor.type == tflite.TensorType.FLOAT32 for tensor in tensors):
            of_floats.add(name)
    assert of_floats <= WITH_FLOATS
    assert {"BATCH_MATMUL", "SOFTMAX", "FULLY_CONNECTED", "GATHER", "TANH", "LOGISTIC"} <= names
    assert not names & {"EXP", "DIV"}


def test_litert_runs_it_and_it_follows_keras(file: pathlib.Path) -> None:
    inputs = example_inputs(SCHEMA, MAX_LENGTH, 40, seed=1)
    expected = probabilities(tiny_model("edgedipn", SCHEMA), {name: tf.constant(v) for name, v in inputs.items()})
    run = FileRunner(file, f"predict_{MAX_LENGTH}")
    rows = [run({name: values[i : i + 1] for name, values in inputs.items()}) for i in range(40)]
    for intent, values in expected.items():
        found = np.concatenate([row[intent] for row in rows])
        # Measured: 0.77 of one intent. Random weights are far from trained ones; a file without its attention has none.
        assert np.corrcoef(found.ravel(), values.numpy().ravel())[0, 1] > 0.6


def test_the_command_warns_in_one_line(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [f"--workdir={tmp_path}", f"--output={tmp_path / 'bundle'}", "--recipe=full_int8"]
    assert convert.run(arguments) == 2  # an empty folder is no training run
    first, *_ = capsys.readouterr().err.splitlines()
    assert first == f"warning: {FULL_INT8.warning}"
    assert [recipe.name for recipe in RECIPES.values() if recipe.warning] == ["full_int8"]


@pytest.mark.slow
def test_a_bundle_holds_it_marked(published: Published, tmp_path: pathlib.Path) -> None:
    strict = with_limits(FULL_INT8, max_auc_drop=0.0, max_flips=0.0)  # which no file of random weights keeps
    settings = Settings(recipes=(FLOAT32, strict), lengths=(MAX_LENGTH,), calibration_samples=20, allow_degraded=True)
    build_bundle(published.workdir, tmp_path / "bundle", None, settings, report=lambda line: None)
    files = read_bundle(tmp_path / "bundle").manifest["files"]
    found = {file["name"]: file["is_degraded"] for file in files}
    assert found == {"edgedipn_float32.tflite": False, f"edgedipn_full_int8_{MAX_LENGTH}.tflite": True}
