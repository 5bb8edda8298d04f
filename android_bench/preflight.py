"""What must hold before a device is measured. A refusal is one line that says what to do."""

import pathlib
import struct

from android_bench.device import REMOTE_FOLDER, Device
from android_bench.results import DeviceInfo, DeviceState
from android_bench.retries import Operation

MIN_API_LEVEL = 24  # Android 7: bionic as the runner needs it, `sha256sum`
MIN_BATTERY_PERCENT = 20  # below, phones begin to save power
MIN_FREE_BYTES = 64 * 1024 * 1024

_ABI_BY_MACHINE = {183: "arm64-v8a", 40: "armeabi-v7a", 62: "x86_64", 3: "x86", 243: "riscv64"}  # ELF's e_machine


def refusal(info: DeviceInfo, state: DeviceState, free_bytes: int | None, programs: list[pathlib.Path]) -> str | None:
    """Returns why a device cannot be measured and what to do, or None.

    Args:
        info: what the device is.
        state: how it is now.
        free_bytes: free space where files are pushed; None when unknown.
        programs: what is going to be pushed and run.
    """
    name = f"device {info.serial}"
    if info.api_level is not None and info.api_level < MIN_API_LEVEL:
        return f"{name} has Android {info.android_version} (API {info.api_level}): 7 (API {MIN_API_LEVEL}) is needed"
    for program in programs:
        abi = elf_abi(program)
        if abi and info.abis and abi not in info.abis:
            return f"{program.name} is built for {abi}, {name} runs {', '.join(info.abis)}: pass one built for it"
    if free_bytes is not None and free_bytes < MIN_FREE_BYTES:
        needed = MIN_FREE_BYTES // 2**20
        return f"{name} has {free_bytes / 2**20:.0f} MiB free in /data/local/tmp, {needed} are needed: free some space"
    if state.battery_percent is not None and state.battery_percent < MIN_BATTERY_PERCENT:
        return f"{name} has {state.battery_percent} % battery, {MIN_BATTERY_PERCENT} % are needed: charge it"
    if state.is_saving_power:
        return f"{name} saves power, which slows it down: switch battery saver off"
    return None


def notes(info: DeviceInfo, state: DeviceState) -> list[str]:
    """Returns what does not forbid measuring but belongs beside the figures."""
    found = []
    if state.thermal_status is None:
        found.append("the device does not tell its thermal status: throttling shows in clocks and latencies only")
    if not state.limit_khz or None in state.limit_khz:
        found.append("the device does not tell the clocks of all its CPUs")
    elif any(limit < top for limit, top in zip(state.limit_khz, info.max_khz, strict=True) if limit and top):
        found.append("the device kept the clocks of some CPUs below what their hardware reaches before the measurement")
    if state.is_awake is False:
        found.append("the screen was off: the device may have kept programs off its fast CPUs")
    return found


def free_space_bytes(device: Device) -> int | None:
    """Returns the free space where files are pushed, or None when the device does not tell it.

    Raises:
        DeviceError: when the device cannot be asked.
    """
    lines = device.shell(["df", REMOTE_FOLDER.rpartition("/")[0]], Operation.READ).stdout.splitlines()
    if len(lines) < 2 or "1K-blocks" not in lines[0]:
        return None
    words = lines[-1].split()
    return int(words[3]) * 1024 if len(words) >= 5 and words[3].isdecimal() else None


def elf_abi(program: pathlib.Path) -> str | None:
    """Returns the ABI that a program is built for, or None when it is no ELF file or of a machine not known here."""
    with open(program, "rb") as file:
        header = file.read(20)
    if len(header) < 20 or header[:4] != b"\x7fELF":
        return None
    return _ABI_BY_MACHINE.get(struct.unpack_from("<H" if header[5] == 1 else ">H", header, 18)[0])
