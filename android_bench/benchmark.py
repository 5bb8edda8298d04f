"""One run of the benchmark: which machines are measured, and the report of what was found on them."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
from collections.abc import Callable

from android_bench import results
from android_bench.adb_benchmark import measure_device
from android_bench.bundle import Bundle, file_sha256
from android_bench.device import INSTALL_REMEDY, Adb, Device, find_adb
from android_bench.errors import DeviceError, InputError
from android_bench.host import measure_host
from android_bench.results import BundleInfo, CaseResult, Environment, Report, Settings

TOOL_PAGE = "https://ai.google.dev/edge/litert/models/measurement"


def measure(
    bundle: Bundle,
    backend: str,
    benchmark_model: pathlib.Path | None,
    settings: Settings,
    progress: Callable[[str], None],
) -> Report:
    """Measures a bundle on this host, on the attached devices, or on both.

    Args:
        bundle: the verified bundle.
        backend: "host", "adb", or "auto" for the host and every device that can be measured.
        benchmark_model: the standard tool built for the devices; without it no device is measured.
        settings: how to measure.
        progress: is told what is being done.

    Returns:
        The report. Devices that were not measured are named in its notes with the reason and the remedy.

    Raises:
        InputError: when the backend is "adb" and no device can be measured, or LiteRT cannot run a file.
    """
    started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    adb, serials, notes = (None, [], []) if backend == "host" else _find_devices(benchmark_model)
    if backend == "adb" and not serials:
        raise InputError(f"--backend=adb: {'; '.join(notes)}")
    cases: list[CaseResult] = []
    for file in bundle.files if backend != "adb" else ():
        progress(f"measuring {file.name} on this host: {settings.num_runs} runs")
        cases.append(measure_host(bundle, file, settings))
    if adb and benchmark_model:
        for serial in serials:
            with Device(adb, serial) as device:
                cases.extend(measure_device(device, bundle, benchmark_model, settings, progress))
    return Report(
        format_version=results.FORMAT_VERSION,
        started_at=started_at,
        bundle=_bundle_info(bundle),
        environment=_environment(adb, benchmark_model),
        settings=settings,
        notes=tuple(notes),
        cases=tuple(cases),
    )


def _find_devices(benchmark_model: pathlib.Path | None) -> tuple[Adb | None, list[str], list[str]]:
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
    if serials and benchmark_model is None:
        notes.append(f"{', '.join(serials)} not measured: pass --benchmark_model=PATH (get it: {TOOL_PAGE})")
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
