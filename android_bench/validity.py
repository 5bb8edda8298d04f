"""Whether what was measured on a device can be believed: what makes a case INVALID after the fact."""

from collections.abc import Sequence

from android_bench.latency import percentile
from android_bench.results import DeviceState, ProcessRun

# A process whose last third is this much slower than its first, at the median, was slowed down while it ran.
MAX_DRIFT = 1.25
_MIN_RUNS_FOR_DRIFT = 60


def problem_of_states(states: Sequence[DeviceState]) -> str | None:
    """Returns what happened to a device between the first of its states and the last, or None."""
    first = states[0]
    for state in states[1:]:
        if first.boot_id and state.boot_id != first.boot_id:
            return "the device restarted while it was measured"
        if first.uptime_s and state.uptime_s is not None and state.uptime_s < first.uptime_s:
            return "the device restarted while it was measured"
        if first.connection and state.connection != first.connection:
            return "the connection to the device was lost and came back while it was measured"
        if state.thermal_status:
            return f"the device throttled while it was measured: its thermal status rose to {state.thermal_status}"
        if (cpu := _lowered_cpu(first.limit_khz, state.limit_khz)) is not None:
            before, after = first.limit_khz[cpu], state.limit_khz[cpu]
            return f"the device lowered the clock limit of CPU {cpu} from {before} to {after} kHz while it was measured"
        if state.is_saving_power:
            return "the device began to save power while it was measured"
    return None


def problem_of_processes(processes: Sequence[ProcessRun], max_spread: float) -> str | None:
    """Returns what is odd about the latencies of processes that each ran many times, or None."""
    medians = [percentile(process.samples_ms, 50) for process in processes]
    if max(medians) > max_spread * min(medians):
        return (
            f"the processes disagree: their medians lie between {min(medians):.3g} and {max(medians):.3g} ms, more "
            f"than a factor of {max_spread:g}; close other apps and measure again"
        )
    for process in processes:
        if len(process.samples_ms) < _MIN_RUNS_FOR_DRIFT:
            continue
        third = len(process.samples_ms) // 3
        start, end = (percentile(part, 50) for part in (process.samples_ms[:third], process.samples_ms[-third:]))
        if end > MAX_DRIFT * start:
            return f"a process slowed down while it ran, from {start:.3g} to {end:.3g} ms at the median: throttling?"
    return None


def _lowered_cpu(before: Sequence[int | None], after: Sequence[int | None]) -> int | None:
    for cpu, (old, new) in enumerate(zip(before, after, strict=False)):
        if old is not None and new is not None and new < old:
            return cpu
    return None
