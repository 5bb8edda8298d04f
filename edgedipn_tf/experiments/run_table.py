"""Command: all finished runs of one seed as one table in Markdown."""

import pathlib
import sys
from collections.abc import Mapping
from typing import Any

from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.commands import InputError
from edgedipn_tf.experiments import estimates, run_files
from edgedipn_tf.experiments.cells import MISSING
from edgedipn_tf.experiments.markdown import grid
from edgedipn_tf.experiments.run_files import RunFiles
from edgedipn_tf.experiments.sentences import METRICS

DESCRIPTION = """
Prints the finished runs of one seed, of all suites on the same data, as a table in Markdown: AUCs with 95 % intervals
by the bootstrap over users, parameters, seconds. Intervals are of each run alone; differences are in the reports.

  python -m edgedipn_tf.experiments.run_table --runs=reports/runs/simulated-1000-full --seed=1
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    flags.DEFINE_string("runs", None, "folder of finished runs: OUTPUT/runs/DATA-SIZE", flag_values=values)
    flags.DEFINE_integer("seed", 1, "of the training", 0, flag_values=values)
    flags.mark_flags_as_required(["runs"], values)  # type: ignore[no-untyped-call]


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Prints the table.

    Raises:
        InputError: when there is no such run, or a file is damaged.
    """
    files = RunFiles(pathlib.Path(values.runs))
    runs = [run for name in files.names() if (run := files.read(name)) is not None and run.get("seed") == values.seed]
    if not runs:
        raise InputError(f"--runs={values.runs} has no finished run of --seed={values.seed}")
    intents = [intent for intent in METRICS if any(intent in run["intents"] for run in runs)]
    headings = ["run", *(METRICS[intent] for intent in intents), "parameters", "wall s", "CPU s"]
    print("\n".join(grid(headings, [_row(run, intents) for run in runs])))
    if any((run["log"] or {}).get("is_simulated") for run in runs):
        print("\nOf SIMULATED logs: nobody ever did what they tell.")


def _row(run: Mapping[str, Any], intents: list[str]) -> list[str]:
    found = run_files.drawn_aucs(run)
    aucs = []
    for intent in intents:
        auc = estimates.line({(run["seed"], run["fold"]): found[intent]}, None, None).auc if intent in found else None
        interval = "" if auc is None or auc.low is None else f" ({auc.low:.4f} to {auc.high:.4f})"
        aucs.append(MISSING if auc is None else f"{auc.mean:.4f}{interval}")
    parameters = MISSING if run["parameters"] is None else f"{run['parameters']:,}"
    return [run["run"], *aucs, parameters, f"{run['wall_s']:.0f}", f"{run['cpu_s']:.0f}"]


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
