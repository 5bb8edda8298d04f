"""What the quickstart is told; its stages are tested on their own, and together by running it."""

import pathlib

import pytest

from beam_pipelines.import_logs.__main__ import LOGS
from edgedipn_tf import quickstart


def test_every_log_in_which_people_shop_is_taken() -> None:
    assert set(quickstart.PUBLIC_LOGS) == set(LOGS) - {"hmog"}


@pytest.mark.parametrize(
    ("logs", "message"),
    [
        ("hmog:x", "nobody shops in hmog"),
        ("taobo:x", "expected simulated, or LOG:PATH, where LOG is taobao, jd, rees46, yoochoose, retailrocket"),
        ("jd", "expected simulated"),
        ("rees46:/nowhere", "/nowhere does not exist"),
    ],
)
def test_logs_that_are_not_taken_are_one_line(
    logs: str, message: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quickstart.run([f"--logs={logs}", f"--output={tmp_path / 'quickstart'}"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "quickstart").exists()


def test_the_stages_of_a_public_log_follow_its_suggested_flags(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[quickstart.Stage] = []

    def run(stage: quickstart.Stage) -> None:
        ran.append(stage)
        if len(ran) == 1:
            stage.artefact.parent.mkdir(parents=True)
            stage.artefact.write_text('{"suggested_flags": {"timezone": "UTC"}, "is_simulated": false, "name": "x"}')

    monkeypatch.setattr(quickstart, "_run", run)
    monkeypatch.setattr(quickstart.quickstart_table, "table", lambda folder, is_simulated, name: "")
    (tmp_path / "rows.csv").touch()
    assert quickstart.run([f"--logs=rees46:{tmp_path}/rows.csv", f"--output={tmp_path}"]) == 0
    commands = [stage.arguments[1] for stage in ran]
    assert commands == [
        "beam_pipelines.import_logs",
        "beam_pipelines.discretize_events",
        "edgedipn_tf.train",
        "edgedipn_tf.convert",
        "android_bench",
    ]
    assert {"--log=rees46", f"--input={tmp_path}/rows.csv"} <= set(ran[0].arguments)
    assert "--timezone=UTC" in ran[1].arguments
