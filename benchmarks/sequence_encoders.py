"""Benchmark: Table 3 of EdgeDIPN on this host: each sequence encoder inside the complete model, at each length.

The files of a length run in turns. Those with attention are the inference graph, as they are shipped; a recurrent
encoder has the plain graph only.
"""

import pathlib
import sys
import tempfile

from absl import flags

from android_bench import paper
from edgedipn_tf import commands
from edgedipn_tf.conversion.recipes import RECIPES, find_recipes
from edgedipn_tf.quiet_start import import_tensorflow
from edgedipn_tf.schema import edgedipn_schema

MODELS = ("edgedipn", "edgedipn_with_gru", "edgedipn_with_fastgrnn", "edgedipn_with_fastgrnnlr")
DESCRIPTION = """
Measures on this host, one thread, size, memory and latency of the complete model with each sequence encoder, beside the
paper's figures of a phone.

  python -m benchmarks.sequence_encoders --lengths=256
  python -m benchmarks.sequence_encoders --models=edgedipn --lengths=64,128,256,512

A conversion takes half a minute to a minute, and there is one for each model and length.
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_list("lengths", ["64", "128", "256", "512"], "Lengths of the views.", flag_values=values)
    flags.DEFINE_list("models", list(MODELS), "Variants.", flag_values=values)
    flags.DEFINE_enum("recipe", "dynamic_int8", list(RECIPES), "How to convert.", flag_values=values)
    flags.DEFINE_integer("runs", 300, "Timed runs of each file.", lower_bound=50, flag_values=values)


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Converts and measures."""
    recipes = find_recipes([values.recipe])
    import_tensorflow()
    from benchmarks.file_memory import arena_bytes, weight_bytes
    from benchmarks.model_files import LatencyTurns, make_files

    schema = edgedipn_schema("UTC", "benchmark")
    columns = f"{'MB':>7}{'weights':>9}{'arena':>8}{'p50 ms':>9}{'paper MB':>10}{'paper ms':>10}"
    print(f"{'length':>6}  {'model':26}{columns}  of {values.models[0]}, {values.recipe}", flush=True)
    for length in map(int, values.lengths):
        files = {}
        for name in values.models:
            with tempfile.TemporaryDirectory() as folder:
                files |= {name: make_files(pathlib.Path(folder), name, schema, length, recipes, False)[values.recipe]}
        turns = LatencyTurns(files, values.runs)
        for name, content in files.items():
            sizes = [len(content), weight_bytes(content), arena_bytes(content)]
            figures = "".join(f"{size / 1e6:>{width}.3f}" for size, width in zip(sizes, (7, 9, 8), strict=True))
            of_paper = [str(table.get(length, "-")) for table in (paper.sizes_mb(name), paper.times_ms(name))]
            line = f"{figures}{turns.median_ms(name):>9.3f}{of_paper[0]:>10}{of_paper[1]:>10}"
            print(f"{length:>6}  {name:26}{line}  {turns.ratio(name, values.models[0])}", flush=True)


if __name__ == "__main__":
    sys.exit(commands.run(DESCRIPTION, define_flags, main))
