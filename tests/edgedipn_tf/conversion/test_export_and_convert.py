"""The real variants, shrunk, through export and converter: operators, names, weights, numbers."""

import collections
import dataclasses
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as tflite

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.converter import convert
from edgedipn_tf.conversion.export import Signature, export_saved_model, predict_signatures, probabilities
from edgedipn_tf.conversion.recipes import DYNAMIC_INT8, FLOAT32, RECIPES
from edgedipn_tf.conversion.scoring import FileRunner
from edgedipn_tf.conversion.signatures import PREDICT, SignatureKey
from edgedipn_tf.conversion.tflite_file import Operator, TfliteContent, Weight, check_content, read_content
from edgedipn_tf.models.inputs import example_inputs, input_signature
from tests.edgedipn_tf.conversion.conftest import Published
from tests.edgedipn_tf.conversion.tiny import LENGTHS, MAX_LENGTH, tiny_model, tiny_schema

SCHEMA = tiny_schema()
PLAIN_RECIPES = [recipe for recipe in RECIPES.values() if not recipe.is_calibrated]
NAMES = [f"predict_{length}" for length in LENGTHS]
OUTPUT_SHAPES = {"realtime_purchase": (1, 1), "realtime_leaf_category": (1, 3)}
# Mean over 40 samples, measured: float32 below 1e-7; int8 1e-2, since these weights are random and far from trained.
MEAN_ERRORS = {"float32": 1e-6, "float16": 1e-3, "dynamic_int8": 3e-2}


@dataclasses.dataclass(frozen=True)
class Converted:
    """A variant and the folder of its files."""

    model: keras.Model
    folder: pathlib.Path

    def path(self, recipe: str) -> pathlib.Path:
        return self.folder / f"{self.model.name}_{recipe}.tflite"

    def content(self, recipe: str) -> TfliteContent:
        return read_content(self.path(recipe).read_bytes())


def signatures_of(model: keras.Model) -> list[Signature]:
    return predict_signatures(model, SCHEMA, LENGTHS)


# Recurrent models convert only at a fixed batch: tensorflow/tensorflow#53333, #62849; by model.export they fail:
# keras-team/keras#19108. Subclassed Keras 3 models had no _get_save_spec: tensorflow/tensorflow#63867, #73532, #71726.
@pytest.fixture(scope="module")
def recurrent(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    found = Converted(tiny_model("edgedipn_v0", SCHEMA), tmp_path_factory.mktemp("edgedipn_v0"))
    shapes = export_saved_model(found.model, signatures_of(found.model), found.folder / "saved_model")
    assert shapes == {SignatureKey(PREDICT, length): OUTPUT_SHAPES for length in LENGTHS}
    for recipe in PLAIN_RECIPES:
        found.path(recipe.name).write_bytes(convert(found.folder / "saved_model", recipe, NAMES))
    return found


@pytest.fixture(params=["edgedipn", "edgedipn_v0"])
def converted(request: pytest.FixtureRequest, published: Published, recurrent: Converted) -> Converted:
    return Converted(published.model, published.bundle) if request.param == "edgedipn" else recurrent


def test_only_built_in_operators_are_used(converted: Converted) -> None:
    for recipe in PLAIN_RECIPES:
        assert converted.content(recipe.name).foreign_operators == ()


def test_the_inference_graph_has_one_exponential_a_pair_and_one_lookup_a_table(published: Published) -> None:
    model = tflite.ModelT.InitFromPackedBuf((published.bundle / "edgedipn_float32.tflite").read_bytes(), 0)
    codes = [code.builtinCode for code in model.operatorCodes]
    (predict,) = (each for each in model.signatureDefs if each.signatureKey == NAMES[0].encode())
    graph = model.subgraphs[predict.subgraphIndex]
    used = collections.Counter(codes[operator.opcodeIndex] for operator in graph.operators)
    assert used[tflite.BuiltinOperator.EXP] == 3
    # Five tables, the candidates' leaf category, and the reciprocal of the steps of each pair.
    assert used[tflite.BuiltinOperator.GATHER] == 5 + 1 + 3


def test_tensors_have_fixed_names_types_and_a_batch_of_one(converted: Converted) -> None:
    # keras-team/keras#20835, #19771: names of dict inputs and outputs are lost; float32 ids: model.export's default.
    inputs, outputs = FileRunner(converted.path("dynamic_int8"), "predict_8").tensors()
    assert inputs == [
        {"name": "browse", "dtype": "int32", "shape": [1, 8, 5]},
        {"name": "candidates", "dtype": "int32", "shape": [1, 3, 2]},
        {"name": "history", "dtype": "int32", "shape": [1, 2]},
        {"name": "profile", "dtype": "int32", "shape": [1, 1]},
        {"name": "swipe", "dtype": "int32", "shape": [1, 8, 3]},
        {"name": "tap", "dtype": "int32", "shape": [1, 8, 2]},
    ]
    assert outputs == [
        {"name": "realtime_leaf_category", "dtype": "float32", "shape": [1, 3]},
        {"name": "realtime_purchase", "dtype": "float32", "shape": [1, 1]},
    ]


@pytest.mark.parametrize("recipe", [recipe.name for recipe in PLAIN_RECIPES])
def test_files_give_the_probabilities_of_keras(converted: Converted, recipe: str) -> None:
    inputs = example_inputs(SCHEMA, MAX_LENGTH, 40, seed=1)
    expected = probabilities(converted.model, {name: tf.constant(values) for name, values in inputs.items()})
    run = FileRunner(converted.path(recipe), "predict_8")
    rows = [run({name: values[i : i + 1] for name, values in inputs.items()}) for i in range(40)]
    for intent, values in expected.items():
        assert 0.05 < values.numpy().std()  # the samples differ, so equal means something
        found = np.concatenate([row[intent] for row in rows])
        assert np.abs(found - values.numpy()).mean() < MEAN_ERRORS[recipe]


# tensorflow/tensorflow#52122, #31661, #29590, #50695, #40185: graphs of open length fail; here a length is a graph.
def test_every_length_gives_the_same_on_samples_that_fit(converted: Converted) -> None:
    short, longest = LENGTHS
    inputs = example_inputs(SCHEMA, short, 20, seed=2)
    padded = {
        name: np.pad(v, ((0, 0), (longest - short, 0), (0, 0))) if v.ndim == 3 and name != "candidates" else v
        for name, v in inputs.items()
    }
    for recipe in PLAIN_RECIPES:
        of_short, of_longest = (FileRunner(converted.path(recipe.name), name) for name in NAMES)
        rows = [
            [run({n: v[i : i + 1] for n, v in each.items()}) for i in range(20)]
            for run, each in ((of_short, inputs), (of_longest, padded))
        ]
        for first, second in zip(*rows, strict=True):
            for intent, values in first.items():
                # Of dynamic int8 a sum in another order may round to the next step.
                np.testing.assert_allclose(values, second[intent], atol=1e-2 if recipe is DYNAMIC_INT8 else 1e-6)


def test_signatures_of_a_file_share_its_weights(converted: Converted) -> None:
    for recipe in PLAIN_RECIPES:
        content = converted.content(recipe.name)
        assert content.num_elements("float32", "float16", "int8") < 1.2 * converted.model.count_params()
        assert content.minimum_runtime is not None


# alibaba/MNN#2345: an int8 tool that skips embeddings, most of the parameters.
def test_int8_reaches_tables_and_dense_kernels(converted: Converted) -> None:
    weights = converted.content("dynamic_int8").weights
    int8_shapes = {w.shape for w in weights if w.dtype == "int8"}
    if converted.model.name == "edgedipn":
        num_rows = sum(feature.table_size for feature in SCHEMA.view("browse").features)
        assert (num_rows, 10) in int8_shapes  # the tables of a view are one table of the inference graph
    else:
        assert (302, 10) in int8_shapes  # leaf category: 300 bins, padding, not applicable
        assert (104, 10) in int8_shapes  # top category
    assert any(shape[0] == 16 and len(shape) == 2 for shape in int8_shapes)  # a Dense kernel, output first
    large_floats = [
        w for w in weights if w.dtype == "float32" and w.num_elements >= 1024 and "TensorArray" not in w.name
    ]
    assert large_floats == []
    assert {w.dtype for w in converted.content("float32").weights} <= {"float32", "int32", "bool"}


def test_files_hold_the_weights(converted: Converted) -> None:
    for recipe in PLAIN_RECIPES:
        check_content(converted.content(recipe.name), recipe, converted.model.count_params())


def test_half_floats_hold_the_large_weights(converted: Converted) -> None:
    content = converted.content("float16")
    assert content.num_elements("float16") > 0.9 * converted.model.count_params()
    assert content.num_elements("int8") == 0


# Int8 products of two activations are what makes a calibrated file slow and wrong.
def test_a_calibrated_file_keeps_products_of_activations_float(published: Published) -> None:
    model = tflite.ModelT.InitFromPackedBuf((published.bundle / "edgedipn_static_int8_8.tflite").read_bytes(), 0)
    graph, operator = model.subgraphs[0], tflite.BuiltinOperator
    types: dict[int, set[int]] = {}
    codes = [code.builtinCode for code in model.operatorCodes]
    for used in graph.operators:
        types.setdefault(codes[used.opcodeIndex], set()).update(graph.tensors[output].type for output in used.outputs)
    floating = (operator.BATCH_MATMUL, operator.SOFTMAX, operator.EXP, operator.DIV, operator.MUL, operator.LOGISTIC)
    assert {code: types[code] for code in floating} == {code: {tflite.TensorType.FLOAT32} for code in floating}
    assert types[operator.TANH] == {tflite.TensorType.INT8}
    products = [each for each in graph.operators if codes[each.opcodeIndex] == operator.FULLY_CONNECTED]
    outputs = [graph.tensors[each.outputs[0]] for each in products]
    for layer, dtype in ((b"hidden_1_", "INT8"), (b"hidden_2_", "INT8"), (b"logit_", "FLOAT32")):
        assert {each.type for each in outputs if each.name.startswith(layer)} == {getattr(tflite.TensorType, dtype)}
    assert tflite.TensorType.INT8 in types[operator.FULLY_CONNECTED]
    foreign = read_content((published.bundle / "edgedipn_static_int8_8.tflite").read_bytes()).foreign_operators
    assert foreign == ()


def test_dipn_keeps_the_inputs_it_ignores_and_its_own_intents(tmp_path: pathlib.Path) -> None:
    dipn = Converted(tiny_model("dipn_edge", SCHEMA), tmp_path)
    shapes = export_saved_model(dipn.model, signatures_of(dipn.model), tmp_path / "saved_model")
    assert shapes == {SignatureKey(PREDICT, length): {"realtime_purchase": (1, 1)} for length in LENGTHS}
    inputs = example_inputs(SCHEMA, MAX_LENGTH, 20, seed=1)
    expected = probabilities(dipn.model, {name: tf.constant(values) for name, values in inputs.items()})
    assert 0.05 < expected["realtime_purchase"].numpy().std()
    for name in ("float32", "dynamic_int8"):  # the recipes of every model; others need the inference graph
        recipe = RECIPES[name]
        dipn.path(name).write_bytes(convert(tmp_path / "saved_model", recipe, NAMES))
        check_content(dipn.content(name), recipe, dipn.model.count_params())  # built-in operators and all weights
        run = FileRunner(dipn.path(name), "predict_8")
        run.check_tensors(input_signature(SCHEMA, MAX_LENGTH, 1), shapes[SignatureKey(PREDICT, MAX_LENGTH)])
        rows = [run({n: v[i : i + 1] for n, v in inputs.items()})["realtime_purchase"] for i in range(20)]
        assert np.abs(np.concatenate(rows) - expected["realtime_purchase"]).mean() < MEAN_ERRORS[name]


def test_only_variables_are_saved(recurrent: Converted) -> None:
    # A tf.Module that holds the Keras model is traced again by Keras, with float32 ids.
    loaded = tf.saved_model.load(str(recurrent.folder / "saved_model"))
    assert list(loaded.signatures) == NAMES
    assert set(vars(loaded)) & {"model", "layers"} == set()
    assert len(loaded.model_variables) >= 10


def test_a_file_with_other_tensors_is_refused(recurrent: Converted) -> None:
    run = FileRunner(recurrent.path("float32"), "predict_8")
    run.check_tensors(input_signature(SCHEMA, MAX_LENGTH, 1), OUTPUT_SHAPES)
    with pytest.raises(InputError, match="edgedipn_v0_float32.tflite: predict_8 has the tensors"):
        run.check_tensors(input_signature(SCHEMA, MAX_LENGTH + 1, 1), OUTPUT_SHAPES)


def test_broken_bytes_are_no_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"not a model")
    with pytest.raises(InputError, match="m.tflite cannot be loaded"):
        FileRunner(tmp_path / "m.tflite", "predict_8")


LARGE = Weight("table", "float32", (100, 20))


@pytest.mark.parametrize(
    ("content", "recipe", "message"),
    [
        (TfliteContent((Operator("ADD", 1),), ("FlexQr",), (LARGE,)), FLOAT32, r"not built in \(FlexQr\)"),
        (
            TfliteContent((Operator("ADD", 1),), (), (Weight("b", "float32", (20,)),)),
            FLOAT32,
            "without weights .20 constant values",
        ),
        (
            TfliteContent((Operator("READ_VARIABLE", 1),), (), (LARGE,)),
            FLOAT32,
            "without weights .* read by READ_VARIABLE",
        ),
        (TfliteContent((Operator("ADD", 1),), (), (LARGE,)), DYNAMIC_INT8, "stayed float32 .largest: table"),
    ],
)
def test_a_file_that_a_phone_cannot_use_is_refused(content: TfliteContent, recipe: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_content(content, recipe, num_parameters=2000)


def test_a_full_disk_is_an_os_error(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **named: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "variables.data; No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(OSError, match="No space left on device"):
        model = tiny_model("edgedipn_v1", SCHEMA)
        export_saved_model(model, signatures_of(model), tmp_path)
