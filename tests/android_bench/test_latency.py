import numpy as np
import pytest

from android_bench.latency import (
    MIN_SAMPLES,
    LatencySummary,
    Verdict,
    judge,
    neighbourhood,
    percentile,
    summarize,
    verdicts_by_budget,
)


@pytest.mark.parametrize(
    ("samples", "percent", "expected"),
    [
        ([7.0], 90, 7.0),
        ([3.0, 1.0, 2.0], 50, 2.0),  # rank ceil(1.5) = 2
        ([1.0, 2.0, 3.0, 4.0], 50, 2.0),  # rank 2: never 2.5, which no run took
        ([float(i) for i in range(1, 11)], 90, 9.0),  # rank 9
        ([float(i) for i in range(1, 12)], 90, 10.0),  # rank ceil(9.9) = 10
        ([float(i) for i in range(100, 0, -1)], 90, 90.0),
    ],
)
def test_percentile_is_the_nearest_rank(samples, percent, expected):
    assert percentile(samples, percent) == expected


def test_percentile_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        percentile([], 90)


def test_interval_of_equal_samples_is_a_point():
    assert summarize([[5.0] * 40]) == LatencySummary(40, 5.0, 5.0, 5.0, 5.0)


def test_interval_holds_p90_and_follows_the_order_statistics():
    summary = summarize([[float(i)] for i in range(1, 201)])  # each of a process of its own
    assert (summary.p50_ms, summary.p90_ms) == (100.0, 180.0)
    # The rank of the true p90 among 200 samples is 180 +- 1.96 * sqrt(200 * 0.9 * 0.1) = 180 +- 8.3.
    assert summary.p90_low_ms == pytest.approx(171.7, abs=2)
    assert summary.p90_high_ms == pytest.approx(188.3, abs=2)


def test_blocks_widen_the_interval_of_runs_that_slow_down_together():
    slow = np.repeat(np.random.default_rng(1).permutation(20) < 2, 10)  # 2 stretches of 10 slow runs in 200
    samples = np.where(slow, 30.0, 10.0).tolist()
    alone, together = summarize([[sample] for sample in samples]), summarize([samples])
    assert together.p90_high_ms - together.p90_low_ms >= alone.p90_high_ms - alone.p90_low_ms
    assert together.p90_high_ms == 30.0


def test_processes_are_resampled_each_in_itself():
    # A tenth of all samples is slow and all of them are of one process: every resample has exactly that process.
    summary = summarize([[10.0] * 90, [10.0] * 90, [30.0] * 20])
    assert (summary.num_samples, summary.p50_ms) == (200, 10.0)
    assert (summary.p90_ms, summary.p90_low_ms, summary.p90_high_ms) == (10.0, 10.0, 10.0)  # rank 180 of 200
    over = summarize([[10.0] * 90, [10.0] * 89, [30.0] * 21])
    assert (over.p90_ms, over.p90_low_ms, over.p90_high_ms) == (30.0, 30.0, 30.0)


def test_neighbourhood_is_the_cube_root():
    assert [neighbourhood(size) for size in (1, 8, 200)] == [1, 2, 6]


def summary(low: float, high: float, num_samples: int = 200) -> LatencySummary:
    return LatencySummary(num_samples, p50_ms=low, p90_ms=low, p90_low_ms=low, p90_high_ms=high)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (10.0, 50.0, Verdict.PASS),
        (49.9, 50.1, Verdict.INCONCLUSIVE),
        (50.0, 51.0, Verdict.INCONCLUSIVE),
        (50.1, 51.0, Verdict.FAIL),
        (float("nan"), 1.0, Verdict.INVALID),
        (0.0, 1.0, Verdict.INVALID),
    ],
)
def test_verdict_needs_the_whole_interval_on_one_side(low, high, verdict):
    assert judge(summary(low, high), 50.0) is verdict


def test_few_samples_never_pass():
    assert judge(summary(1.0, 1.0, MIN_SAMPLES - 1), 50.0) is Verdict.INCONCLUSIVE
    assert judge(summary(1.0, 1.0, MIN_SAMPLES), 50.0) is Verdict.PASS


def test_no_summary_is_invalid():
    assert judge(None, 50.0) is Verdict.INVALID


def test_both_budgets_are_judged_and_a_problem_makes_both_invalid():
    fast = summary(25.0, 26.0)
    assert verdicts_by_budget(fast, 50.0, None) == {"20": Verdict.FAIL, "50": Verdict.PASS}
    assert verdicts_by_budget(fast, 20.0, None) == {"20": Verdict.FAIL}
    assert verdicts_by_budget(fast, 50.0, "lost") == {"20": Verdict.INVALID, "50": Verdict.INVALID}
