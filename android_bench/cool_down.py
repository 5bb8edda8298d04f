"""Waits until a device is cool enough to measure, but not for ever."""

import time
from collections.abc import Callable

from android_bench.device import Device
from android_bench.device_state import read_state
from android_bench.errors import DeviceError
from android_bench.results import DeviceState, Settings

POLL_S = 5.0


def heat(state: DeviceState, settings: Settings) -> str | None:
    """Returns what is too hot, or None."""
    if state.thermal_status:
        return f"its thermal status is {state.thermal_status} (0 is needed)"
    if state.battery_celsius is not None and state.battery_celsius > settings.max_battery_celsius:
        return f"its battery has {state.battery_celsius:g} C (at most {settings.max_battery_celsius:g} are allowed)"
    return None


def wait_until_cool(device: Device, settings: Settings, progress: Callable[[str], None]) -> DeviceState:
    """Returns the state of the device once it is cool.

    Raises:
        DeviceError: when it stays hot for `settings.cool_down_s`, or cannot be asked.
    """
    deadline_s = time.monotonic() + settings.cool_down_s
    is_told = False
    while True:
        state = read_state(device)
        reason = heat(state, settings)
        if reason is None:
            return state
        if time.monotonic() + POLL_S > deadline_s:
            raise DeviceError(
                f"device {device.serial} did not cool down within {settings.cool_down_s:g} s: {reason}; let it rest, "
                "out of its case, or pass a longer --cool_down_s"
            )
        if not is_told:
            progress(f"device {device.serial} is too hot, {reason}: waiting up to {settings.cool_down_s:g} s")
            is_told = True
        time.sleep(POLL_S)
