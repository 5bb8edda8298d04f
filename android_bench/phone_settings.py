"""The one setting that is changed on a phone, and its way back.

A phone that falls asleep moves programs to slow CPUs, so it is told to stay awake while it charges. The former value is
kept in the benchmark's folder on the phone before the change: it is restored at the end, after an error, after Ctrl-C,
and, when the connection was lost, by the next run.
"""

import contextlib
from collections.abc import Iterator

from android_bench.device import REMOTE_FOLDER, Device
from android_bench.errors import DeviceError

SETTING = "stay_on_while_plugged_in"
FORMER_VALUE = f"{REMOTE_FOLDER}/former-{SETTING}"

_STAY_AWAKE = "7"  # on AC, USB and wireless power


@contextlib.contextmanager
def kept_awake(device: Device) -> Iterator[None]:
    """Keeps a device awake for a while.

    Raises:
        DeviceError: when the device refuses, or is lost.
    """
    with device.adb.shielded():  # between the note and the change nothing may be called off
        device.make_folder()
        if device.shell(["test", "-s", FORMER_VALUE]).exit_code != 0:
            device.check(["sh", "-c", f"settings get global {SETTING} > {FORMER_VALUE} && test -s {FORMER_VALUE}"])
    try:
        device.check(["settings", "put", "global", SETTING, _STAY_AWAKE])
        yield
    finally:
        with device.adb.shielded(), contextlib.suppress(DeviceError):  # a lost device is restored by the next run
            _restore(device)


def _restore(device: Device) -> None:
    former = device.check(["cat", FORMER_VALUE]).strip()
    if former.isdecimal():
        device.check(["settings", "put", "global", SETTING, former])
    else:  # "null": nobody had set it
        device.check(["settings", "delete", "global", SETTING])
    device.check(["rm", "-f", FORMER_VALUE])
