"""One run of the benchmark: which machines are measured, and the report of what was found on them."""

import dataclasses
import datetime
import importlib.metadata
import os
import pathlib
import platform
from collections.abc import Callable

from android_bench import results
from android_bench.adb_benchmark import measure_device
from android_bench.bundle import Bundle
from android_bench.device import INSTALL_REMEDY, Adb, Device, find_adb
from android_bench.errors import DeviceError
from android_bench.host import measure_host
from android_bench.native_runner import Program, measure_device_runner, measure_host_runner
from android_bench.results import BundleInfo, CaseResult, Environment, Report, Settings
from edgedipn_tf.commands import InputError
from edgedipn_tf.publishing import file_sha256

TOOL_PAGE = "https://ai.google.dev/edge/litert/models/measurement"


@dataclasses.dataclass(frozen=True)
class Tools:
    """The programs to measure with, beside ai-edge-litert on this computer; those of a device are built for its ABI."""

    benchmark_model: pathlib.Path | None = None
    host_runner: pathlib.Path | None = None
    device_runner: pathlib.Path | None = None
    device_library: pathlib.Path | None = None

    @property
    def program(self) -> Program | None:
        """The native runner of a device with its library."""
        return Program(self.device_runner, self.device_library) if self.device_runner and self.device_library else None

    @property
    def can_measure_devices(self) -> bool:
        """Whether there is a program that runs on a device."""
        return self.benchmark_model is not None or self.program is not None


def measure(
    bundle: Bundle,
    backend: str,
    tools: Tools,
    settings: Settings,
    progress: Callable[[str], None],
) -> Report:
    """Measures a bundle on this host, on the attached devices, or on both.

    Args:
        bundle: the verified bundle.
        backend: "host", "adb", or "auto" for the host and every device that can be measured.
        tools: the programs to measure with; without one for a device no device is measured.
        settings: how to measure.
        progress: is told what is being done.

    Returns:
        The report. Devices that were not measured are named in its notes with the reason and the remedy.

    Raises:
        InputError: when the backend is "adb" and no device can be measured, or LiteRT cannot run a file.
    """
    started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    adb, serials, notes = (None, [], []) if backend == "host" else _find_devices(tools)
    if backend == "adb" and not serials:
        raise InputError(f"--backend=adb: {'; '.join(notes)}")
    cases: list[CaseResult] = []
    for file in bundle.files if backend != "adb" else ():
        progress(f"measuring {file.name} on this host: {settings.num_runs} runs")
        cases.append(measure_host(bundle, file, settings))
        if tools.host_runner:
            progress(f"measuring {file.name} on this host with the native runner: {settings.num_runs} runs")
            cases.append(measure_host_runner(bundle, file, tools.host_runner, settings))
    if adb:
        for serial in serials:
            with Device(adb, serial) as device:
                cases.extend(_measure_device(device, bundle, tools, settings, progress))
    return Report(
        format_version=results.FORMAT_VERSION,
        started_at=started_at,
        bundle=_bundle_info(bundle),
        environment=_environment(adb, tools.benchmark_model),
        settings=settings,
        notes=tuple(notes),
        cases=tuple(cases),
    )


def _measure_device(
    device: Device, bundle: Bundle, tools: Tools, settings: Settings, progress: Callable[[str], None]
) -> list[CaseResult]:
    cases: list[CaseResult] = []
    if tools.benchmark_model:
        cases.extend(measure_device(device, bundle, tools.benchmark_model, settings, progress))
    if tools.program:
        cases.extend(measure_device_runner(device, bundle, tools.program, settings, progress))
    return cases


def _find_devices(tools: Tools) -> tuple[Adb | None, list[str], list[str]]:
    """Returns adb, the serials of the devices to measure, and a note on each reason why one is not measured."""
    adb = find_adb()
    if adb is None:
        return None, [], [f"no phone was measured: adb is not installed; {INSTALL_REMEDY}"]
    try:
        devices = adb.devices()
    except DeviceError as error:
        return adb, [], [f"no phone was measured: {error}"]
    if not devices:
        return adb, [], ["no phone was measured: none is attached (`adb devices` lists none); plug one in"]
    notes = [device.explanation for device in devices if not device.is_ready]
    serials = [device.serial for device in devices if device.is_ready]
    if serials and not tools.can_measure_devices:
        notes.append(
            f"{', '.join(serials)} not measured: pass --benchmark_model=PATH (get it: {TOOL_PAGE}), or --device_runner "
            "and --device_library"
        )
        return adb, [], notes
    return adb, serials, notes


def _bundle_info(bundle: Bundle) -> BundleInfo:
    return BundleInfo(
        path=str(bundle.path),
        manifest_sha256=bundle.manifest_sha256,
        model=bundle.model,
        project_version=bundle.project_version,
        commit=bundle.commit,
        schema_fingerprint=bundle.schema_fingerprint,
        vocabulary_fingerprint=bundle.vocabulary_fingerprint,
    )


def _environment(adb: Adb | None, benchmark_model: pathlib.Path | None) -> Environment:
    return Environment(
        platform=platform.platform(),
        processor=_processor(),
        num_cpus=os.cpu_count() or 0,
        python_version=platform.python_version(),
        litert_version=importlib.metadata.version("ai-edge-litert"),
        adb_version=adb.version() if adb else None,
        benchmark_model_sha256=file_sha256(benchmark_model) if benchmark_model else None,
    )


def _processor() -> str:
    """Returns the processor's name, which Python does not know on Linux."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()
