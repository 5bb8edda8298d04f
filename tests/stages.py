"""The public commands one after another on a tiny simulated log: what the tests of whole stages run."""

import dataclasses
import hashlib
import json
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent


@dataclasses.dataclass(frozen=True)
class Stage:
    """One command.

    Attributes:
        name: what it makes, and the name of the folder below the work folder.
        arguments: the command with `{work}` for the folder where earlier stages lie and `{output}` for its own.
        ignored: files whose content may differ between runs: they hold times of the day or latencies.
        last: the file that completes a folder in which a killed run goes on; "" where the whole folder appears at once.
    """

    name: str
    arguments: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    last: str = ""

    def command(self, work: pathlib.Path, output: pathlib.Path) -> list[str]:
        """Returns the command line."""
        return [sys.executable, *(argument.format(work=work, output=output) for argument in self.arguments)]


SIMULATE = Stage(
    "logs",
    ("-m", "beam_pipelines.simulate_events", "--output={output}", "--num_users=10", "--num_days=5", "--seed=3")
    + ("--actions_scale=0.2",),
)
DISCRETIZE = Stage(
    "dataset",
    ("-m", "beam_pipelines.discretize_events", "--logs={work}/logs", "--output={output}", "--min_count=1")
    + ("--timezone=Asia/Shanghai", "--evaluation_date=2021-03-04", "--samples_per_user_day=8", "--num_shards=2"),
)
TRAIN = Stage(
    "workdir",
    ("-m", "edgedipn_tf.train", "--data={work}/dataset", "--workdir={output}", "--preset=smoke", "--num_epochs=4")
    + ("--steps_per_epoch=2", "--patience=0", "--model=edgedipn_tradition"),  # the smallest: the stage is tested
    last="metrics.json",
)
# The tiny model is not trained to rank, so AUCs of its int8 file may differ by more than the gate allows.
CONVERT = Stage(
    "bundle",
    ("-m", "edgedipn_tf.convert", "--workdir={work}/workdir", "--output={output}", "--benchmark_samples=4")
    + ("--parity_samples=40", "--allow_degraded"),
)
BENCHMARK = Stage(
    "report",
    ("-m", "android_bench", "--bundle={work}/bundle", "--output={output}", "--backend=host"),
    ignored=("results.json", "report.html"),
    last="results.json",
)
STAGES = (SIMULATE, DISCRETIZE, TRAIN, CONVERT, BENCHMARK)


def start(stage: Stage, work: pathlib.Path, output: pathlib.Path) -> subprocess.Popen[str]:
    """Starts a stage in a process group of its own."""
    return subprocess.Popen(
        stage.command(work, output),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(stage: Stage, work: pathlib.Path, output: pathlib.Path) -> str:
    """Runs a stage to its end and returns what it printed."""
    process = start(stage, work, output)
    printed, _ = process.communicate(timeout=600)
    assert process.returncode == 0, printed
    return printed


def kill(process: subprocess.Popen[str]) -> None:
    """Kills a stage's own process, as the system would: its children see their parent gone."""
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)


def artefact(stage: Stage, folder: pathlib.Path) -> dict[str, str]:
    """Returns the content hashes of an artefact; of files that hold times, only that they are whole."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        # TensorBoard's files are a log of the runs, checkpoints and cells an aid to resume: not the artefact.
        if not path.is_file() or name.split("/")[0] in ("tensorboard", "checkpoints", "cells"):
            continue
        if path.name in stage.ignored:
            found[name] = "whole" if _is_whole(path) else "empty"
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _is_whole(path: pathlib.Path) -> bool:
    text = path.read_text()
    return text.endswith("</html>\n") if path.suffix == ".html" else bool(json.loads(text))
