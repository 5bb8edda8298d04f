"""TFLite files of models with fresh weights, and what runs them: what benchmarks of the converter share.

Weights are drawn, biases too, as equal ones would be stored once: they change numbers, not times nor sizes. Inputs are
full-length random samples, the dearest case.
"""

import pathlib
import tempfile
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from edgedipn_tf.conversion import converter, export
from edgedipn_tf.conversion.inference_graph import InferenceGraph, why_not
from edgedipn_tf.conversion.recipes import Recipe
from edgedipn_tf.conversion.signatures import PREDICT, SignatureKey
from edgedipn_tf.models.inputs import input_signature
from edgedipn_tf.models.variants import build_model
from edgedipn_tf.schema import Schema

_NUM_CALIBRATION_SAMPLES = 16


def drawn_model(model_name: str, schema: Schema) -> keras.Model:
    """Returns a variant with drawn weights."""
    model = build_model(model_name, schema)
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign_add(0.01 * rng.standard_normal(variable.shape))
    return model


def make_files(
    folder: pathlib.Path, model_name: str, schema: Schema, length: int, recipes: tuple[Recipe, ...], is_plain: bool
) -> dict[str, bytes]:
    """Returns a file for each recipe, by its name.

    Args:
        folder: an empty folder for what is made on the way.
        model_name: a variant.
        schema: what the inputs hold.
        length: steps of a view.
        recipes: how to convert.
        is_plain: whether the training form is exported as it is, though the model has an inference graph.
    """
    model = drawn_model(model_name, schema)
    names = [SignatureKey(PREDICT, length).name]
    for in_integers in {recipe.is_integer for recipe in recipes}:
        form = model if is_plain or why_not(model) is not None else InferenceGraph(model, in_integers)
        signatures = export.predict_signatures(form, schema, [length])
        export.export_saved_model(form, signatures, folder / str(in_integers))
    calibration = folder / "calibration.npz"
    signature = input_signature(schema, length, _NUM_CALIBRATION_SAMPLES)
    np.savez(calibration, **{name: _ids(spec.shape) for name, spec in signature.items()})  # type: ignore[arg-type]
    return {
        recipe.name: converter.convert(folder / str(recipe.is_integer), recipe, names, calibration=calibration)
        for recipe in recipes
    }


def make_ladder(schema: Schema, lengths: Sequence[int], recipe: Recipe) -> bytes:
    """Returns one file of EdgeDIPN's inference graph with `predict` for each length."""
    graph = InferenceGraph(drawn_model("edgedipn", schema))
    signatures = export.predict_signatures(graph, schema, lengths)
    with tempfile.TemporaryDirectory() as folder:
        export.export_saved_model(graph, signatures, pathlib.Path(folder))
        return converter.convert(pathlib.Path(folder), recipe, [signature.key.name for signature in signatures])


def calls(files: Mapping[str, bytes]) -> dict[str, Callable[[], object]]:
    """Returns what runs each file on one sample, one thread, by the file's name."""
    from ai_edge_litert.interpreter import Interpreter

    found: dict[str, Callable[[], object]] = {}
    for name, content in files.items():
        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
        for tensor in interpreter.get_input_details():
            interpreter.set_tensor(tensor["index"], _ids(tensor["shape"]).astype(tensor["dtype"]))
        found[name] = interpreter.invoke
    return found


def _ids(shape: tuple[int, ...]) -> np.ndarray:
    """Returns ids from 1 to 3, which are in every table: all steps are real."""
    return np.random.default_rng(1).integers(1, 4, shape, dtype=np.int32)
