"""Which attached devices are measured, and, for each that is not, the reason and the remedy."""

import dataclasses
import threading
from collections.abc import Sequence

from android_bench.adb import INSTALL_REMEDY, Adb, AttachedDevice, find_adb, is_address
from android_bench.errors import DeviceError


@dataclasses.dataclass(frozen=True)
class Selection:
    """The devices to measure, and a note on each that is asked for or attached but not measured."""

    adb: Adb | None
    serials: tuple[str, ...]
    notes: tuple[str, ...]


def select(serials: Sequence[str], is_all: bool, called_off: threading.Event) -> Selection:
    """Finds the devices to measure.

    Args:
        serials: those asked for; one that is `host:port` is connected when it is not yet.
        is_all: whether every attached device is asked for.
        called_off: ends the calls of adb.
    """
    adb = find_adb(called_off)
    if adb is None:
        return Selection(None, (), (f"no phone was measured: adb is not installed; {INSTALL_REMEDY}",))
    try:
        attached = _attached(adb, serials)
    except DeviceError as error:
        return Selection(adb, (), (f"no phone was measured: {error}",))
    if serials:
        found, notes = _asked_for(serials, attached)
    elif not attached:
        return Selection(adb, (), ("no phone was measured: none is attached (`adb devices` lists none); plug one in",))
    else:
        found, notes = list(attached.values()), []
    notes += [device.explanation for device in found if not device.is_ready]
    ready = [device.serial for device in found if device.is_ready]
    if len(ready) > 1 and not serials and not is_all:
        listed = ", ".join(ready)
        return Selection(adb, (), (*notes, f"several devices are attached ({listed}): pass --serial=... or --all"))
    return Selection(adb, tuple(ready), tuple(notes))


def _attached(adb: Adb, serials: Sequence[str]) -> dict[str, AttachedDevice]:
    attached = {device.serial: device for device in adb.devices()}
    addresses = [serial for serial in serials if is_address(serial) and serial not in attached]
    for address in addresses:
        adb.connect(address)
    return {device.serial: device for device in adb.devices()} if addresses else attached


def _asked_for(serials: Sequence[str], attached: dict[str, AttachedDevice]) -> tuple[list[AttachedDevice], list[str]]:
    listed = ", ".join(attached) or "none"
    wanted = list(dict.fromkeys(serials))
    notes = [
        f"device {serial!r} is not attached: `adb devices` lists {listed}"
        for serial in wanted
        if serial not in attached
    ]
    return [attached[serial] for serial in wanted if serial in attached], notes
