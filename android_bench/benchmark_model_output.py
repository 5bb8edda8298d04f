"""Reads what `benchmark_model` prints, from TensorFlow 1.13 to LiteRT 2.

The tool never prints the latencies of single runs: only count, first, last ("curr"), extremes, average, deviation and,
since TensorFlow 2.18, p5, median and p95. The one exception is a process that ran once (`count=1 curr=...`): that value
is a single latency, and `single_latency_ms` accepts no other.

| printed by | what marks it |
|---|---|
| TensorFlow <= 1.14 | `Average inference timings in us: Warmup: ..., Init: ..., no stats: ...` (or `Inference: ...`) |
| 1.15 to 2.4 | `Inference timings in us: Init: ..., First inference: ..., Warmup (avg): ..., Inference (avg): ...` |
| 2.5 to 2.17 | an `INFO: ` prefix, `Memory footprint delta from the start of the tool (MB): init=... overall=...` |
| >= 2.18 | ` p5=... median=... p95=...` after the other statistics |
| LiteRT 2 binary | the statistics, then a block `BENCHMARK RESULTS` in ms |
| LiteRT `run_model` | `First run took ... microseconds`, `All runs took average ... microseconds` |

Any line may carry a prefix (logcat's, or the source position of a log line), so no pattern is tied to a line's start.
"""

import dataclasses
import re
from collections.abc import Iterable

_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_SECTION = re.compile(r"Running benchmark for at least")
_STATISTICS = re.compile(r"\bcount=(\d+)\b(.*)")
_STATISTIC = re.compile(rf"\b(first|curr|min|max|avg|std|p5|median|p95)=({_NUMBER})(?![\w.])")
_TIMINGS = re.compile(r"(?:Average inference|Inference) timings in us: (.*)")
_TIMING = re.compile(rf"([A-Za-z][A-Za-z ()]*): ({_NUMBER})(?![\w.])")
_RESULT_MS = re.compile(rf"(Model initialization|Warmup \(first\)|Inference \(avg\)):\s+({_NUMBER}) ms\b")
_RUN_MODEL = re.compile(rf"(First|Slowest|Fastest) run took (?:average )?({_NUMBER}) microseconds")
_RUN_MODEL_AVERAGE = re.compile(rf"All runs took average ({_NUMBER}) microseconds")
_FOOTPRINT = re.compile(rf"emory footprint[^:]*\(MB\): init=({_NUMBER}) overall=({_NUMBER})")
_MEMORY = re.compile(
    rf"(Overall peak memory footprint \(MB\) via periodic monitoring|Peak memory|VmRSS)\s*:\s*({_NUMBER})(?![\w.])"
)
_UNKNOWN_FLAGS = re.compile(r"Unconsumed cmdline flags:(.*)")
_DELEGATE = re.compile(r"((?:Explicitly applied|Though) .*delegate.*)")
_ERROR = re.compile(r"\b(?:ERROR|FATAL|F\d{4} \S+|E\d{4} \S+)[: ].*|Benchmarking failed.*")


@dataclasses.dataclass(frozen=True)
class RunStatistics:
    """What the tool says about several runs; none of it is a percentile except where it is named so."""

    count: int | None = None
    first_ms: float | None = None
    last_ms: float | None = None
    min_ms: float | None = None
    max_ms: float | None = None
    average_ms: float | None = None
    std_ms: float | None = None
    p5_ms: float | None = None
    median_ms: float | None = None
    p95_ms: float | None = None


@dataclasses.dataclass(frozen=True)
class ToolOutput:
    """One run of the tool. `measured` is None when its output holds no statistics of measured runs."""

    warmup: RunStatistics | None
    measured: RunStatistics | None
    init_ms: float | None
    first_inference_ms: float | None
    average_ms: float | None
    memory_mb: dict[str, float]
    unknown_flags: tuple[str, ...]
    delegates: tuple[str, ...]
    errors: tuple[str, ...]


def parse(text: str) -> ToolOutput:
    """Returns what the tool's output says; text that is none of its outputs gives `measured=None`, never an error."""
    lines = text.splitlines()
    warmup, measured = _sections(lines)
    timings = _timings(lines)
    return ToolOutput(
        warmup=warmup,
        measured=measured or _run_model(lines),
        init_ms=timings.get("init"),
        first_inference_ms=timings.get("first"),
        average_ms=timings.get("average"),
        memory_mb=_memory(lines),
        unknown_flags=tuple(flag for rest in _found(_UNKNOWN_FLAGS, lines) for flag in rest.split()),
        delegates=tuple(_found(_DELEGATE, lines)),
        errors=tuple(match[0].strip() for line in lines if (match := _ERROR.search(line))),
    )


def single_latency_ms(output: ToolOutput) -> float:
    """Returns the latency of a process that measured exactly one run.

    Raises:
        ValueError: when the output is not that of exactly one measured run; an average is never taken instead.
    """
    measured = output.measured
    if measured is None or measured.count is None:
        raise ValueError("its output holds no statistics of measured runs")
    if measured.count != 1:
        raise ValueError(f"it measured {measured.count} runs instead of 1")
    if measured.last_ms is None or measured.last_ms <= 0:
        raise ValueError("its output holds no latency above 0 for the measured run")
    return measured.last_ms


def _sections(lines: list[str]) -> tuple[RunStatistics | None, RunStatistics | None]:
    """Returns warm-up and measured statistics: the first announced run of several is the warm-up, the second counts."""
    announced = 0
    by_section: dict[int, RunStatistics] = {}
    unannounced = []
    for line in lines:
        if _SECTION.search(line):
            announced += 1
        elif (match := _STATISTICS.search(line)) and (statistics := _statistics(match)):
            by_section[announced] = statistics
            unannounced.append(statistics)
    if announced:
        return by_section.get(1), by_section.get(2)
    return (unannounced[0], unannounced[1]) if len(unannounced) == 2 else (None, None)


def _statistics(match: re.Match[str]) -> RunStatistics | None:
    count, rest = int(match[1]), match[2]
    values = {name: float(number) / 1000 for name, number in _STATISTIC.findall(rest)}
    if count and "curr" not in values:
        return None
    if count == 1 or "(all same)" in rest:  # the tool then prints one value for all
        values = {**dict.fromkeys(("first", "min", "max", "avg"), values.get("curr", 0.0)), **values}
    return RunStatistics(
        count=count,
        first_ms=values.get("first"),
        last_ms=values.get("curr"),
        min_ms=values.get("min"),
        max_ms=values.get("max"),
        average_ms=values.get("avg"),
        std_ms=values.get("std"),
        p5_ms=values.get("p5"),
        median_ms=values.get("median"),
        p95_ms=values.get("p95"),
    )


def _run_model(lines: list[str]) -> RunStatistics | None:
    values = {match[1]: float(match[2]) / 1000 for line in lines if (match := _RUN_MODEL.search(line))}
    averages = [float(number) / 1000 for number in _found(_RUN_MODEL_AVERAGE, lines)]
    if not values and not averages:
        return None
    return RunStatistics(
        first_ms=values.get("First"),
        min_ms=values.get("Fastest"),
        max_ms=values.get("Slowest"),
        average_ms=averages[-1] if averages else None,
    )


def _timings(lines: list[str]) -> dict[str, float]:
    meaning = {
        "Init": "init",
        "First inference": "first",
        "no stats": "average",
        "Inference": "average",
        "Inference (avg)": "average",
        "Model initialization": "init",
        "Warmup (first)": "first",
    }
    timings: dict[str, float] = {}
    for line in lines:
        if match := _TIMINGS.search(line):
            found = {name: float(number) / 1000 for name, number in _TIMING.findall(match[1])}
        elif match := _RESULT_MS.search(line):
            found = {match[1]: float(match[2])}
        else:
            continue
        timings.update({meaning[name]: value for name, value in found.items() if name in meaning})
    return timings


def _memory(lines: list[str]) -> dict[str, float]:
    memory: dict[str, float] = {}
    for line in lines:
        if match := _FOOTPRINT.search(line):
            memory.update(init=float(match[1]), overall=float(match[2]))
        elif match := _MEMORY.search(line):
            memory["rss" if match[1] == "VmRSS" else "peak"] = float(match[2])
    return memory


def _found(pattern: re.Pattern[str], lines: Iterable[str]) -> list[str]:
    return [match[1].strip() for line in lines if (match := pattern.search(line))]
