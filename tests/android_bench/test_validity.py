import dataclasses

import pytest

from android_bench.results import DeviceState, ProcessRun
from android_bench.validity import problem_of_processes, problem_of_states

STATE = DeviceState(
    uptime_s=100.0, boot_id="a", connection="3", thermal_status=0, limit_khz=(1800, 2800), is_saving_power=False
)


def process(*samples_ms):
    return ProcessRun(order=0, samples_ms=samples_ms)


def test_a_quiet_device():
    later = dataclasses.replace(STATE, uptime_s=200.0, current_khz=(300, 300))  # idle clocks are no limit
    assert problem_of_states([STATE, later, later]) is None
    assert problem_of_states([DeviceState(), DeviceState()]) is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"boot_id": "b"}, "the device restarted"),
        ({"boot_id": None}, "the device restarted"),
        ({"uptime_s": 99.0}, "the device restarted"),
        ({"connection": "4"}, "the connection to the device was lost and came back"),
        ({"connection": None}, "the connection to the device was lost and came back"),
        ({"thermal_status": 1}, "throttled while it was measured: its thermal status rose to 1"),
        ({"limit_khz": (1800, 2799)}, "lowered the clock limit of CPU 1 from 2800 to 2799 kHz"),
        ({"is_saving_power": True}, "began to save power"),
    ],
)
def test_what_may_happen_meanwhile(changed, reason):
    assert reason in problem_of_states([STATE, dataclasses.replace(STATE, **changed), STATE])


def test_a_clock_limit_that_rises_is_none():
    assert problem_of_states([dataclasses.replace(STATE, limit_khz=(1000, 1000)), STATE]) is None


def test_processes_that_disagree():
    assert problem_of_processes([process(4.0), process(5.0), process(4.5)], max_spread=1.25) is None
    problem = problem_of_processes([process(4.0), process(5.1), process(4.5)], max_spread=1.25)
    assert problem.startswith(
        "the processes disagree: their medians lie between 4 and 5.1 ms, more than a factor of 1.25"
    )


def test_a_process_that_slows_down():
    steady, slowing = [10.0] * 60, [10.0] * 20 + [11.0] * 20 + [12.6] * 20
    assert problem_of_processes([process(*steady)], 9.0) is None
    assert "slowed down while it ran, from 10 to 12.6 ms" in problem_of_processes([process(*slowing)], 9.0)
    assert problem_of_processes([process(*slowing[::-1])], 9.0) is None  # it got faster: a warm-up was short
    assert problem_of_processes([process(*slowing[1:])], 9.0) is None  # 59 runs are too few to tell
