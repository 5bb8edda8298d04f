"""The one setting that is changed on a phone, and its way back.

A phone that falls asleep moves programs to slow CPUs, so it is told to stay awake while it charges. The former value is
kept in the benchmark's folder on the phone before the change: it is restored at the end, after an error, after Ctrl-C,
and, when the connection was lost, by the next run.
"""

import contextlib
from collections.abc import Iterator

from android_bench.device import REMOTE_FOLDER, Device
from android_bench.errors import DeviceError
from android_bench.retries import Operation

SETTING = "stay_on_while_plugged_in"
FORMER_VALUE = f"{REMOTE_FOLDER}/former-{SETTING}"

_STAY_AWAKE = "7"  # on AC, USB and wireless power


@contextlib.contextmanager
def kept_awake(device: Device) -> Iterator[str | None]:
    """Keeps a device awake for a while; yields a note when it refuses, which some makers' phones do.

    Raises:
        DeviceError: when the device is lost.
    """
    with device.adb.shielded():  # between the note of the former value and the change nothing may be called off
        refusal = _change(device)
    if refusal is not None:
        yield f"the device was not kept awake: {refusal}"
        return
    try:
        yield None
    finally:
        with device.adb.shielded(), contextlib.suppress(DeviceError):  # a lost device is restored by the next run
            _restore(device)


def _change(device: Device) -> str | None:
    """Notes the former value, then changes it; returns why it was not changed, or None."""
    device.make_folder()
    if device.shell(["test", "-s", FORMER_VALUE], Operation.READ).exit_code != 0:
        note = f"settings get global {SETTING} > {FORMER_VALUE} && test -s {FORMER_VALUE}"
        if device.shell(["sh", "-c", note], Operation.CHANGE).exit_code != 0:
            device.check(["rm", "-f", FORMER_VALUE], Operation.CLEAN_UP)
            return "its setting could not be noted"
    result = device.shell(["settings", "put", "global", SETTING, _STAY_AWAKE], Operation.CHANGE)
    if result.exit_code != 0:
        device.check(["rm", "-f", FORMER_VALUE], Operation.CLEAN_UP)
        return result.last_line
    return None


def _restore(device: Device) -> None:
    former = device.check(["cat", FORMER_VALUE], Operation.RESTORE).strip()
    if former.isdecimal():
        device.check(["settings", "put", "global", SETTING, former], Operation.RESTORE)
    else:  # "null": nobody had set it
        device.check(["settings", "delete", "global", SETTING], Operation.RESTORE)
    device.check(["rm", "-f", FORMER_VALUE], Operation.CLEAN_UP)
