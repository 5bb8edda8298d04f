"""From single latencies to percentiles, an interval for the 90th, and a verdict against a budget.

Only single latencies enter. An average says nothing about the slow tenth of the runs, so none is ever judged here.
"""

import dataclasses
import enum
import math
from collections.abc import Sequence

import numpy as np

# With fewer samples the chance that all of them lie under the true 90th percentile exceeds 5 %: 0.9 ** 28 = 0.052,
# 0.9 ** 29 = 0.047. No interval from so few can be trusted to reach above it.
MIN_SAMPLES = 29
NUM_RESAMPLES = 2000
SEED = 20260
CONFIDENCE = 0.95
REPORTED_BUDGET_MS = 20.0  # the tight end of the paper's 20 to 50 ms, always reported beside the asked one


class Verdict(enum.StrEnum):
    """What the measured p90 says about a budget."""

    PASS = "PASS"  # the whole interval of p90 is within the budget
    FAIL = "FAIL"  # the whole interval is above it
    INCONCLUSIVE = "INCONCLUSIVE"  # the interval straddles the budget, or there are too few samples
    INVALID = "INVALID"  # something went wrong, so the figures (if any) are not a measurement


@dataclasses.dataclass(frozen=True)
class LatencySummary:
    """Statistics of single latencies; the interval is a 95 % bootstrap interval of p90."""

    num_samples: int
    p50_ms: float
    p90_ms: float
    p90_low_ms: float
    p90_high_ms: float


def percentile(samples_ms: Sequence[float], percent: int) -> float:
    """Returns the nearest-rank percentile: the smallest sample that at least `percent` % of them do not exceed.

    It is always one of the samples, never a value between two.

    Raises:
        ValueError: when there are no samples.
    """
    if not samples_ms:
        raise ValueError("a percentile needs at least one sample")
    rank = max(1, -(-percent * len(samples_ms) // 100))  # ceiling in integers: 0.9 * n rounds wrongly for some n
    return sorted(samples_ms)[rank - 1]


def summarize(processes_ms: Sequence[Sequence[float]]) -> LatencySummary:
    """Returns percentiles of all latencies together and a bootstrap interval of their p90.

    Runs of one process slow down together, so blocks of neighbours are resampled (a circular block bootstrap), within
    each process. Latencies that are each of a process of its own are resampled one by one, over all.

    Args:
        processes_ms: by process, single latencies in the order they were taken; at least one.
    """
    samples_ms = [sample for process in processes_ms for sample in process]
    p90s = np.sort(_resamples(processes_ms), axis=1)[:, -(-90 * len(samples_ms) // 100) - 1]
    low, high = np.quantile(p90s, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], method="inverted_cdf")
    return LatencySummary(
        num_samples=len(samples_ms),
        p50_ms=percentile(samples_ms, 50),
        p90_ms=percentile(samples_ms, 90),
        p90_low_ms=float(low),
        p90_high_ms=float(high),
    )


def neighbourhood(num_samples: int) -> int:
    """Returns the block length for runs of one process, which slow down together: the usual n ** (1/3), rounded."""
    return max(1, round(math.cbrt(num_samples)))


def judge(summary: LatencySummary | None, budget_ms: float) -> Verdict:
    """Returns the verdict of a summary against a budget; no summary is INVALID, never PASS."""
    if summary is None or not all(math.isfinite(value) and value > 0 for value in dataclasses.astuple(summary)):
        return Verdict.INVALID
    if summary.num_samples < MIN_SAMPLES:
        return Verdict.INCONCLUSIVE
    if summary.p90_high_ms <= budget_ms:
        return Verdict.PASS
    if summary.p90_low_ms > budget_ms:
        return Verdict.FAIL
    return Verdict.INCONCLUSIVE


def budget_key(budget_ms: float) -> str:
    """Returns the key under which the verdict for a budget is kept: 50.0 is "50"."""
    return f"{budget_ms:g}"


def verdicts_by_budget(summary: LatencySummary | None, budget_ms: float, problem: str | None) -> dict[str, Verdict]:
    """Returns the verdict for the asked and the always reported budget; a problem makes both INVALID."""
    return {
        budget_key(budget): Verdict.INVALID if problem else judge(summary, budget)
        for budget in sorted({REPORTED_BUDGET_MS, budget_ms})
    }


def _resamples(processes_ms: Sequence[Sequence[float]]) -> np.ndarray:
    """Returns NUM_RESAMPLES resamples [NUM_RESAMPLES, samples] of the latencies of processes."""
    random = np.random.default_rng(SEED)  # seeded: the same samples give the same verdict
    if all(len(process) == 1 for process in processes_ms):
        processes_ms = [[process[0] for process in processes_ms]]
        block_length = 1
    else:
        block_length = neighbourhood(max(len(process) for process in processes_ms))
    return np.concatenate(
        [_block_resamples(np.asarray(process, np.float64), block_length, random) for process in processes_ms], axis=1
    )


def _block_resamples(samples_ms: np.ndarray, block_length: int, random: np.random.Generator) -> np.ndarray:
    size = len(samples_ms)
    starts = random.integers(0, size, (NUM_RESAMPLES, -(-size // block_length)))
    places = (starts[:, :, None] + np.arange(block_length)) % size
    resamples: np.ndarray = samples_ms[places.reshape(NUM_RESAMPLES, -1)[:, :size]]
    return resamples
