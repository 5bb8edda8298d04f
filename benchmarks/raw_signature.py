"""Benchmark: what `predict_raw` takes and weighs on top of `predict`: the discretization in the graph.

Both signatures are of one file of the whole model with fresh weights, run in turns on the same random samples; the time
is the CPU time of the process, what Python takes to hand the tensors over included. A file with `predict` alone tells
the bytes.
"""

import pathlib
import statistics
import sys
import tempfile
import time
from typing import Any

from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.conversion.recipes import RECIPES, find_recipes
from edgedipn_tf.quiet_start import import_tensorflow
from edgedipn_tf.schema import edgedipn_schema

DESCRIPTION = """
Measures on this host, one thread, what discretizing in the graph takes beside the model.

  python -m benchmarks.raw_signature --lengths=64,256 --recipes=float32,dynamic_int8

Two conversions of the full model for each length and recipe, about half a minute each.
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_list("lengths", ["64", "256"], "Lengths of the views.", flag_values=values)
    flags.DEFINE_list("recipes", ["dynamic_int8"], f"Some of {', '.join(RECIPES)}, none static.", flag_values=values)
    flags.DEFINE_string("timezone", "America/New_York", "Time zone, whose changes are in the file.", flag_values=values)
    flags.DEFINE_integer("runs", 300, "Timed runs of each signature.", lower_bound=10, flag_values=values)


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Converts and measures."""
    recipes = find_recipes(values.recipes)
    import_tensorflow()
    from edgedipn_tf.conversion import converter, export
    from edgedipn_tf.conversion.inference_graph import InferenceGraph
    from edgedipn_tf.conversion.raw_signature import raw_signature
    from edgedipn_tf.models.variants import build_model

    schema = edgedipn_schema(values.timezone, "benchmark")
    graph = InferenceGraph(build_model("edgedipn", schema))
    print(
        f"{'length':>6}  {'recipe':14}{'predict ms':>11}{'predict_raw ms':>15}{'more ms':>9}{'more kB':>9}", flush=True
    )
    for length in map(int, values.lengths):
        signatures = [*export.predict_signatures(graph, schema, [length]), raw_signature(graph, schema, length)]
        names = [signature.key.name for signature in signatures]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            export.export_saved_model(graph, signatures, path)
            for recipe in recipes:
                alone, both = (converter.convert(path, recipe, chosen) for chosen in (names[:1], names))
                predict, raw = _medians(both, schema, length, names, values.runs)
                print(
                    f"{length:>6}  {recipe.name:14}{predict:>11.3f}{raw:>15.3f}{raw - predict:>9.3f}"
                    f"{(len(both) - len(alone)) / 1e3:>9.1f}",
                    flush=True,
                )


def _medians(content: bytes, schema: Any, length: int, names: list[str], num_runs: int) -> list[float]:
    """Returns the median CPU time in ms of each signature, measured in turns on one sample with all steps real."""
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    from edgedipn_tf.conversion.raw_inputs import model_inputs
    from edgedipn_tf.conversion.raw_signature import example_raw
    from edgedipn_tf.local_time import LocalTime

    raw = example_raw(schema, length, seed=1)
    for view in schema.views:
        raw[f"{view.name}_{view.action.name}"][:] = view.action_id(view.action.names[-1])
    ids = model_inputs(schema, {name: tf.constant(array) for name, array in raw.items()}, LocalTime(schema.timezone))
    inputs = [{name: values.numpy() for name, values in ids.items()}, raw]
    runners = [Interpreter(model_content=content, num_threads=1).get_signature_runner(name) for name in names]
    for runner, tensors in zip(runners, inputs, strict=True):
        runner(**tensors)
    samples: list[list[float]] = [[] for _ in names]
    for _ in range(num_runs):
        for runner, tensors, taken in zip(runners, inputs, samples, strict=True):
            start = time.process_time()
            runner(**tensors)
            taken.append(1e3 * (time.process_time() - start))
    return [statistics.median(values) for values in samples]


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
