"""Datasets of an experiment: the commands that make them, and what --data may be."""

import json
import pathlib

import pytest

from edgedipn_tf.commands import InputError
from edgedipn_tf.experiments import data_source
from edgedipn_tf.experiments.suite import BASE, DataVariant
from edgedipn_tf.experiments.suites import SIZES

SIZE = SIZES["smoke"]


@pytest.fixture
def typed(monkeypatch):
    """Commands that were started; each leaves the description of what it would make."""
    commands = []

    def run(command, work):
        flags = dict(flag.removeprefix("--").split("=", 1) for flag in command[3:])
        commands.append((command[2], flags))
        output = work / (flags.get("output") or flags["to_parquet"])
        if output.suffix:
            output.touch()
            return
        output.mkdir(parents=True)
        (output / "log.json").write_text(json.dumps({"suggested_flags": {"timezone": "UTC", "evaluation_users": 0.25}}))
        (output / "dataset.json").write_text("{}")

    monkeypatch.setattr(data_source, "run_command", run)
    return commands


def test_a_simulated_log_is_made_once(typed, tmp_path):
    source = data_source.parse("simulated:80", tmp_path, SIZE)
    assert (source.name, source.typed, source.has_folds) == ("simulated-80", "simulated:80", False)
    interval = DataVariant("interval", (("interval", "10800"),))
    places = [source.dataset(variant) for variant in (BASE, interval, BASE)]
    assert places == [pathlib.Path("simulated-80", name) for name in ("base", "interval", "base")]
    assert [module.rpartition(".")[2] for module, _ in typed] == ["simulate_events", "discretize_events"] + [
        "discretize_events"
    ]
    assert typed[2][1] == {
        "logs": "simulated-80-logs",
        "output": "simulated-80/interval",
        "timezone": "UTC",
        "evaluation_users": "0.25",
        "samples_per_user_day": "1",
        "interval": "10800",
    }


def test_fewer_users_keep_the_names_of_all(typed, tmp_path):
    source = data_source.parse("simulated:80", tmp_path, SIZE)
    source.dataset(DataVariant("half", (), 0.5))
    assert [flags.get("num_users") for _, flags in typed if "num_users" in flags] == ["40", "80"]
    assert typed[-1][1]["vocabulary"] == "simulated-80/base" and typed[-1][1]["vocabulary_growth"] == "false"
    assert typed[-1][1]["logs"] == "simulated-40-logs"


def test_folds_of_a_public_log(typed, tmp_path):
    (tmp_path / "log.csv").touch()
    source = data_source.parse(f"taobao:{tmp_path / 'log.csv'}", tmp_path / "work", SIZE)
    assert source.has_folds and source.typed == "taobao:PATH"
    assert source.dataset(BASE, fold=1) == pathlib.Path("taobao", "base-fold1")
    assert (typed[-1][1]["evaluation_users"], typed[-1][1]["evaluation_fold"]) == ("1/2", "1")
    assert source.oracle(BASE) is None


def test_the_oracle_is_asked_once(typed, tmp_path):
    source = data_source.parse("simulated", tmp_path, SIZE)
    assert source.oracle(BASE) == source.oracle(BASE) == pathlib.Path(f"simulated-{SIZE.num_users}/base-oracle.parquet")
    assert [module.rpartition(".")[2] for module, _ in typed[-2:]] == ["inspect_dataset", "simulation_oracle"]
    assert typed[-1][1]["samples"] == typed[-2][1]["to_parquet"] == str(source.samples(BASE))


def test_a_given_dataset_has_no_variants(tmp_path):
    (tmp_path / "dataset.json").write_text("{}")
    source = data_source.parse(str(tmp_path), tmp_path / "work", SIZE)
    assert source.dataset(BASE) == tmp_path and source.typed == "DATASET"
    with pytest.raises(InputError, match="several ways"):
        source.dataset(DataVariant("interval"))


@pytest.mark.parametrize("text", ["simulated:0", "simulated:many", "taobao", "taobao:", "jd:nowhere", "nowhere", ""])
def test_what_is_no_data(text, tmp_path):
    with pytest.raises(InputError, match="--data="):
        data_source.parse(text, tmp_path, SIZE)


def test_a_command_that_fails_is_named(tmp_path):
    with pytest.raises(InputError, match="-m beam_pipelines.simulate_events ended with exit code 2"):
        data_source.run_command(
            [data_source.sys.executable, "-m", "beam_pipelines.simulate_events", "--num_users=none"], tmp_path
        )
