"""What the whole log covers: its days, its end, and whether the settings fit them."""

import dataclasses
from typing import Any

from beam_pipelines.options import DiscretizeOptions
from beam_pipelines.samples import LogExtent
from edgedipn_tf.commands import InputError
from edgedipn_tf.local_time import LocalTime


@dataclasses.dataclass(frozen=True)
class LogFacts:
    """What is gathered over all accepted records with a time.

    Attributes:
        days: local days with records, ascending.
        num_users: users with at least one action (2 stands for more).
        num_purchases: purchases (1 stands for more).
    """

    days: tuple[int, ...]
    num_users: int
    num_purchases: int


@dataclasses.dataclass(frozen=True)
class Resolved:
    """The extent of the log, or why there is none.

    Attributes:
        extent: days with cut-offs and end of the log; None when the settings do not fit the log.
        problem: one line for the user; empty when there is an extent.
    """

    extent: LogExtent | None
    problem: str

    def to_json(self) -> dict[str, Any]:
        """Returns the value as plain JSON."""
        return dataclasses.asdict(self)


def resolve(facts: LogFacts, options: DiscretizeOptions) -> Resolved:
    """Settles the days with cut-offs and the log's end, as a value: a worker cannot talk to the user."""
    try:
        return Resolved(_resolve(facts, options), "")
    except InputError as error:
        return Resolved(None, str(error))


def _resolve(facts: LogFacts, options: DiscretizeOptions) -> LogExtent:
    local_time = options.local_time
    if not facts.days:
        raise InputError("no accepted record in swipe, tap and browse: see counters and rejects for the reasons")
    if facts.num_users < 2 and not options.allows_degenerate:
        raise InputError("one user only: nothing can be learned or judged; give more logs, or --allow_degenerate")
    if facts.num_purchases < 1 and not options.allows_degenerate:
        raise InputError(
            "no purchase in the browse input: no purchase intent has a positive label; "
            "check the action names, or accept it with --allow_degenerate"
        )
    log_end_ms = _default_log_end(facts.days, local_time) if options.log_end_ms is None else options.log_end_ms
    last_day = int(local_time.day_index(log_end_ms))
    first_day, newest_day = facts.days[0], facts.days[-1]
    covered = f"the log covers {local_time.date_text(first_day)} to {local_time.date_text(newest_day)}"
    if options.evaluation_day is not None and not first_day < options.evaluation_day <= newest_day:
        raise InputError(
            f"--evaluation_date={local_time.date_text(options.evaluation_day)}: {covered}; "
            "it needs training days before and evaluation actions on or after the date"
            + ("; for a log of one day split by user: --evaluation_users=0.2" if first_day == newest_day else "")
        )
    if options.last_cutoff_day is not None:
        last_day = min(last_day, options.last_cutoff_day)
    first_cutoff_day = first_day + options.warmup_days
    if first_cutoff_day > last_day:
        raise InputError(
            f"no day is left for cut-offs: {covered}, --warmup_days={options.warmup_days}, "
            f"last day with cut-offs {local_time.date_text(last_day)}"
        )
    return LogExtent(first_cutoff_day, last_day, log_end_ms)


def _default_log_end(days: tuple[int, ...], local_time: LocalTime) -> int:
    """The last millisecond of the newest day, unless a gap before it suggests a stray record."""
    if len(days) > 1 and days[-1] - days[-2] > 2:
        raise InputError(
            f"the newest record is of {local_time.date_text(days[-1])}, the one before of "
            f"{local_time.date_text(days[-2])}: if it is stray, exclude it with --max_time, else state --log_end"
        )
    return int(local_time.day_start_ms(days[-1] + 1)) - 1
