"""Latencies of several calls, each made once a turn, so that what else the machine does falls on all of them."""

import statistics
import time
from collections.abc import Callable, Mapping

NUM_BLOCKS = 5


class LatencyTurns:
    """Latencies in ms of several calls.

    The CPU time of the thread that calls is taken: the latency of what runs in one thread when it need not wait for
    others.

    Args:
        calls: by name.
        num_runs: turns; a tenth more warm up. They are told apart in blocks, which show how steady a figure is.
    """

    def __init__(self, calls: Mapping[str, Callable[[], object]], num_runs: int) -> None:
        self.samples_ms: dict[str, list[float]] = {name: [] for name in calls}
        for run in range(num_runs + num_runs // 10):
            for name, call in calls.items():
                start_ns = time.thread_time_ns()
                call()
                if run >= num_runs // 10:
                    self.samples_ms[name].append((time.thread_time_ns() - start_ns) / 1e6)

    def median_ms(self, name: str) -> float:
        """Returns the median of a call."""
        return statistics.median(self.samples_ms[name])

    def ratio(self, name: str, base: str) -> str:
        """Returns the ratio of two calls' medians and its range over the blocks, as text."""
        return self.ratio_of_means({name: 1.0}, base)

    def ratio_of_means(self, shares: Mapping[str, float], base: str) -> str:
        """Returns the mean of several calls' medians by one call's, and the range of that over the blocks, as text.

        Args:
            shares: of each call in the mean.
            base: the call that it is divided by.
        """
        ratios = []
        for here in (slice(None), *self._blocks(len(self.samples_ms[base]))):
            medians = {name: statistics.median(self.samples_ms[name][here]) for name in (*shares, base)}
            ratios.append(sum(share * medians[name] for name, share in shares.items()) / medians[base])
        return f"{ratios[0]:.3f} ({min(ratios[1:]):.3f} to {max(ratios[1:]):.3f})"

    @staticmethod
    def _blocks(num_runs: int) -> list[slice]:
        size = num_runs // NUM_BLOCKS
        return [slice(block * size, (block + 1) * size) for block in range(NUM_BLOCKS)]
