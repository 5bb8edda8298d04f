"""The command: flags, help without TensorFlow, `verify`, exit codes."""

import pathlib
import subprocess
import sys

import pytest

from edgedipn_tf.convert import run
from tests.edgedipn_tf.conversion.test_bundle import write_bundle


def test_help_names_the_recipes_and_when_to_choose_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    assert "dynamic_int8  The file to ship" in text and "--parity_samples" in text


def test_help_and_verify_do_not_load_tensorflow(tmp_path: pathlib.Path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    code = (
        "import sys; from edgedipn_tf.convert import run; "
        f"codes = run(['--help']), run(['verify', {str(folder)!r}]); "
        "sys.exit(str((codes, 'tensorflow' in sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "((0, 0), False)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--workdir"),
        (["--workdir=w", "--output=o", "--recipe=int4"], "no recipe 'int4'"),
        (["--workdir=w", "--output=o", "--benchmark_samples=0"], "benchmark_samples"),
        (["--workdir=w", "--output=o", "--parity_samples=-1"], "parity_samples"),
        (["--workdir=w", "--output=o", "--max_flips=2"], "max_flips"),
        (["--workdir=w", "--output=o", "--max_auc_drop=-1"], "max_auc_drop"),
        (["--workdir=w", "--output=o", "extra"], "unexpected argument 'extra'"),
        (["--workdir=w", "--nonsense=1"], "nonsense"),
        (["verify"], "name one bundle"),
        (["verify", "a", "b"], "name one bundle"),
        (["verify", "--flag"], "name one bundle"),
        (["verify", "nowhere"], "nowhere/manifest.json"),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and message in error


def test_verify_tells_what_the_bundle_is(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_bundle(tmp_path / "bundle")
    assert run(["verify", str(folder)]) == 0
    assert "bundle is whole: m, plain graph, 1 files (float32), schema" in capsys.readouterr().out
    (folder / "m_float32.tflite").write_bytes(b"other")
    assert run(["verify", str(folder)]) == 2
    assert "m_float32.tflite is not the file" in capsys.readouterr().err


def test_an_unfinished_run_is_exit_code_2_and_leaves_nothing(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "workdir").mkdir()
    assert run([f"--workdir={tmp_path / 'workdir'}", f"--output={tmp_path / 'bundle'}"]) == 2
    assert "not a finished training run" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()
