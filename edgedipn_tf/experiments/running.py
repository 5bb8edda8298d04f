"""Runs what of a suite is not finished: datasets first, then trainings side by side, then the oracle."""

import dataclasses
import json
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from edgedipn_tf import config
from edgedipn_tf.experiments import data_source, run_files, side_by_side
from edgedipn_tf.experiments.data_source import DataSource
from edgedipn_tf.experiments.oracle import oracle_aucs
from edgedipn_tf.experiments.run_files import RunFiles
from edgedipn_tf.experiments.suite import DataVariant, Run, Size, Suite, runs_of
from edgedipn_tf.publishing import read_json, write_json
from edgedipn_tf.schema_files import description_fingerprint, read_schema

_REMEDY = "remove the work folder and run again"


@dataclasses.dataclass(frozen=True)
class Laboratory:
    """Where runs are made and kept.

    Attributes:
        source: of the datasets.
        size: how large the runs are.
        reports: folder of reports and runs.
    """

    source: DataSource
    size: Size
    reports: pathlib.Path

    @property
    def name(self) -> str:
        """Of data and size, part of file names."""
        return f"{self.source.name}-{self.size.name}"

    @property
    def files(self) -> RunFiles:
        """The runs on these data."""
        return RunFiles(self.reports / "runs" / self.name)

    def command(self, suite: Suite) -> str:
        """Returns what a person types to go on with a suite, without a path of this machine."""
        arguments = [f"--suite={suite.name}", f"--data={self.source.typed}", f"--size={self.size.name}"]
        return " ".join(["python", "-m", "edgedipn_tf.experiments", *arguments])

    def runs(self, suites: Sequence[Suite]) -> list[Run]:
        """Returns the runs of suites, each once."""
        tables = [table for suite in suites for table in suite.tables]
        found = [run for table in tables for run in runs_of(table, self.size, self.source.has_folds)]
        return list({run.name: run for run in found}.values())

    def dataset(self, variant: DataVariant, fold: int | None) -> tuple[str, str]:
        """Makes a dataset unless it is there; returns its folder, as in commands, and its fingerprint."""
        place = self.source.dataset(variant, fold)
        path = self.source.work / place / "dataset.json"
        return str(place), description_fingerprint(read_json(path, "description of a dataset", _REMEDY))


def run_missing(laboratory: Laboratory, suites: Sequence[Suite], *, num_together: int, retry_failed: bool) -> int:
    """Runs what is not finished and returns how many trainings failed now.

    Args:
        laboratory: where.
        suites: what; a training that several of them need runs once.
        num_together: processes at a time.
        retry_failed: whether runs that failed before are tried again.

    Raises:
        InputError: when a dataset cannot be made, a finished run is of other data or settings, or another command
            has trainings going on for the same data and size.
    """
    missing, num_done = _missing(laboratory, suites, retry_failed)
    trainings = _by_training(laboratory, suites, missing)
    print(f"{len(missing)} runs of {len(trainings)} trainings to do, {num_done} done before", flush=True)
    names = {name: [judgement["name"] for judgement in request["judgements"]] for name, request in trainings.items()}

    def on_failure(task: side_by_side.Task, reason: str) -> None:
        for name in names[task.name]:
            if laboratory.files.read(name) is None:
                laboratory.files.write_failure(name, reason)

    num_failed = side_by_side.run_tasks(
        [_task(laboratory, name, request) for name, request in trainings.items()],
        num_together=num_together,
        max_minutes=laboratory.size.max_minutes,
        folder=laboratory.source.work,
        environment=data_source.environment(),
        claimed=_requests(laboratory),
        on_failure=on_failure,
    )
    for judged_on in dict.fromkeys(table.judged_on for suite in suites for table in suite.tables):
        _ask_oracle(laboratory, judged_on)
    return num_failed


def _missing(laboratory: Laboratory, suites: Sequence[Suite], retry_failed: bool) -> tuple[list[Run], int]:
    """Returns the runs of suites that are to do, and how many are done; says which failed before and are left."""
    files, missing, num_done = laboratory.files, list[Run](), 0
    for run in laboratory.runs(suites):
        if files.check(run.name, _judgement(laboratory, run)["identity"]):
            num_done += 1
            continue
        reason = files.failure(run.name)
        if reason and not retry_failed:
            print(f"{run.name} failed before ({reason}) and is left: pass --retry_failed to try again", flush=True)
            continue
        missing.append(run)
    return missing, num_done


def _by_training(laboratory: Laboratory, suites: Sequence[Suite], missing: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """Returns one request a training that a missing run needs, by the name of the first run of that training.

    What differs in the judging alone is trained once; one that was stopped between two judgements is taken up.
    """
    requests: dict[str, dict[str, Any]] = {}
    wanted = {run.name for run in missing}
    for run in laboratory.runs(suites):
        settings = run.settings(laboratory.size)
        trained_on, _ = laboratory.dataset(run.entry.trained_on, run.fold)
        # Settings that only repeat a default make no other training.
        training = json.dumps(config.resolve("default", {**settings, "data": trained_on}).to_json(), sort_keys=True)
        new = {"first": run.name, "settings": settings, "trained_on": trained_on, "judgements": []}
        request = requests.setdefault(training, {**new, "workdir": f"runs/{laboratory.name}/{run.name}"})
        if run.name in wanted:
            request["judgements"].append(_judgement(laboratory, run))
    return {request["first"]: request for request in requests.values() if request["judgements"]}


def _judgement(laboratory: Laboratory, run: Run) -> dict[str, Any]:
    _, trained = laboratory.dataset(run.entry.trained_on, run.fold)
    judged_on, judged = laboratory.dataset(run.judged_on, run.fold)
    identity = {
        "settings": run.settings(laboratory.size),
        "seed": run.seed,
        "fold": run.fold,
        "num_draws": laboratory.size.num_draws,
        "trained_on": trained,
        "judged_on": judged,
    }
    output = str(laboratory.files.finished(run.name).absolute())
    return {"name": run.name, "judged_on": judged_on, "identity": identity, "output": output}


def _task(laboratory: Laboratory, name: str, request: Mapping[str, Any]) -> side_by_side.Task:
    folder = _requests(laboratory)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{name}.json", dict(request))
    for judgement in request["judgements"]:
        laboratory.files.failed(judgement["name"]).unlink(missing_ok=True)
    command = [sys.executable, "-m", "edgedipn_tf.experiments.one_run", str(folder / f"{name}.json")]
    return side_by_side.Task(name, command, folder / f"{name}.log")


def _requests(laboratory: Laboratory) -> pathlib.Path:
    return laboratory.source.work.absolute() / "requests" / laboratory.name


def _ask_oracle(laboratory: Laboratory, judged_on: DataVariant) -> None:
    """Writes what the oracle reaches on the evaluation samples, where the log is simulated."""
    source, num_draws = laboratory.source, laboratory.size.num_draws
    oracle = source.oracle(judged_on)
    if oracle is None:
        return
    place, fingerprint = laboratory.dataset(judged_on, None)
    identity = {"judged_on": fingerprint, "num_draws": num_draws, "num_rollouts": laboratory.size.num_rollouts}
    name = judged_on.oracle_name
    if laboratory.files.check(name, identity):
        return
    schema = read_schema(source.work / place / "schema.json", _REMEDY)
    found = oracle_aucs(source.work / source.samples(judged_on), source.work / oracle, schema, num_draws)
    laboratory.files.folder.mkdir(parents=True, exist_ok=True)
    values = {
        "format_version": run_files.FORMAT_VERSION,
        "run": name,
        **identity,
        **run_files.surroundings(),
        "intents": {intent: auc.to_json() for intent, auc in found.items()},
    }
    write_json(laboratory.files.finished(name), values)
