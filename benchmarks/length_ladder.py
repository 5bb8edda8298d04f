"""Benchmark: the ladder of lengths against the longest length alone, on samples of a dataset.

A phone runs the shortest signature that holds the longest view of a sample. What that saves depends on how long views
are, so the lengths are those of a dataset's evaluation samples. The signatures of one file run in turns on the newest
steps of the same samples; what Python takes to hand tensors over is in it. Weights are drawn: they change numbers, not
times nor sizes.
"""

import functools
import itertools
import pathlib
import sys
from collections.abc import Callable, Sequence

import numpy as np
from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.conversion.recipes import RECIPES, find_recipes
from edgedipn_tf.conversion.signatures import (
    PREDICT,
    Ids,
    SignatureKey,
    default_lengths,
    newest_steps,
    num_steps,
    parse_lengths,
)
from edgedipn_tf.quiet_start import import_tensorflow

DESCRIPTION = """
Measures on this host, one thread, the mean latency of the ladder by that of the longest length, on a dataset's samples.

  python -m benchmarks.length_ladder --data=quickstart/simulated/dataset

One conversion of the full model for all lengths, about a minute.
"""
_NUM_RUN = 32  # samples that signatures run on


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_string("data", None, "Folder of the dataset.", required=True, flag_values=values)
    flags.DEFINE_list(
        "lengths",
        None,
        "Steps of a view, by default the ladder up to what the dataset stores; what is beyond that is padding.",
        flag_values=values,
    )
    recipes = [name for name, recipe in RECIPES.items() if recipe.shares_weights]
    flags.DEFINE_enum("recipe", "dynamic_int8", recipes, "How to convert.", flag_values=values)
    flags.DEFINE_integer("samples", 2000, "Evaluation samples; 0 is all.", lower_bound=0, flag_values=values)
    flags.DEFINE_integer("runs", 500, "Timed runs of each length.", lower_bound=50, flag_values=values)


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Converts and measures."""
    (recipe,) = find_recipes([values.recipe])
    import_tensorflow()
    from benchmarks.latency_turns import LatencyTurns
    from benchmarks.model_files import make_ladder
    from edgedipn_tf.conversion import scoring
    from edgedipn_tf.dataset import open_dataset

    dataset = open_dataset(pathlib.Path(values.data))
    lengths = parse_lengths(values.lengths) if values.lengths else default_lengths(dataset.schema.max_length)
    num_stored = min(lengths[-1], dataset.schema.max_length)
    batches = dataset.evaluation_batches("eval", num_stored, 128).as_numpy_iterator()
    selected = scoring.spread(dataset.num_samples("eval"), values.samples)
    parts = [inputs for _, (inputs, _, _) in scoring.select(batches, selected)]
    inputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    views = [view.name for view in dataset.schema.views]
    for view in views:
        inputs[view] = np.pad(inputs[view], ((0, 0), (lengths[-1] - num_stored, 0), (0, 0)))

    content = make_ladder(dataset.schema, lengths, recipe)
    print(f"{recipe.name} of {len(lengths)} lengths in one file: {len(content) / 1e6:.3f} MB", flush=True)
    turns = LatencyTurns(_calls(content, inputs, views, lengths), values.runs)
    counts = np.bincount(np.searchsorted(lengths, num_steps(inputs, views)), minlength=len(lengths))
    shares = {str(length): count / len(selected) for length, count in zip(lengths, counts, strict=True)}
    print(f"{'length':>6}{'p50 ms':>9}  of {len(selected):,} samples")
    for length, share in shares.items():
        print(f"{length:>6}{turns.median_ms(length):>9.3f}  {share:.1%}")
    print(f"mean of the ladder by the longest: {turns.ratio_of_means(shares, str(lengths[-1]))}")


def _calls(
    content: bytes, inputs: dict[str, Ids], views: Sequence[str], lengths: Sequence[int]
) -> dict[str, Callable[[], object]]:
    """Returns what runs each length on one sample after another, one thread, by the length."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    calls: dict[str, Callable[[], object]] = {}
    for length in lengths:
        newest = newest_steps(inputs, views, length)
        num_rows = min(_NUM_RUN, len(newest["profile"]))
        rows = [{name: values[row : row + 1] for name, values in newest.items()} for row in range(num_rows)]
        run = interpreter.get_signature_runner(SignatureKey(PREDICT, length).name)
        calls[str(length)] = functools.partial(_run_next, run, itertools.cycle(rows))
    return calls


def _run_next(run: Callable[..., object], samples: "itertools.cycle[dict[str, Ids]]") -> None:
    run(**next(samples))


if __name__ == "__main__":
    sys.exit(commands.run(DESCRIPTION, define_flags, main))
