"""What a device is and how it is: read over the real adb program from a simulated device, and from recorded text."""

import pytest

from android_bench import device_state
from android_bench.adb import find_adb
from android_bench.device import Device
from android_bench.device_state import fastest_cluster, read_info, read_state
from android_bench.results import DeviceInfo
from tests.android_bench.adb_device.phone import Phone
from tests.android_bench.adb_device.server import attached
from tests.android_bench.adb_device.simulated import SimulatedDevice


def test_info_and_state_are_what_the_device_says(adb_server, tmp_path):
    phone = Phone(thermal_status=2, battery_celsius=36.5, is_saving_power=True, is_awake=False)
    simulated = SimulatedDevice(tmp_path / "device", phone=phone)
    with attached(simulated) as serial:
        info = read_info(Device(find_adb(), serial))
        state = read_state(Device(find_adb(), serial))
    assert (info.manufacturer, info.model, info.soc) == ("EdgeDIPN", "simulated test device", "Nobody S1")
    assert (info.abis, info.android_version, info.api_level) == (("arm64-v8a",), "14", 34)
    assert info.max_khz == (1_800_000,) * 4 + (2_800_000,) * 4
    assert info.governors == ("schedutil",) * 8
    assert info.kernel and info.serial in info.label
    assert (state.uptime_s, state.boot_id) == (1234.56, phone.boot_id)
    assert (state.battery_percent, state.is_charging, state.battery_celsius) == (80, True, 36.5)
    assert state.thermal_status == 2
    assert state.celsius == {"cpu-0": 41.5, "skin": 31.25}  # the current list, not the cached one before it
    assert (state.is_awake, state.is_saving_power) == (False, True)
    assert state.limit_khz[0] == 1_800_000 and state.current_khz[7] == 1_400_000
    assert state.connection is not None and state.connection.isdecimal()


class Answering:
    """Takes the place of a device that answers every command with one text."""

    def __init__(self, text: str) -> None:
        self.serial, self.adb, self._text = "SERIAL", self, text

    def shell(self, command, operation):
        return type("Result", (), {"stdout": self._text})

    def connection(self, serial):
        return None


@pytest.mark.parametrize("text", ["", "@cpus\n", "nothing", "@battery\nlevel: x\n@thermal\nThermal Status:\n", "\0"])
def test_what_is_not_told_is_none(text):
    state, info = read_state(Answering(text)), read_info(Answering(text))
    assert (state.battery_percent, state.thermal_status, state.boot_id, state.celsius) == (None, None, None, {})
    assert (info.model, info.abis, info.max_khz, info.api_level) == ("", (), (), None)


def test_numbers_beyond_all_sense_are_none():
    state = read_state(Answering(f"@battery\n  level: {'9' * 5000}\n  temperature: 1e999\n@uptime\nnan 1\n"))
    assert (state.battery_percent, state.battery_celsius, state.uptime_s) == (None, None, None)


def test_carriage_returns_of_old_shells():
    state = read_state(Answering("@battery\r\n  level: 55\r\n  temperature: 301\r\n@thermal\r\nThermal Status: 1\r\n"))
    assert (state.battery_percent, state.battery_celsius, state.thermal_status) == (55, 30.1, 1)


def test_a_cpu_that_is_missing_makes_the_list_unknown():
    lines = "@cpus\n0 1 1 1 schedutil\n2 1 1 1 schedutil\n"
    assert read_info(Answering(lines)).max_khz == ()
    assert read_info(Answering(lines.replace("2 1", "1 -"))).max_khz == (1, None)  # it is there and does not tell


def test_more_than_ten_cpus_are_ordered_by_number():
    lines = "".join(f"{cpu} {cpu + 1} 1 1 g\n" for cpu in (0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9))
    assert read_info(Answering(f"@cpus\n{lines}")).max_khz == tuple(range(1, 13))


@pytest.mark.parametrize(
    ("max_khz", "mask"),
    [
        ((1800, 1800, 1800, 1800, 2800, 2800, 2800, 2800), "f0"),
        ((1800, 1800, 1800, 1800, 2400, 2400, 2400, 3000), "80"),  # one prime core
        ((3000, 1800), "1"),
        ((1800, 1800), None),
        ((1800, None), None),
        ((), None),
    ],
)
def test_mask_of_the_fastest_cluster(max_khz, mask):
    assert fastest_cluster(DeviceInfo("SERIAL", max_khz=max_khz)) == mask


def test_the_scripts_only_read():
    for script in (device_state.INFO_SCRIPT, device_state.STATE_SCRIPT):
        assert ">" not in script
        assert {"put", "set", "delete", "write"}.isdisjoint(script.split())
