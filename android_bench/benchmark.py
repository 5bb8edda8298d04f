"""One run of the benchmark: which cells are measured on which machines, and the report of what was found."""

import concurrent.futures
import dataclasses
import datetime
import importlib.metadata
import os
import pathlib
import platform
import threading
from collections.abc import Callable, Sequence

from android_bench import results
from android_bench.adb import Adb
from android_bench.bundle import Bundle
from android_bench.cells import Cell, CellStore
from android_bench.device import Device
from android_bench.host import measure_host
from android_bench.native_runner import Program, host_library, measure_host_runner
from android_bench.phones import Selection, select
from android_bench.results import CPU, BundleInfo, CaseResult, Condition, Environment, Report, Settings
from android_bench.session import DevicePrograms, Session
from edgedipn_tf.commands import InputError
from edgedipn_tf.publishing import file_sha256

TOOL_PAGE = "https://ai.google.dev/edge/litert/models/measurement"

Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a run measures.

    `serials` and `is_all` choose devices; neither: the only one that is attached.
    """

    bundles: tuple[Bundle, ...]
    conditions: tuple[Condition, ...]
    backend: str  # "host", "adb", or "auto": the host and every chosen device that can be measured
    host_runner: pathlib.Path | None
    device: DevicePrograms
    serials: tuple[str, ...]
    is_all: bool
    is_again: bool  # whether finished cells are measured again


def measure(plan: Plan, settings: Settings, output: pathlib.Path, progress: Progress) -> Report:
    """Measures everything of a plan, several devices side by side.

    Args:
        plan: what to measure.
        settings: how to measure.
        output: the folder in which finished cells are kept.
        progress: is told what is being done.

    Returns:
        The report. Devices that were not measured are named in its notes with the reason and the remedy.

    Raises:
        InputError: when a device is asked for and none can be measured, or LiteRT cannot run a file.
    """
    started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    store, called_off = CellStore(output, settings), threading.Event()
    selection = Selection(None, (), ()) if plan.backend == "host" else _select(plan, called_off)
    notes = list(selection.notes)
    store.make_folder()
    cases = [] if plan.backend == "adb" else _measure_host(plan, settings, store, progress)
    if selection.adb and selection.serials:
        for found, found_notes in _side_by_side(plan, settings, store, progress, selection, called_off):
            cases.extend(found)
            notes.extend(found_notes)
    return Report(
        format_version=results.FORMAT_VERSION,
        started_at=started_at,
        bundles=tuple(_bundle_info(bundle) for bundle in plan.bundles),
        environment=_environment(selection.adb),
        settings=settings,
        notes=tuple(notes),
        cases=tuple(cases),
    )


def _select(plan: Plan, called_off: threading.Event) -> Selection:
    selection = select(plan.serials, plan.is_all, called_off)
    if selection.serials and not plan.device.files:
        note = (
            f"{', '.join(selection.serials)} not measured: pass --benchmark_model=PATH (get it: {TOOL_PAGE}), or "
            "--device_runner and --device_library"
        )
        selection = dataclasses.replace(selection, serials=(), notes=(*selection.notes, note))
    if (plan.backend == "adb" or plan.serials or plan.is_all) and not selection.serials:
        raise InputError(f"no device can be measured: {'; '.join(selection.notes)}")
    return selection


def _measure_host(plan: Plan, settings: Settings, store: CellStore, progress: Progress) -> list[CaseResult]:
    environment = _environment(None)
    machine = ("host", environment.processor, environment.litert_version)
    program = Program(plan.host_runner, host_library()) if plan.host_runner else None
    cells = [cell for bundle in plan.bundles for cell in _cells(plan, bundle, "host", {})]
    if program:
        cells += [cell for bundle in plan.bundles for cell in _cells(plan, bundle, "host_runner", program.sha256())]
    cases = []
    for cell in cells:
        if cell.condition.is_pinned or cell.condition.delegate != CPU:
            continue  # clusters and delegates are a phone's
        case = _kept(plan, store, cell, machine)
        if case is None:
            case = _measure_here(cell, program, settings, progress)
            store.keep(cell, machine, case)
        cases.append(case)
    return cases


def _measure_here(cell: Cell, program: Program | None, settings: Settings, progress: Progress) -> CaseResult:
    if program and cell.backend == "host_runner":
        progress(f"measuring {cell.label} on this host with the native runner: {settings.num_runs} runs")
        return measure_host_runner(cell, program, settings)
    progress(f"measuring {cell.label} on this host: {settings.num_runs} runs")
    return measure_host(cell, settings)


def _side_by_side(
    plan: Plan,
    settings: Settings,
    store: CellStore,
    progress: Progress,
    selection: Selection,
    called_off: threading.Event,
) -> list[tuple[list[CaseResult], list[str]]]:
    """Measures each device in a thread of its own, so that Ctrl-C lets each restore its phone before the end."""

    def on_one(serial: str) -> tuple[list[CaseResult], list[str]]:
        adb = Adb(selection.adb.program if selection.adb else "adb", called_off)
        with Device(adb, serial) as device:
            return _measure_device(device, plan, settings, store, progress)

    with concurrent.futures.ThreadPoolExecutor(max_workers=len(selection.serials)) as pool:
        try:
            return list(pool.map(on_one, selection.serials))
        except BaseException:
            called_off.set()
            raise


def _measure_device(
    device: Device, plan: Plan, settings: Settings, store: CellStore, progress: Progress
) -> tuple[list[CaseResult], list[str]]:
    session = Session(device, plan.device, settings, progress)
    cases: list[CaseResult] = []
    for cells in _device_groups(plan):
        kept = [case for cell in cells if (case := _kept(plan, store, cell, session.machine))]
        missing = [cell for cell in cells if not _kept(plan, store, cell, session.machine)]
        measured = session.measure(missing)
        for cell, case in measured:
            store.keep(cell, session.machine, case)
        cases += [*kept, *(case for _, case in measured)]
    is_left_out = session.no_pinning and any(condition.is_pinned for condition in plan.conditions)
    return cases, [f"device {device.serial}: nothing was pinned: {session.no_pinning}"] if is_left_out else []


def _kept(plan: Plan, store: CellStore, cell: Cell, machine: Sequence[str]) -> CaseResult | None:
    return None if plan.is_again else store.find(cell, machine)


def _device_groups(plan: Plan) -> list[list[Cell]]:
    """Returns the cells of a device in groups, each shuffled and finished together: a bundle by a program."""
    groups = []
    for bundle in plan.bundles:
        if plan.device.benchmark_model:
            cells = _cells(plan, bundle, "adb", {"benchmark_model": file_sha256(plan.device.benchmark_model)})
            groups.append([cell for cell in cells if not cell.condition.interval_ms])  # its processes run once
        if plan.device.runner:
            cells = _cells(plan, bundle, "adb_runner", plan.device.runner.sha256())
            groups.append([cell for cell in cells if cell.condition.delegate == CPU])
    return groups


def _cells(plan: Plan, bundle: Bundle, backend: str, program_sha256: dict[str, str]) -> list[Cell]:
    return [
        Cell(bundle, file, backend, condition, program_sha256) for file in bundle.files for condition in plan.conditions
    ]


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


def _environment(adb: Adb | None) -> Environment:
    return Environment(
        platform=platform.platform(),
        processor=_processor(),
        num_cpus=os.cpu_count() or 0,
        python_version=platform.python_version(),
        litert_version=importlib.metadata.version("ai-edge-litert"),
        adb_version=adb.version() if adb else None,
    )


def _processor() -> str:
    """Returns the processor's name, which Python does not know on Linux."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()
