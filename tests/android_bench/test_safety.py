"""Foreign text (serials, paths, names, manifests, what a phone says) is never run; a hostile bundle never pushed."""

import copy
import json
import pathlib
import re
import tempfile
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from android_bench import phones
from android_bench.__main__ import run
from android_bench.adb import Adb, find_adb
from android_bench.bundle import open_bundle
from android_bench.device import REMOTE_FOLDER, Device
from android_bench.device_state import read_info, read_state
from android_bench.errors import DeviceError
from edgedipn_tf.commands import InputError
from tests.android_bench import sessions
from tests.android_bench.adb_device.server import attached
from tests.android_bench.adb_device.simulated import SimulatedDevice
from tests.android_bench.stand_in_runner import write_runner
from tests.android_bench.test_device_state import Answering
from tests.android_bench.tiny_bundle import TINY_TFLITE, read_manifest, rename, write_bundle, write_manifest

INJECTIONS = ("; touch owned", "$(touch owned)", "`touch owned`", "| touch owned", "&& touch owned", "\ntouch owned\n")
INJECTIONS += (
    "' ; touch owned ; '",
    '" ; touch owned ; "',
    "../../owned",
    "/etc/passwd",
    "-rf",
    "--library=x",
    "%n%s",
    "*",
)
TEXT = st.one_of(
    st.sampled_from(INJECTIONS),
    # What no program can be given as an argument is left out: NUL and lone surrogates.
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
)
FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@pytest.fixture
def echoing_adb(tmp_path):
    """A program that takes adb's place: it writes down its arguments and runs the shell command on this computer."""
    program = tmp_path / "adb"
    script = f'printf "%s\\0" "$@" > {tmp_path}/arguments\ncd {tmp_path}\nexec sh -c "$4"\n'
    program.write_text(f"#!/bin/sh\n{script}")
    program.chmod(0o755)
    return Adb(str(program))


@FUZZ
@given(serial=TEXT, arguments=st.lists(TEXT, max_size=4))
def test_a_shell_gets_every_argument_as_it_is(echoing_adb, tmp_path, serial, arguments):
    result = Device(echoing_adb, serial).shell(["/usr/bin/printf", "[%s]", *arguments])
    expected = "".join(f"[{argument}]" for argument in arguments or [""])
    assert result.stdout == expected.replace("\r\n", "\n").replace("\r", "\n")  # output is read as text
    found = (tmp_path / "arguments").read_bytes().decode().split("\0")
    assert found[:3] == ["-s", serial, "shell"] and len(found) == 5  # the last is empty
    assert not (tmp_path / "owned").exists()


@FUZZ
@given(serials=st.lists(TEXT, min_size=1, max_size=3))
def test_only_an_attached_serial_is_ever_addressed(tmp_path, serials):
    log = tmp_path / "calls"
    log.unlink(missing_ok=True)
    program = tmp_path / "adb"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> {log}\necho "List of devices attached"\n')
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phones, "find_adb", lambda called_off: Adb(str(program), called_off))
        selection = phones.select(serials, False, threading.Event())
    assert selection.serials == () and len(selection.notes) == len(set(serials))
    assert set(log.read_text().split()) <= {"devices", "connect"}


@FUZZ
@given(name=TEXT)
def test_no_pushed_or_written_file_lies_outside_the_folder(echoing_adb, name):
    device = Device(echoing_adb, "SERIAL")
    try:
        path = device.reserve(name)
    except InputError as error:
        assert not PLAIN.fullmatch(name) and "\n" not in str(error)
    else:
        assert re.fullmatch(rf"{REMOTE_FOLDER}/[0-9a-f]{{16}}-{re.escape(name)}", path) and PLAIN.fullmatch(name)


def field_paths(values, path=()):
    """Yields the path of every field of a manifest."""
    items = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from field_paths(value, (*path, key))


FOREIGN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@settings(FUZZ, max_examples=150)
@given(data=st.data(), value=FOREIGN)
def test_a_changed_manifest_is_refused_in_one_line_or_names_only_plain_files(data, value):
    with tempfile.TemporaryDirectory() as name:
        folder = write_bundle(pathlib.Path(name) / "bundle", TINY_TFLITE.read_bytes())
        manifest = copy.deepcopy(read_manifest(folder))
        *path, last = data.draw(st.sampled_from(sorted(field_paths(manifest), key=repr)))
        place = manifest
        for key in path:
            place = place[key]
        place[last] = value
        write_manifest(folder, manifest)
        try:
            bundle = open_bundle(folder)
        except InputError as error:
            assert "\n" not in str(error)
        else:
            for file in bundle.files:
                names = [
                    file.name,
                    file.recipe,
                    file.signature,
                    *(tensor.name for tensor in file.inputs + file.outputs),
                ]
                assert all(PLAIN.fullmatch(each) for each in names)
                assert file.path.parent == folder


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff\xfe", b"", b"null", b'{"format_version": 1}'])
def test_a_manifest_that_is_none(bundle_folder, content):
    (bundle_folder / "manifest.json").write_bytes(content)
    with pytest.raises(InputError):
        open_bundle(bundle_folder)


def test_a_hostile_bundle_reaches_no_device(adb_server, tmp_path, bundle_folder, capsys):
    good = read_manifest(bundle_folder)
    simulated = SimulatedDevice(tmp_path / "device")
    runner = [f"--device_runner={write_runner(tmp_path)}", f"--device_library={sessions.library(tmp_path)}"]
    with attached(simulated):
        for injection in INJECTIONS:
            for key in ("name", "recipe", "signature"):
                manifest = json.loads(json.dumps(good))
                rename(manifest["files"][0], key, injection)
                write_manifest(bundle_folder, manifest)
                assert run([f"--bundle={bundle_folder}", f"--output={tmp_path}/out", "--all", *runner]) == 2
                assert "is not a plain name" in capsys.readouterr().err
    assert simulated.commands == [] and simulated.files() == []


def test_odd_paths_of_this_computer_are_only_paths(adb_server, tmp_path):
    odd = tmp_path / "$(touch owned); 'q' \"d\" `touch owned`"
    odd.mkdir()
    folder = write_bundle(odd / "-bundle", TINY_TFLITE.read_bytes())
    programs = sessions.runner_programs(write_runner(odd), odd)
    (case,), simulated = sessions.measure(tmp_path, folder, programs)
    assert case.problem is None
    assert simulated.files() == []
    assert not list(tmp_path.rglob("owned")) and not pathlib.Path("owned").exists()


def test_nothing_is_run_outside_the_folder(adb_server, tmp_path, bundle_folder):
    programs = sessions.runner_programs(write_runner(tmp_path), tmp_path)
    _, simulated = sessions.measure(tmp_path, bundle_folder, programs)
    known = {"mkdir", "test", "sh", "cat", "settings", "sha256sum", "chmod", "rm", "rmdir", "pkill", "df"}
    for command in simulated.commands:
        program = command.split(" ", 1)[0]
        assert program in known or program.startswith(f"{REMOTE_FOLDER}/"), command


def test_what_a_phone_says_cannot_steer_a_terminal():
    text = "[ro.product.model]: [\x1b[2Jhacked\x07]\n[ro.product.manufacturer]: [\x9b31m]\n@kernel\n\x1b]0;x\x07\n"
    info = read_info(Answering(text))
    assert (info.model, info.manufacturer, info.kernel) == ("[2Jhacked", "31m", "]0;x")
    assert read_state(Answering("@boot\n\x1b[2J\n")).boot_id == "[2J"
    assert str(DeviceError("a\x1b[31m\nb\tc\x00")) == "a[31m b c"


def test_the_real_adb_takes_no_serial_for_an_option(adb_server):
    for serial in ("-d", "--help", "-s"):
        with pytest.raises(DeviceError):
            Device(find_adb(), serial).shell(["true"], limit_s=5)
