"""Command: the whole way once, from logs to a judged int8 model, each public command printed as it could be typed.

Examples:

    python -m edgedipn_tf.quickstart                        # logs are simulated
    python -m edgedipn_tf.quickstart --logs=taobao:PATH     # the public Taobao log, file or folder
    python -m edgedipn_tf.quickstart --logs=jd:PATH         # also rees46, yoochoose, retailrocket

`python -m beam_pipelines.import_logs --help` says where to get these logs. Their size decides the time: a month of
rees46 has tens of millions of rows, so give a part of it. hmog is not among them: nobody shops in it, so that
no label means anything.

Finished stages are kept: an interrupted run goes on where it was. --fresh starts again.
"""

import dataclasses
import pathlib
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence

from absl import flags

from edgedipn_tf import commands, publishing, quickstart_table
from edgedipn_tf.commands import InputError

MAX_LENGTH = 64
GLOBAL_BATCH_SIZE = 64
"""Small: some ten thousand samples need many steps an epoch to learn anything in minutes."""
MAX_EPOCHS = 4
PUBLIC_LOGS = ("taobao", "jd", "rees46", "yoochoose", "retailrocket")
"""Logs of `beam_pipelines.import_logs` in which people shop."""
_LOGS = f"simulated, or LOG:PATH, where LOG is {', '.join(PUBLIC_LOGS)}"


@dataclasses.dataclass(frozen=True)
class Stage:
    """One command of the way.

    Attributes:
        title: what it does, for the screen.
        arguments: the command, without the interpreter.
        artefact: the file that exists when it is done; written last by the command.
    """

    title: str
    arguments: tuple[str, ...]
    artefact: pathlib.Path


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    text = flags.DEFINE_string
    text("logs", "simulated", _LOGS, flag_values=values)
    text("output", "quickstart", "folder for everything that is made", flag_values=values)
    flags.DEFINE_integer("seed", 1, "seed of the simulation, the samples and the training", flag_values=values)
    flags.DEFINE_bool("fresh", False, "remove what an earlier run made", flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Runs the stages that are not done and prints the table."""
    name, _, path = values.logs.partition(":")
    if name != "simulated" and (name not in PUBLIC_LOGS or not path):
        why = "nobody shops in hmog, so that there is nothing to predict; " if name == "hmog" else ""
        raise InputError(f"--logs={values.logs}: {why}expected {_LOGS}")
    if path and not pathlib.Path(path).exists():
        raise InputError(f"--logs={values.logs}: {path} does not exist")
    folder = pathlib.Path(values.output) / name
    if values.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    start = time.monotonic()
    logs = folder / "logs"
    _run(_logs_stage(name, path, logs, values.seed))
    log = publishing.read_json(logs / "log.json", "description of the logs", "run again with --fresh")
    for stage in _model_stages(folder, log["suggested_flags"], values.seed):
        _run(stage)
    print(f"\nAll stages done, {time.monotonic() - start:.0f} s in this run.\n")
    print(quickstart_table.table(folder, is_simulated=log["is_simulated"], name=log["name"]))


def _logs_stage(name: str, path: str, logs: pathlib.Path, seed: int) -> Stage:
    command: tuple[str, ...]
    if name == "simulated":
        command = ("-m", "beam_pipelines.simulate_events", f"--output={logs}", f"--seed={seed}")
        return Stage("generate simulated logs", command, logs / "log.json")
    command = ("-m", "beam_pipelines.import_logs", f"--log={name}", f"--input={path}", f"--output={logs}")
    return Stage(f"import the {name} log", command, logs / "log.json")


def _model_stages(folder: pathlib.Path, suggested: dict[str, object], seed: int) -> list[Stage]:
    dataset, workdir, bundle, report = (folder / name for name in ("dataset", "workdir", "bundle", "report"))
    discretize = [
        f"--logs={folder / 'logs'}",
        f"--output={dataset}",
        f"--seed={seed}",
        *(f"--{flag}={value}" for flag, value in sorted(suggested.items())),
    ]
    train = [
        f"--data={dataset}",
        f"--workdir={workdir}",
        f"--max_length={MAX_LENGTH}",
        f"--global_batch_size={GLOBAL_BATCH_SIZE}",
        f"--num_epochs={MAX_EPOCHS}",
        f"--seed={seed}",
    ]
    # On so few samples one user more or less is a drop of the default 0.001.
    convert = [f"--workdir={workdir}", f"--output={bundle}", "--max_auc_drop=0.002"]
    bench = [f"--bundle={bundle}", f"--output={report}"]
    return [
        Stage("discretize", ("-m", "beam_pipelines.discretize_events", *discretize), dataset / "dataset.json"),
        Stage("train", ("-m", "edgedipn_tf.train", *train), workdir / "metrics.json"),
        Stage("convert", ("-m", "edgedipn_tf.convert", *convert), bundle / "manifest.json"),
        Stage("benchmark", ("-m", "android_bench", *bench), report / "results.json"),
    ]


def _run(stage: Stage) -> None:
    typed = shlex.join(("python", *stage.arguments))
    if stage.artefact.exists():
        print(f"\n# {stage.title}: done before ({stage.artefact.parent} is kept)\n# {typed}", flush=True)
        return
    print(f"\n# {stage.title}\n$ {typed}", flush=True)
    code = subprocess.run([sys.executable, *stage.arguments], check=False).returncode
    if code in (commands.INTERRUPTED_CODE, -2, -15):
        raise KeyboardInterrupt
    if code != 0:
        raise InputError(
            f"stage '{stage.title}' ended with exit code {code}: see its message above; run again to go on"
        )


def run(argv: Sequence[str] | None = None) -> int:
    """Runs the command with the given arguments; returns the exit code."""
    return commands.run(__doc__ or "", define_flags, main, argv)


def cli() -> None:
    """Entry point of `make quickstart`."""
    sys.exit(run())


if __name__ == "__main__":
    cli()
