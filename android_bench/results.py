"""What a benchmark found: frozen, versioned records with every raw sample. `results_json` writes and reads them."""

import dataclasses

from android_bench.benchmark_model_output import ToolOutput
from android_bench.latency import LatencySummary, Verdict
from android_bench.operator_profile import OperatorTime

FORMAT_VERSION = 5
HOST_LABEL = "host, not a phone"
RUNNER_LABEL = "native runner"
CPU = "cpu"


@dataclasses.dataclass(frozen=True)
class Settings:
    """How it was measured.

    `num_runs` are timed in one process by ai-edge-litert, and over `num_processes` fresh processes by the native
    runner; of benchmark_model, a device runs `num_tool_processes` of one timed run each. A further process of
    `num_profiled_runs` tells the time of each operator.
    """

    num_runs: int
    num_warmup_runs: int
    num_processes: int
    num_tool_processes: int
    num_profiled_runs: int  # 0: no operator profile
    budget_ms: float
    max_spread: float  # of the medians of the processes on a device: largest by smallest
    max_battery_celsius: float
    cool_down_s: float  # the longest wait for a phone to cool down before a process

    @property
    def num_runs_per_process(self) -> int:
        """Timed runs of each process of the native runner."""
        return -(-self.num_runs // self.num_processes)


@dataclasses.dataclass(frozen=True)
class Condition:
    """What is varied over the measurements of one file on one machine."""

    num_threads: int = 1
    is_pinned: bool = False  # to the CPUs of the fastest cluster
    interval_ms: float = 0.0  # between the starts of two runs, as an app predicts; 0: one right after another
    delegate: str = CPU  # what runs the graph; others than the CPU with benchmark_model only

    @property
    def label(self) -> str:
        """The condition as shown to a person."""
        parts = [f"{self.num_threads} thread{'s' if self.num_threads > 1 else ''}"]
        parts += ["pinned"] if self.is_pinned else []
        parts += [self.delegate] if self.delegate != CPU else []
        parts += [f"every {self.interval_ms:g} ms"] if self.interval_ms else []
        return ", ".join(parts)


@dataclasses.dataclass(frozen=True)
class Environment:
    """The computer that ran the benchmark, also when it only drove a device."""

    platform: str
    processor: str
    num_cpus: int
    python_version: str
    litert_version: str
    adb_version: str | None


@dataclasses.dataclass(frozen=True)
class BundleInfo:
    """A bundle that was measured."""

    path: str
    manifest_sha256: str
    model: str
    project_version: str
    commit: str | None
    schema_fingerprint: str
    vocabulary_fingerprint: str


@dataclasses.dataclass(frozen=True)
class DeviceInfo:
    """What a device is; empty or None where it does not say."""

    serial: str
    manufacturer: str = ""
    model: str = ""
    soc: str = ""
    abis: tuple[str, ...] = ()
    android_version: str = ""
    api_level: int | None = None
    build: str = ""
    kernel: str = ""
    max_khz: tuple[int | None, ...] = ()  # what the hardware of each CPU reaches
    governors: tuple[str, ...] = ()  # of each CPU

    @property
    def label(self) -> str:
        """The name shown to a person."""
        return f"{self.manufacturer} {self.model} ({self.serial})".strip() if self.model else f"device {self.serial}"


@dataclasses.dataclass(frozen=True)
class DeviceState:
    """How a device is at a moment; None where it does not say (the thermal status since Android 10)."""

    uptime_s: float | None = None
    boot_id: str | None = None
    connection: str | None = None  # adb's number of it
    battery_percent: int | None = None
    is_charging: bool | None = None
    battery_celsius: float | None = None
    thermal_status: int | None = None  # 0 none, 1 light, 2 moderate, 3 severe, up to 6 shutdown
    celsius: dict[str, float] = dataclasses.field(default_factory=dict)  # by sensor
    is_awake: bool | None = None
    is_saving_power: bool | None = None
    limit_khz: tuple[int | None, ...] = ()  # what each CPU may reach now
    current_khz: tuple[int | None, ...] = ()


@dataclasses.dataclass(frozen=True)
class ProcessRun:
    """One process: cold start, first inference, warm-up and steady state apart; latencies in the order taken."""

    order: int  # its place among all processes of the session, which are shuffled
    samples_ms: tuple[float, ...]
    first_ms: float | None = None
    warmup_ms: tuple[float, ...] = ()
    load_ms: float | None = None
    library_ms: float | None = None  # opening LiteRT's library
    cpus: tuple[int, ...] = ()  # the CPU on which each sample ended
    num_threads: int | None = None  # at the end, the main thread included
    peak_memory_kb: int | None = None


@dataclasses.dataclass(frozen=True)
class Parity:
    """The largest absolute difference of probabilities over all samples, by intent; None: not finite."""

    num_samples: int
    max_abs_difference: dict[str, float | None]

    @property
    def is_finite(self) -> bool:
        """Whether every output of every sample was a number."""
        return all(value is not None for value in self.max_abs_difference.values())

    @property
    def largest(self) -> float | None:
        """The largest difference over all intents, None when an output was not finite."""
        values = [value for value in self.max_abs_difference.values() if value is not None]
        return max(values) if self.is_finite and values else None


@dataclasses.dataclass(frozen=True)
class Auc:
    """The exact AUC of the same samples by Keras, by this computer and by the machine measured, for one intent.

    None: the samples have no known labels of both classes. All that tells is whether the machine ranks as this computer
    does: of so few samples it says nothing about the model.
    """

    num_known: int
    keras: float | None
    host: float | None
    machine: float | None

    @property
    def difference(self) -> float | None:
        """The machine's AUC less this computer's."""
        return None if self.machine is None or self.host is None else self.machine - self.host


@dataclasses.dataclass(frozen=True)
class CaseResult:
    """One file on one machine, by one program, in one condition.

    `tool_summary` is what benchmark_model says itself about one process of `num_runs` runs; `operator_profile` comes
    from a process of its own, None where the program gives none. `problem` says why the case is INVALID; `notes` what
    a reader should know of a valid one.
    """

    bundle_model: str
    file: str
    recipe: str
    sha256: str
    size_bytes: int
    max_length: int
    backend: str  # "host", "host_runner", "adb" (benchmark_model) or "adb_runner"
    device: DeviceInfo | None
    condition: Condition
    program_sha256: dict[str, str]  # by name: what was run, and LiteRT's library
    affinity_mask: str | None  # hexadecimal
    processes: tuple[ProcessRun, ...]
    states: tuple[DeviceState, ...]  # before, between and after the processes
    summary: LatencySummary | None
    verdicts: dict[str, Verdict]  # by budget in ms, written as a decimal
    parity: Parity | None  # with Keras' probabilities
    host_difference: Parity | None  # of a device's outputs, with this computer's
    auc: dict[str, Auc] | None  # by intent, where outputs came back
    tool_summary: ToolOutput | None
    operator_profile: tuple[OperatorTime, ...] | None
    notes: tuple[str, ...]
    problem: str | None

    @property
    def file_label(self) -> str:
        """The file and the length of its signature as shown to a person."""
        return f"{self.file} at length {self.max_length}"

    @property
    def machine(self) -> str:
        """The machine as shown to a person; the host is never mistaken for a phone."""
        label = self.device.label if self.device else HOST_LABEL
        return f"{label}, {RUNNER_LABEL}" if self.backend.endswith("_runner") else label

    @property
    def samples_ms(self) -> tuple[float, ...]:
        """Every single latency that is judged."""
        return tuple(sample for process in self.processes for sample in process.samples_ms)


@dataclasses.dataclass(frozen=True)
class Report:
    """One run of the benchmark."""

    format_version: int
    started_at: str  # UTC, ISO 8601
    bundles: tuple[BundleInfo, ...]
    environment: Environment
    settings: Settings
    notes: tuple[str, ...]  # what was not measured and why
    cases: tuple[CaseResult, ...]
