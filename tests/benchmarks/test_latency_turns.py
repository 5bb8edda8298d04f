"""Ratios of medians and of their mean over a distribution, by hand."""

from benchmarks.latency_turns import LatencyTurns


def test_calls_take_turns_after_warming_up():
    made = []
    turns = LatencyTurns({"a": lambda: made.append("a"), "b": lambda: made.append("b")}, num_runs=10)
    assert made == ["a", "b"] * 11
    assert {name: len(samples) for name, samples in turns.samples_ms.items()} == {"a": 10, "b": 10}


def test_the_mean_of_medians_is_weighted_and_told_with_its_range_over_blocks():
    turns = LatencyTurns({}, num_runs=10)
    turns.samples_ms = {"short": [1.0] * 8 + [2.0] * 2, "long": [4.0] * 10}
    assert turns.median_ms("short") == 1.0
    assert turns.ratio("short", "long") == "0.250 (0.250 to 0.500)"
    # 0.75 * 1 + 0.25 * 4 = 1.75; in the last of five blocks 0.75 * 2 + 0.25 * 4 = 2.5; by 4 each.
    assert turns.ratio_of_means({"short": 0.75, "long": 0.25}, "long") == "0.438 (0.438 to 0.625)"
