"""Many cells and many devices, by the command: side by side, resumed, called off."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from android_bench import results_json
from android_bench.__main__ import run
from android_bench.latency import Verdict
from tests.android_bench.adb_device.phone import Phone
from tests.android_bench.adb_device.server import adb, attached, serving
from tests.android_bench.adb_device.simulated import Faults, SimulatedDevice
from tests.android_bench.sessions import library
from tests.android_bench.stand_in_runner import GOOD, write_runner
from tests.android_bench.tiny_bundle import read_manifest, write_bundle, write_manifest

RUN = re.compile("--library=")


def command(tmp_path, folder, *flags, ending=GOOD):
    how = ["--num_runs=30", "--num_processes=1", "--cool_down_s=0", "--affinity=unpinned", "--backend=adb"]
    how.append("--num_profiled_runs=0")
    programs = [f"--device_runner={write_runner(tmp_path, ending)}", f"--device_library={library(tmp_path)}"]
    return [f"--bundle={folder}", f"--output={tmp_path}/out", *how, *programs, *flags]


def runs_on(simulated):
    return [text for text in simulated.commands if RUN.search(text)]


def test_three_devices_at_once_give_three_verdicts(adb_server, tmp_path, bundle_folder, capsys):
    fast = SimulatedDevice(tmp_path / "fast", phone=Phone(model="fast"))
    throttling = SimulatedDevice(
        tmp_path / "hot", Faults(event_on_command=RUN, event=lambda each: each.change(thermal_status=2))
    )
    lost = SimulatedDevice(tmp_path / "lost", Faults(vanish_on_command=RUN), Phone(model="lost", abi="x86_64"))
    with attached(fast) as first, attached(throttling) as second, attached(lost) as third:
        assert run(command(tmp_path, bundle_folder, "--all", "--budget_ms=5")) == 2
    cases = {case.device.serial: case for case in results_json.read(tmp_path / "out").cases}
    # 30 runs of 1 to 8 ms in turn: rank 27 is 7 ms, above a budget of 5 and within 20.
    assert cases[first].verdicts == {"5": Verdict.FAIL, "20": Verdict.PASS}
    assert cases[second].verdicts == cases[third].verdicts == {"5": Verdict.INVALID, "20": Verdict.INVALID}
    assert "throttled" in cases[second].problem and "did not finish" in cases[third].problem
    printed = capsys.readouterr().out
    for serial, verdict in ((first, "FAIL"), (second, "INVALID"), (third, "INVALID")):
        assert re.search(rf"verdict \(EdgeDIPN .* \({serial}\), native runner, 1 thread\): {verdict}: ", printed)


def test_devices_are_chosen_by_serial(adb_server, tmp_path, bundle_folder, capsys):
    with attached(SimulatedDevice(tmp_path / "a")) as first, attached(SimulatedDevice(tmp_path / "b")) as second:
        assert run(command(tmp_path, bundle_folder)) == 2
        error = capsys.readouterr().err
        assert "several devices are attached (" in error and first in error and second in error
        assert run(command(tmp_path, bundle_folder, f"--serial={second}", "--serial=absent")) == 0
    report = results_json.read(tmp_path / "out")
    assert [case.device.serial for case in report.cases] == [second]
    assert report.notes[0].startswith("device 'absent' is not attached: `adb devices` lists 127.0.0.1:")


def test_a_wireless_device_is_connected(adb_server, tmp_path, bundle_folder, capsys):
    with serving(SimulatedDevice(tmp_path / "device")) as address:
        assert run(command(tmp_path, bundle_folder, f"--serial={address}")) == 0
        adb("disconnect", address)
    assert [case.device.serial for case in results_json.read(tmp_path / "out").cases] == [address]


def test_nothing_answers_at_an_address(adb_server, tmp_path, bundle_folder, capsys):
    assert run(command(tmp_path, bundle_folder, "--serial=127.0.0.1:1")) == 2
    assert "device '127.0.0.1:1' is not attached: `adb devices` lists none" in capsys.readouterr().err


def test_every_combination_is_a_cell_of_its_own(adb_server, tmp_path, tflite):
    folders = [write_bundle(tmp_path / name, tflite) for name in ("short", "long")]
    manifest = read_manifest(folders[1])
    manifest["files"][0]["signatures"][0]["length"] = 256
    write_manifest(folders[1], manifest)
    flags = [f"--bundle={folders[1]}", "--num_threads=1", "--num_threads=2", "--paced", "--interval_ms=1"]
    with attached(SimulatedDevice(tmp_path / "device")):
        assert run(command(tmp_path, folders[0], *flags)) == 0
    cells = [
        (case.max_length, case.condition.num_threads, case.condition.interval_ms)
        for case in results_json.read(tmp_path / "out").cases
    ]
    assert sorted(cells) == [
        (length, threads, pace) for length in (4, 256) for threads in (1, 2) for pace in (0.0, 1.0)
    ]  # fmt: skip


def test_finished_cells_are_kept_and_the_rest_is_measured(adb_server, tmp_path, tflite, capsys):
    folder = write_bundle(tmp_path / "bundle", tflite, names=("tiny_float32.tflite", "tiny_int8.tflite"))
    fails_on_int8 = f"""
        if "int8" in flags["model"] and not os.path.exists({str(tmp_path / "mended")!r}):
            sys.exit(5)
        {GOOD}
    """
    simulated = SimulatedDevice(tmp_path / "device")
    with attached(simulated):
        arguments = command(tmp_path, folder, ending=fails_on_int8)
        assert run(arguments) == 2
        assert len(runs_on(simulated)) == 2
        (tmp_path / "mended").touch()
        assert run([*arguments, "--resume"]) == 0
        assert len(runs_on(simulated)) == 3 and "tiny_int8" in runs_on(simulated)[-1]
        assert run([*arguments, "--resume", "--budget_ms=5"]) == 0  # a verdict for another budget needs no new run
        assert len(runs_on(simulated)) == 3
        assert {case.verdicts["5"] for case in results_json.read(tmp_path / "out").cases} == {Verdict.FAIL}
        assert run([*arguments, "--resume", "--num_warmup_runs=4"]) == 0  # but other settings do
        assert len(runs_on(simulated)) == 5
        assert run([*arguments, "--overwrite"]) == 0
        assert len(runs_on(simulated)) == 7


def test_a_cell_that_cannot_be_read_is_measured_again(adb_server, tmp_path, bundle_folder):
    simulated = SimulatedDevice(tmp_path / "device")
    with attached(simulated):
        assert run(command(tmp_path, bundle_folder)) == 0
        (cell,) = (tmp_path / "out" / "cells").iterdir()
        cell.write_text('{"format_version": 2}')
        assert run(command(tmp_path, bundle_folder, "--resume")) == 0
    assert len(runs_on(simulated)) == 2
    assert results_json.case_from_json(cell.read_bytes(), "cell").problem is None


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_restores_every_phone_and_ends_with_130(adb_server, tmp_path, bundle_folder, signal_number):
    phones = [SimulatedDevice(tmp_path / name, phone=Phone(stay_awake="1")) for name in ("a", "b")]
    with attached(phones[0]), attached(phones[1]):
        arguments = command(tmp_path, bundle_folder, "--all", ending="time.sleep(60)")
        process = subprocess.Popen(
            [sys.executable, "-m", "android_bench", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not all(runs_on(phone) for phone in phones):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        os.kill(process.pid, signal_number)
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert printed.endswith("interrupted: nothing half-written was published; run the same command again\n")
    for phone in phones:
        assert (phone.setting("stay_on_while_plugged_in"), phone.files()) == ("1", [])
    assert not pathlib.Path(tmp_path / "out" / "results.json").exists()
