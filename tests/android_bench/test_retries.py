"""What is repeated when adb fails, operation by operation, and what is not."""

import pathlib

import pytest

from android_bench import retries
from android_bench.adb import Adb
from android_bench.device import Device
from android_bench.errors import DeviceError, DeviceTimeout
from android_bench.phone_settings import kept_awake
from android_bench.retries import NUM_ATTEMPTS, REPEATED, Operation, attempt


@pytest.mark.parametrize("operation", Operation)
def test_only_what_is_harmless_twice_is_repeated(operation):
    calls = []

    def fails():
        calls.append(operation)
        raise DeviceError("the connection ended early")

    with pytest.raises(DeviceError, match="the connection ended early"):
        attempt(operation, fails)
    assert len(calls) == (1 if operation in (Operation.RUN, Operation.CHANGE) else 3)


def test_the_first_success_ends_it_after_a_pause(monkeypatch):
    answers, pauses = [DeviceError("offline"), DeviceError("offline"), 7], []
    monkeypatch.setattr(retries, "PAUSE_S", 0.5)
    monkeypatch.setattr(retries.time, "sleep", pauses.append)

    def action():
        answer = answers.pop(0)
        if isinstance(answer, DeviceError):
            raise answer
        return answer

    assert attempt(Operation.READ, action) == 7
    assert pauses == [0.5, 0.5]


@pytest.mark.parametrize("error", [DeviceTimeout("did not end within 30 s"), KeyboardInterrupt()])
def test_what_hangs_and_what_is_called_off_is_not_repeated(error):
    calls = []

    def action():
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        attempt(Operation.READ, action)
    assert calls == [1]


def wobbling_adb(folder: pathlib.Path, num_failures: int) -> Adb:
    """A program in adb's place whose first calls fail as on a bad cable; then it runs the command on this computer."""
    program = folder / "adb"
    script = f"""#!/bin/sh
echo "$*" | head -1 >> {folder}/calls
if [ "$(wc -l < {folder}/calls)" -le {num_failures} ]; then echo "error: device offline" >&2; exit 1; fi
case "$3" in
  shell) exec sh -c "$4" ;;
  push) cp "$4" "$5" ;;
  pull) cp "$4" "$5" ;;
esac
[ "$1" = devices ] && printf 'List of devices attached\\nSERIAL\\tdevice\\n'
exit 0
"""
    program.write_text(script)
    program.chmod(0o755)
    return Adb(str(program))


@pytest.fixture
def here(monkeypatch, tmp_path):
    """The benchmark's folder in a folder of this computer."""
    monkeypatch.setattr("android_bench.device.REMOTE_FOLDER", str(tmp_path / "remote"))
    (tmp_path / "remote").mkdir()
    return tmp_path


def calls(folder: pathlib.Path) -> int:
    return len((folder / "calls").read_text().splitlines())


@pytest.mark.parametrize("operation", Operation)
def test_a_command_says_what_it_is_for(here, operation):
    phone = Device(wobbling_adb(here, num_failures=2), "SERIAL")
    if operation in REPEATED:
        assert phone.shell(["echo", "here"], operation).stdout == "here\n"
    else:
        with pytest.raises(DeviceError, match="device offline"):
            phone.shell(["echo", "here"], operation)
    assert calls(here) == (NUM_ATTEMPTS if operation in REPEATED else 1)


def test_a_program_is_run_once_unless_it_is_said_otherwise(here):
    with pytest.raises(DeviceError, match="device offline"):
        Device(wobbling_adb(here, num_failures=1), "SERIAL").shell(["true"])
    assert calls(here) == 1


def test_listing_is_repeated(here):
    assert [each.serial for each in wobbling_adb(here, num_failures=2).devices()] == ["SERIAL"]


def test_a_push_and_a_pull_are_repeated(here):
    (here / "file").write_bytes(b"content")
    phone = Device(wobbling_adb(here, num_failures=2), "SERIAL")
    remote = phone.push({"file": here / "file"})["file"]
    (here / "calls").unlink()
    assert phone.pull(remote) == b"content"


def test_a_setting_is_changed_once(here, monkeypatch):
    monkeypatch.setattr("android_bench.phone_settings.FORMER_VALUE", str(here / "remote" / "former"))
    (here / "remote" / "former").write_text("0\n")  # noted before: what fails is the change itself
    adb = wobbling_adb(here, num_failures=0)
    phone = Device(adb, "SERIAL")
    with kept_awake(phone) as note:  # this computer has no program `settings`
        assert note is not None and note.startswith("the device was not kept awake")
    puts = [line for line in (here / "calls").read_text().splitlines() if "settings put" in line]
    assert len(puts) == 1
