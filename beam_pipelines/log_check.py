"""What `--validate_only` tells of a log before a long job: figures, warnings, and why the job would fail."""

import difflib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from beam_pipelines import description, log_extent, options
from beam_pipelines.labels import Horizon, is_known
from beam_pipelines.log_extent import LogFacts
from beam_pipelines.log_sample import InputSample
from beam_pipelines.options import DiscretizeOptions
from beam_pipelines.samples import LogExtent
from beam_pipelines.tracks import VIEW_NAMES
from beam_pipelines.windows import LabelWindow, label_window
from edgedipn_tf.commands import InputError
from edgedipn_tf.schema import Schema

_LARGE_USER = 0.3
"""Share of an input's rows from which one user is suspected to be no person."""
_OUTSIDE = 0.01
"""Share of rows with positions outside the window that fingers at its border explain."""
_FEW = 100
"""Fewer purchases than that in a split neither teach nor judge much."""
_SHOWN = 5
"""Unknown actions and days that are named."""


def figures(samples: Mapping[str, InputSample], job: DiscretizeOptions) -> Iterator[str]:
    """Yields lines of text: what was read of each input."""
    for name, sample in samples.items():
        rows = "all rows" if sample.is_whole else "a sample"
        yield f"{name}: {sample.num_rows:,} rows ({rows} of {sample.num_files:,} files)"
        yield (
            f"  bad rows: {sample.num_bad:,}"
            + "".join(
                f"{', ' if index else ' ('}{reason} {count:,}"
                for index, (reason, count) in enumerate(sample.bad.items())
            )
            + (")" if sample.bad else "")
        )
        yield f"  users: {len(sample.rows_by_user):,}"
        if sample.rows_by_day:
            first, last = (job.local_time.date_text(day) for day in (min(sample.rows_by_day), max(sample.rows_by_day)))
            yield f"  local days: {first} to {last} ({job.local_time.name}), {len(sample.rows_by_day)} with rows"
        counts = {action: sum(map(len, times)) for action, times in sample.times_ms.items()}
        if total := sum(counts.values()):
            yield "  actions: " + ", ".join(f"{action} {count / total:.2%}" for action, count in counts.items())
        for column, nearest in sample.absent.items():
            yield f"  no column {column!r}" + (f": is it {nearest!r}? Name it in --log_config" if nearest else "")
        if sample.empty:
            yield f"  columns without any value: {', '.join(sample.empty)}"


def warnings(samples: Mapping[str, InputSample], job: DiscretizeOptions) -> Iterator[str]:
    """Yields lines of text: what is odd about the rows, whatever the flags."""
    for name, sample in samples.items():
        for action, count in sample.unknown_actions.most_common(_SHOWN):
            nearest = difflib.get_close_matches(action, sample.input.actions, n=1, cutoff=0.4)
            hint = f"is it {nearest[0]!r}? " if nearest else ""
            yield f"{name}: {count:,} rows with the unknown action {action!r}: {hint}name it in --log_config"
        for unit, count in sample.other_units.items():
            if count:
                yield f"{name}: {count:,} bad times look like {unit}: write milliseconds since the epoch"
        user, count = max(sample.rows_by_user.items(), key=lambda item: item[1], default=("", 0))
        good = sample.num_rows - sample.num_bad
        if name in VIEW_NAMES and count > _LARGE_USER * good and len(sample.rows_by_user) > 1:
            yield f"{name}: user {user[:100]!r} has {count / good:.0%} of the rows: a robot, or a default id?"
        if sample.num_outside > _OUTSIDE * good:
            share = f"{sample.num_outside / good:.1%}"
            yield f"{name}: {share} of the rows have positions outside the window: are both in the same unit?"
    if "browse" in samples:
        yield from _days_without_purchases(samples["browse"], job)


def _days_without_purchases(browse: InputSample, job: DiscretizeOptions) -> Iterator[str]:
    with_purchases = set(np.unique(job.local_time.day_index(browse.times_of("purchase"))).tolist())
    if not with_purchases:
        return
    days = [day for day in range(min(browse.rows_by_day), max(browse.rows_by_day) + 1) if day not in with_purchases]
    if days:
        dates = ", ".join(map(job.local_time.date_text, days[:_SHOWN]))
        yield f"browse: {len(days)} days without a purchase: {dates}" + (", ..." if len(days) > _SHOWN else "")


def fit(samples: Mapping[str, InputSample], job: DiscretizeOptions, schema: Schema) -> tuple[list[str], list[str]]:
    """Judges whether the flags fit the log.

    Returns:
        (problems, warnings): why the job would fail; what its samples will lack. What follows from the extent of the
        log is only a warning when not all rows were read.
    """
    problems: list[str] = []
    for name, sample in samples.items():
        counts = {name: {"read": sample.num_rows, "rejected": sample.bad}}
        try:
            description.check_bad_fraction(counts, job.max_bad_fraction)
        except InputError as error:
            problems.append(str(error))
    views = [sample for name, sample in samples.items() if name in VIEW_NAMES]
    users: set[str] = set().union(*(sample.rows_by_user for sample in views))
    days: set[int] = set().union(*(sample.rows_by_day for sample in views))
    num_purchases = len(samples["browse"].times_of("purchase")) if "browse" in samples else 0
    resolved = log_extent.resolve(LogFacts(tuple(sorted(days)), len(users), num_purchases), job)
    if resolved.problem:
        if all(sample.is_whole for sample in views) or not days:
            return [*problems, resolved.problem], []
        return problems, [f"in the rows read: {resolved.problem}"]
    if job.evaluation_day is None and job.evaluation_users is None:
        return [*problems, options.NO_SPLIT], []
    assert resolved.extent is not None
    problems += _empty_splits(resolved.extent, job)
    lacks = [*_unknown_labels(resolved.extent, job, schema)]
    if "browse" in samples:
        lacks += _few_purchases(samples["browse"], resolved.extent, job)
    where = "" if all(sample.is_whole for sample in views) else "in the rows read: "
    return problems, [where + text for text in lacks]


def _empty_splits(extent: LogExtent, job: DiscretizeOptions) -> Iterator[str]:
    if job.evaluation_day is None:
        return
    first, last, split = map(
        job.local_time.date_text, (extent.first_cutoff_day, extent.last_cutoff_day, job.evaluation_day)
    )
    if extent.last_cutoff_day < job.evaluation_day:
        yield f"the eval split is empty: the last day with cut-offs is {last}, the evaluation day {split}"
    if extent.first_cutoff_day >= job.evaluation_day:
        yield f"the train split is empty: the first day with cut-offs is {first}, the evaluation day {split}"


def _unknown_labels(extent: LogExtent, job: DiscretizeOptions, schema: Schema) -> Iterator[str]:
    """Yields the intents of which no label of a split is known: not even that of its first cut-off day."""
    first = {"training": extent.first_cutoff_day, "evaluation": extent.first_cutoff_day}
    if job.evaluation_day is not None:
        first["evaluation"] = max(first["evaluation"], job.evaluation_day)
    for split, day in first.items():
        embargo_ms = job.split_ms if split == "training" and job.has_embargo else None
        t0_ms = np.array([job.local_time.day_start_ms(day)])
        names = [
            intent.name
            for intent in schema.intents
            if not _is_known(Horizon(extent.log_end_ms, embargo_ms), label_window(intent.window, t0_ms, job.local_time))
        ]
        if names:
            ends = "reach the evaluation day" if embargo_ms is not None else "end after the log does"
            yield f"no {split} label of {', '.join(names)} is known: all their windows {ends}"


def _is_known(horizon: Horizon, window: LabelWindow) -> bool:
    return bool(is_known(horizon.judge(np.zeros(len(window.last_ms), np.bool_), window.last_ms)).all())


def _few_purchases(browse: InputSample, extent: LogExtent, job: DiscretizeOptions) -> Iterator[str]:
    times_ms = browse.times_of("purchase")
    times_ms = times_ms[times_ms >= int(job.local_time.day_start_ms(extent.first_cutoff_day))]
    if job.split_ms is None:
        counts = {"in all": len(times_ms)}
    else:
        num_training = int((times_ms < job.split_ms).sum())
        counts = {"on training days": num_training, "on evaluation days": len(times_ms) - num_training}
    for where, count in counts.items():
        if count < _FEW:
            yield f"only {count} purchases {where}: five of eight intents have few positive labels there"


def report(samples: Mapping[str, InputSample], job: DiscretizeOptions, schema: Schema) -> tuple[str, Sequence[str]]:
    """Returns the whole text, and the problems that it names."""
    problems, lacks = fit(samples, job, schema)
    lines = [*figures(samples, job)]
    lines += [f"warning: {text}" for text in (*warnings(samples, job), *lacks)]
    lines += [f"the job would fail: {problem}" for problem in problems]
    return "\n".join(lines), problems
