"""Where the label window of each intent ends: the one place that knows hours, local days and weeks."""

from typing import NamedTuple

from beam_pipelines.encoding import Int64
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.schema import Window

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
_ELAPSED_MS = {Window.HOUR: HOUR_MS, Window.DAY: DAY_MS, Window.WEEK: WEEK_MS}
"""Windows that are elapsed time, whatever the clocks show."""


class LabelWindow(NamedTuple):
    """For each cut-off, the time range (after_ms, last_ms]: first excluded, last included."""

    after_ms: Int64
    last_ms: Int64


def label_window(window: Window, t0_ms: Int64, local_time: LocalTime) -> LabelWindow:
    """Returns the window of an intent for cut-offs at `t0_ms`.

    1 h, 24 h and 7 days are elapsed time; local days have 23, 24 or 25 hours.
    """
    if window in _ELAPSED_MS:
        return LabelWindow(t0_ms, t0_ms + _ELAPSED_MS[window])
    day = local_time.day_index(t0_ms)
    day_end_ms = local_time.day_start_ms(day + 1) - 1
    if window is Window.LOCAL_DAY:
        return LabelWindow(t0_ms, day_end_ms)
    return LabelWindow(day_end_ms, local_time.day_start_ms(day + 2) - 1)
