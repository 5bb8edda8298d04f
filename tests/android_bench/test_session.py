"""A session over the real adb program on simulated devices: order, pinning, rests, what is changed and restored."""

import re
import threading
import time
import types

import pytest

from android_bench import cool_down
from android_bench.adb import find_adb
from android_bench.bundle import open_bundle
from android_bench.device import Device
from android_bench.latency import Verdict
from android_bench.phone_settings import FORMER_VALUE, SETTING
from android_bench.results import Condition
from android_bench.session import Session
from tests.android_bench.adb_device.phone import Phone
from tests.android_bench.adb_device.server import attached
from tests.android_bench.adb_device.simulated import Faults, SimulatedDevice
from tests.android_bench.sessions import cells, measure, runner_programs, settings
from tests.android_bench.stand_in_runner import GOOD, write_runner
from tests.android_bench.tiny_bundle import write_bundle

RUN = re.compile("--library=")


def measure_with(tmp_path, folder, *conditions, ending=GOOD, **how):
    programs = runner_programs(write_runner(tmp_path, ending), tmp_path)
    return measure(tmp_path, folder, programs, *conditions, **how)


def test_processes_of_all_cells_are_shuffled_and_their_order_is_kept(adb_server, tmp_path, tflite):
    folder = write_bundle(tmp_path / "bundle", tflite, names=("tiny_float32.tflite", "tiny_int8.tflite"))
    cases, simulated = measure_with(tmp_path, folder, how=settings(num_runs=30, num_processes=3))
    run = [re.search(r"tiny_\w+", command)[0] for command in simulated.commands if RUN.search(command)]
    assert sorted(run) == ["tiny_float32"] * 3 + ["tiny_int8"] * 3 and run != sorted(run)
    by_order = {process.order: case.file for case in cases for process in case.processes}
    assert [by_order[order].removesuffix(".tflite") for order in range(6)] == run
    assert [len(case.samples_ms) for case in cases] == [30, 30]
    assert all(len(case.states) == 6 for case in cases)  # before and after each of three processes


def test_pinning_is_to_the_fastest_cluster(adb_server, tmp_path, bundle_folder):
    (free, pinned), simulated = measure_with(tmp_path, bundle_folder, Condition(), Condition(is_pinned=True))
    assert (free.affinity_mask, pinned.affinity_mask) == (None, "f0")
    assert pinned.verdicts["50"] is Verdict.PASS and pinned.condition.label == "1 thread, pinned"
    assert (simulated.root / "state/masks").read_text() == "f0\n"
    runs = [command.startswith("taskset f0 /data/") for command in simulated.commands if RUN.search(command)]
    assert sorted(runs) == [False, True]


@pytest.mark.parametrize(
    ("phone", "reason"),
    [
        (Phone(has_taskset=False), "it has no taskset"),
        (Phone(max_khz=(2000,) * 4, limit_khz=(2000,) * 4), "its CPUs are all alike, or it does not tell their clocks"),
    ],
    ids=["no taskset", "one cluster"],
)
def test_without_pinning_the_rest_is_measured(adb_server, tmp_path, bundle_folder, phone, reason):
    programs = runner_programs(write_runner(tmp_path), tmp_path)
    with attached(SimulatedDevice(tmp_path / "device", phone=phone)) as serial, Device(find_adb(), serial) as device:
        session = Session(device, programs, settings(), print)
        found = session.measure(cells(open_bundle(bundle_folder), "adb_runner", Condition(), Condition(is_pinned=True)))
    assert [case.condition for _, case in found] == [Condition()]
    assert session.no_pinning == reason


def test_a_hot_phone_may_cool_down(adb_server, tmp_path, bundle_folder, monkeypatch):
    simulated = SimulatedDevice(tmp_path / "device", phone=Phone(thermal_status=1, battery_celsius=45.0))
    rests = []

    def rest(seconds):
        rests.append(seconds)
        simulated.change(thermal_status=0, battery_celsius=45.0 if len(rests) == 1 else 30.0)

    monkeypatch.setattr(cool_down, "time", types.SimpleNamespace(monotonic=time.monotonic, sleep=rest))
    told = []
    with attached(simulated) as serial, Device(find_adb(), serial) as device:
        programs = runner_programs(write_runner(tmp_path), tmp_path)
        session = Session(device, programs, settings(cool_down_s=60.0), told.append)
        ((_, case),) = session.measure(cells(open_bundle(bundle_folder), "adb_runner"))
    assert (case.problem, case.verdicts["50"]) == (None, Verdict.PASS)
    assert rests == [5.0, 5.0]  # first its thermal status, then its battery
    assert "too hot, its thermal status is 1 (0 is needed): waiting up to 60 s" in "".join(told)


@pytest.mark.parametrize("former", [None, "0", "3"])
def test_the_phone_is_kept_awake_and_the_setting_is_restored(adb_server, tmp_path, bundle_folder, former):
    seen = []
    faults = Faults(event_on_command=RUN, event=lambda simulated: seen.append(simulated.setting(SETTING)))
    _, simulated = measure_with(tmp_path, bundle_folder, faults=faults, phone=Phone(stay_awake=former))
    assert seen == ["7"]
    assert simulated.setting(SETTING) == former
    assert simulated.files() == []


def test_the_setting_is_restored_after_a_fault(adb_server, tmp_path, bundle_folder):
    (case,), simulated = measure_with(tmp_path, bundle_folder, ending="sys.exit(3)", phone=Phone(stay_awake="1"))
    assert case.verdicts["50"] is Verdict.INVALID
    assert (simulated.setting(SETTING), simulated.files()) == ("1", [])


def test_everything_is_restored_after_ctrl_c(adb_server, tmp_path, bundle_folder):
    called_off = threading.Event()
    faults = Faults(event_on_command=RUN, event=lambda simulated: called_off.set())
    simulated = SimulatedDevice(tmp_path / "device", faults, Phone(stay_awake="1"))
    programs = runner_programs(write_runner(tmp_path, "time.sleep(60)"), tmp_path)
    with attached(simulated) as serial:
        with pytest.raises(KeyboardInterrupt), Device(find_adb(called_off), serial) as device:
            Session(device, programs, settings(), print).measure(cells(open_bundle(bundle_folder), "adb_runner"))
    assert (simulated.setting(SETTING), simulated.files()) == ("1", [])
    assert any(command.startswith("pkill -9 -f ") for command in simulated.commands)


def test_the_next_run_restores_what_a_lost_connection_left(adb_server, tmp_path, bundle_folder):
    phone = Phone(stay_awake="7")  # changed by a run that could not restore it
    simulated = SimulatedDevice(tmp_path / "device", phone=phone)
    simulated.host_path(FORMER_VALUE).parent.mkdir()
    simulated.host_path(FORMER_VALUE).write_text("2\n")
    programs = runner_programs(write_runner(tmp_path), tmp_path)
    with attached(simulated) as serial, Device(find_adb(), serial) as device:
        Session(device, programs, settings(), print).measure(cells(open_bundle(bundle_folder), "adb_runner"))
    assert (simulated.setting(SETTING), simulated.files()) == ("2", [])


REFUSING = {
    "nothing to note": ("true", "its setting could not be noted"),  # a full disk: the note comes out empty
    "no permission": (
        'test "$1" = get && echo 0 || { echo "SecurityException: no" >&2; exit 255; }',
        "SecurityException: no",
    ),
}


@pytest.mark.parametrize(("script", "reason"), REFUSING.values(), ids=REFUSING)
def test_a_phone_that_cannot_be_kept_awake_is_measured_as_it_is(adb_server, tmp_path, bundle_folder, script, reason):
    simulated = SimulatedDevice(tmp_path / "device", phone=Phone(stay_awake="1"))
    (simulated.root / "system/bin/settings").write_text(f"#!/bin/sh\n{script}\n")
    programs = runner_programs(write_runner(tmp_path), tmp_path)
    with attached(simulated) as serial, Device(find_adb(), serial) as device:
        session = Session(device, programs, settings(), print)
        ((_, case),) = session.measure(cells(open_bundle(bundle_folder), "adb_runner"))
    assert case.problem is None
    assert case.notes == (f"the device was not kept awake: {reason}",)
    assert (simulated.setting(SETTING), simulated.files()) == ("1", [])


def test_processes_that_disagree_give_no_verdict(adb_server, tmp_path, bundle_folder):
    slower = f"""
        slow = os.path.exists(sys.argv[0] + "-marker")
        open(sys.argv[0] + "-marker", "w").close()
        for event in events:
            event["ns"] = event.get("ns", 0) * (2 if slow else 1)
        {GOOD}
    """
    (case,), _ = measure_with(tmp_path, bundle_folder, ending=slower, how=settings(num_processes=2))
    assert "the processes disagree: their medians lie between 4 and 8 ms" in case.problem
    assert set(case.verdicts.values()) == {Verdict.INVALID}
