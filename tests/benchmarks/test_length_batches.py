"""The benchmark of batches of like lengths runs on a small dataset and prints what it promises."""

import pathlib
import re

import pytest

from benchmarks import length_batches
from tests.edgedipn_tf.test_dataset import user_day, write_dataset


@pytest.mark.slow  # it traces a training step twice
def test_costs_of_both_kinds_of_batches_are_printed(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = write_dataset(tmp_path / "data", [user_day(seed, 4) for seed in range(32)])
    arguments = ["length_batches", f"--data={dataset}", "--preset=smoke", "--max_steps=2", "--padded_steps=1"]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as end:
        length_batches.cli()
    printed = capsys.readouterr()
    assert not end.value.code, printed.err
    assert "128 training samples; actions of a view, at most 16:" in printed.out
    assert re.search(
        r"padded to 16 +[\d.]+ +[\d.]+ \([\d.]+%\)\n  batches of like lengths +[\d.]+ +[\d.]+ ", printed.out
    )
    assert re.search(r"like lengths are [\d.]+ times cheaper", printed.out)
