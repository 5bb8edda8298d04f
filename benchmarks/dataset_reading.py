"""Benchmark: what a sample takes on the disk, and how many samples a CPU-second reads and batches.

CPU time of the whole process, all threads: on a busy machine elapsed time says nothing. What is paid once (tracing the
functions, making the iterator, decoding the first records) is printed beside the rate, not in it.
"""

import sys
import time
from typing import Any

from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.quiet_start import import_tensorflow

DESCRIPTION = """
Measures a dataset: bytes a sample, and samples read and batched a CPU-second.

  python -m benchmarks.reference_log --output=logs/reference --num_users=20
  python -m beam_pipelines.discretize_events --logs=logs/reference --output=reference --evaluation_date=2021-03-14
  python -m benchmarks.dataset_reading --data=reference

Sizes and rates do not depend much on the number of users.
"""
SPLIT = "train"
SEED = 1


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_string("data", None, "Dataset folder.", required=True, flag_values=values)
    flags.DEFINE_integer("max_length", 0, "Actions of a view; 0: as the schema holds.", 0, flag_values=values)
    flags.DEFINE_integer("batch_size", 256, "Samples of a batch.", 1, flag_values=values)
    flags.DEFINE_integer("passes", 10, "How often the training split is read.", 1, flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Measures and prints."""
    import_tensorflow()
    from edgedipn_tf.dataset import open_dataset  # loads TensorFlow

    dataset = open_dataset(values.data)
    max_length = values.max_length or dataset.schema.max_length
    splits = dataset.description["splits"].values()
    num_bytes = sum((dataset.path / name).stat().st_size for split in splits for name in split["files"])
    num_samples = sum(split["num_samples"] for split in splits)
    print(f"{num_samples:,} samples, {num_bytes / num_samples:.0f} bytes a sample, uncompressed", flush=True)
    in_order = dataset.evaluation_batches(SPLIT, max_length, values.batch_size).repeat(values.passes)
    shuffled = dataset.training_batches(max_length, values.batch_size, SEED, 0, values.passes)
    alike = dataset.training_batches(max_length, values.batch_size, SEED, 0, values.passes, are_alike=True)
    for name, batches in (("in order, int32", in_order), ("shuffled", shuffled), ("of like lengths", alike)):
        start_seconds, rate = _measure(batches)
        print(f"{name}: {rate:,.0f} samples a CPU-second; {start_seconds:.1f} CPU-seconds to start", flush=True)


def _measure(batches: Any) -> tuple[float, float]:
    """Returns CPU-seconds until the first batch, and the samples of the others for each further one.

    Batches are taken by a function of TensorFlow, as by `model.fit`: Python gets none of them.
    """
    import tensorflow as tf

    @tf.function
    def count(iterator: Any) -> tf.Tensor:
        num_samples = 0
        for inputs, _, _ in iterator:
            num_samples += tf.shape(inputs["history"])[0]
        return num_samples

    begin = time.process_time()
    iterator = iter(batches)
    count_rest = count.get_concrete_function(iterator)
    next(iterator)
    started = time.process_time()
    num_samples = int(count_rest(iterator))
    return started - begin, num_samples / (time.process_time() - started)


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
