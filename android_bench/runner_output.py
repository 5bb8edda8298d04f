"""Reads what the native runner prints: one JSON object a line, each with its kind under "event".

The output comes from a device, so it is foreign text: what is missing, ill-typed, out of order or not of the runs asked
for is refused. Lines of other programs and of LiteRT's log, which old Android mixes in, are passed over.
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from android_bench.bundle import ModelFile, Tensor
from android_bench.errors import DeviceError

NAME = "the native runner"
_ELEMENTS = {"float32": (1, 4), "int32": (2, 4), "int64": (4, 8)}  # TFLite's number of a type, bytes of a value


@dataclasses.dataclass(frozen=True)
class RunnerOutput:
    """What one process reported; latencies in ms, in the order they were taken."""

    library_ms: float
    load_ms: float
    first_ms: float
    warmup_ms: tuple[float, ...]
    timed_ms: tuple[float, ...]
    cpus: tuple[int, ...]
    num_process_threads: int
    peak_memory_kb: int


def error_in(text: str) -> str | None:
    """Returns the error that the runner reported, or None."""
    for event in _events(text):
        if event.get("event") == "error":
            detail = event.get("detail")
            return f"{event.get('message')}: {detail}" if detail else str(event.get("message"))
    return None


def profile_in(text: str) -> str | None:
    """Returns the runtime's text about its operators, or None when the process was not asked for it or gave none."""
    found = [event.get("text") for event in _events(text) if event.get("event") == "profile"]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None


def parse(text: str, file: ModelFile, num_warmup_runs: int, num_runs: int) -> RunnerOutput:
    """Returns the report of a process that ended well.

    Args:
        text: its standard output.
        file: the file it ran, whose tensors must be those that the manifest declares.
        num_warmup_runs: warm-up runs asked for.
        num_runs: timed runs asked for.

    Raises:
        DeviceError: when the report is not whole or not of this file and these runs.
    """
    events = _events(text)
    loaded, done = _only(events, "loaded"), _only(events, "done")
    _refuse_other_tensors(events, "input", file.inputs)
    _refuse_other_tensors(events, "output", file.outputs)
    first, _ = _runs(events, "first", 1)
    warmup, _ = _runs(events, "warmup", num_warmup_runs)
    timed, cpus = _runs(events, "timed", num_runs)
    if _integer(done, "runs") != num_runs:
        raise DeviceError(f"{NAME} timed {done['runs']} of {num_runs} runs")
    return RunnerOutput(
        library_ms=_integer(loaded, "library_ns") / 1e6,
        load_ms=_integer(loaded, "load_ns") / 1e6,
        first_ms=first[0],
        warmup_ms=warmup,
        timed_ms=timed,
        cpus=cpus,
        num_process_threads=_integer(done, "process_threads"),
        peak_memory_kb=_integer(done, "peak_memory_kb"),
    )


def _events(text: str) -> list[dict[str, Any]]:
    events = []
    for line in text.splitlines():
        if not line.startswith('{"event":'):
            continue
        try:
            event = json.loads(line)
        except ValueError:
            raise DeviceError(f"{NAME} printed a line that is cut off: {line[:60]!r}") from None
        if not isinstance(event, dict):
            raise DeviceError(f"{NAME} printed a line that is no event: {line[:60]!r}")
        events.append(event)
    return events


def _only(events: Sequence[dict[str, Any]], kind: str) -> dict[str, Any]:
    found = [event for event in events if event["event"] == kind]
    if len(found) != 1:
        raise DeviceError(f"{NAME} ended well but printed {len(found)} events {kind!r}: its report is not whole")
    return found[0]


def _runs(events: Sequence[dict[str, Any]], phase: str, count: int) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Returns latencies and CPUs of a phase's runs, which must be all that were asked for, in order."""
    found = [event for event in events if event["event"] == "run" and event.get("phase") == phase]
    if [event.get("index") for event in found] != list(range(count)):
        raise DeviceError(f"{NAME} reported {len(found)} {phase} runs, or not in order; asked for were {count}")
    latencies = tuple(_integer(event, "ns") / 1e6 for event in found)
    if not all(latency > 0 for latency in latencies):
        raise DeviceError(f"{NAME} reported a latency that is not above 0")
    return latencies, tuple(_integer(event, "cpu") for event in found)


def _refuse_other_tensors(events: Sequence[dict[str, Any]], side: str, declared: Sequence[Tensor]) -> None:
    actual = {
        str(event.get("name")): (event.get("element"), event.get("bytes"))
        for event in events
        if event["event"] == "tensor" and event.get("side") == side
    }
    expected = {}
    for tensor in declared:
        element, size = _ELEMENTS[tensor.dtype]
        for length in tensor.shape:
            size *= length
        expected[tensor.name] = (element, size)
    if actual != expected:
        odd = sorted(name for name in actual.keys() | expected.keys() if actual.get(name) != expected.get(name))
        raise DeviceError(f"{NAME} found another {side} {odd[0]!r} in the file than the manifest declares")


def _integer(event: dict[str, Any], key: str) -> int:
    value = event.get(key)
    if type(value) is not int or abs(value) >= 2**63:
        raise DeviceError(f"{NAME} printed {key}={value!r} in an event {event['event']!r}")
    return value
