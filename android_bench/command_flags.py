"""The flags of `python -m android_bench`, and what they ask for."""

import pathlib

from absl import flags

from android_bench.benchmark import TOOL_PAGE, Plan
from android_bench.bundle import open_bundle
from android_bench.device_tool import DELEGATES
from android_bench.native_runner import Program
from android_bench.results import CPU, Condition, Settings
from android_bench.session import DevicePrograms
from edgedipn_tf.commands import InputError

_MAX_PACED_MS = 3_000_000  # of a process; the runner ends by itself after an hour


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags on `values`."""
    _define_choice(values)
    _define_programs(values)
    _define_protocol(values)


def _define_choice(values: flags.FlagValues) -> None:
    flags.DEFINE_multi_string(
        "bundle", None, "Folder made by `python -m edgedipn_tf.convert`.", required=True, flag_values=values
    )
    flags.DEFINE_string("output", None, "Folder that gets results.json.", required=True, flag_values=values)
    flags.DEFINE_bool(
        "overwrite", False, "Replace a results.json that is there, and measure everything again.", flag_values=values
    )
    flags.DEFINE_bool(
        "resume",
        False,
        "Replace a results.json that is there, and measure only what is not finished, or was INVALID.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "backend",
        "auto",
        ["auto", "host", "adb"],
        "host: this computer. adb: attached devices. auto: this computer, and an attached device when adb and "
        "--benchmark_model or --device_runner are there.",
        flag_values=values,
    )
    flags.DEFINE_multi_string(
        "serial", [], "A device to measure, as `adb devices` lists it, or host:port.", flag_values=values
    )
    flags.DEFINE_bool("all", False, "Measure every attached device.", flag_values=values)


def _define_programs(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "benchmark_model", None, f"The standard tool, built for the device's ABI: {TOOL_PAGE}.", flag_values=values
    )
    flags.DEFINE_string(
        "host_runner",
        None,
        "The native runner built for this computer: measured beside ai-edge-litert's Python interpreter, whose outputs "
        "it must give bit for bit.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "device_runner",
        None,
        "The native runner built for the devices' ABI; with --device_library.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "device_library",
        None,
        "What --device_runner opens, built for the devices' ABI: libLiteRt.so of the release of this computer's "
        "ai-edge-litert, or libtensorflowlite_jni.so of the Maven package org.tensorflow:tensorflow-lite:2.16.1.",
        flag_values=values,
    )


def _define_protocol(values: flags.FlagValues) -> None:
    def integer(name: str, default: int, meaning: str) -> None:
        flags.DEFINE_integer(name, default, meaning, lower_bound=1, flag_values=values)

    def number(name: str, default: float, lower_bound: float, meaning: str) -> None:
        flags.DEFINE_float(name, default, meaning, lower_bound=lower_bound, flag_values=values)

    number("budget_ms", 50.0, 0.001, "The budget for p90; 20 is always reported too.")
    integer(
        "num_runs", 200, "Timed runs: of the native runner over all its processes, of benchmark_model for its summary."
    )
    integer("num_processes", 3, "Fresh processes of the native runner.")
    integer("num_tool_processes", 50, "Processes of benchmark_model, each giving one latency after warm-up.")
    flags.DEFINE_integer(
        "num_profiled_runs",
        20,
        "Runs of one more process that tells the time of each operator, where the program does; 0 for none.",
        lower_bound=0,
        upper_bound=1000,
        flag_values=values,
    )
    integer("num_warmup_runs", 10, "Runs of each process before those that count.")
    flags.DEFINE_multi_integer("num_threads", [1], "Threads of the interpreter.", lower_bound=1, flag_values=values)
    flags.DEFINE_multi_enum(
        "affinity",
        ["unpinned", "pinned"],
        ["unpinned", "pinned"],
        "unpinned: the phone chooses CPUs, as for an app. pinned: the fastest cluster, where the phone has taskset.",
        flag_values=values,
    )
    flags.DEFINE_multi_enum(
        "delegate",
        [CPU],
        [CPU, *DELEGATES],
        "What runs the graph; others than the CPU with benchmark_model only, and only when they run the whole graph.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "paced", False, "Measure also with pauses, as an app predicts (not with benchmark_model).", flag_values=values
    )
    number("interval_ms", 1000.0, 1.0, "With --paced: time from one prediction to the next.")
    number("max_spread", 1.25, 1.0, "INVALID when the medians of a device's processes differ by more than this factor.")
    number("max_battery_celsius", 38.0, 0.0, "A phone with a warmer battery has to cool down first.")
    number("cool_down_s", 300.0, 0.0, "The longest wait for that before each process.")


def settings(values: flags.FlagValues) -> Settings:
    """Returns how to measure."""
    return Settings(
        num_runs=values.num_runs,
        num_warmup_runs=values.num_warmup_runs,
        num_processes=values.num_processes,
        num_tool_processes=values.num_tool_processes,
        num_profiled_runs=values.num_profiled_runs,
        budget_ms=values.budget_ms,
        max_spread=values.max_spread,
        max_battery_celsius=values.max_battery_celsius,
        cool_down_s=values.cool_down_s,
    )


def plan(values: flags.FlagValues, settings: Settings) -> Plan:
    """Returns what is to be measured.

    Raises:
        InputError: when flags exclude each other, a file of a flag is not there, or a bundle is at fault.
    """
    is_all = bool(values["all"].value)
    if values.serial and is_all:
        raise InputError("--serial and --all exclude each other: pass one of them")
    if values.backend == "host" and (values.serial or is_all):
        raise InputError("--backend=host measures no device: leave out --serial and --all, or the backend")
    build = "make it with `python -m android_bench.build_runner`"
    benchmark_model = _file(values, "benchmark_model", f"get it from {TOOL_PAGE}")
    host_runner = _file(values, "host_runner", build)
    runner = _file(values, "device_runner", build)
    library = _file(
        values, "device_library", "it is part of LiteRT's releases for Android, or of a Maven package (see --help)"
    )
    if bool(runner) != bool(library):
        raise InputError("--device_runner and --device_library go together: pass both")
    if set(values.delegate) != {CPU} and benchmark_model is None:
        raise InputError("--delegate needs --benchmark_model: the native runner runs on the CPU only")
    return Plan(
        bundles=tuple(open_bundle(pathlib.Path(path)) for path in dict.fromkeys(values.bundle)),
        conditions=_conditions(values, settings),
        backend=values.backend,
        host_runner=host_runner,
        device=DevicePrograms(benchmark_model, Program(runner, library) if runner and library else None),
        serials=tuple(values.serial),
        is_all=is_all,
        is_again=values.overwrite,
    )


def _conditions(values: flags.FlagValues, settings: Settings) -> tuple[Condition, ...]:
    """Returns every combination of threads, pinning, pace and delegate."""
    if settings.num_runs_per_process * values.interval_ms > _MAX_PACED_MS:
        raise InputError("--interval_ms times the runs of a process is more than 50 minutes: more --num_processes")
    return tuple(
        Condition(num_threads, affinity == "pinned", interval_ms, delegate)
        for interval_ms in ((0.0, values.interval_ms) if values.paced else (0.0,))
        for num_threads in dict.fromkeys(values.num_threads)
        for affinity in dict.fromkeys(values.affinity)
        for delegate in dict.fromkeys(values.delegate)
    )


def _file(values: flags.FlagValues, flag: str, remedy: str) -> pathlib.Path | None:
    if not (text := values[flag].value):
        return None
    path = pathlib.Path(text)
    if not path.is_file():
        raise InputError(f"--{flag}={path} does not exist: {remedy}")
    return path
