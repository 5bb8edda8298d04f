"""Labels of a user's cut-offs: the only place that looks at the future.

A label is 0, 1 or unknown: unknown when the last millisecond of its window is after the log's end, and for training
rows also when it is at or after the split (embargo: nothing realised on an evaluation day reaches training).
"""

import dataclasses
import enum

import numpy as np
from numpy.typing import NDArray

from beam_pipelines.candidates import BrowsedPairs, Pair
from beam_pipelines.encoding import Int64
from beam_pipelines.tracks import UserLog, browse_action_code
from beam_pipelines.windows import WEEK_MS, label_window
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.records import UNKNOWN_LABEL
from edgedipn_tf.schema import Level, Schema


class LabelState(enum.IntEnum):
    """What is known of a label, and why nothing: the first reason that holds, those that no flag can mend first."""

    NEGATIVE = 0
    POSITIVE = 1
    NO_CANDIDATE = 2  # the place is unfilled, its name is null, or stands at an earlier place
    AFTER_LOG_END = 3  # the window ends after the log does
    EMBARGO = 4  # the window reaches the evaluation day


States = NDArray[np.uint8]
"""Values of `LabelState`."""


def stored_labels(states: States) -> NDArray[np.uint8]:
    """Returns the labels as a record stores them: 0, 1 or `UNKNOWN_LABEL`."""
    return np.where(is_known(states), states, UNKNOWN_LABEL).astype(np.uint8)


def is_known(states: States) -> NDArray[np.bool_]:
    """Returns whether each label is known."""
    return np.asarray(states <= LabelState.POSITIVE)


@dataclasses.dataclass(frozen=True)
class Horizon:
    """Up to when labels are known.

    Attributes:
        log_end_ms: last millisecond that the log covers.
        split_ms: for training rows, the first millisecond that must not reach them; None without embargo.
    """

    log_end_ms: int
    split_ms: int | None

    def judge(self, realised: NDArray[np.bool_], last_ms: Int64) -> States:
        """Returns the states of labels whose windows end at `last_ms`, given what the log holds of them."""
        states = realised.astype(np.uint8)
        if self.split_ms is not None:
            states = np.where(last_ms >= self.split_ms, np.uint8(LabelState.EMBARGO), states)
        return np.where(last_ms > self.log_end_ms, np.uint8(LabelState.AFTER_LOG_END), states)


class Outcomes:
    """What a user did, ready to be asked "within this window?".

    Args:
        log: the user's log.
        browsed: the pairs of the user's browse view.
        local_time: the time zone of "local day".
    """

    def __init__(self, log: UserLog, browsed: BrowsedPairs, local_time: LocalTime):
        browse = log.tables["browse"].rows
        purchases = np.flatnonzero(browse["action"] == browse_action_code("purchase"))
        self._local_time = local_time
        self._purchased_pairs = [browsed.of_rows[row] for row in purchases.tolist()]
        self._times_ms = {
            "purchase": browse["timestamp_ms"][purchases],
            "cart": browse["timestamp_ms"][browse["action"] == browse_action_code("cart")],
            "any": log.all_timestamps,
        }

    def bought_soon(self, t0_ms: Int64, before_ms: int | None) -> list[list[int]]:
        """Returns for each cut-off the pairs bought within 7 days after it, earliest first, repetitions included.

        Args:
            t0_ms: cut-offs.
            before_ms: purchases from this time on are ignored (training rows); None for no limit.
        """
        last_ms = t0_ms + WEEK_MS
        if before_ms is not None:
            last_ms = np.minimum(last_ms, before_ms - 1)
        first, last = self._range("purchase", t0_ms, last_ms)
        return [
            [pair for pair in self._purchased_pairs[start:end] if pair >= 0]
            for start, end in zip(first.tolist(), last.tolist(), strict=True)
        ]

    def label_states(self, schema: Schema, t0_ms: Int64, places: Int64, pairs: list[Pair], horizon: Horizon) -> States:
        """Returns the states of the labels of all intents side by side, uint8 [n, sum of places].

        Args:
            schema: gives the intents and their order.
            t0_ms: cut-offs.
            places: candidates of each cut-off as positions in `pairs`, -1 for unfilled, [n, K].
            pairs: (leaf, top) names.
            horizon: up to when labels are known.
        """
        columns = []
        named = {level: _NamedPlaces(level, places, pairs) for level in (Level.LEAF, Level.TOP)}
        for intent in schema.intents:
            window = label_window(intent.window, t0_ms, self._local_time)
            first, last = self._range(intent.action, window.after_ms, window.last_ms)
            if intent.level is Level.NONE:
                realised = (last > first)[:, None]
                exists = np.ones_like(realised)
            else:
                realised, exists = self._category_labels(first, last, named[intent.level]), named[intent.level].counts
            states = horizon.judge(realised, window.last_ms[:, None])
            columns.append(np.where(exists, states, np.uint8(LabelState.NO_CANDIDATE)))
        return np.concatenate(columns, axis=1)

    def _range(self, action: str, after_ms: Int64, last_ms: Int64) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Positions [first, last) of the action's times in (after_ms, last_ms]."""
        times = self._times_ms[action]
        first = np.searchsorted(times, after_ms, side="right")
        return first, np.maximum(first, np.searchsorted(times, last_ms, side="right"))

    def _category_labels(
        self, first: NDArray[np.intp], last: NDArray[np.intp], named: "_NamedPlaces"
    ) -> NDArray[np.bool_]:
        """Whether the name of each candidate was bought."""
        realised = np.zeros(named.names.shape, np.bool_)
        # Purchases are few and cut-offs many: those that a purchase counts for follow one another.
        numbers = np.arange(len(self._purchased_pairs))
        starts = np.searchsorted(last, numbers, side="right").tolist()
        ends = np.searchsorted(first, numbers, side="right").tolist()
        for start, end, pair in zip(starts, ends, self._purchased_pairs, strict=True):
            name = named.of_pairs[pair] if pair >= 0 else -1
            if start < end and name >= 0:
                realised[start:end] |= named.names[start:end] == name
        return realised


class _NamedPlaces:
    """The names that candidates have at one level, as numbers.

    A null name does not count, nor does a name that stands at an earlier place (two leaves of one top).

    Attributes:
        of_pairs: number of each pair's name, -1 for null.
        names: number of each candidate's name, [n, K].
        counts: whether each candidate counts at this level, [n, K].
    """

    def __init__(self, level: Level, places: Int64, pairs: list[Pair]):
        side = 0 if level is Level.LEAF else 1
        numbers: dict[str, int] = {}
        self.of_pairs = [
            -1 if (name := pair[side]) is None else numbers.setdefault(name, len(numbers)) for pair in pairs
        ]
        self.names = np.array([*self.of_pairs, -1], np.int64)[places]
        is_repeated = np.zeros(places.shape, np.bool_)
        for place in range(1, places.shape[1]):
            is_repeated[:, place] = (self.names[:, :place] == self.names[:, place : place + 1]).any(axis=1)
        self.counts = (self.names >= 0) & ~is_repeated
