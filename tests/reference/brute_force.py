"""Every sample of a log, one at a time, in plain Python: slow on purpose, and independent of the Beam job.

Nothing here is shared with the job but the names and the order of `edgedipn_tf.schema`. All numbers are Python
integers and fractions. `Reference` judges the records, fits the vocabularies and knows the cut-offs; `sample`
computes one sample, `samples` all of them.
"""

import bisect
import collections
import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from edgedipn_tf import schema
from tests.reference import formulas, raw_records
from tests.reference.action_ids import Encoder
from tests.reference.local_days import DAY, HOUR_MS, LocalDays
from tests.reference.raw_records import Row

VIEWS = ("swipe", "tap", "browse")
WEEK_MS = 7 * 24 * HOUR_MS

Pair = tuple[str | None, str | None]
"""A candidate category: the raw names (top, leaf)."""


class Refused(Exception):
    """The log end cannot be taken from the records."""


@dataclasses.dataclass(frozen=True)
class Options:
    """What the job's flags of the same names say. `None` stands for the default that the records decide."""

    timezone: str = "UTC"
    min_time_ms: int = 946_684_800_000  # 2000-01-01
    max_time_ms: int = 4_102_444_800_000  # 2100-01-01
    evaluation_date: datetime.date | None = None
    evaluation_users: Fraction | None = None
    evaluation_fold: int = 0
    last_cutoff_date: datetime.date | None = None
    log_end_ms: int | None = None
    warmup_days: int = 0
    seed: int = 0
    samples_per_user_day: Fraction = Fraction(400, 14)
    interval_ms: int | None = None
    min_count: int = 5
    no_embargo: bool = False
    labels: str = "edgedipn"
    candidates: str = "bought_browsed_popular"
    max_length: int = 256
    num_candidates: int = 8

    @property
    def intents(self) -> tuple[schema.Intent, ...]:
        """The intents that are labelled."""
        return schema.LABEL_PRESETS[self.labels]


MIXES = {"bought_browsed_popular": (2, 3), "browsed_popular": (0, 3), "popular": (0, 0)}
"""Most pairs bought soon, and most further pairs browsed last, by the name of the mix."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """One row of the dataset; sequences are without padding, oldest action first.

    Attributes:
        split: `train` or `eval`.
        candidates: pairs (top, leaf) of raw names in the order of their places, unfilled places left out.
        candidate_ids: pairs (leaf id, top id) of the same places.
        ids: per view, one list of ids an action, in the schema's order of features.
        history: ids of the history counts.
        profile: ids of the profile features.
        labels: per intent, 1.0 or 0.0 a place (0.0 where the weight is 0).
        weights: per intent, 1.0 known or 0.0 unknown a place.
    """

    split: str
    candidates: list[Pair]
    candidate_ids: list[tuple[int, int]]
    ids: dict[str, list[list[int]]]
    history: list[int]
    profile: list[int]
    labels: dict[str, list[float]]
    weights: dict[str, list[float]]


class Reference:
    """A log and the options, ready to compute any sample.

    Args:
        records: per input (`swipe`, `tap`, `browse`, `profile`, `history`), the raw records in the order
            (sorted file path, record number): dictionaries, or bytes for lines of JSON.
        options: the job's flags.

    Raises:
        Refused: when the log end is to be taken from the records and more than one empty day precedes the newest.
    """

    def __init__(self, records: Mapping[str, Iterable[Any]], options: Options) -> None:
        self.options = options
        self.days = LocalDays(options.timezone)
        columns = raw_records.readers(options.min_time_ms, options.max_time_ms)
        self.inputs = {name: raw_records.judge_all(records.get(name, ()), columns[name]) for name in columns}
        self.actions: dict[str, dict[str, list[Row]]] = {view: {} for view in VIEWS}
        for view in VIEWS:
            # Python's sort is stable: records of one timestamp stay in the order given.
            for row in sorted(self.inputs[view].rows, key=lambda row: int(row["timestamp_ms"])):
                row["date"] = self.days.date(row["timestamp_ms"])
                self.actions[view].setdefault(row["user_id"], []).append(row)
        self.profiles = raw_records.choose_profiles(self.inputs["profile"].rows)
        self.users = sorted(set().union(*self.actions.values()))
        self.dates = sorted({row["date"] for view in VIEWS for row in self.inputs[view].rows})
        self.log_end_ms = self._log_end() if options.log_end_ms is None else options.log_end_ms
        self.split_ms = None if options.evaluation_date is None else self.days.first_ms(options.evaluation_date)
        self.vocabularies = self._fit_vocabularies()
        self.encoder = Encoder(self.vocabularies, self.days)
        self.popular = self._fit_popular_pairs()

    def _log_end(self) -> int:
        if len(self.dates) > 1 and (self.dates[-1] - self.dates[-2]).days > 2:
            raise Refused(f"more than one empty day between {self.dates[-2]} and {self.dates[-1]}")
        return self.days.last_ms(self.dates[-1])

    # What is fitted on the training days.

    def is_evaluation_user(self, user: str) -> bool:
        """Returns whether a user-disjoint split evaluates this user."""
        share = self.options.evaluation_users
        if share is None:
            return False
        key, fold = formulas.key_of(self.options.seed, user), self.options.evaluation_fold
        return formulas.below(key, (fold + 1) * share) and not formulas.below(key, fold * share)

    def _training_rows(self, view: str) -> Iterator[Row]:
        for user, rows in self.actions[view].items():
            if not self.is_evaluation_user(user):
                yield from (row for row in rows if self.split_ms is None or row["timestamp_ms"] < self.split_ms)

    def _rank(self, names: Iterable[str | None], feature: schema.Feature) -> dict[str, int]:
        counts = collections.Counter(name for name in names if name is not None)
        frequent = [name for name, count in counts.items() if count >= self.options.min_count]
        frequent.sort(key=lambda name: (-counts[name], formulas.utf8(name)))
        return {name: 2 + rank for rank, name in enumerate(frequent[: feature.bins])}

    def _fit_vocabularies(self) -> dict[str, dict[str, int]]:
        fitted: dict[str, dict[str, int]] = {}
        for view in (schema.SWIPE_VIEW, schema.TAP_VIEW, schema.BROWSE_VIEW):
            for feature in view.features:
                if feature.kind is schema.Kind.VOCABULARY:
                    rows = self._training_rows(view.name)
                    names = (row[feature.name] for row in rows if feature.name != "button" or row["event"] == "button")
                    fitted[f"{view.name}_{feature.name}"] = self._rank(names, feature)
        active = {row["user_id"] for view in VIEWS for row in self._training_rows(view)}
        for feature in schema.PROFILE:
            values = (row[feature.name] for user, row in self.profiles.items() if user in active)
            fitted[f"profile_{feature.name}"] = self._rank(values, feature)
        return fitted

    def _fit_popular_pairs(self) -> list[tuple[Pair, int]]:
        counts = collections.Counter(pair_of(row) for row in self._training_rows("browse"))
        pairs = [(p, n) for p, n in counts.items() if p != (None, None) and n >= self.options.min_count]
        return sorted(pairs, key=lambda counted: (-counted[1], *map(formulas.utf8, counted[0])))

    # Cut-offs.

    def cutoffs(self, user: str) -> list[int]:
        """Returns the cut-offs of a user, in order of time, before any is dropped."""
        first = self.dates[0] + self.options.warmup_days * DAY
        last = self.options.last_cutoff_date or self.days.date(self.log_end_ms)
        if self.options.interval_ms is not None:
            candidates = self._interval_cutoffs(user)
        else:
            candidates = self._random_cutoffs(user)
        return [t0 for t0 in sorted(candidates) if first <= self.days.date(t0) <= last]

    def _user_times(self, user: str) -> list[tuple[int, datetime.date]]:
        return sorted(
            {(row["timestamp_ms"], row["date"]) for view in VIEWS for row in self.actions[view].get(user, ())}
        )

    def _random_cutoffs(self, user: str) -> Iterator[int]:
        by_date: dict[datetime.date, list[int]] = {}
        for timestamp, date in self._user_times(user):
            by_date.setdefault(date, []).append(timestamp)
        rate = self.options.samples_per_user_day
        whole = rate.numerator // rate.denominator
        for date, timestamps in by_date.items():
            key = formulas.key_of(self.options.seed, user, date.isoformat())
            kept = whole + formulas.below(key, rate - whole)
            ranked = sorted((formulas.mix(key ^ (t & formulas.MASK)), t) for t in timestamps)
            yield from (t for _, t in ranked[:kept])

    def _interval_cutoffs(self, user: str) -> Iterator[int]:
        assert self.options.interval_ms is not None
        first_action, date = self._user_times(user)[0]
        while self.days.first_ms(date) <= self.log_end_ms:
            t0 = self.days.first_ms(date)
            while t0 <= min(self.days.last_ms(date), self.log_end_ms):
                if t0 >= first_action:
                    yield t0
                t0 += self.options.interval_ms
            date += DAY

    # One sample.

    def splits(self, user: str, t0: int) -> list[str]:
        """Returns the splits that a cut-off belongs to: one, or none for the other side of a user-disjoint split."""
        by_time = None if self.split_ms is None else "train" if t0 < self.split_ms else "eval"
        if self.options.evaluation_users is None:
            return [by_time or "train"]
        by_user = "eval" if self.is_evaluation_user(user) else "train"
        return [by_user] if by_time in (None, by_user) else []

    def sample(self, user: str, t0: int) -> Sample | None:
        """Returns the sample of a cut-off, or None when the dataset has no such row."""
        splits = self.splits(user, t0)
        if not splits:
            return None
        is_embargoed = splits == ["train"] and not self.options.no_embargo
        candidates = self._candidates(user, t0, is_embargoed)
        labels: dict[str, list[float]] = {}
        weights: dict[str, list[float]] = {}
        for intent in self.options.intents:
            known = self._is_known(intent.window, t0, is_embargoed)
            pairs = self._label_places(intent, user, t0, candidates)
            labels[intent.name] = [float(known and bool(weight and label)) for label, weight in pairs]
            weights[intent.name] = [float(known and weight) for _, weight in pairs]
        if not any(any(places) for places in weights.values()):
            return None
        return Sample(
            split=splits[0],
            candidates=candidates,
            candidate_ids=[
                (self.encoder.name_id("browse_leaf_category", leaf), self.encoder.name_id("browse_top_category", top))
                for top, leaf in candidates
            ],
            ids={view: self._view_ids(view, user, t0) for view in VIEWS},
            history=self._history_ids(user, t0),
            profile=self._profile_ids(user),
            labels=labels,
            weights=weights,
        )

    def _between(self, view: str, user: str, first_ms: int, last_ms: int) -> list[Row]:
        """Returns the actions of a view in [first_ms, last_ms], in their order."""
        rows = self.actions[view].get(user, [])
        start = bisect.bisect_left(rows, first_ms, key=lambda row: int(row["timestamp_ms"]))
        end = bisect.bisect_right(rows, last_ms, key=lambda row: int(row["timestamp_ms"]))
        return rows[start:end]

    def _until(self, view: str, user: str, t0: int) -> list[Row]:
        return self._between(view, user, self.options.min_time_ms, t0)

    # Labels.

    def window(self, window: schema.Window, t0: int) -> tuple[int, int]:
        """Returns the first and the last millisecond of a label window (the last before the first: empty)."""
        today = self.days.date(t0)
        if window is schema.Window.HOUR:
            return t0 + 1, t0 + HOUR_MS
        if window is schema.Window.DAY:
            return t0 + 1, t0 + 24 * HOUR_MS
        if window is schema.Window.WEEK:
            return t0 + 1, t0 + WEEK_MS
        if window is schema.Window.LOCAL_DAY:
            return t0 + 1, self.days.last_ms(today)
        return self.days.first_ms(today + DAY), self.days.last_ms(today + DAY)

    def _is_known(self, window: schema.Window, t0: int, is_embargoed: bool) -> bool:
        last = self.window(window, t0)[1]
        if last > self.log_end_ms:
            return False
        return not (is_embargoed and self.split_ms is not None and last >= self.split_ms)

    def _label_places(
        self, intent: schema.Intent, user: str, t0: int, candidates: Sequence[Pair]
    ) -> list[tuple[bool, bool]]:
        """Returns (label, weight) of every place of an intent, as if its window were known."""
        window = self.window(intent.window, t0)
        if intent.action == "any":
            return [(any(self._between(view, user, *window) for view in VIEWS), True)]
        realised = [row for row in self._between("browse", user, *window) if row["action"] == intent.action]
        if intent.level is schema.Level.NONE:
            return [(bool(realised), True)]
        side = 0 if intent.level is schema.Level.TOP else 1
        names = [pair[side] for pair in candidates]
        bought = [pair_of(row)[side] for row in realised]
        places = [(name in bought, name is not None and name not in names[:place]) for place, name in enumerate(names)]
        return places + [(False, False)] * (self.options.num_candidates - len(places))

    # Candidates.

    def _candidates(self, user: str, t0: int, is_embargoed: bool) -> list[Pair]:
        chosen: list[Pair] = []

        def take(pairs: Iterable[Pair], most: int) -> None:
            limit = min(len(chosen) + most, self.options.num_candidates)
            for pair in pairs:
                if len(chosen) == limit:
                    return
                if pair != (None, None) and pair not in chosen:
                    chosen.append(pair)

        last = t0 + WEEK_MS
        if is_embargoed and self.split_ms is not None:
            last = min(last, self.split_ms - 1)
        bought = (row for row in self._between("browse", user, t0 + 1, last) if row["action"] == "purchase")
        most_bought, most_browsed = MIXES[self.options.candidates]
        take(map(pair_of, bought), most_bought)
        take((pair_of(row) for row in reversed(self._until("browse", user, t0))), most_browsed)
        take(self._draws(user, t0), self.options.num_candidates)
        return chosen

    def _draws(self, user: str, t0: int) -> Iterator[Pair]:
        total = sum(count for _, count in self.popular)
        base = formulas.mix(formulas.key_of(self.options.seed, user) ^ (t0 & formulas.MASK))
        for draw in range(64 if total else 0):
            point = (formulas.mix(base ^ draw) >> 32) * total >> 32
            cumulative = 0
            for pair, count in self.popular:
                cumulative += count
                if cumulative > point:
                    yield pair
                    break

    # Features.

    def _view_ids(self, view: str, user: str, t0: int) -> list[list[int]]:
        rows = self._until(view, user, t0)
        encode = {"swipe": self.encoder.swipe_ids, "tap": self.encoder.tap_ids, "browse": self.encoder.browse_ids}[view]
        features = {v.name: v.features for v in (schema.SWIPE_VIEW, schema.TAP_VIEW, schema.BROWSE_VIEW)}[view]
        encoded = []
        for index in range(max(0, len(rows) - self.options.max_length), len(rows)):
            previous = rows[index - 1] if index else None
            ids = encode(rows[index], previous, t0)
            ids["elapsed_time"] = 2 + formulas.elapsed_bin(t0 - rows[index]["timestamp_ms"])
            encoded.append([ids[feature.name] for feature in features])
        return encoded

    def _history_ids(self, user: str, t0: int) -> list[int]:
        today = self.days.date(t0)
        past = [row for row in self.inputs["history"].rows if row["user_id"] == user and row["count"] is not None]
        ids = []
        for action in schema.HISTORY_ACTIONS:
            for days, bins in zip(schema.HISTORY_DAYS, schema.HISTORY_BINS, strict=True):
                first = today - days * DAY
                counted = sum(
                    row["action"] == action and first <= row["date"] < today
                    for row in self.actions["browse"].get(user, ())
                )
                counted += sum(row["count"] for row in past if row["action"] == action and first <= row["date"] < today)
                ids.append(2 + min(counted, bins - 1))
        return ids

    def _profile_ids(self, user: str) -> list[int]:
        row = self.profiles.get(user, {})
        return [self.encoder.name_id(f"profile_{feature.name}", row.get(feature.name)) for feature in schema.PROFILE]


def pair_of(row: Row) -> Pair:
    """Returns the raw names (top, leaf) of a browse-view action."""
    return row["top_category"], row["leaf_category"]


def samples(records: Mapping[str, Iterable[Any]], options: Options) -> dict[tuple[str, int], Sample]:
    """Returns every sample of a log by (user, cut-off)."""
    reference = Reference(records, options)
    computed = {}
    for user in reference.users:
        for t0 in reference.cutoffs(user):
            sample = reference.sample(user, t0)
            if sample is not None:
                computed[user, t0] = sample
    return computed
