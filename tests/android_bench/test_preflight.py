import dataclasses
import struct

import pytest

from android_bench.cool_down import heat
from android_bench.preflight import MIN_FREE_BYTES, elf_abi, free_space_bytes, notes, refusal
from android_bench.results import DeviceInfo, DeviceState
from tests.android_bench.sessions import settings
from tests.android_bench.test_device_state import Answering

INFO = DeviceInfo("SERIAL", abis=("arm64-v8a", "armeabi-v7a"), android_version="14", api_level=34, max_khz=(1800, 2800))
STATE = DeviceState(
    battery_percent=80, battery_celsius=27.5, thermal_status=0, is_saving_power=False, limit_khz=(1800, 2800)
)


def elf(folder, machine, order="<"):
    path = folder / f"program-{machine}-{'little' if order == '<' else 'big'}"
    identity = b"\x7fELF\x02" + (b"\x01" if order == "<" else b"\x02") + bytes(10)
    path.write_bytes(identity + struct.pack(f"{order}HH", 3, machine))
    return path


def test_a_good_device_is_not_refused(tmp_path):
    assert refusal(INFO, STATE, MIN_FREE_BYTES, [elf(tmp_path, 183)]) is None
    assert notes(INFO, STATE) == []


def test_a_silent_device_is_not_refused_but_noted(tmp_path):
    assert refusal(DeviceInfo("SERIAL"), DeviceState(), None, [elf(tmp_path, 183)]) is None
    assert [note.split(":")[0] for note in notes(DeviceInfo("SERIAL"), DeviceState())] == [
        "the device does not tell its thermal status",
        "the device does not tell the clocks of all its CPUs",
    ]


@pytest.mark.parametrize(
    ("info", "state", "free_bytes", "reason"),
    [
        ({"api_level": 23, "android_version": "6.0"}, {}, None, "has Android 6.0 (API 23): 7 (API 24) is needed"),
        ({}, {"battery_percent": 19}, None, "has 19 % battery, 20 % are needed: charge it"),
        ({}, {"is_saving_power": True}, None, "saves power, which slows it down: switch battery saver off"),
        ({}, {}, MIN_FREE_BYTES - 1, "has 64 MiB free in /data/local/tmp, 64 are needed: free some space"),
        ({}, {}, 0, "has 0 MiB free"),
    ],
)
def test_what_is_refused(info, state, free_bytes, reason):
    line = refusal(dataclasses.replace(INFO, **info), dataclasses.replace(STATE, **state), free_bytes, [])
    assert reason in line and line.startswith("device SERIAL ")


def test_a_program_of_another_abi_is_refused(tmp_path):
    line = refusal(INFO, STATE, None, [elf(tmp_path, 183), elf(tmp_path, 62)])
    assert line.startswith("program-62-little is built for x86_64, device SERIAL runs arm64-v8a, armeabi-v7a: pass one")


def test_abi_of_a_file(tmp_path):
    assert [elf_abi(elf(tmp_path, machine)) for machine in (183, 40, 62, 3, 9999)] == [
        "arm64-v8a", "armeabi-v7a", "x86_64", "x86", None
    ]  # fmt: skip
    assert elf_abi(elf(tmp_path, 183, ">")) == "arm64-v8a"
    (tmp_path / "script").write_text("#!/bin/sh\n")
    assert elf_abi(tmp_path / "script") is None


def test_what_is_noted():
    slow = dataclasses.replace(STATE, limit_khz=(1800, 2000), is_awake=False)
    assert ["below what their hardware" in note or "screen was off" in note for note in notes(INFO, slow)] == [True] * 2


@pytest.mark.parametrize(
    ("text", "free_bytes"),
    [
        ("Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/block/dm-8 9 5 4 1% /data\n", 4096),
        (
            "Filesystem Size Used Free Blksize\n/data 11.5G 3.6G 7.9G 4096\n",
            None,
        ),  # Android 6
        ("df: /data/local/tmp: Permission denied\n", None),
        ("", None),
    ],
)
def test_free_space(text, free_bytes):
    assert free_space_bytes(Answering(text)) == free_bytes


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (STATE, None),
        (DeviceState(), None),
        (dataclasses.replace(STATE, thermal_status=1), "its thermal status is 1 (0 is needed)"),
        (dataclasses.replace(STATE, battery_celsius=38.0), None),
        (dataclasses.replace(STATE, battery_celsius=38.1), "its battery has 38.1 C (at most 38 are allowed)"),
    ],
)
def test_heat(state, reason):
    assert heat(state, settings()) == reason
