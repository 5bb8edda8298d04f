"""What `--validate_only` tells of a log before a long job: figures, warnings, and why the job would fail."""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from beam_pipelines import description, label_outlook, log_extent, options
from beam_pipelines.label_outlook import Outlook
from beam_pipelines.log_extent import LogFacts
from beam_pipelines.log_sample import InputSample
from beam_pipelines.options import DiscretizeOptions
from beam_pipelines.samples import LogExtent
from beam_pipelines.tracks import VIEW_NAMES
from edgedipn_tf.commands import InputError
from edgedipn_tf.schema import Schema

_LARGE_USER = 0.3
"""Share of an input's rows from which one user is suspected to be no person."""
_OUTSIDE = 0.01
"""Share of rows with positions outside the window that fingers at its border explain."""
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
        counts = {action: len(sample.times_of(action)) for action in sample.input.actions}
        if total := sum(counts.values()):
            yield "  actions: " + ", ".join(f"{action} {count / total:.2%}" for action, count in counts.items())
        for column, nearest in sample.absent.items():
            hint = f": is it {nearest!r}? Name it in --log_config" if nearest else ""
            is_needed = any(c.is_required for c in sample.input.columns if c.file_name == column)
            yield f"  no column {column!r}{', which is needed' if is_needed else ''}{hint}"
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


@dataclasses.dataclass(frozen=True)
class Fit:
    """Whether the flags fit the log.

    Attributes:
        problems: why the job would fail.
        lacks: what its samples will lack. What follows from the extent of the log is only here when not all rows were
            read.
        outlooks: what the log can give for the labels.
    """

    problems: list[str]
    lacks: list[str] = dataclasses.field(default_factory=list)
    outlooks: list[Outlook] = dataclasses.field(default_factory=list)


def fit(samples: Mapping[str, InputSample], job: DiscretizeOptions, schema: Schema) -> Fit:
    """Judges whether the flags fit the log."""
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
            return Fit([*problems, resolved.problem])
        return Fit(problems, [f"in the rows read: {resolved.problem}"])
    if job.evaluation_day is None and job.evaluation_users is None:
        return Fit([*problems, options.NO_SPLIT])
    assert resolved.extent is not None
    problems += _empty_splits(resolved.extent, job)
    outlooks = label_outlook.outlooks(samples, resolved.extent, job, schema)
    where = "" if all(sample.is_whole for sample in views) else "in the rows read: "
    return Fit(problems, [where + text for text in label_outlook.lacks(outlooks, job)], outlooks)


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


def report(samples: Mapping[str, InputSample], job: DiscretizeOptions, schema: Schema) -> tuple[str, Sequence[str]]:
    """Returns the whole text, and the problems that it names."""
    found = fit(samples, job, schema)
    lines = [*figures(samples, job), *label_outlook.table(found.outlooks)]
    lines += [f"warning: {text}" for text in (*warnings(samples, job), *found.lacks)]
    lines += [f"the job would fail: {problem}" for problem in found.problems]
    return "\n".join(lines), found.problems
