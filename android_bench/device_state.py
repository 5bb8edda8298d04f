"""What a device is and how it is doing: read by one command each, which changes nothing on it.

Makers differ in what they tell, so every field may be missing, and a missing field is None, never a guess.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from android_bench.device import Device
from android_bench.errors import printable
from android_bench.results import DeviceInfo, DeviceState
from android_bench.retries import Operation

_CPUS = (
    "for cpu in /sys/devices/system/cpu/cpu[0-9]*; do "
    "echo ${cpu##*/cpu} $(cat $cpu/cpufreq/cpuinfo_max_freq || echo -) $(cat $cpu/cpufreq/scaling_max_freq || echo -) "
    "$(cat $cpu/cpufreq/scaling_cur_freq || echo -) $(cat $cpu/cpufreq/scaling_governor || echo -); done"
)
INFO_SCRIPT = f"getprop; echo @kernel; uname -r; echo @cpus; {_CPUS}"
STATE_SCRIPT = (
    "echo @uptime; cat /proc/uptime; echo @boot; cat /proc/sys/kernel/random/boot_id; "
    "echo @battery; dumpsys battery; echo @thermal; dumpsys thermalservice; echo @power; dumpsys power; "
    f"echo @saver; settings get global low_power; echo @cpus; {_CPUS}"
)

_PROPERTY = re.compile(r"^\[([\w.]+)\]: \[(.*)\]$", re.MULTILINE)
_SECTION = re.compile(r"^@(\w+)$", re.MULTILINE)
_TEMPERATURE = re.compile(r"Temperature\{mValue=(-?[\d.]+), mType=(-?\d+), mName=([^,}]*)")
_MAX_NAMED_SENSORS = 64

Value = TypeVar("Value")


def read_info(device: Device) -> DeviceInfo:
    """Returns what a device is.

    Raises:
        DeviceError: when it cannot be asked.
    """
    sections = _sections(device.shell(["sh", "-c", INFO_SCRIPT], Operation.READ).stdout)
    properties = {name: printable(value) for name, value in _PROPERTY.findall(sections[""])}
    cpus = _cpus(sections)
    abis = properties.get("ro.product.cpu.abilist") or properties.get("ro.product.cpu.abi", "")
    soc = " ".join(properties.get(f"ro.soc.{part}", "") for part in ("manufacturer", "model")).strip()
    return DeviceInfo(
        serial=device.serial,
        manufacturer=properties.get("ro.product.manufacturer", ""),
        model=properties.get("ro.product.model", ""),
        soc=soc or properties.get("ro.board.platform", ""),
        abis=tuple(abi for abi in abis.split(",") if abi),
        android_version=properties.get("ro.build.version.release", ""),
        api_level=_number(int, properties.get("ro.build.version.sdk")),
        build=properties.get("ro.build.fingerprint", ""),
        kernel=printable(sections.get("kernel", "")),
        max_khz=tuple(_number(int, words[1]) for words in cpus),
        governors=tuple("" if words[4] == "-" else words[4] for words in cpus),
    )


def read_state(device: Device) -> DeviceState:
    """Returns how a device is now.

    Raises:
        DeviceError: when it cannot be asked.
    """
    connection = device.adb.connection(device.serial)
    sections = _sections(device.shell(["sh", "-c", STATE_SCRIPT], Operation.READ).stdout)
    battery, thermal, power = (sections.get(name, "") for name in ("battery", "thermal", "power"))
    cpus = _cpus(sections)
    tenths = _number(int, _field(battery, "temperature"))
    # AC, USB, Wireless and Dock are named apart.
    charging = re.findall(r"^\s*\w+ powered: (true|false)", battery, re.MULTILINE)
    return DeviceState(
        uptime_s=_number(float, sections.get("uptime", "").strip().split(" ")[0]),
        boot_id=printable(sections.get("boot", "")) or None,
        connection=connection,
        battery_percent=_number(int, _field(battery, "level")),
        is_charging="true" in charging if charging else None,
        battery_celsius=tenths / 10 if tenths is not None else None,
        thermal_status=_number(int, _field(thermal, "Thermal Status")),
        celsius=_temperatures(thermal),
        is_awake={"Awake": True, "Asleep": False, "Dozing": False}.get(_field(power, "mWakefulness", "=") or ""),
        is_saving_power={"1": True, "0": False}.get(sections.get("saver", "").strip()),
        limit_khz=tuple(_number(int, words[2]) for words in cpus),
        current_khz=tuple(_number(int, words[3]) for words in cpus),
    )


def fastest_cluster(info: DeviceInfo) -> str | None:
    """Returns the CPUs whose hardware is the fastest as a hexadecimal mask; None when unknown or all alike."""
    known = [khz for khz in info.max_khz if khz is not None]
    if not known or len(known) != len(info.max_khz) or min(known) == max(known):
        return None
    return f"{sum(1 << cpu for cpu, khz in enumerate(known) if khz == max(known)):x}"


def _sections(text: str) -> dict[str, str]:
    """Returns the text after each `@name` line by name; what stands before the first is under ""."""
    parts = _SECTION.split(text.replace("\r\n", "\n"))
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def _cpus(sections: dict[str, str]) -> list[list[str]]:
    """Returns number, hardware's limit, limit, clock and governor of each CPU, in order; none when one is missing."""
    lines = [line.split() for line in sections.get("cpus", "").splitlines()]
    cpus = sorted((words for words in lines if len(words) == 5 and words[0].isdecimal()), key=lambda each: int(each[0]))
    return cpus if [int(words[0]) for words in cpus] == list(range(len(cpus))) else []


def _temperatures(thermal: str) -> dict[str, float]:
    """Returns the temperatures of the last list, which are the current ones: a cached list may stand before it."""
    values = {
        printable(name): float(value) for value, _, name in _TEMPERATURE.findall(thermal) if _number(float, value)
    }
    return dict(list(values.items())[:_MAX_NAMED_SENSORS])


def _field(text: str, name: str, separator: str = ":") -> str | None:
    match = re.search(rf"^\s*{re.escape(name)}{separator}\s*(\S+)", text, re.MULTILINE)
    return match[1] if match else None


def _number(kind: Callable[[str], Value], text: str | None) -> Value | None:
    """Returns a number, or None for what is none; digits beyond all sense are none."""
    if not text or len(text) > 20 or not re.fullmatch(r"-?\d+(\.\d+)?", text):
        return None
    try:
        return kind(text)
    except ValueError:
        return None
