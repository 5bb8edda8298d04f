"""The command: what is run, kept, refused and reported; one small run from request to file."""

import dataclasses
import json
import os
import pathlib

import pytest

from edgedipn_tf import commands
from edgedipn_tf.experiments import __main__ as experiments
from edgedipn_tf.experiments import one_run, side_by_side
from edgedipn_tf.experiments.run_files import RunFiles
from edgedipn_tf.experiments.suite import Entry, Suite, Table
from edgedipn_tf.experiments.suites import SIZES, SUITES
from tests.edgedipn_tf.experiments.made_runs import drawn, write_run
from tests.edgedipn_tf.tiny_dataset import write_dataset

ENTRIES = tuple(
    Entry(label=model, model=model, settings={"max_length": 8}) for model in ("gbdt", "logistic_regression")
)
SUITE = Suite(
    name="edgedipn_models",
    reproduces="nothing",
    tables=(Table(title="Counts", reference="gbdt", entries=ENTRIES),),
)
RUNS = ["gbdt,max_length=8-seed1", "logistic_regression,max_length=8-seed1"]


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A tiny dataset, and a suite of two baselines."""
    monkeypatch.setitem(SUITES, SUITE.name, SUITE)
    data = write_dataset(tmp_path / "tiny", num_users={"train": 60, "eval": 20})
    return {"data": data, "output": tmp_path / "reports", "work": tmp_path / "work"}


def run(places, *flags):
    arguments = [f"--{name}={place}" for name, place in places.items()]
    arguments += ["--suite=edgedipn_models", "--size=smoke", *flags]
    return commands.run(experiments.DESCRIPTION, experiments.define_flags, experiments.main, arguments)


@pytest.fixture
def started(places, monkeypatch):
    """Names of the runs that were started in place of processes; `outcomes` says which of them fail."""
    names, outcomes = [], {}

    def run_tasks(tasks, *, on_failure, **_):
        names.append([task.name for task in tasks])
        for task in tasks:
            if task.name in outcomes:
                on_failure(task, outcomes[task.name])
                continue
            request = json.loads(pathlib.Path(task.command[-1]).read_text())
            for judgement in request["judgements"]:
                files = RunFiles(pathlib.Path(judgement["output"]).parent)
                write_run(files, judgement["name"], {"realtime_purchase": drawn(0.6)}, **judgement["identity"])
        return sum(task.name in outcomes for task in tasks)

    monkeypatch.setattr(side_by_side, "run_tasks", run_tasks)
    return names, outcomes


def report(places):
    return json.loads((places["output"] / "edgedipn_models" / "tiny-smoke.json").read_text())


def test_finished_runs_are_kept(places, started):
    assert run(places) == run(places) == 0
    assert started[0] == [RUNS, []]
    assert (report(places)["num_finished"], report(places)["num_expected"]) == (2, 2)
    assert str(places["data"]) not in (places["output"] / "edgedipn_models" / "tiny-smoke.md").read_text()


def test_the_limit_of_a_run_in_minutes(places, monkeypatch):
    limits = []

    def run_tasks(tasks, *, max_minutes, **_):
        limits.append(max_minutes)
        return 0

    monkeypatch.setattr(side_by_side, "run_tasks", run_tasks)
    assert run(places) == run(places, "--max_minutes=90") == 0
    assert limits == [30.0, 90.0]


def test_only_the_entries_that_are_asked_for_are_run(places, started):
    assert run(places, f"--entries={SUITE.tables[0].reference}") == 0
    assert started[0] == [RUNS[:1]]
    assert (report(places)["num_finished"], report(places)["num_expected"]) == (1, 2)


def test_an_entry_that_is_not_there(places, started, capsys):
    assert run(places, "--entries=gdbt") == 2
    assert "edgedipn_models has no entry 'gdbt', did you mean 'gbdt'?" in capsys.readouterr().err
    assert not started[0]


def test_failed_runs_are_told_and_tried_again_on_request(places, started, capsys):
    names, outcomes = started
    outcomes[RUNS[1]] = "exit code 1: the reason"
    assert run(places) == 2
    assert "1 runs failed" in capsys.readouterr().err
    assert run(places) == 0  # left alone, and told
    assert "failed before (exit code 1: the reason) and is left" in capsys.readouterr().out
    assert report(places)["failures"] == {RUNS[1]: "exit code 1: the reason"}
    outcomes.clear()
    assert run(places, "--retry_failed") == 0
    assert names == [RUNS, [], [RUNS[1]]] and report(places)["failures"] == {}


def test_equal_trainings_run_once_and_fail_together(places, started, monkeypatch):
    """10 hops are the default, so both entries are one training; 5 hops are another."""
    names, outcomes = started
    entries = [
        Entry(label="default", model="edgedipn"),
        *(Entry(label=f"{hops}", model="edgedipn", settings={"num_hops": hops}) for hops in (10, 5)),
    ]
    table = Table(title="Hops", reference="default", entries=tuple(entries))
    monkeypatch.setitem(SUITES, SUITE.name, dataclasses.replace(SUITE, tables=(table,)))
    monkeypatch.setitem(SIZES, "smoke", dataclasses.replace(SIZES["smoke"], max_others=None))
    outcomes["edgedipn-seed1"] = "no room"
    assert run(places) == 2
    assert report(places)["failures"] == dict.fromkeys(["edgedipn-seed1", "edgedipn,num_hops=10-seed1"], "no room")
    outcomes.clear()
    assert run(places, "--retry_failed") == 0
    assert names == [["edgedipn-seed1", "edgedipn,num_hops=5-seed1"], ["edgedipn-seed1"]]
    assert (report(places)["num_finished"], report(places)["num_expected"]) == (3, 3)
    (places["output"] / "runs" / "tiny-smoke" / "edgedipn,num_hops=10-seed1.json").unlink()
    assert run(places) == 0
    assert names[-1] == ["edgedipn-seed1"]  # taken up where its training lies, if it is still there


def test_a_run_on_other_data_is_refused(places, started, capsys):
    assert run(places) == 0
    (places["data"] / "dataset.json").write_text(
        (places["data"] / "dataset.json").read_text().replace('"seed": 0', '"seed": 1')
    )
    assert run(places) == 2
    error = capsys.readouterr().err
    assert f"{RUNS[0]}.json is of another run: its trained_on is" in error and error.count("\n") == 1


def test_what_is_finished_can_be_reported_alone(places, started):
    assert run(places, "--report_only") == 0
    assert started[0] == [] and report(places)["num_finished"] == 0


def test_one_run_from_request_to_file(places, monkeypatch, tmp_path):
    pytest.importorskip("tensorflow", reason="tensorflow is not installed: run `make setup`")
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "reports" / "run.json"
    settings = {"model": "logistic_regression", "max_length": 8, "seed": 1}
    identity = {"settings": settings, "seed": 1, "fold": None, "num_draws": 20, "trained_on": "f", "judged_on": "f"}
    judgements = [
        {"name": name, "identity": identity, "judged_on": str(places["data"]), "output": str(output.with_stem(name))}
        for name in ("run", "again")
    ]
    request = {
        "settings": settings, "trained_on": str(places["data"]), "workdir": "run", "judgements": judgements
    }  # fmt: skip
    (tmp_path / "request.json").write_text(json.dumps(request))
    assert commands.run("", lambda values: None, one_run.main, ["request.json"], known_only=True) == 0
    found = json.loads(output.read_text())
    assert found["command"] == (
        "python -m edgedipn_tf.train --data=DATASET --workdir=run --max_length=8 --model=logistic_regression --seed=1"
    )
    # Half of the users buy with 0.9, the others with 0.1: the best AUC is 0.9.
    assert found["intents"]["realtime_purchase"]["auc"] > 0.75
    assert len(found["intents"]["realtime_purchase"]["draws"].split()) == 20
    assert found["parameters"] is None and found["cpu_s"] > 0 and found["host"]
    assert str(tmp_path) not in output.read_text() and os.uname().nodename not in output.read_text()
    assert json.loads(output.with_stem("again").read_text())["intents"] == found["intents"]
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_every_suite_in_small(tmp_path):
    flags = ["--suite=all", "--size=smoke", f"--output={tmp_path / 'reports'}", f"--work={tmp_path / 'work'}"]
    assert commands.run("", experiments.define_flags, experiments.main, flags) == 0
    for name in SUITES:
        values = json.loads((tmp_path / "reports" / name / "simulated-60-smoke.json").read_text())
        assert values.get("num_finished") == values.get("num_expected")
    assert not list((tmp_path / "reports").rglob("*.failed.json"))
