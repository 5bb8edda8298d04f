"""Sessions on simulated devices, for tests."""

import pathlib
from typing import Any

from android_bench.adb import find_adb
from android_bench.bundle import Bundle, open_bundle
from android_bench.cells import Cell
from android_bench.device import Device
from android_bench.native_runner import Program
from android_bench.results import CaseResult, Condition, Settings
from android_bench.session import DevicePrograms, Session
from tests.android_bench.adb_device.phone import Phone
from tests.android_bench.adb_device.server import attached
from tests.android_bench.adb_device.simulated import Faults, SimulatedDevice


def settings(**changed: Any) -> Settings:
    """Returns settings of a short measurement that waits for nothing."""
    values = dict(num_runs=30, num_warmup_runs=3, num_processes=1, num_tool_processes=3, budget_ms=50.0)
    protocol = dict(num_profiled_runs=0, max_spread=1.25, max_battery_celsius=38.0, cool_down_s=0.0)
    return Settings(**{**values, **protocol, **changed})


def cells(bundle: Bundle, backend: str, *conditions: Condition) -> list[Cell]:
    """Returns a cell for each file and condition."""
    return [
        Cell(bundle, file, backend, condition, {})
        for file in bundle.files
        for condition in conditions or (Condition(),)
    ]


def library(folder: pathlib.Path) -> pathlib.Path:
    """Writes what takes the place of LiteRT for a stand-in that opens nothing."""
    path = folder / "libLiteRt.so"
    path.write_bytes(b"the stand-in opens nothing")
    return path


def runner_programs(runner: pathlib.Path, folder: pathlib.Path) -> DevicePrograms:
    """Returns a stand-in for the native runner with a library that nobody opens."""
    return DevicePrograms(runner=Program(runner, library(folder)))


def measure(
    tmp_path: pathlib.Path,
    folder: pathlib.Path,
    programs: DevicePrograms,
    *conditions: Condition,
    faults: Faults | None = None,
    phone: Phone | None = None,
    how: Settings | None = None,
) -> tuple[list[CaseResult], SimulatedDevice]:
    """Measures a bundle on one simulated device and returns the cases and the device as it was left."""
    simulated = SimulatedDevice(tmp_path / "device", faults, phone)
    backend = "adb_runner" if programs.runner else "adb"
    with attached(simulated) as serial, Device(find_adb(), serial) as device:
        session = Session(device, programs, how or settings(), progress=print)
        found = session.measure(cells(open_bundle(folder), backend, *conditions))
    return [case for _, case in found], simulated
