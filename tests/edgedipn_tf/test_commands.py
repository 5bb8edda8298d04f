import errno
import pathlib
import signal
import subprocess
import sys

import pytest
from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.commands import InputError


def define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string("name", None, "a name", required=True, flag_values=values)
    flags.DEFINE_integer("count", 3, "how many", 1, flag_values=values)


def run(*argv: str, main: object = lambda values, rest: None, known_only: bool = False) -> int:
    return commands.run("What it does.", define_flags, main, argv, known_only)


def test_flags_reach_the_command() -> None:
    seen: list[object] = []
    assert run("--name=x", "--count=5", main=lambda values, rest: seen.extend([values.name, values.count, rest])) == 0
    assert seen == ["x", 5, []]


def test_help_names_each_flag_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    text = capsys.readouterr().out
    assert text.startswith("What it does.")
    assert "--name  (required)\n      a name" in text
    assert "--count  ('3')\n      how many" in text


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--count=5"], "--name"),
        (["--name=x", "--count=0"], "--count=0"),
        (["--name=x", "--count=many"], "--count=many"),
        (["--name=x", "--nmae=y"], "Unknown command line flag 'nmae'"),
        (["--name=x", "stray"], "unexpected argument 'stray'"),
    ],
)
def test_bad_flags_are_one_line_and_code_2(argv: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*argv) == 2
    text = capsys.readouterr().err
    assert message in text
    assert text.startswith("error: ") and text.count("\n") == 1


def test_unknown_flags_are_passed_on_when_asked() -> None:
    seen: list[str] = []
    assert run("--name=x", "--runner=Y", main=lambda values, rest: seen.extend(rest), known_only=True) == 0
    assert seen == ["--runner=Y"]


def test_the_process_gets_its_handling_of_sigterm_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    during: list[object] = []
    assert run("--name=x", main=lambda values, rest: during.append(signal.getsignal(signal.SIGTERM))) == 0
    assert signal.getsignal(signal.SIGTERM) == before != during[0]


def raising(error: BaseException) -> object:
    def main(values: flags.FlagValues, rest: list[str]) -> None:
        raise error

    return main


def test_input_errors_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--name=x", main=raising(InputError("file a:\n row 3"))) == 2
    assert capsys.readouterr().err == "error: file a: row 3\n"


def test_a_full_disk_is_one_line_with_a_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "/out/file")
    assert run("--name=x", main=raising(error)) == 2
    assert capsys.readouterr().err.startswith("error: /out/file: No space left on device: free some space")


def test_a_defect_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run("--name=x", main=raising(ZeroDivisionError()))


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_ends_with_code_130(signal_number: signal.Signals, tmp_path: pathlib.Path) -> None:
    program = (
        "import sys, time\nfrom edgedipn_tf import commands\n"
        "def main(values, rest):\n    print('ready', flush=True)\n    time.sleep(60)\n"
        "sys.exit(commands.run('x', lambda values: None, main))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.send_signal(signal_number)
    _, message = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in message and "Traceback" not in message
