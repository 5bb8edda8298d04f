"""Command: a real Flink on this machine for the discretization job, until Ctrl-C.

Example:

    python -m beam_pipelines.runners.local_flink --folder=flink

resolves Flink and Beam's job server with Maven (Java 11 or 17 and mvn on the PATH), starts one job manager and two task
managers, each a process, and prints the options that send a job there, e.g.

    python -m beam_pipelines.discretize_events --logs=logs --output=dataset --evaluation_date=2026-03-14 \\
        --runner=FlinkRunner --flink_master=127.0.0.1:8081 ...

Each slot of a task manager runs one Python worker; both share this machine's files, so the dataset is published as with
any other runner. A task manager that dies is survived: its work is done again.
"""

import pathlib
import signal
import sys
from collections.abc import Sequence

from absl import flags

from beam_pipelines.runners import flink_cluster, flink_packages
from edgedipn_tf import commands


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    integer = flags.DEFINE_integer
    flags.DEFINE_string("folder", "flink", "keeps class paths, configuration and logs", flag_values=values)
    integer("num_task_managers", 2, "processes that work", 1, flag_values=values)
    integer("slots", 1, "tasks at a time of each task manager", 1, flag_values=values)
    integer("port", 8081, "of the job manager's REST service; 0: any that is free", 0, 65535, flag_values=values)


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Runs the cluster until it is interrupted."""
    folder = pathlib.Path(values.folder).absolute()
    packages = flink_packages.resolve(folder)
    cluster = flink_cluster.FlinkCluster(packages, folder, values.num_task_managers, values.slots, values.port)
    print("starting Flink", flush=True)
    with cluster:
        print(f"Flink runs at http://{cluster.url}; its logs are in {folder / 'log'}. Options of a job for it:")
        print("  " + " \\\n  ".join(cluster.beam_flags()), flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("\nstopping Flink", flush=True)


def run(argv: Sequence[str] | None = None) -> int:
    """Runs the command with the given arguments; returns the exit code."""
    return commands.run(__doc__ or "", define_flags, main, argv)


def cli() -> None:
    """Entry point `edgedipn-local-flink`."""
    sys.exit(run())


if __name__ == "__main__":
    cli()
