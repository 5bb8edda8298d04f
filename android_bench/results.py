"""What a benchmark found: frozen, versioned records with every raw sample, as JSON in both directions."""

import dataclasses
import enum
import json
import pathlib
import types
import typing
from typing import Any, TypeVar

from android_bench.benchmark_model_output import ToolOutput
from android_bench.latency import LatencySummary, Verdict
from edgedipn_tf import publishing
from edgedipn_tf.commands import InputError

FORMAT_VERSION = 2
FILE_NAME = "results.json"
HOST_LABEL = "host, not a phone"
RUNNER_LABEL = "native runner"

Record = TypeVar("Record")


@dataclasses.dataclass(frozen=True)
class Settings:
    """How it was measured.

    `num_runs` are timed in one process, on the host and by the native runner; of benchmark_model, a device runs
    `num_processes` of one timed run each.
    """

    num_runs: int
    num_warmup_runs: int
    num_threads: int
    num_processes: int
    budget_ms: float


@dataclasses.dataclass(frozen=True)
class Environment:
    """The computer that ran the benchmark, also when it only drove a device."""

    platform: str
    processor: str
    num_cpus: int
    python_version: str
    litert_version: str
    adb_version: str | None
    benchmark_model_sha256: str | None


@dataclasses.dataclass(frozen=True)
class BundleInfo:
    """The bundle that was measured."""

    path: str
    manifest_sha256: str
    model: str
    project_version: str
    commit: str | None
    schema_fingerprint: str
    vocabulary_fingerprint: str


@dataclasses.dataclass(frozen=True)
class DeviceInfo:
    """What a device says about itself (`getprop`); empty where it says nothing."""

    serial: str
    manufacturer: str
    model: str
    abi: str
    android_version: str
    build: str

    @property
    def label(self) -> str:
        """The name shown to a person."""
        return f"{self.manufacturer} {self.model} ({self.serial})".strip() if self.model else f"device {self.serial}"


@dataclasses.dataclass(frozen=True)
class Parity:
    """The largest absolute difference from Keras' probabilities over all samples, by intent; None: not finite."""

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
class RunnerFacts:
    """What the native runner tells of its process beside the latencies."""

    runner_sha256: str
    library_sha256: str  # of the LiteRT that it opened
    library_ms: float  # opening that library
    num_process_threads: int  # at the end, the main thread included
    peak_memory_kb: int
    cpus: tuple[int, ...]  # the CPU on which each of `samples_ms` ended


@dataclasses.dataclass(frozen=True)
class CaseResult:
    """One file on one machine, by one program.

    `samples_ms` are single latencies in the order they were taken; `warmup_samples_ms` came before and are not judged
    (the first is the process's first inference; benchmark_model does not report them). `tool_summary` is what
    benchmark_model says itself about one process of `num_runs` runs. `problem` says why the case is INVALID.
    """

    file: str
    recipe: str
    sha256: str
    size_bytes: int
    max_length: int
    backend: str  # "host", "host_runner", "adb" (benchmark_model) or "adb_runner"
    device: DeviceInfo | None
    load_ms: float | None
    warmup_samples_ms: tuple[float, ...]
    samples_ms: tuple[float, ...]
    summary: LatencySummary | None
    verdicts: dict[str, Verdict]  # by budget in ms, written as a decimal
    parity: Parity | None
    tool_summary: ToolOutput | None
    runner: RunnerFacts | None
    problem: str | None

    @property
    def machine(self) -> str:
        """The machine as shown to a person; the host is never mistaken for a phone."""
        label = self.device.label if self.device else HOST_LABEL
        return f"{label}, {RUNNER_LABEL}" if self.backend.endswith("_runner") else label


@dataclasses.dataclass(frozen=True)
class Report:
    """One run of the benchmark."""

    format_version: int
    started_at: str  # UTC, ISO 8601
    bundle: BundleInfo
    environment: Environment
    settings: Settings
    notes: tuple[str, ...]  # what was not measured and why
    cases: tuple[CaseResult, ...]


def to_json(report: Report) -> str:
    """Returns the report as readable JSON."""
    return json.dumps(dataclasses.asdict(report), indent=1, sort_keys=True, allow_nan=False) + "\n"


def from_json(text: str | bytes, where: str = FILE_NAME) -> Report:
    """Returns the report that `to_json` wrote.

    Raises:
        InputError: when it is not JSON, of another format version, or has a missing, unknown or ill-typed field.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise InputError(f"{where} is not JSON ({error}): run the benchmark again") from None
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise InputError(f"{where} has format version {version!r}, this program reads {FORMAT_VERSION}")
    return typing.cast(Report, _decode(Report, values, where))


def write(report: Report, folder: pathlib.Path) -> pathlib.Path:
    """Writes `results.json` into a folder, whole or not at all, and returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    publishing.write_bytes(path, to_json(report).encode())
    return path


def _decode(hint: Any, value: Any, where: str) -> Any:
    """Returns `value` as the declared type; JSON knows neither tuples, enums nor records."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        if value is None and types.NoneType in arguments:
            return None
        return _decode(next(argument for argument in arguments if argument is not types.NoneType), value, where)
    if origin is tuple:
        return tuple(_decode(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(_of(list, value, where)))
    if origin is dict:
        return {key: _decode(arguments[1], item, f"{where}.{key}") for key, item in _of(dict, value, where).items()}
    if dataclasses.is_dataclass(hint):
        return _decode_record(typing.cast(type, hint), _of(dict, value, where), where)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        if value not in [member.value for member in hint]:
            raise InputError(f"{where} is {value!r}, which is none of {', '.join(member.value for member in hint)}")
        return hint(value)
    if hint is float and type(value) is int:  # 5.0 may come back as 5 from other writers
        return float(value)
    return _of(hint, value, where)


def _decode_record(record: type[Record], values: dict[str, Any], where: str) -> Record:
    hints = typing.get_type_hints(record)
    if hints.keys() != values.keys():
        odd = sorted(hints.keys() ^ values.keys())
        raise InputError(f"{where}: missing or unknown field {odd[0]!r}")
    return record(**{name: _decode(hint, values[name], f"{where}.{name}") for name, hint in hints.items()})


def _of(kind: type, value: Any, where: str) -> Any:
    if type(value) is not kind:
        raise InputError(f"{where} is {type(value).__name__}, expected {kind.__name__}")
    return value
