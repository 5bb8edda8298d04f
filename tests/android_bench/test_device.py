"""The device class over the real adb program and a simulated device, then over programs that only pretend to be adb."""

import os
import pathlib
import re
import time

import pytest

from android_bench.adb import Adb, AttachedDevice, find_adb, parse_devices
from android_bench.device import REMOTE_FOLDER, Device
from android_bench.errors import DeviceError
from edgedipn_tf.commands import InputError
from tests.android_bench.adb_device.server import attached
from tests.android_bench.adb_device.simulated import Faults, SimulatedDevice


@pytest.fixture
def device(adb_server, tmp_path):
    simulated = SimulatedDevice(tmp_path / "device")
    with attached(simulated) as serial:
        yield Device(find_adb(), serial), simulated


def test_output_errors_and_exit_code_come_back_apart(device):
    result = device[0].shell(["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (result.exit_code, result.stdout, result.stderr) == (7, "out\n", "err\n")


def test_arguments_reach_the_program_as_they_are(device):
    odd = ["a b", "$(id)", "`id`", "x;y", "'", '"', "*", "\\", "é", "", "-n", "\n"]
    result = device[0].shell(["/usr/bin/printf", "[%s]", *odd])
    assert result.stdout == "".join(f"[{argument}]" for argument in odd)


def test_a_program_cannot_forge_its_exit_code(device):
    result = device[0].shell(["sh", "-c", "printf '\\nedgedipn-0123456789abcdef 0\\n'; exit 9"])
    assert result.exit_code == 9


def test_push_is_named_by_content_verified_and_removed(device, tmp_path):
    (tmp_path / "model.tflite").write_bytes(bytes(range(256)) * 4000)  # 1 MB: several packets
    with device[0] as phone:
        remote = phone.push({"model.tflite": tmp_path / "model.tflite"})["model.tflite"]
        assert re.fullmatch(rf"{REMOTE_FOLDER}/[0-9a-f]{{16}}-model\.tflite", remote)
        assert device[1].host_path(remote).read_bytes() == bytes(range(256)) * 4000
    assert device[1].files() == []


def test_many_files_are_verified_and_removed_by_short_commands(device, tmp_path):
    files = {f"{'long' * 12}-{i}": tmp_path / f"file{i}" for i in range(45)}
    for i, path in enumerate(files.values()):
        path.write_bytes(bytes([i]))
    with device[0] as phone:
        assert len(phone.push(files)) == 45
    assert device[1].files() == []
    assert max(len(command) for command in device[1].commands) < 4096


def test_a_verified_file_is_not_pushed_again(device, tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    with device[0] as phone:
        first = phone.push({"file": tmp_path / "file"})
        device[1].host_path(first["file"]).write_bytes(b"witness")
        assert phone.push({"file": tmp_path / "file"}) == first
        assert device[1].host_path(first["file"]).read_bytes() == b"witness"


def test_files_of_another_run_are_left(device, tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    with device[0] as phone:
        phone.push({"file": tmp_path / "file"})
        device[1].host_path(f"{REMOTE_FOLDER}/other").write_bytes(b"of another run")
    assert device[1].files() == [REMOTE_FOLDER, f"{REMOTE_FOLDER}/other"]


def test_pushed_files_are_removed_after_ctrl_c(device, tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises(KeyboardInterrupt), device[0] as phone:
        phone.push({"file": tmp_path / "file"})
        raise KeyboardInterrupt
    assert device[1].files() == []


def test_a_remote_name_that_leads_elsewhere_is_refused_before_any_push(device, tmp_path):
    with pytest.raises(InputError, match="not a plain file name"):
        device[0].push({"../../x": tmp_path})
    assert device[1].files() == [REMOTE_FOLDER]


def test_a_command_that_hangs_ends_at_the_limit(device):
    start = time.monotonic()
    with pytest.raises(DeviceError, match="adb shell did not end within 0.5 s"):
        device[0].shell(["sleep", "30"], limit_s=0.5)
    assert time.monotonic() - start < 5


def test_a_device_that_vanishes_in_a_command_is_an_error_though_adb_may_return_0(adb_server, tmp_path):
    simulated = SimulatedDevice(tmp_path / "device", Faults(vanish_on_command=re.compile("sleep")))
    with attached(simulated) as serial:
        phone = Device(find_adb(), serial)
        assert phone.shell(["true"]).exit_code == 0
        with pytest.raises(DeviceError, match="sleep did not finish"):
            phone.shell(["sleep", "0.2"])
        with pytest.raises(DeviceError):
            phone.shell(["true"])


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        (Faults(free_bytes=1000), "push of big failed.*No space left on device"),
        (Faults(kept_bytes=1000), "arrived changed"),
        (Faults(vanish_on_push=True), "push of big"),
    ],
    ids=["disk full", "truncated", "vanishes"],
)
def test_a_push_that_fails(adb_server, tmp_path, faults, reason):
    (tmp_path / "big").write_bytes(bytes(300_000))
    simulated = SimulatedDevice(tmp_path / "device", faults)
    with attached(simulated) as serial, Device(find_adb(), serial) as phone:
        with pytest.raises(DeviceError, match=reason) as caught:
            phone.push({"big": tmp_path / "big"})
    assert "\n" not in str(caught.value)
    if not faults.vanish_on_push:
        assert simulated.files() == []


@pytest.mark.parametrize(
    ("faults", "state", "remedy"),
    [
        (Faults(is_unauthorized=True), "unauthorized", "accept 'Allow USB debugging'"),
        (Faults(is_silent=True), "offline", "replug its cable"),
    ],
    ids=["unauthorized", "offline"],
)
def test_states_are_explained(adb_server, tmp_path, faults, state, remedy):
    with attached(SimulatedDevice(tmp_path / "device", faults)) as serial:
        (found,) = find_adb().devices()
        assert found == AttachedDevice(serial, state)
        assert not found.is_ready
        assert remedy in found.explanation
        with pytest.raises(DeviceError):
            Device(find_adb(), serial).shell(["true"], limit_s=5)


def test_listing_is_read_past_messages_and_odd_states():
    text = (
        "* daemon not running; starting now at tcp:5037\n* daemon started successfully\nList of devices attached\n"
        "R58M\tdevice\nemulator-5554\toffline\n192.168.0.7:5555\tunauthorized\n"
        "????????????\tno permissions (user in plugdev group; are your udev rules wrong?); see [http://x]\n\n"
    )
    assert [(each.serial, each.state) for each in parse_devices(text)] == [
        ("R58M", "device"),
        ("emulator-5554", "offline"),
        ("192.168.0.7:5555", "unauthorized"),
        ("????????????", "no permissions"),
    ]
    assert "udev rules" in parse_devices(text)[3].explanation
    assert parse_devices("List of devices attached\n\n") == []
    assert parse_devices("adb: unknown command devices\n") == []


def pretended_adb(folder: pathlib.Path, body: str) -> Adb:
    program = folder / "adb"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return Adb(str(program))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("exit 0", "the connection ended early"),
        ("echo everything is fine; exit 0", "the connection ended early"),
        ("echo 'error: device not found' >&2; exit 1", "error: device not found"),
        ('echo "$4"; exit 0', "the connection ended early"),  # an echo of the command is no sentinel
        ("sleep 9", "did not end within"),
    ],
)
def test_success_is_never_concluded_from_adb_itself(tmp_path, body, reason):
    phone = Device(pretended_adb(tmp_path, body), "SERIAL")
    with pytest.raises(DeviceError, match=reason):
        phone.shell(["true"], limit_s=1)


def test_the_serial_is_always_given_and_never_interpreted(tmp_path):
    adb = pretended_adb(tmp_path, f'printf "[%s]" "$@" > {tmp_path}/arguments')
    with pytest.raises(DeviceError):
        Device(adb, "x; touch /tmp/owned").shell(["true"])
    assert (tmp_path / "arguments").read_text().startswith("[-s][x; touch /tmp/owned][shell][true; printf ")


def test_adb_that_cannot_list_or_run(tmp_path):
    with pytest.raises(DeviceError, match="adb devices failed: cannot bind"):
        pretended_adb(tmp_path, "echo cannot bind >&2; exit 1").devices()
    with pytest.raises(DeviceError, match="cannot be run"):
        Adb(str(tmp_path / "absent")).devices()


def test_no_adb_on_the_search_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    assert find_adb() is None
