"""The datasets of an experiment, made by the public commands in one folder, each once.

All commands run in that folder with relative paths, so a dataset's description, and its hash, are the same on every
machine.
"""

import dataclasses
import os
import pathlib
import shlex
import subprocess
import sys
from collections.abc import Sequence

from edgedipn_tf import commands
from edgedipn_tf.commands import InputError
from edgedipn_tf.experiments.suite import BASE, DataVariant, Size
from edgedipn_tf.publishing import read_json

PUBLIC_LOGS = ("taobao", "jd")
SIMULATED = "simulated"
# Samples of one user and day are much alike: few users with many of them are learnt by heart within one pass.
_SIMULATED_FLAGS = {"samples_per_user_day": "1"}
_ROOT = pathlib.Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """Returns the environment of a command that runs in another folder: this project comes first, one thread a run.

    Two runs of one thread side by side need less than one of two threads after another.
    """
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    threads = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(paths)}


@dataclasses.dataclass(frozen=True)
class DataSource:
    """Where the datasets come from.

    Attributes:
        kind: `simulated`, a name of `PUBLIC_LOGS`, or `dataset`.
        path: file or folder of a public log, folder of a dataset; None when simulated.
        num_users: of a simulated log.
        work: folder that everything is made in.
        size: how large the runs are.
    """

    kind: str
    path: pathlib.Path | None
    num_users: int
    work: pathlib.Path
    size: Size

    @property
    def name(self) -> str:
        """Short, part of file names."""
        if self.path is not None and self.kind == "dataset":
            return self.path.name
        return f"{SIMULATED}-{self.num_users}" if self.kind == SIMULATED else self.kind

    @property
    def typed(self) -> str:
        """What `--data` is, without a path."""
        if self.kind == SIMULATED:
            return f"{SIMULATED}:{self.num_users}"
        return f"{self.kind}:PATH" if self.kind in PUBLIC_LOGS else "DATASET"

    @property
    def has_folds(self) -> bool:
        """Whether each of several parts of the users judges once."""
        return self.kind in PUBLIC_LOGS

    @property
    def makes_variants(self) -> bool:
        """Whether the log is at hand, so that datasets can be made of it in several ways."""
        return self.kind != "dataset"

    def dataset(self, variant: DataVariant, fold: int | None = None) -> pathlib.Path:
        """Makes a dataset unless it is there.

        Returns:
            Its folder, relative to `work` when it was made there.

        Raises:
            InputError: when a given dataset is asked for a variant, or a command failed.
        """
        if self.kind == "dataset" and self.path is not None:
            if variant != BASE:
                raise InputError(
                    f"--data={self.path}: this suite needs datasets that are made in several ways ({variant.name}): "
                    "pass --data=simulated, taobao:PATH or jd:PATH"
                )
            return self.path
        place = pathlib.Path(self.name, f"{variant.name}{'' if fold is None else f'-fold{fold}'}")
        if not (self.work / place / "dataset.json").exists():
            logs = self._logs(variant)
            flags = self._discretize_flags(logs, variant, fold)
            self._command("beam_pipelines.discretize_events", f"--logs={logs}", f"--output={place}", *flags)
        return place

    def oracle(self, variant: DataVariant) -> pathlib.Path | None:
        """Makes the true probabilities of a simulated log's evaluation samples unless they are there.

        Returns:
            The file, relative to `work`; None when the log is not simulated.
        """
        if self.kind != SIMULATED:
            return None
        place, samples = self.dataset(variant), self.samples(variant)
        found = place.with_name(f"{variant.name}-oracle.parquet")
        if not (self.work / found).exists():
            self._command("edgedipn_tf.inspect_dataset", f"--data={place}", f"--to_parquet={samples}", "--max_length=1")
            self._command(
                "beam_pipelines.simulation_oracle",
                f"--logs={self._logs(variant)}",
                f"--samples={samples}",
                f"--output={found}",
                f"--rollouts={self.size.num_rollouts}",
            )
        return found

    def samples(self, variant: DataVariant) -> pathlib.Path:
        """Returns the file, relative to `work`, with the samples that `oracle` judges."""
        return pathlib.Path(self.name, f"{variant.name}-samples.parquet")

    def _logs(self, variant: DataVariant) -> pathlib.Path:
        command: tuple[str, ...]
        if self.kind == SIMULATED:
            num_users = round(self.num_users * variant.user_share)
            logs = pathlib.Path(f"{SIMULATED}-{num_users}-logs")
            command = ("beam_pipelines.simulate_events", f"--num_users={num_users}")
        else:
            logs = pathlib.Path(f"{self.kind}-logs")
            command = ("beam_pipelines.import_logs", f"--log={self.kind}", f"--input={self.path}")
        if not (self.work / logs / "log.json").exists():
            self._command(*command, f"--output={logs}")
        return logs

    def _discretize_flags(self, logs: pathlib.Path, variant: DataVariant, fold: int | None) -> list[str]:
        log = read_json(self.work / logs / "log.json", "description of the logs", "remove the folder and run again")
        of_kind = _SIMULATED_FLAGS if self.kind == SIMULATED else {}
        flags = {**log["suggested_flags"], **of_kind, **dict(variant.flags)}
        if fold is not None:
            flags |= {"evaluation_users": f"1/{self.size.num_folds}", "evaluation_fold": str(fold)}
        if variant.user_share != 1:  # the ids of all, so that all can judge
            flags |= {"vocabulary": str(self.dataset(BASE)), "vocabulary_growth": "false"}
        return [f"--{name}={value}" for name, value in sorted(flags.items())]

    def _command(self, module: str, *arguments: str) -> None:
        print(f"$ {shlex.join(('python', '-m', module, *arguments))}", flush=True)
        self.work.mkdir(parents=True, exist_ok=True)
        run_command([sys.executable, "-m", module, *arguments], self.work)


def run_command(command: Sequence[str], work: pathlib.Path) -> None:
    """Runs a command of the project in a folder.

    Raises:
        InputError: when it failed; its own message stands above.
        KeyboardInterrupt: when it was interrupted.
    """
    code = subprocess.run(command, cwd=work, env=environment(), check=False).returncode
    if code in (commands.INTERRUPTED_CODE, -2, -15):
        raise KeyboardInterrupt
    if code:
        raise InputError(f"{' '.join(command[1:3])} ended with exit code {code}: see its message above")


def parse(text: str, work: pathlib.Path, size: Size) -> DataSource:
    """Returns the source that `--data` names.

    Raises:
        InputError: when it names none.
    """
    kind, _, rest = text.partition(":")
    if kind == SIMULATED:
        if rest and not (rest.isdecimal() and int(rest)):
            raise InputError(f"--data={text}: expected simulated or simulated:USERS, e.g. simulated:1000")
        return DataSource(SIMULATED, None, int(rest) if rest else size.num_users, work, size)
    path = pathlib.Path(rest if kind in PUBLIC_LOGS else text).absolute()
    if kind not in PUBLIC_LOGS and not (path / "dataset.json").exists():
        raise InputError(f"--data={text}: expected simulated, taobao:PATH, jd:PATH or the folder of a dataset")
    if not path.exists() or (kind in PUBLIC_LOGS and not rest):
        raise InputError(f"--data={text}: {path} does not exist")
    return DataSource(kind if kind in PUBLIC_LOGS else "dataset", path, 0, work, size)
