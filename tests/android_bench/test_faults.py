"""The table of faults: what goes wrong, how it ends, and what a person is told. No fault may end in a PASS.

Each row runs the command against one simulated device over the real adb program, with a stand-in for the runner.
`python -m pytest -q -s tests/android_bench/test_faults.py` prints the table of what came of each.
"""

import re

import pytest

from android_bench import results_json, session
from android_bench.__main__ import run
from android_bench.latency import Verdict
from tests.android_bench.adb_device.phone import Phone
from tests.android_bench.adb_device.server import attached
from tests.android_bench.adb_device.simulated import Faults, SimulatedDevice
from tests.android_bench.sessions import library
from tests.android_bench.stand_in_runner import GOOD, write_runner

RUN = re.compile("--library=")
PULL = re.compile("sha256sum .*-output-")
PROFILE = re.compile("--profile=")


def on_run(event):
    return Faults(event_on_command=RUN, event=event)


# fault: (what goes wrong on the device, what it is like, the runner's end), the message
INVALID = {
    "disappears in a command": (Faults(vanish_on_command=RUN), None, GOOD, "did not finish"),
    "disappears in a push": (Faults(vanish_on_push=True), None, GOOD, "push of edgedipn_runner failed"),
    "disappears before the pull": (Faults(vanish_on_command=PULL), None, GOOD, "sha256sum did not finish"),
    "disappears in the operator profile": (Faults(vanish_on_command=PROFILE), None, GOOD, "did not finish"),
    "disappears at once": (Faults(vanish_on_command=re.compile("getprop")), None, GOOD, "sh did not finish"),
    "hangs": (Faults(hang_on_command=RUN), None, GOOD, "adb shell did not end within 2 s"),
    "answers garbage": (Faults(garbage_on_command=RUN), None, GOOD, "did not finish: the connection ended early"),
    "disk full": (Faults(free_bytes=100), None, GOOD, "No space left on device"),
    "push cut short": (Faults(kept_bytes=10), None, GOOD, "arrived changed"),
    "little space": (None, Phone(free_kb=1000), GOOD, "has 1 MiB free in /data/local/tmp, 64 are needed"),
    "hot": (None, Phone(thermal_status=2), GOOD, "did not cool down within 0 s: its thermal status is 2"),
    "hot battery": (None, Phone(battery_celsius=44.0), GOOD, "did not cool down within 0 s: its battery has 44 C"),
    "empty battery": (None, Phone(battery_percent=5), GOOD, "has 5 % battery, 20 % are needed: charge it"),
    "saves power": (None, Phone(is_saving_power=True), GOOD, "switch battery saver off"),
    "old Android": (None, Phone(api_level=23), GOOD, "(API 23): 7 (API 24) is needed"),
    "wrong ABI": (None, Phone(abi="x86"), "elf", "is built for arm64-v8a, device"),
    "throttles": (
        on_run(lambda device: device.change(thermal_status=3)),
        None,
        GOOD,
        "throttled while it was measured",
    ),
    "clocks fall": (
        on_run(lambda device: device.change(limit_khz=(1_800_000,) * 4 + (2_000_000,) * 4)),
        None,
        GOOD,
        "lowered the clock limit of CPU 4 from 2800000 to 2000000 kHz",
    ),
    "restarts": (on_run(lambda device: device.change(boot_id="another")), None, GOOD, "the device restarted"),
    "starts to save power": (
        on_run(lambda device: device.change(is_saving_power=True)),
        None,
        GOOD,
        "began to save power",
    ),
    "wrong exit code": (None, None, f"{GOOD}; sys.exit(3)", "failed with exit code 3"),
    "garbage of the runner": (None, None, "sys.stdout.buffer.write(bytes(range(256)) * 9)", "events 'loaded'"),
    "wrong numbers": (None, None, f"outputs['leaf_category'] = struct.pack('<f', .5) * 16; {GOOD}", "steps of 1/256"),
}


@pytest.fixture(scope="module")
def fault_table():
    """What came of each fault, as rows; they are printed at the end."""
    rows = []
    yield rows
    print("\n\n| fault | state | message |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(re.sub(r'127.0.0.1:[0-9]+', 'SERIAL', word.strip()) for word in row)} |")


def command(tmp_path, bundle_folder, runner):
    how = ["--num_runs=30", "--num_processes=1", "--cool_down_s=0", "--affinity=unpinned", "--backend=adb"]
    programs = [f"--device_runner={runner}", f"--device_library={library(tmp_path)}"]
    return [f"--bundle={bundle_folder}", f"--output={tmp_path}/out", *how, *programs]


def runner_of(tmp_path, ending):
    if ending != "elf":
        return write_runner(tmp_path, ending)
    path = tmp_path / "runner-android"
    path.write_bytes(b"\x7fELF\x02\x01" + bytes(10) + b"\x03\x00\xb7\x00")  # of AArch64
    return path


@pytest.mark.parametrize("name", INVALID)
def test_a_fault_ends_in_invalid_with_its_reason(
    adb_server, tmp_path, bundle_folder, capsys, monkeypatch, fault_table, name
):
    faults, phone, ending, message = INVALID[name]
    if name == "hangs":
        monkeypatch.setattr("android_bench.device_runner.PROCESS_LIMIT_S", 2.0)
        monkeypatch.setattr("android_bench.native_runner._MAX_SECONDS", 0)
    with attached(SimulatedDevice(tmp_path / "device", faults, phone)):
        assert run(command(tmp_path, bundle_folder, runner_of(tmp_path, ending))) == 2
    (case,) = results_json.read(tmp_path / "out").cases
    assert message in case.problem
    assert set(case.verdicts.values()) == {Verdict.INVALID} and case.summary is None
    captured = capsys.readouterr()
    assert f"INVALID: tiny_float32.tflite at length 4: {case.problem}" in captured.out and "PASS" not in captured.out
    assert captured.err.startswith("error: 1 of 1 cases are INVALID, first tiny_float32.tflite on ")
    assert captured.err.count("\n") == 1
    fault_table.append((name, "INVALID, exit code 2", case.problem))


REFUSED = {
    "unauthorized": (Faults(is_unauthorized=True), "state is 'unauthorized': unlock its screen and accept"),
    "offline": (Faults(is_silent=True), "state is 'offline': unplug and replug its cable"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_device_that_is_not_ready_is_refused_before_anything_is_pushed(
    adb_server, tmp_path, bundle_folder, capsys, fault_table, name
):
    faults, message = REFUSED[name]
    simulated = SimulatedDevice(tmp_path / "device", faults)
    with attached(simulated):
        assert run(command(tmp_path, bundle_folder, write_runner(tmp_path))) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert simulated.commands == [] and not (tmp_path / "out" / "results.json").exists()
    fault_table.append((name, "refused, exit code 2", error))


def test_no_device_at_all(adb_server, tmp_path, bundle_folder, capsys, fault_table):
    assert run(command(tmp_path, bundle_folder, write_runner(tmp_path))) == 2
    error = capsys.readouterr().err
    assert "none is attached (`adb devices` lists none); plug one in" in error and error.count("\n") == 1
    fault_table.append(("none attached", "refused, exit code 2", error))


def test_without_taskset_only_what_needs_it_is_left_out(adb_server, tmp_path, bundle_folder, capsys, fault_table):
    with attached(SimulatedDevice(tmp_path / "device", phone=Phone(has_taskset=False))):
        arguments = [*command(tmp_path, bundle_folder, write_runner(tmp_path)), "--affinity=pinned"]
        assert run(arguments) == 0
    report = results_json.read(tmp_path / "out")
    assert [case.condition.is_pinned for case in report.cases] == [False]
    (note,) = report.notes
    assert note.endswith("nothing was pinned: it has no taskset") and note in capsys.readouterr().out
    fault_table.append(("taskset is missing", "pinned cells left out, the others measured", note))


def test_a_connection_that_comes_back_is_no_measurement(
    adb_server, tmp_path, bundle_folder, capsys, monkeypatch, fault_table
):
    """adb connects again by itself, so that every command succeeds; only its number of the connection tells."""
    original, calls = session.read_state, []

    def reconnected(device):
        calls.append(device)
        if len(calls) == 2:  # after the process; the first reading was before all
            device.adb.run(["disconnect", device.serial])
            device.adb.connect(device.serial)
        return original(device)

    monkeypatch.setattr(session, "read_state", reconnected)
    with attached(SimulatedDevice(tmp_path / "device")):
        assert run(command(tmp_path, bundle_folder, write_runner(tmp_path))) == 2
    (case,) = results_json.read(tmp_path / "out").cases
    assert case.problem == "the connection to the device was lost and came back while it was measured"
    assert set(case.verdicts.values()) == {Verdict.INVALID}
    fault_table.append(("reconnects", "INVALID, exit code 2", case.problem))


def test_the_same_device_without_a_fault_passes(adb_server, tmp_path, bundle_folder):
    with attached(SimulatedDevice(tmp_path / "device")):
        assert run(command(tmp_path, bundle_folder, write_runner(tmp_path))) == 0
    (case,) = results_json.read(tmp_path / "out").cases
    assert (case.problem, case.verdicts["50"]) == (None, Verdict.PASS)
    assert [each.operator for each in case.operator_profile] == ["Delegate/Sum (ND) Reduce2", "DEQUANTIZE"]
