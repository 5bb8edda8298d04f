"""Benchmark: the inference graph in each recipe against the plain float32 graph, the training form exported as it is.

All files of a length run in turns, so that what else the machine does falls on all, and with them files of single
matrix products: their best rate is what the host can do, and the share of it that a file reaches is told.
"""

import pathlib
import sys
import tempfile

from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.conversion.recipes import FLOAT32, RECIPES, find_recipes
from edgedipn_tf.quiet_start import import_tensorflow
from edgedipn_tf.schema import edgedipn_schema

PLAIN = "plain float32"
DESCRIPTION = """
Measures on this host, one thread, what files of the inference graph take of the time of the plain float32 graph.

  python -m benchmarks.inference_graph --lengths=256 --recipes=float32,dynamic_int8,static_int8

A conversion of the full model takes about half a minute, and there is one more for each length than recipes.
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_list("lengths", ["256"], "Lengths of the views.", flag_values=values)
    flags.DEFINE_list("recipes", list(RECIPES), f"Some of {', '.join(RECIPES)}.", flag_values=values)
    flags.DEFINE_integer("runs", 1000, "Timed runs of each file.", lower_bound=50, flag_values=values)


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Converts and measures."""
    recipes = find_recipes(values.recipes)
    import_tensorflow()
    from benchmarks.latency_turns import LatencyTurns
    from benchmarks.matrix_products import num_operations, product_files
    from benchmarks.model_files import calls, make_files

    schema = edgedipn_schema("UTC", "benchmark")
    print(f"{'length':>6}  {'file':18}{'MB':>7}{'p50 ms':>9}{'limit':>8}  of the plain float32 graph", flush=True)
    for length in map(int, values.lengths):
        with tempfile.TemporaryDirectory() as plain, tempfile.TemporaryDirectory() as inference:
            files = make_files(pathlib.Path(plain), "edgedipn", schema, length, (FLOAT32,), is_plain=True)
            files = {PLAIN: files[FLOAT32.name]}
            files |= make_files(pathlib.Path(inference), "edgedipn", schema, length, recipes, is_plain=False)
        products = product_files(length)
        turns = LatencyTurns(calls({**files, **products}), values.runs)
        rates = {name: num_operations(file) / turns.median_ms(name) for name, file in {**files, **products}.items()}
        best = max(rates[name] for name in products)
        for name, content in files.items():
            figures = f"{len(content) / 1e6:>7.3f}{turns.median_ms(name):>9.3f}{rates[name] / best:>8.0%}"
            print(f"{length:>6}  {name:18}{figures}  {turns.ratio(name, PLAIN)}", flush=True)
        told = ", ".join(f"{name}: {rates[name] / 1e6:.0f}" for name in products)
        print(f"{length:>6}  billion operations a second of single products: {told}", flush=True)


if __name__ == "__main__":
    sys.exit(commands.run(DESCRIPTION, define_flags, main))
