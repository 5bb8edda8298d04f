"""Benchmark: the inference graph against the plain graph, which is the training form exported as it is.

Both are made of the same weights by the same recipe, and run interleaved on the same full-length random samples, so
that what else the machine does falls on both. Weights are fresh: they change numbers, not times.
"""

import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np
from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.recipes import RECIPES, find_recipes
from edgedipn_tf.quiet_start import import_tensorflow
from edgedipn_tf.schema import Schema, edgedipn_schema

DESCRIPTION = """
Measures on this host, one thread, what the inference graph takes of the time of the plain graph.

  python -m benchmarks.inference_graph --lengths=64,128,256 --recipes=float32,dynamic_int8

A conversion of the full model takes about half a minute, and there are two for each length and recipe.
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_list("lengths", ["64", "128", "256"], "Lengths of the views.", flag_values=values)
    flags.DEFINE_list("recipes", ["float32", "dynamic_int8"], f"Some of {', '.join(RECIPES)}.", flag_values=values)
    flags.DEFINE_integer("runs", 500, "Timed runs of each file.", lower_bound=10, flag_values=values)


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Converts and measures."""
    recipes = find_recipes(values.recipes)
    if any(recipe.is_calibrated for recipe in recipes):
        raise InputError("--recipes: a calibrated file has no plain form; python -m android_bench measures it")
    import_tensorflow()
    from edgedipn_tf.conversion import converter, export
    from edgedipn_tf.conversion.inference_graph import InferenceGraph
    from edgedipn_tf.models.variants import build_model

    schema = edgedipn_schema("UTC", "benchmark")
    model = build_model("edgedipn", schema)
    forms = {"plain": model, "inference": InferenceGraph(model)}
    print(f"{'length':>6}  {'recipe':14}{'plain ms':>10}{'inference ms':>14}{'ratio':>8}", flush=True)
    for length in map(int, values.lengths):
        with tempfile.TemporaryDirectory() as folder:
            for name, form in forms.items():
                signatures = export.predict_signatures(form, schema, [length])
                export.export_saved_model(form, signatures, pathlib.Path(folder) / name)
            for recipe in recipes:
                files = {
                    name: converter.convert(pathlib.Path(folder) / name, recipe, [f"predict_{length}"])
                    for name in forms
                }
                p50 = _medians(files, schema, length, values.runs)
                ratio = p50["inference"] / p50["plain"]
                print(
                    f"{length:>6}  {recipe.name:14}{p50['plain']:>10.3f}{p50['inference']:>14.3f}{ratio:>8.3f}",
                    flush=True,
                )


def _medians(files: dict[str, bytes], schema: Schema, length: int, num_runs: int) -> dict[str, float]:
    """Returns the median latency in ms of each file, measured in turns."""
    from ai_edge_litert.interpreter import Interpreter

    interpreters = {name: Interpreter(model_content=content, num_threads=1) for name, content in files.items()}
    for interpreter in interpreters.values():
        interpreter.allocate_tensors()
        rng = np.random.default_rng(1)
        for tensor in interpreter.get_input_details():
            # Ids from 1 to 3 are in every table: all steps are real, the dearest case.
            interpreter.set_tensor(tensor["index"], rng.integers(1, 4, tensor["shape"], dtype=np.int32))
    samples: dict[str, list[float]] = {name: [] for name in files}
    for run in range(num_runs + num_runs // 10):
        for name, interpreter in interpreters.items():
            start = time.perf_counter()
            interpreter.invoke()
            if run >= num_runs // 10:  # the first runs warm up
                samples[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in samples.items()}


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
