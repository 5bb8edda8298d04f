"""The command `train`, with the real model: what it prints, writes and refuses."""

import json
import re
import subprocess
import sys

import pytest

from edgedipn_tf import commands, config, train
from tests.edgedipn_tf.tiny_dataset import write_dataset


def _run(*arguments):
    return commands.run(train.DESCRIPTION, train.define_flags, train.main, list(arguments))


def test_edgedipn_trains_and_the_screen_is_readable(tmp_path):
    data = write_dataset(tmp_path / "dataset")
    command = [sys.executable, "-m", "edgedipn_tf.train", f"--data={data}", f"--workdir={tmp_path / 'workdir'}"]
    done = subprocess.run(
        [*command, "--preset=smoke", "--max_length=8"], capture_output=True, text=True, check=False, timeout=280
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("9 of 40 training users are held out to choose the epoch (36 samples); 124 samples")
    assert re.fullmatch(r"epoch 1/1  \d+ s  loss \d\.\d{4}  held out: mean AUC 0\.\d{4} \(best\)", lines[1])
    assert re.fullmatch(r"  RPAUC 0\.\d{4}  RAUC n/a  RTCAUC 0\.\d{4}", lines[2])
    assert [line.split()[0] for line in lines[3:]] == [
        "intent",
        "realtime_purchase",
        "retention",
        "realtime_top_category",
    ]
    found = json.loads((tmp_path / "workdir/config.json").read_text())
    assert (found["model"], found["max_length"], found["data"]) == ("edgedipn", 8, str(data))
    assert (tmp_path / "workdir/model.keras").is_file() and (tmp_path / "workdir/metrics.json").is_file()


def test_relative_dataset_is_recorded_absolute(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("edgedipn_tf.training.train_and_evaluate", lambda settings, workdir: seen.append(settings))
    monkeypatch.chdir(tmp_path)
    assert _run("--data=dataset", "--workdir=workdir", "--num_epochs=3") == 0
    assert seen == [config.resolve("default", {"data": str(tmp_path / "dataset"), "num_epochs": 3})]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workdir=w"], "--data"),
        (["--data=d"], "--workdir"),
        (["--data=d", "--workdir=w", "--lerning_rate=1"], "Did you mean: learning_rate"),
        (["--data=d", "--workdir=w", "--num_epochs=many"], "--num_epochs=many"),
        (["--data=d", "--workdir=w", "--preset=smoker"], "did you mean 'smoke'?"),
        (["--data=d", "--workdir=w", "--max_length=4"], "--num_hops=10 contradicts --max_length=4"),
        (["--data=/nowhere", "--workdir=w"], "/nowhere/dataset.json (description of a dataset) does not exist"),
    ],
)
def test_wrong_flags_are_one_line_and_exit_code_2(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert _run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and message in error
    assert not list(tmp_path.iterdir())


def test_unknown_model_is_refused_with_the_nearest(tmp_path, capsys):
    data = write_dataset(tmp_path / "dataset", num_users={"train": 10, "eval": 2})
    flags = [f"--data={data}", f"--workdir={tmp_path / 'w'}", "--preset=smoke", "--max_length=8"]
    assert _run(*flags, "--model=edgedip") == 2
    assert "did you mean 'edgedipn'" in capsys.readouterr().err


def test_help_teaches_every_setting(capsys):
    assert _run("--help") == 0
    shown = capsys.readouterr().out
    assert all(f"--{name}  " in shown or f"--{name}\n" in shown for name in ("workdir", "preset", *config.settings()))
    assert "python -m edgedipn_tf.train --data=dataset --workdir=workdir" in shown
