"""Benchmark: what a training sample costs padded to the full length and in batches of like lengths, and its reading.

Steps are those of `edgedipn_tf.train`: its model, its step, its batches, read while it trains. A padded step takes the
same whatever it holds, so some are timed, spread over those of like lengths, of which all of one pass are.
"""

import dataclasses
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import flags

from edgedipn_tf import commands, config
from edgedipn_tf.quiet_start import import_tensorflow

DESCRIPTION = """
Measures on this host the CPU-seconds that a training sample takes when the views are padded to the full length and in
batches of like lengths, and the share of it that reading takes; prints how long the views of the dataset are.

  python -m benchmarks.length_batches --data=quickstart/taobao/dataset --preset=default

At length 256 it takes minutes.
"""
SEED = 1
PERCENTILES = (10, 25, 50, 75, 90)
_READ_PASSES = 3


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_string("data", None, "Dataset folder.", required=True, flag_values=values)
    flags.DEFINE_enum("preset", "default", list(config.PRESETS), "Preset of edgedipn_tf.train.", flag_values=values)
    flags.DEFINE_integer("padded_steps", 5, "Timed steps at the full length.", 1, flag_values=values)
    flags.DEFINE_integer("max_steps", 1000, "Most timed steps of like lengths.", 1, flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Measures and prints."""
    import_tensorflow()
    from edgedipn_tf.dataset import open_dataset
    from edgedipn_tf.held_out_users import divide

    dataset = divide(open_dataset(values.data), SEED, share=0.0, report=lambda line: None)
    settings = config.resolve(values.preset, {"data": values.data, "seed": SEED, "batch_by_length": True})
    _print_lengths(dataset, settings.max_length)
    kinds = {"padded": dataclasses.replace(settings, batch_by_length=False)}
    if settings.are_batches_alike:
        kinds["alike"] = settings
    num_steps = min(values.max_steps, dataset.num_samples("train") // settings.global_batch_size)
    seconds = _step_seconds(kinds, dataset, num_steps, values.padded_steps)
    reading = {name: _reading_seconds(kind, dataset) for name, kind in kinds.items()}
    per_sample = 1e3 / settings.global_batch_size
    _print_costs(settings, *({name: s * per_sample for name, s in costs.items()} for costs in (seconds, reading)))


def _step_seconds(
    kinds: Mapping[str, config.TrainingConfig], dataset: Any, num_steps: int, num_padded: int
) -> dict[str, float]:
    """Returns the mean CPU-seconds of a step of each kind, reading included."""
    from edgedipn_tf import training

    settings = kinds["padded"]
    network = training.fresh_model(settings, dataset.schema)
    model = training.compiled_model(
        settings, network, training.intent_names(settings, dataset.schema), steps_per_pass=num_steps
    )
    batches = {name: iter(training.training_steps(kind, dataset, num_steps, 0)) for name, kind in kinds.items()}
    model.train_on_batch(*next(batches["padded"]))  # builds all
    for iterator in batches.values():
        model.train_function(iterator)  # traces
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    for step in range(num_steps):
        is_padded_due = step * num_padded // num_steps < (step + 1) * num_padded // num_steps
        for name, iterator in batches.items():
            if name != "padded" or is_padded_due:
                begin = time.process_time()
                model.train_function(iterator)
                seconds[name].append(time.process_time() - begin)
    return {name: statistics.fmean(runs) for name, runs in seconds.items()}


def _reading_seconds(settings: config.TrainingConfig, dataset: Any) -> float:
    """Returns the mean CPU-seconds in which a batch is read, over some passes."""
    from edgedipn_tf import training

    num_batches = dataset.num_samples("train") // settings.global_batch_size
    passes = dataclasses.replace(settings, num_epochs=_READ_PASSES)
    batches = iter(training.training_steps(passes, dataset, num_batches, 0))
    next(batches)
    begin = time.process_time()
    num_read = sum(1 for _ in batches)
    return (time.process_time() - begin) / num_read


def _print_lengths(dataset: Any, max_length: int) -> None:
    from edgedipn_tf.pools import read_pools

    print(f"{dataset.num_samples('train'):,} training samples; actions of a view, at most {max_length}:")
    print(f"{'':8}{'none':>7}{'full':>7}" + "".join(f"{f'p{p}':>6}" for p in PERCENTILES))
    names = [view.name for view in dataset.schema.views]
    lengths: dict[str, list[Any]] = {name: [] for name in names}
    for pool in read_pools(dataset.schema, dataset.splits["train"], max_length, 4096):
        for name in names:
            lengths[name].append(pool[f"{name}_lengths"])
    for name in names:
        of_view = np.concatenate(lengths[name])
        shown = "".join(f"{value:>6.0f}" for value in np.percentile(of_view, PERCENTILES))
        print(f"{name:8}{(of_view == 0).mean():>7.1%}{(of_view == max_length).mean():>7.1%}{shown}", flush=True)


def _print_costs(settings: config.TrainingConfig, steps: Mapping[str, float], reading: Mapping[str, float]) -> None:
    print(f"{settings.model}, batches of {settings.global_batch_size}: CPU-ms a sample, and reading's part of them")
    for name, what in (("padded", f"padded to {settings.max_length}"), ("alike", "batches of like lengths")):
        if name in steps:
            share = reading[name] / steps[name]
            print(f"  {what:<24}{steps[name]:>8.3f}{reading[name]:>8.4f} ({share:.1%})", flush=True)
    if "alike" in steps:
        print(f"like lengths are {steps['padded'] / steps['alike']:.2f} times cheaper")


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
