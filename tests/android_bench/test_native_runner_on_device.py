"""The native runner over the real adb program on simulated devices.

The device is simulated, so its binary is the runner built for this computer with this computer's LiteRT: it shows that
everything is pushed, run, pulled and compared, and no figure here is a phone's.
"""

import re

import numpy as np
import pytest

from android_bench.bundle import open_bundle
from android_bench.device import REMOTE_FOLDER, Device, find_adb
from android_bench.errors import DeviceError
from android_bench.latency import Verdict
from android_bench.native_runner import Program, host_library, measure_device_runner
from android_bench.results import CaseResult, Settings
from tests.android_bench.adb_device.server import attached
from tests.android_bench.adb_device.simulated import Faults, SimulatedDevice
from tests.android_bench.stand_in_runner import GOOD, RUNNER_FAULTS, write_runner
from tests.android_bench.tiny_bundle import write_bundle

SETTINGS = Settings(num_runs=30, num_warmup_runs=3, num_threads=2, num_processes=1, budget_ms=50.0)


def measure(tmp_path, folder, runner, faults=None, library=None) -> tuple[list[CaseResult], SimulatedDevice]:
    if library is None:
        library = tmp_path / "libLiteRt.so"
        library.write_bytes(b"the stand-in opens nothing")
    simulated = SimulatedDevice(tmp_path / "device", faults)
    with attached(simulated) as serial, Device(find_adb(), serial) as phone:
        cases = measure_device_runner(phone, open_bundle(folder), Program(runner, library), SETTINGS, progress=print)
    return cases, simulated


def test_the_runner_built_for_this_computer_runs_as_the_devices_binary(adb_server, tmp_path, tflite, host_runner):
    folder = write_bundle(tmp_path / "bundle", tflite, names=("tiny_float32.tflite", "tiny_int8.tflite"))
    cases, simulated = measure(tmp_path, folder, host_runner, library=host_library())
    for case in cases:
        assert (case.backend, case.device.model, case.problem) == ("adb_runner", "simulated test device", None)
        assert (len(case.samples_ms), len(case.warmup_samples_ms), len(case.runner.cpus)) == (30, 4, 30)
        assert case.parity.num_samples == 8 and case.parity.largest < 1e-6
        assert case.runner.num_process_threads == 2
        assert case.verdicts == {"20": Verdict.PASS, "50": Verdict.PASS}
        assert case.machine.endswith("), native runner")
    assert simulated.files() == []
    for command in simulated.commands:
        assert len(command) < 4096
        paths = re.findall(r"(?<![\w/])/[\w./\[\]-]+", command)
        assert all(path.replace("[e]", "e").startswith(REMOTE_FOLDER) for path in paths), command


def test_the_verdict_comes_from_every_single_latency(adb_server, tmp_path, bundle_folder):
    (case,), _ = measure(tmp_path, bundle_folder, write_runner(tmp_path))
    # Samples 0 to 7 take 1 to 8 ms in turn: of 30 runs 1 to 6 ms come 4 times, 7 and 8 ms 3 times; rank 27 is 7 ms.
    assert case.samples_ms == ((1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0) * 4)[:30]
    assert (case.summary.p50_ms, case.summary.p90_ms) == (4.0, 7.0)
    assert case.problem is None


@pytest.mark.parametrize("name", ["float32", "dynamic_int8"])
def test_small_differences_are_allowed_and_wrong_numbers_are_not(adb_server, tmp_path, tflite, name):
    folder = write_bundle(tmp_path / "bundle", tflite, names=(f"tiny_{name}.tflite",))
    limit = {"float32": 0.001, "dynamic_int8": 6 / 256}[name]
    for place, factor in enumerate((0.9, 1.1)):
        shift = f"""
            values = [each[0] - {limit * factor} for each in struct.iter_unpack('<f', outputs['leaf_category'])]
            outputs['leaf_category'] = struct.pack('<16f', *values)
            {GOOD}
        """
        work = tmp_path / str(place)
        work.mkdir()
        (case,), _ = measure(work, folder, write_runner(work, shift))
        assert case.parity.largest == pytest.approx(limit * factor, abs=1e-5)
        if factor < 1:
            assert case.problem is None
        else:
            assert re.search(r"output 'leaf_category' lies up to 0\.0\d+ from this computer's", case.problem)
            assert set(case.verdicts.values()) == {Verdict.INVALID}


# All faults are tried on this computer (test_native_runner); here those that take another way from a device.
FAULTS_SEEN_OVER_ADB = ("wrong exit code", "error event", "garbage", "short output", "outputs that are no numbers")


@pytest.mark.parametrize("name", FAULTS_SEEN_OVER_ADB)
def test_no_fault_of_the_runner_gives_a_verdict(adb_server, tmp_path, bundle_folder, name):
    ending, reason = RUNNER_FAULTS[name]
    (case,), simulated = measure(tmp_path, bundle_folder, write_runner(tmp_path, ending))
    assert reason in case.problem
    assert set(case.verdicts.values()) == {Verdict.INVALID}
    assert case.summary is None
    assert simulated.files() == []


DEVICE_FAULTS = {
    "vanishes in the benchmark": (Faults(vanish_on_command=re.compile("--library=")), "did not finish"),
    "vanishes in a push": (Faults(vanish_on_push=True), "push of"),
    "vanishes at once": (Faults(vanish_on_command=re.compile("getprop")), "getprop did not finish"),
    "vanishes before the pull": (Faults(vanish_on_command=re.compile("sha256sum .*output")), "sha256sum did not"),
    "disk full": (Faults(free_bytes=100), "No space left on device"),
    "push cut short": (Faults(kept_bytes=10), "arrived changed"),
}


@pytest.mark.parametrize(("faults", "reason"), DEVICE_FAULTS.values(), ids=DEVICE_FAULTS)
def test_no_fault_of_the_device_gives_a_verdict(adb_server, tmp_path, bundle_folder, faults, reason):
    (case,), _ = measure(tmp_path, bundle_folder, write_runner(tmp_path), faults)
    assert reason in case.problem
    assert set(case.verdicts.values()) == {Verdict.INVALID}


def test_an_output_that_was_not_written(adb_server, tmp_path, bundle_folder):
    (case,), _ = measure(tmp_path, bundle_folder, write_runner(tmp_path, "print_events()"))
    assert "sha256sum failed with exit code 1" in case.problem


def test_a_pull_is_verified(adb_server, tmp_path):
    simulated = SimulatedDevice(tmp_path / "device")
    with attached(simulated) as serial, Device(find_adb(), serial) as phone:
        remote = phone.reserve("output-x")
        path = simulated.host_path(remote)
        path.parent.mkdir(parents=True)
        content = np.random.default_rng(1).bytes(200_000)  # more than one part of the protocol
        path.write_bytes(content)
        assert phone.pull(remote) == content
        with pytest.raises(DeviceError, match="sha256sum failed"):
            phone.pull(phone.reserve("absent"))
        assert remote != phone.reserve("output-x")
    assert simulated.files() == []
