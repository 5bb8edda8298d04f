"""Settings of the discretization job: plain values, checked once, shipped to every worker."""

import dataclasses
import datetime
import fractions

import numpy as np
from absl import flags

from beam_pipelines.candidates import DEFAULT_MIX, MIXES, CandidateMix
from beam_pipelines.encoding import Int64
from edgedipn_tf.commands import InputError
from edgedipn_tf.local_time import FIRST_MS, LAST_MS, LocalTime
from edgedipn_tf.random_keys import key, mix
from edgedipn_tf.schema import EDGEDIPN_LABELS, LABEL_PRESETS, MAX_LENGTH

TRAIN, EVAL = SPLITS = ("train", "eval")
BY_HASH, BY_USER = "hash of user and time", "user and time"
RECORD_ORDERS = {TRAIN: BY_HASH, EVAL: BY_USER}
"""How the records of a file are ordered, by split.

A reader shuffles some thousand samples at a time: records of training by user would give it those of few users, one
batch after another. Records of evaluation stay by user, so that a person finds one.
"""


@dataclasses.dataclass(frozen=True)
class DiscretizeOptions:
    """How raw logs become samples.

    Attributes:
        local_time: the time zone of "local day" and "hour".
        min_time_ms, max_time_ms: records outside [min, max) are bad.
        evaluation_day: local day (days since 1970-01-01) from which cut-offs are for evaluation; None: split by user.
        evaluation_users: share of the users that are for evaluation; None: split by day only.
        evaluation_fold: which such share of the users, from 0.
        last_cutoff_day: last local day with cut-offs; None: the day of the log's end.
        log_end_ms: last millisecond that the log covers; None: the end of the newest record's local day.
        warmup_days: first local days, from that of the oldest record, without cut-offs.
        samples_per_user_day: cut-offs drawn for a user and day (random sampler).
        interval_ms: distance of cut-offs (interval sampler); None: the random sampler.
        candidate_mix: how the places of candidate categories are filled.
        has_embargo: whether training labels realised on or after the split are unknown.
        min_count: least count of a vocabulary name.
        vocabulary_grows: whether new names are added to the vocabulary of an earlier run.
        seed: of the sampler, the split by user and the popular candidates.
        num_shards: files of each split.
        max_actions_per_user_day: most actions of a user, view and local day; the first ones stay.
        max_bad_fraction: the job fails when an input has a larger share of bad records.
        allows_degenerate: whether a log of one user or without purchases is accepted.
    """

    local_time: LocalTime
    min_time_ms: int
    max_time_ms: int
    evaluation_day: int | None
    evaluation_users: fractions.Fraction | None
    evaluation_fold: int
    last_cutoff_day: int | None
    log_end_ms: int | None
    warmup_days: int
    samples_per_user_day: fractions.Fraction
    interval_ms: int | None
    candidate_mix: CandidateMix
    has_embargo: bool
    min_count: int
    vocabulary_grows: bool
    seed: int
    num_shards: int
    max_actions_per_user_day: int
    max_bad_fraction: float
    allows_degenerate: bool

    @property
    def split_ms(self) -> int | None:
        """First millisecond of the evaluation day; None when the split is by user only."""
        if self.evaluation_day is None:
            return None
        return int(self.local_time.day_start_ms(self.evaluation_day))

    def is_evaluation_user(self, user_id: str) -> bool:
        """Whether the user is for evaluation in a user-disjoint split."""
        if self.evaluation_users is None:
            return False
        drawn = int(mix(key(str(self.seed), user_id)))
        position = drawn * self.evaluation_users.denominator
        share = self.evaluation_users.numerator << 64
        return self.evaluation_fold * share <= position < (self.evaluation_fold + 1) * share

    def rows_of(self, split: str, user_id: str, times_ms: Int64) -> slice:
        """Returns which of a user's actions are of a split: on days before the evaluation day or from it on.

        In a user-disjoint split a user's actions are of one split at most; without an evaluation day all are of it.

        Args:
            split: `TRAIN` or `EVAL`.
            user_id: the user.
            times_ms: times of the actions, ascending.
        """
        if self.evaluation_users is not None and self.is_evaluation_user(user_id) != (split == EVAL):
            return slice(0, 0)
        if self.split_ms is None:
            return slice(0, len(times_ms))
        num_training = int(np.searchsorted(times_ms, self.split_ms))
        return slice(0, num_training) if split == TRAIN else slice(num_training, len(times_ms))


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags that `from_flags` reads."""
    _define_time_flags(values)
    _define_sample_flags(values)
    _define_vocabulary_flags(values)
    flags.DEFINE_integer("seed", 0, "seed of every draw", flag_values=values)
    flags.DEFINE_integer("num_shards", 8, "files of each split", 1, 100_000, flag_values=values)
    meaning = (
        "most actions of a user and view on a local day; the first stay, the rest is counted as surplus and the users "
        "with most of it are named in counters.json (no person makes as many: a robot, or several people as one user)"
    )
    flags.DEFINE_integer("max_actions_per_user_day", 50_000, meaning, 1, flag_values=values)
    flags.DEFINE_float(
        "max_bad_fraction", 0.01, "fail when a larger share of an input's records is bad", 0.0, 1.0, flag_values=values
    )
    flags.DEFINE_bool("allow_degenerate", False, "accept one user only, or no purchases at all", flag_values=values)


def _define_time_flags(values: flags.FlagValues) -> None:
    def text(name: str, default: str | None, meaning: str) -> None:
        flags.DEFINE_string(name, default, meaning, flag_values=values)

    text("timezone", "UTC", "time zone of 'local day' and 'hour of day', e.g. Asia/Shanghai")
    text("evaluation_date", None, "local date (YYYY-MM-DD) from which cut-offs are for evaluation; days before train")
    text(
        "evaluation_users", None, "share of users for evaluation, e.g. 0.2 (user-disjoint split); alone or with a date"
    )
    meaning = "which share: with --evaluation_users=1/5 the folds 0 to 4 are for evaluation once each, without overlap"
    flags.DEFINE_integer("evaluation_fold", 0, meaning, 0, flag_values=values)
    text("last_cutoff_date", None, "last local date with cut-offs; default: the date of the log's end")
    text("log_end", None, "last instant the log covers, ISO date-time with offset; default: end of the newest day")
    text("min_time", "2000-01-01", "records before this UTC date or date-time are bad (bad_time)")
    text("max_time", "2100-01-01", "records from this UTC date or date-time on are bad (bad_time)")
    flags.DEFINE_integer("warmup_days", 0, "first days of the log without cut-offs", 0, flag_values=values)


def _define_sample_flags(values: flags.FlagValues) -> None:
    meaning = "cut-offs drawn for a user and day, a number or a fraction (random sampler)"
    flags.DEFINE_string("samples_per_user_day", "400/14", meaning, flag_values=values)
    meaning = "seconds between cut-offs of the interval sampler; default: the random sampler"
    flags.DEFINE_string("interval", None, meaning, flag_values=values)
    meaning = "most actions of a view, the newest, that a sample may hold; models take as many or fewer"
    flags.DEFINE_integer("max_length", MAX_LENGTH, meaning, 1, 4096, flag_values=values)
    meaning = "intents: the eight of EdgeDIPN, or DIPN's two: a purchase within 1 h, and within 24 h"
    flags.DEFINE_enum("labels", EDGEDIPN_LABELS, list(LABEL_PRESETS), meaning, flag_values=values)
    meaning = (
        "candidate categories of a sample: up to 2 bought within 7 days after it, up to 3 further ones browsed last, "
        "then popular ones; or without the bought; or popular only. The bought are for training; the others never look "
        "ahead: what a phone can ask"
    )
    flags.DEFINE_enum("candidates", DEFAULT_MIX, list(MIXES), meaning, flag_values=values)
    meaning = "labels of training rows realised on an evaluation day are unknown"
    flags.DEFINE_bool("embargo", True, meaning, flag_values=values)


def _define_vocabulary_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_integer("min_count", 5, "least count of a name to enter a vocabulary", 1, flag_values=values)
    meaning = (
        "go on with the ids of an earlier run: its dataset folder, or a vocabulary.json. Ids never move, so that a "
        "model of that run can be trained on; new names with the minimum count come after the old ones, as long as "
        "the feature's table has room"
    )
    flags.DEFINE_string("vocabulary", None, meaning, flag_values=values)
    meaning = (
        "add new names to --vocabulary, which daily retraining needs; --novocabulary_growth takes it as it is: to "
        "evaluate the model of that run on new days"
    )
    flags.DEFINE_bool("vocabulary_growth", True, meaning, flag_values=values)


NO_SPLIT = (
    "no split: give --evaluation_date=YYYY-MM-DD (usually the last day with complete labels), "
    "--evaluation_users=0.2, or both"
)


def from_flags(values: flags.FlagValues, needs_split: bool = True) -> DiscretizeOptions:
    """Builds the options from parsed flags.

    Args:
        values: the flags.
        needs_split: whether flags that name no split are refused.

    Raises:
        InputError: naming the flag, the value and what is expected.
    """
    local_time = LocalTime(values.timezone)
    if needs_split and values.evaluation_date is None and values.evaluation_users is None:
        raise InputError(NO_SPLIT)
    if values.vocabulary is None and not values.vocabulary_growth:
        raise InputError("--novocabulary_growth: give the vocabulary that may not grow, --vocabulary=PATH")
    evaluation_users = _fraction("evaluation_users", values.evaluation_users, 1)
    if values.evaluation_fold and (evaluation_users is None or (values.evaluation_fold + 1) * evaluation_users > 1):
        raise InputError(
            f"--evaluation_fold={values.evaluation_fold}: --evaluation_users={values.evaluation_users} has no such fold"
        )
    return DiscretizeOptions(
        local_time=local_time,
        min_time_ms=_time_ms("min_time", values.min_time),
        max_time_ms=_time_ms("max_time", values.max_time),
        evaluation_day=_day("evaluation_date", values.evaluation_date),
        evaluation_users=evaluation_users,
        evaluation_fold=values.evaluation_fold,
        last_cutoff_day=_day("last_cutoff_date", values.last_cutoff_date),
        log_end_ms=None if values.log_end is None else _time_ms("log_end", values.log_end),
        warmup_days=values.warmup_days,
        samples_per_user_day=_fraction("samples_per_user_day", values.samples_per_user_day, None)
        or fractions.Fraction(),
        interval_ms=_interval_ms(values.interval),
        candidate_mix=MIXES[values.candidates],
        has_embargo=values.embargo,
        min_count=values.min_count,
        vocabulary_grows=values.vocabulary_growth,
        seed=values.seed,
        num_shards=values.num_shards,
        max_actions_per_user_day=values.max_actions_per_user_day,
        max_bad_fraction=values.max_bad_fraction,
        allows_degenerate=values.allow_degenerate,
    )


def _time_ms(flag: str, text: str) -> int:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"--{flag}={text}: expected an ISO date or date-time such as 2017-11-25T00:00+08:00") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    time_ms = (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(milliseconds=1)
    if not FIRST_MS <= time_ms <= LAST_MS:
        raise InputError(f"--{flag}={text}: expected a time in the years 1900 to 2199")
    return time_ms


def _day(flag: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return datetime.date.fromisoformat(text).toordinal() - datetime.date(1970, 1, 1).toordinal()
    except ValueError:
        raise InputError(f"--{flag}={text}: expected a date such as 2017-12-02") from None


def _fraction(flag: str, text: str | None, limit: int | None) -> fractions.Fraction | None:
    if text is None:
        return None
    try:
        number = fractions.Fraction(text)
    except (ValueError, ZeroDivisionError):
        number = fractions.Fraction(-1)
    if number <= 0 or (limit is not None and number >= limit):
        expected = "a number or fraction above 0" + (f" and below {limit}" if limit else "")
        raise InputError(f"--{flag}={text}: expected {expected}")
    return number


def _interval_ms(text: str | None) -> int | None:
    seconds = _fraction("interval", text, None)
    if seconds is None:
        return None
    if seconds * 1000 < 1:
        raise InputError(f"--interval={text}: expected at least one millisecond (0.001)")
    return int(seconds * 1000)
