"""Benchmark: the metrics of one intent with their bootstrap intervals, CPU-seconds by number of rows."""

import sys
import time

import numpy as np
from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.metrics import intent_metrics

DESCRIPTION = """
Measures on this host what all metrics of one intent and their intervals over users take, on random rows.

  python -m benchmarks.metrics --rows=100000,1000000
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_list("rows", ["100000", "1000000"], "Numbers of rows, 100 to a user.", flag_values=values)
    flags.DEFINE_integer("draws", 200, "Bootstrap draws.", 0, flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Measures."""
    print(f"{'rows':>12}{'CPU seconds':>14}")
    for num_rows in map(int, values.rows):
        rng = np.random.default_rng(1)
        labels = (rng.random(num_rows) < 0.05).astype(np.int64)
        logits = (rng.normal(size=num_rows) + labels).astype(np.float32)
        users = rng.integers(0, num_rows // 100, num_rows)
        begin = time.process_time()
        intent_metrics(logits, labels, users, values.draws)
        print(f"{num_rows:>12,}{time.process_time() - begin:>14.1f}", flush=True)


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
