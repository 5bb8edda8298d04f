"""Benchmark: what `predict_raw` takes and weighs on top of `predict`: the discretization in the graph.

Both signatures are of one file of the whole model with fresh weights, run in turns on the same random sample; what
Python takes to hand the tensors over is in the time. A file with `predict` alone tells the bytes.
"""

import functools
import pathlib
import sys
import tempfile
from collections.abc import Callable, Sequence

from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.conversion.recipes import RECIPES, find_recipes
from edgedipn_tf.quiet_start import import_tensorflow
from edgedipn_tf.schema import Schema, edgedipn_schema

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
    flags.DEFINE_integer("runs", 300, "Timed runs of each signature.", lower_bound=50, flag_values=values)


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Converts and measures."""
    recipes = find_recipes(values.recipes)
    import_tensorflow()
    from benchmarks.latency_turns import LatencyTurns
    from benchmarks.model_files import drawn_model
    from edgedipn_tf.conversion import converter, export
    from edgedipn_tf.conversion.inference_graph import InferenceGraph
    from edgedipn_tf.conversion.raw_signature import raw_signature

    schema = edgedipn_schema(values.timezone, "benchmark")
    graph = InferenceGraph(drawn_model("edgedipn", schema))
    columns = f"{'predict ms':>11}{'predict_raw ms':>15}{'more kB':>9}"
    print(f"{'length':>6}  {'recipe':14}{columns}  of predict", flush=True)
    for length in map(int, values.lengths):
        signatures = [*export.predict_signatures(graph, schema, [length]), raw_signature(graph, schema, length)]
        names = [signature.key.name for signature in signatures]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            export.export_saved_model(graph, signatures, path)
            for recipe in recipes:
                alone, both = (converter.convert(path, recipe, chosen) for chosen in (names[:1], names))
                turns = LatencyTurns(_calls(both, schema, length, names), values.runs)
                predict, raw = (turns.median_ms(name) for name in names)
                figures = f"{predict:>11.3f}{raw:>15.3f}{(len(both) - len(alone)) / 1e3:>9.1f}"
                print(f"{length:>6}  {recipe.name:14}{figures}  {turns.ratio(names[1], names[0])}", flush=True)


def _calls(content: bytes, schema: Schema, length: int, names: Sequence[str]) -> dict[str, Callable[[], object]]:
    """Returns what runs `predict` and `predict_raw` on one sample with all steps real, one thread, by name."""
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
    interpreter = Interpreter(model_content=content, num_threads=1)
    return {
        name: functools.partial(interpreter.get_signature_runner(name), **tensors)
        for name, tensors in zip(names, inputs, strict=True)
    }


if __name__ == "__main__":
    sys.exit(commands.run(DESCRIPTION, define_flags, main))
