"""Which labels a log can give, before the long job: days whose label windows it covers, events that make positives."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from beam_pipelines.encoding import Int64
from beam_pipelines.labels import Horizon, is_known
from beam_pipelines.log_sample import InputSample
from beam_pipelines.options import EVAL, SPLITS, TRAIN, DiscretizeOptions
from beam_pipelines.samples import LogExtent
from beam_pipelines.windows import label_window
from edgedipn_tf.schema import Intent, Level, Schema

_FEW = 100
"""Fewer events than that in a split neither teach nor judge much."""
_SPLIT_NAMES = {TRAIN: "training", EVAL: "evaluation"}


@dataclasses.dataclass(frozen=True)
class Outlook:
    """What a log can give for the labels of an intent in a split.

    Attributes:
        intent: the intent.
        split: `train` or `eval`.
        num_days: local days with cut-offs.
        num_known_days: of them, days of whose first moment the label is known.
        needed_day: the last local day of the first day's window.
        what: what makes a label positive, in words.
        num_events: how often that happens within known windows, about.
    """

    intent: Intent
    split: str
    num_days: int
    num_known_days: int
    needed_day: int
    what: str
    num_events: int


def outlooks(
    samples: Mapping[str, InputSample], extent: LogExtent, job: DiscretizeOptions, schema: Schema
) -> list[Outlook]:
    """Returns the outlook of each intent and split that has days with cut-offs.

    Args:
        samples: what was read of each input.
        extent: days with cut-offs, end of the log.
        job: settings of the job.
        schema: gives the intents.
    """
    return [
        _outlook(intent, split, days, samples, extent, job)
        for split, days in _days_of(extent, job).items()
        for intent in schema.intents
        if len(days)
    ]


def _days_of(extent: LogExtent, job: DiscretizeOptions) -> dict[str, Int64]:
    days = np.arange(extent.first_cutoff_day, extent.last_cutoff_day + 1)
    if job.evaluation_day is None:
        return {split: days for split in SPLITS}
    return {TRAIN: days[days < job.evaluation_day], EVAL: days[days >= job.evaluation_day]}


def _outlook(
    intent: Intent,
    split: str,
    days: Int64,
    samples: Mapping[str, InputSample],
    extent: LogExtent,
    job: DiscretizeOptions,
) -> Outlook:
    day_start_ms = job.local_time.day_start_ms
    embargo_ms = job.split_ms if split == TRAIN and job.has_embargo else None
    last_ms = label_window(intent.window, day_start_ms(days), job.local_time).last_ms
    known = is_known(Horizon(extent.log_end_ms, embargo_ms).judge(np.zeros(len(days), np.bool_), last_ms))
    if intent.action == "any":
        what, num_events = "returns on the next day", _num_returns(samples, days[known])
    else:
        level = None if intent.level is Level.NONE else intent.level.value
        what = f"{intent.action}s" + (f" with a {level}" if level else "")
        times_ms = samples["browse"].times_of(intent.action, level) if "browse" in samples else np.zeros(0, np.int64)
        end_ms = int(label_window(intent.window, day_start_ms(days[-1:] + 1) - 1, job.local_time).last_ms[0])
        end_ms = min(end_ms, extent.log_end_ms, end_ms if embargo_ms is None else embargo_ms - 1)
        num_events = int(((times_ms >= int(day_start_ms(days[0]))) & (times_ms <= end_ms)).sum()) if known.any() else 0
    if job.evaluation_users is not None:
        num_events = round(num_events * (job.evaluation_users if split == EVAL else 1 - job.evaluation_users))
    needed_day = int(job.local_time.day_index(last_ms[0]))
    return Outlook(intent, split, len(days), int(known.sum()), needed_day, what, num_events)


def _num_returns(samples: Mapping[str, InputSample], days: NDArray[np.int64]) -> int:
    """Days of users who were active on them and on the day after."""
    user_days = set().union(*(sample.user_days for sample in samples.values()))
    wanted = set(days.tolist())
    return sum(day in wanted and (user, day + 1) in user_days for user, day in user_days)


def table(found: Iterable[Outlook]) -> Iterator[str]:
    """Yields lines of text: for each intent and split the days with known labels, and the events of positives."""
    by_intent: dict[str, dict[str, str]] = {}
    for outlook in found:
        days = f"{outlook.num_known_days} of {outlook.num_days}"
        by_intent.setdefault(outlook.intent.name, {})[outlook.split] = f"{days:>12}{outlook.num_events:>10,}"
    if by_intent:
        titles = "".join(f"{f'{_SPLIT_NAMES[split]} days':>18}{'events':>10}" for split in SPLITS)
        yield "labels: days with cut-offs whose label windows the log covers, events that make positive labels"
        yield f"  {'intent':24}{titles}"
    for name, cells in by_intent.items():
        yield f"  {name:24}" + "".join(f"{cells.get(split, 'n/a'):>28}" for split in SPLITS)


def lacks(found: Iterable[Outlook], job: DiscretizeOptions) -> Iterator[str]:
    """Yields lines of text: labels that no day can know, with what they need, and intents with few positives."""
    unknown: dict[tuple[str, int], list[str]] = {}
    few: dict[tuple[str, str, int], list[str]] = {}
    for outlook in found:
        if not outlook.num_known_days:
            unknown.setdefault((outlook.split, outlook.needed_day), []).append(outlook.intent.name)
        elif outlook.num_events < _FEW:
            few.setdefault((outlook.split, outlook.what, outlook.num_events), []).append(outlook.intent.name)
    for (split, needed_day), names in unknown.items():
        text = f"no {_SPLIT_NAMES[split]} label of {', '.join(names)} is known: "
        if split == TRAIN and job.split_ms is not None and job.has_embargo:
            date = job.local_time.date_text(needed_day + 1)
            yield f"{text}all their windows reach the evaluation day; they need --evaluation_date={date} or later"
        else:
            date = job.local_time.date_text(needed_day)
            yield f"{text}all their windows end after the log does; they need a log until {date}"
    for (split, what, count), names in few.items():
        number = f"only {count}" if count else "no"
        yield f"{number} {what} for {_SPLIT_NAMES[split]}: few positive labels of {', '.join(names)}, if any"
