"""The native runner over the real adb program on simulated devices.

The device is simulated, so its binary is the runner built for this computer with this computer's LiteRT: it shows that
everything is pushed, run, pulled and compared, and no figure here is a phone's.
"""

import re

import numpy as np
import pytest

from android_bench.adb import find_adb
from android_bench.device import Device
from android_bench.errors import DeviceError
from android_bench.latency import Verdict
from android_bench.native_runner import Program, host_library
from android_bench.results import Condition
from android_bench.session import DevicePrograms
from tests.android_bench.adb_device.phone import Phone
from tests.android_bench.adb_device.server import attached
from tests.android_bench.adb_device.simulated import Faults, SimulatedDevice
from tests.android_bench.sessions import measure, runner_programs, settings
from tests.android_bench.stand_in_runner import GOOD, RUNNER_FAULTS, write_runner
from tests.android_bench.tiny_bundle import write_bundle


def measure_with(tmp_path, folder, runner, faults=None):
    return measure(tmp_path, folder, runner_programs(runner, tmp_path), Condition(num_threads=2), faults=faults)


def test_the_runner_built_for_this_computer_runs_as_the_devices_binary(adb_server, tmp_path, tflite, host_runner):
    folder = write_bundle(tmp_path / "bundle", tflite, names=("tiny_float32.tflite", "tiny_int8.tflite"))
    cases, simulated = measure(
        tmp_path,
        folder,
        DevicePrograms(runner=Program(host_runner, host_library())),
        Condition(num_threads=2),
        phone=Phone(abi="x86_64"),
        how=settings(num_processes=3, max_spread=1e6),  # a tiny model takes microseconds, and this computer is busy
    )
    for case in cases:
        assert (case.backend, case.device.model, case.problem) == ("adb_runner", "simulated test device", None)
        assert [len(process.samples_ms) for process in case.processes] == [10, 10, 10]
        assert [len(process.cpus) for process in case.processes] == [10, 10, 10]
        assert {process.num_threads for process in case.processes} == {2}
        assert case.parity.num_samples == 8 and case.parity.largest < 1e-6
        assert (case.auc["realtime_purchase"].num_known, case.auc["realtime_purchase"].difference) == (7, 0.0)
        assert case.auc["leaf_category"].difference is None  # known labels of one class only
        assert case.host_difference.largest == 0  # this computer's outputs, by way of the device
        assert case.verdicts == {"20": Verdict.PASS, "50": Verdict.PASS}
        assert case.machine.endswith("), native runner")
    orders = sorted(process.order for case in cases for process in case.processes)
    assert orders == list(range(6))
    assert simulated.files() == []


def test_the_verdict_comes_from_every_single_latency(adb_server, tmp_path, bundle_folder):
    (case,), _ = measure_with(tmp_path, bundle_folder, write_runner(tmp_path))
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
        (case,), _ = measure_with(work, folder, write_runner(work, shift))
        assert case.parity.largest == pytest.approx(limit * factor, abs=1e-5)
        if factor < 1:
            assert case.problem is None
        else:
            assert re.search(
                r"output 'leaf_category' lies up to 0\.0\d+ \([\d.]+ steps of 1/256\) from this", case.problem
            )
            assert set(case.verdicts.values()) == {Verdict.INVALID}


# All faults are tried on this computer (test_native_runner); here those that take another way from a device.
FAULTS_SEEN_OVER_ADB = ("wrong exit code", "error event", "garbage", "short output", "outputs that are no numbers")


@pytest.mark.parametrize("name", FAULTS_SEEN_OVER_ADB)
def test_no_fault_of_the_runner_gives_a_verdict(adb_server, tmp_path, bundle_folder, name):
    ending, reason = RUNNER_FAULTS[name]
    (case,), simulated = measure_with(tmp_path, bundle_folder, write_runner(tmp_path, ending))
    assert reason in case.problem
    assert set(case.verdicts.values()) == {Verdict.INVALID}
    assert case.summary is None
    assert simulated.files() == []


DEVICE_FAULTS = {
    "vanishes in the benchmark": (Faults(vanish_on_command=re.compile("--library=")), "did not finish"),
    "vanishes in a push": (Faults(vanish_on_push=True), "push of"),
    "vanishes at once": (Faults(vanish_on_command=re.compile("getprop")), "sh did not finish"),
    "vanishes before the pull": (Faults(vanish_on_command=re.compile("sha256sum .*output")), "sha256sum did not"),
    "disk full": (Faults(free_bytes=100), "No space left on device"),
    "push cut short": (Faults(kept_bytes=10), "arrived changed"),
}


@pytest.mark.parametrize(("faults", "reason"), DEVICE_FAULTS.values(), ids=DEVICE_FAULTS)
def test_no_fault_of_the_device_gives_a_verdict(adb_server, tmp_path, bundle_folder, faults, reason):
    (case,), _ = measure_with(tmp_path, bundle_folder, write_runner(tmp_path), faults)
    assert reason in case.problem
    assert set(case.verdicts.values()) == {Verdict.INVALID}


def test_operators_are_profiled_in_a_process_of_its_own(adb_server, tmp_path, bundle_folder):
    programs, how = runner_programs(write_runner(tmp_path), tmp_path), settings(num_profiled_runs=5)
    (case,), simulated = measure(tmp_path, bundle_folder, programs, Condition(interval_ms=1.0), how=how)
    assert case.problem is None and len(case.samples_ms) == 30
    assert [each.operator for each in case.operator_profile] == ["Delegate/Sum (ND) Reduce2", "DEQUANTIZE"]
    (profiled,) = [command for command in simulated.commands if "--profile=5" in command]
    assert " --runs=1 " in profiled and " --interval_us=0 " in profiled and "--output=" not in profiled


def test_an_output_that_was_not_written(adb_server, tmp_path, bundle_folder):
    (case,), _ = measure_with(tmp_path, bundle_folder, write_runner(tmp_path, "print_events()"))
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
