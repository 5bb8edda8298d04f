"""TFLite files of models with fresh weights, and their latencies in turns: what benchmarks of the converter share.

Weights are drawn, biases too, as equal ones would be stored once: they change numbers, not times nor sizes. Inputs are
full-length random samples, the dearest case.
"""

import pathlib
import statistics
import time
from collections.abc import Mapping

import numpy as np

from edgedipn_tf.conversion import converter, export
from edgedipn_tf.conversion.inference_graph import InferenceGraph, why_not
from edgedipn_tf.conversion.recipes import Recipe
from edgedipn_tf.models.inputs import input_signature
from edgedipn_tf.models.variants import build_model
from edgedipn_tf.schema import Schema

NUM_BLOCKS = 5
_NUM_CALIBRATION_SAMPLES = 16


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
    model = build_model(model_name, schema)
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign_add(0.01 * rng.standard_normal(variable.shape))
    form = model if is_plain or why_not(model) is not None else InferenceGraph(model)
    signatures = export.predict_signatures(form, schema, [length])
    export.export_saved_model(form, signatures, folder / "model")
    calibration = folder / "calibration.npz"
    signature = input_signature(schema, length, _NUM_CALIBRATION_SAMPLES)
    np.savez(calibration, **{name: _ids(spec.shape) for name, spec in signature.items()})  # type: ignore[arg-type]
    names = [signature.key.name for signature in signatures]
    return {
        recipe.name: converter.convert(folder / "model", recipe, names, calibration=calibration) for recipe in recipes
    }


def _ids(shape: tuple[int, ...]) -> np.ndarray:
    """Returns ids from 1 to 3, which are in every table: all steps are real."""
    return np.random.default_rng(1).integers(1, 4, shape, dtype=np.int32)


class LatencyTurns:
    """Latencies in ms of several files, each run once a turn, so that what else the machine does falls on all.

    One thread runs them, and its CPU time is taken: its latency when it need not wait for others.

    Args:
        files: content by name.
        num_runs: turns; a tenth more warm up. They are told apart in blocks, which show how steady a figure is.
    """

    def __init__(self, files: Mapping[str, bytes], num_runs: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        interpreters = {name: Interpreter(model_content=content, num_threads=1) for name, content in files.items()}
        for interpreter in interpreters.values():
            interpreter.allocate_tensors()
            for tensor in interpreter.get_input_details():
                interpreter.set_tensor(tensor["index"], _ids(tensor["shape"]).astype(tensor["dtype"]))
        self.samples_ms: dict[str, list[float]] = {name: [] for name in files}
        for run in range(num_runs + num_runs // 10):
            for name, interpreter in interpreters.items():
                start_ns = time.thread_time_ns()
                interpreter.invoke()
                if run >= num_runs // 10:
                    self.samples_ms[name].append((time.thread_time_ns() - start_ns) / 1e6)

    def median_ms(self, name: str) -> float:
        """Returns the median of a file."""
        return statistics.median(self.samples_ms[name])

    def ratio(self, name: str, base: str) -> str:
        """Returns the ratio of two files' medians and its range over the blocks, as text."""
        blocks = []
        for block in range(NUM_BLOCKS):
            size = len(self.samples_ms[name]) // NUM_BLOCKS
            here = slice(block * size, (block + 1) * size)
            part, of_base = (self.samples_ms[each][here] for each in (name, base))
            blocks.append(statistics.median(part) / statistics.median(of_base))
        return f"{self.median_ms(name) / self.median_ms(base):.3f} ({min(blocks):.3f} to {max(blocks):.3f})"
