"""A user's log -> records: cut-offs, inputs, candidates and labels of every local day with cut-offs."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beam_pipelines import cutoffs, tracks
from beam_pipelines.candidates import BrowsedPairs, Pair, PopularDraws, PopularPairs, fill_places
from beam_pipelines.encoding import Int64, encode_name
from beam_pipelines.history import DailyCounts
from beam_pipelines.label_counts import DROPPED, Counts, count_labels
from beam_pipelines.labels import Horizon, Outcomes, is_known, stored_labels
from beam_pipelines.options import EVAL, TRAIN, DiscretizeOptions
from beam_pipelines.tracks import UserLog
from edgedipn_tf.random_keys import key
from edgedipn_tf.records import UserDay, stored_features
from edgedipn_tf.schema import Feature, Kind, Schema, View, feature_key
from edgedipn_tf.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class LogExtent:
    """What cut-offs and labels need to know of the whole log.

    Attributes:
        first_cutoff_day, last_cutoff_day: local days with cut-offs, both included.
        log_end_ms: last millisecond that the log covers.
    """

    first_cutoff_day: int
    last_cutoff_day: int
    log_end_ms: int


@dataclasses.dataclass(frozen=True)
class SampleMaker:
    """Makes the records of one user after another.

    Attributes:
        schema: what a sample is made of.
        options: settings of the job.
        vocabulary: ids of the names.
        popular: pairs that fill the candidate places.
        extent: days with cut-offs, end of the log.
    """

    schema: Schema
    options: DiscretizeOptions
    vocabulary: Vocabulary
    popular: PopularPairs
    extent: LogExtent

    def user_days(self, log: UserLog, counts: Counts) -> Iterator[tuple[str, UserDay]]:
        """Yields (split, record) for each local day with samples, in the order of the days.

        Args:
            log: a user's log.
            counts: gets the samples, the dropped samples and the labels by split.
        """
        t0_ms, days = self._cutoffs(log)
        inputs = _UserInputs(self, log)
        is_eval = self._is_evaluation(log.user_id, t0_ms)
        for split, chosen in ((TRAIN, ~is_eval), (EVAL, is_eval)):
            if self.options.evaluation_users is not None:
                of_split = self.options.is_evaluation_user(log.user_id) == (split == EVAL)
                if not of_split:
                    counts[("samples", "other_split")] += int(np.count_nonzero(chosen))
                    continue
            if chosen.any():
                yield from self._split_records(inputs, split, t0_ms[chosen], days[chosen], counts)

    def _cutoffs(self, log: UserLog) -> tuple[Int64, Int64]:
        """All cut-offs of a user, ascending, with their local days."""
        times = log.all_timestamps
        local_time, options = self.options.local_time, self.options
        if not len(times):
            return times, times
        drawn: list[Int64] = []
        if options.interval_ms is None:
            days, bounds = tracks.day_bounds(times, local_time)
            for day, start, end in zip(days.tolist(), bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
                if start < end and self.extent.first_cutoff_day <= day <= self.extent.last_cutoff_day:
                    day_key = cutoffs.user_day_key(options.seed, log.user_id, local_time.date_text(day))
                    drawn.append(cutoffs.draw_cutoffs(times[start:end], day_key, options.samples_per_user_day))
        else:
            for day in range(self.extent.first_cutoff_day, self.extent.last_cutoff_day + 1):
                first_ms = int(times[0])
                drawn.append(
                    cutoffs.interval_cutoffs(day, options.interval_ms, first_ms, self.extent.log_end_ms, local_time)
                )
        t0_ms = np.concatenate([*drawn, np.zeros(0, np.int64)])
        return t0_ms, local_time.day_index(t0_ms)

    def _is_evaluation(self, user_id: str, t0_ms: Int64) -> NDArray[np.bool_]:
        split_ms = self.options.split_ms
        if split_ms is None:
            return np.full(len(t0_ms), self.options.is_evaluation_user(user_id))
        return t0_ms >= split_ms

    def _split_records(
        self, inputs: "_UserInputs", split: str, t0_ms: Int64, days: Int64, counts: Counts
    ) -> Iterator[tuple[str, UserDay]]:
        split_ms = self.options.split_ms if split == TRAIN and self.options.has_embargo else None
        log, browsed, outcomes = inputs.log, inputs.browsed, inputs.outcomes
        num_seen = np.searchsorted(log.timestamps("browse"), t0_ms, side="right")
        draws = PopularDraws(self.popular, key(str(self.options.seed), log.user_id), t0_ms)
        bought, mix = outcomes.bought_soon(t0_ms, split_ms), self.options.candidate_mix
        places = fill_places(browsed, bought, num_seen, draws, mix, self.schema.num_candidates)
        horizon = Horizon(self.extent.log_end_ms, split_ms)
        states = outcomes.label_states(self.schema, t0_ms, places, browsed.pairs, horizon)
        is_kept = np.asarray(is_known(states).any(axis=1))
        counts[("samples", DROPPED)] += int(np.count_nonzero(~is_kept))
        counts[("samples", split)] += int(np.count_nonzero(is_kept))
        count_labels(split, self.schema, days, states, is_kept, counts)
        labels = stored_labels(states)
        inputs.pairs.extend(browsed.pairs)
        kept_days = cutoffs.distinct(days[is_kept])
        for day, history in zip(kept_days.tolist(), inputs.history_ids(kept_days), strict=True):
            rows = np.flatnonzero(is_kept & (days == day))
            yield split, inputs.record(history, t0_ms[rows], places[rows], labels[rows])


class _Pairs:
    """Names in UTF-8 and vocabulary ids of a user's candidate pairs, by their positions."""

    def __init__(self, vocabulary: Vocabulary):
        self._vocabulary = vocabulary
        self.names: list[tuple[bytes, bytes]] = []
        self.ids = np.zeros((0, 2), np.int64)

    def extend(self, pairs: list[Pair]) -> None:
        """Adds those of some pairs that follow the known ones."""
        added = pairs[len(self.names) :]
        self.names += [(encode_name(leaf or ""), encode_name(top or "")) for leaf, top in added]
        leaves = self._vocabulary.lookup("browse_leaf_category", [leaf for leaf, _ in added])
        tops = self._vocabulary.lookup("browse_top_category", [top for _, top in added])
        self.ids = np.concatenate([self.ids, np.stack([leaves, tops], axis=1)])


class _UserInputs:
    """What the records of one user's single days are cut from.

    Attributes:
        log: the user's log.
        browsed: the pairs of its browse view, to which candidates are added.
        outcomes: what the user did, for the labels.
        pairs: names and ids of the pairs.
    """

    def __init__(self, maker: SampleMaker, log: UserLog):
        self._maker = maker
        self.log = log
        self.browsed = BrowsedPairs(log.tables["browse"])
        self.outcomes = Outcomes(log, self.browsed, maker.options.local_time)
        self.pairs = _Pairs(maker.vocabulary)
        self._ids = {view.name: self._view_ids(view) for view in maker.schema.views}
        self._history = DailyCounts(log, maker.options.local_time)
        profile = log.tables["profile"]
        self._profile = np.array(
            [
                self._vocabulary_ids(profile, "profile", feature)[0] if len(profile.rows) else 1
                for feature in maker.schema.profile
            ],
            np.int64,
        )

    def history_ids(self, days: Int64) -> Int64:
        """Returns the history ids of some local days, [m, 18]."""
        return self._history.ids(days)

    def record(self, history: Int64, t0_ms: Int64, places: Int64, labels: NDArray[np.uint8]) -> UserDay:
        """Cuts the record of one local day: the actions that any of its cut-offs can see.

        Args:
            history: ids of the history features on that day.
            t0_ms: the day's cut-offs, ascending.
            places: candidates of each.
            labels: labels of each.
        """
        schema, pairs = self._maker.schema, self.pairs
        stored: dict[str, slice] = {}
        for view in schema.views:
            times = self.log.timestamps(view.name)
            first, last = np.searchsorted(times, [t0_ms[0], t0_ms[-1]], side="right").tolist()
            stored[view.name] = slice(max(0, first - schema.max_length), last)
        # Of few pairs of many: a table of all is quicker than sorting the places.
        is_used = np.zeros(len(pairs.names), np.bool_)
        is_used[places[places >= 0]] = True
        used = np.flatnonzero(is_used)
        return UserDay(
            user_id=encode_name(self.log.user_id),
            t0_ms=t0_ms,
            times_ms={name: self.log.timestamps(name)[part] for name, part in stored.items()},
            ids={name: [ids[part] for ids in self._ids[name]] for name, part in stored.items()},
            stay_ms=self.log.tables["browse"].rows["stay_ms"][stored["browse"]],
            history=history,
            profile=self._profile,
            pair_names=[pairs.names[position] for position in used.tolist()],
            pair_ids=pairs.ids[used],
            candidates=np.where(places >= 0, np.searchsorted(used, places), -1),
            labels=labels,
        )

    def _view_ids(self, view: View) -> list[NDArray[Any]]:
        table = self.log.tables[view.name]
        columns: list[NDArray[Any]] = []
        for feature in stored_features(view):
            if feature.kind is Kind.VOCABULARY:
                columns.append(self._vocabulary_ids(table, view.name, feature))
            elif feature.name == "time_gap":
                columns.append(self.log.time_gap_ids)
            else:
                columns.append(table.rows[feature.name])
        return columns

    def _vocabulary_ids(self, table: tracks.Table, view: str, feature: Feature) -> Int64:
        ids = self._maker.vocabulary.lookup(feature_key(view, feature), table.names[feature.name])
        return tracks.vocabulary_ids(table, feature.name, ids)
