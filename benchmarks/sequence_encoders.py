"""Benchmark: Table 3 of EdgeDIPN on this host: each sequence encoder inside the complete model, at each length.

The files of a length run in turns. Those with attention are the inference graph, as they are shipped; a recurrent
encoder has the plain graph only.
"""

import pathlib
import sys
import tempfile
from collections.abc import Iterator

from absl import flags

from android_bench import paper
from edgedipn_tf import commands
from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.provenance import source_commit
from edgedipn_tf.conversion.recipes import RECIPES, find_recipes
from edgedipn_tf.experiments import file_costs, run_files
from edgedipn_tf.experiments.file_costs import FileCost
from edgedipn_tf.quiet_start import import_tensorflow
from edgedipn_tf.schema import edgedipn_schema

REFERENCE = "edgedipn"
MODELS = (REFERENCE, "edgedipn_with_gru", "edgedipn_with_fastgrnn", "edgedipn_with_fastgrnnlr")
DESCRIPTION = """
Measures on this host, one thread, size, memory and latency of the complete model with each sequence encoder, beside the
paper's figures of a phone.

  python -m benchmarks.sequence_encoders --lengths=256
  python -m benchmarks.sequence_encoders --models=edgedipn --lengths=64,128,256,512

A conversion takes half a minute to a minute, and there is one for each model and length. With --output the figures are
kept for the report of `edgedipn_tf.experiments --suite=edgedipn_length`, those of other lengths with them:

  python -m benchmarks.sequence_encoders --lengths=64 --output=reports/edgedipn_length/files.json
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_list("lengths", ["64", "128", "256", "512"], "Lengths of the views.", flag_values=values)
    flags.DEFINE_list("models", list(MODELS), "Variants.", flag_values=values)
    flags.DEFINE_enum("recipe", "dynamic_int8", list(RECIPES), "How to convert.", flag_values=values)
    flags.DEFINE_string("output", None, "JSON file to add the figures to.", flag_values=values)
    flags.DEFINE_integer("runs", 300, "Timed runs of each file.", lower_bound=50, flag_values=values)


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Converts and measures.

    Raises:
        InputError: when the first model is not that of the multiples, or the output is another file.
    """
    if values.models[:1] != [REFERENCE]:
        raise InputError(
            f"--models={','.join(values.models)}: begin with {REFERENCE}, which the others are compared with"
        )
    find_recipes([values.recipe])
    import_tensorflow()
    columns = f"{'MB':>7}{'weights':>9}{'arena':>8}{'p50 ms':>9}{'paper MB':>10}{'paper ms':>10}"
    print(f"{'length':>6}  {'model':26}{columns}  of {REFERENCE}, {values.recipe}", flush=True)
    for length in map(int, values.lengths):
        costs = []
        for cost, ratio in _measure(values.models, length, values.recipe, values.runs):
            print(_line(cost, ratio), flush=True)
            costs.append(cost)
        if values.output is not None:
            file_costs.write(pathlib.Path(values.output), costs)


def _measure(models: list[str], length: int, recipe: str, num_runs: int) -> Iterator[tuple[FileCost, str]]:
    """Yields what the files of a length cost, and latencies as multiples with their range."""
    from benchmarks.file_memory import arena_bytes, weight_bytes
    from benchmarks.latency_turns import LatencyTurns
    from benchmarks.model_files import calls, make_files

    schema, files = edgedipn_schema("UTC", "benchmark"), {}
    for name in models:
        with tempfile.TemporaryDirectory() as folder:
            made = make_files(pathlib.Path(folder), name, schema, length, find_recipes([recipe]), False)
        files[name] = made[recipe]
    turns = LatencyTurns(calls(files), num_runs)
    for name, content in files.items():
        cost = FileCost(
            model=name,
            length=length,
            recipe=recipe,
            size_bytes=len(content),
            weight_bytes=weight_bytes(content),
            arena_bytes=arena_bytes(content),
            p50_ms=round(turns.median_ms(name), 4),
            times_attention=round(turns.median_ms(name) / turns.median_ms(REFERENCE), 3),
            paper_mb=paper.sizes_mb(name).get(length),
            paper_ms=paper.times_ms(name).get(length),
            commit=source_commit(),
            host=run_files.surroundings()["host"],
        )
        yield cost, turns.ratio(name, REFERENCE)


def _line(cost: FileCost, ratio: str) -> str:
    sizes = (cost.size_bytes, cost.weight_bytes, cost.arena_bytes)
    figures = "".join(f"{size / 1e6:>{width}.3f}" for size, width in zip(sizes, (7, 9, 8), strict=True))
    of_paper = "".join(f"{'-' if value is None else value:>10}" for value in (cost.paper_mb, cost.paper_ms))
    return f"{cost.length:>6}  {cost.model:26}{figures}{cost.p50_ms:>9.3f}{of_paper}  {ratio}"


if __name__ == "__main__":
    sys.exit(commands.run(DESCRIPTION, define_flags, main))
