"""Logs in which the past or the future of every user is replaced, while what is fitted on training days stays.

Vocabularies and popular pairs are learned from all training days and frozen: they are not a leak of one sample's
future. So that ids can be compared, training-day actions keep their names (moved in time and shuffled among the
changed actions of a user); everything else of them is drawn anew. On evaluation days anything goes: actions vanish,
appear and change.
"""

import dataclasses
import json
import pathlib
import random
from collections.abc import Mapping
from typing import Any

from tests.reference import random_logs
from tests.reference.brute_force import VIEWS, Options, Reference
from tests.reference.local_days import DAY, LocalDays
from tests.reference.raw_records import Row

Records = dict[str, list[Row]]
MAKERS = {"swipe": random_logs.swipe, "tap": random_logs.tap, "browse": random_logs.browse}
FITTED_ON = {
    "swipe": ("page",),
    "tap": ("event", "page", "button"),
    "browse": ("page", "leaf_category", "top_category"),
}


@dataclasses.dataclass(frozen=True)
class Changes:
    """A log, and the same log with another past or future.

    Attributes:
        records: the log, good records only.
        moments: per user, the last millisecond of the past.
        other_future: the log with every action after its user's moment changed.
        other_past: the log with every action at or before its user's moment changed.
    """

    records: Records
    moments: dict[str, int]
    other_future: Records
    other_past: Records


def changes(seed: int, reference: Reference) -> Changes:
    """Returns the good records of a reference, with other pasts and futures."""
    draw = random.Random(seed)
    records = {name: [dict(row) for row in judged.rows] for name, judged in reference.inputs.items()}
    moments = {}
    for user in reference.users:
        times = [row["timestamp_ms"] for view in VIEWS for row in reference.actions[view].get(user, ())]
        moments[user] = draw.choice(times)
    return Changes(
        records,
        moments,
        {name: _changed(draw, name, rows, moments, reference, is_future=True) for name, rows in records.items()},
        {name: _changed(draw, name, rows, moments, reference, is_future=False) for name, rows in records.items()},
    )


def _changed(
    draw: random.Random, name: str, rows: list[Row], moments: dict[str, int], reference: Reference, is_future: bool
) -> list[Row]:
    if name == "profile":
        return rows
    if name == "history":
        return [_changed_count(draw, row, moments, reference, is_future) for row in rows]
    changed: list[Row] = []
    for user, moment in moments.items():
        own = [row for row in rows if row["user_id"] == user]
        part = [row for row in own if (row["timestamp_ms"] > moment) == is_future]
        changed += [row for row in own if (row["timestamp_ms"] > moment) != is_future]
        changed += _changed_actions(draw, name, user, part, moment, reference, is_future)
    return changed


def _changed_count(
    draw: random.Random, row: Row, moments: dict[str, int], reference: Reference, is_future: bool
) -> Row:
    moment = moments.get(row["user_id"])
    if moment is None or (row["date"] >= reference.days.date(moment)) != is_future:
        return row
    return {**row, "count": draw.randrange(40)}


def _changed_actions(
    draw: random.Random, view: str, user: str, part: list[Row], moment: int, reference: Reference, is_future: bool
) -> list[Row]:
    split = reference.split_ms
    assert split is not None
    first, last = reference.days.first_ms(reference.dates[0]), reference.log_end_ms
    first, last = (moment + 1, last) if is_future else (first, moment)
    edge = first if is_future else last  # the millisecond nearest to the unchanged side

    def moved(row: Row, first_ms: int, last_ms: int) -> int:
        """Returns a new time; one action stands at the edge, and those at the moment itself stay: it is a cut-off."""
        if row["timestamp_ms"] == moment or (row is part[0] and first_ms <= edge <= last_ms):
            return edge
        return draw.randint(first_ms, last_ms)

    changed = []
    training = [row for row in part if row["timestamp_ms"] < split]
    for row, names in zip(training, draw.sample(training, len(training)), strict=True):
        timestamp = moved(row, first, min(last, split - 1))
        fitted = {column: names[column] for column in FITTED_ON[view]}
        changed.append({"user_id": user, "timestamp_ms": timestamp, **MAKERS[view](draw), **fitted})
    for row in [row for row in part if row["timestamp_ms"] >= split] * 2:
        if row is part[0] or row["timestamp_ms"] == moment or draw.random() < 0.5:
            timestamp = moved(row, max(first, split), last)
            changed.append({"user_id": user, "timestamp_ms": timestamp, **MAKERS[view](draw)})
    return changed


def options_for(log: random_logs.RandomLog, evaluation_day: int, **values: Any) -> Options:
    """Returns options in which neither the log's end nor its days hang on one record."""
    return Options(
        timezone=log.timezone,
        evaluation_date=log.first_date + evaluation_day * DAY,
        log_end_ms=LocalDays(log.timezone).last_ms(log.first_date + (log.num_days - 1) * DAY),
        min_count=2,
        **values,
    )


def write(records: Mapping[str, list[Row]], folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Writes records as JSON lines, one file an input."""
    folder.mkdir(parents=True)
    paths = {}
    for name, rows in records.items():
        paths[name] = folder / f"{name}.jsonl"
        lines = [json.dumps(_plain(name, row)) + "\n" for row in rows]
        paths[name].write_text("".join(lines), encoding="utf-8")
    return paths


def _plain(name: str, row: Row) -> dict[str, Any]:
    if name == "history":
        return {**row, "date": row["date"].isoformat()}
    return {column: value for column, value in row.items() if column != "date"}


def features(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a sample knows of its user: views, history, profile."""
    heads = ("swipe_", "tap_", "browse_")
    return {name: value for name, value in columns.items() if name.startswith(heads) or name in ("history", "profile")}


def labels(columns: Mapping[str, Any], intents: Mapping[str, str | None]) -> dict[Any, float | None]:
    """Returns the labels of a sample: by intent, and for category intents by (intent, name).

    Candidates that the user browsed are part of the past, so they may differ; the label of one name may not.

    Args:
        columns: a sample.
        intents: per intent, the column of the names it is about, or None.
    """
    found: dict[Any, float | None] = {}
    for intent, column in intents.items():
        values, weights = columns[f"{intent}_label"], columns[f"{intent}_weight"]
        if column is None:
            found[intent] = values[0] if weights[0] else None
        else:
            places = zip(columns[column], values, weights, strict=True)
            found.update({(intent, name): value for name, value, weight in places if weight})
    return found
