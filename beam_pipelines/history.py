"""Counts of a user's past collects, carts and purchases: what a daily snapshot can serve to a phone."""

import numpy as np

from beam_pipelines.encoding import Int64
from beam_pipelines.tracks import UserLog, browse_action_code
from edgedipn_tf import discretize
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.schema import FIRST_REAL_ID, HISTORY_ACTIONS, HISTORY_BINS, HISTORY_DAYS


class DailyCounts:
    """A user's counts by local day: those of the log plus those of the `history` input.

    Args:
        log: the user's log.
        local_time: the time zone of "local day".
    """

    def __init__(self, log: UserLog, local_time: LocalTime):
        browse, given = log.tables["browse"].rows, log.tables["history"].rows
        days = local_time.day_index(browse["timestamp_ms"])
        self._days: list[Int64] = []
        self._sums: list[Int64] = []
        for position, action in enumerate(HISTORY_ACTIONS):
            logged = browse["action"] == browse_action_code(action)
            is_given = given["action"] == position
            all_days = np.concatenate([days[logged], given["day_index"][is_given].astype(np.int64)])
            counts = np.concatenate([np.ones(np.count_nonzero(logged), np.int64), given["count"][is_given]])
            # A count beyond the last bin is the last bin: clipping keeps the sums within int64.
            counts = np.minimum(counts, 1 << 40)
            order = np.argsort(all_days, kind="stable")
            self._days.append(all_days[order])
            self._sums.append(np.concatenate([[0], np.cumsum(counts[order])]))

    def ids(self, day_indices: Int64) -> Int64:
        """Returns the ids of the 18 history features for cut-offs on some local days: counts of [day - n, day).

        Args:
            day_indices: local days, [m].

        Returns:
            Ids, [m, 18].
        """
        columns = []
        for days, sums in zip(self._days, self._sums, strict=True):
            until_day = sums[np.searchsorted(days, day_indices)]
            for num_days, num_bins in zip(HISTORY_DAYS, HISTORY_BINS, strict=True):
                counts = until_day - sums[np.searchsorted(days, day_indices - num_days)]
                columns.append(discretize.history_bins(counts, num_bins) + FIRST_REAL_ID)
        return np.stack(columns, axis=1)
