"""Random tiny logs of four tables and past counts, full of the cases that go wrong.

Ties of timestamps, duplicates written differently, nulls, bad records, days around a change of clocks, actions at the
edges of windows and days, names in several forms, profiles that differ, users without a view.
"""

import dataclasses
import datetime
import json
import pathlib
import random
from collections.abc import Mapping
from typing import Any

from edgedipn_tf import schema
from tests.reference.local_days import DAY, HOUR_MS, LocalDays

Record = dict[str, Any]
Files = dict[str, list[Record]]
USERS: tuple[Any, ...] = ("u1", 7, "Zoë", "u3", "12", "browse only", "no browse", "rare", "busy")
PAGES: tuple[Any, ...] = ("home", "list", "item", "ITEM", 12, "é", "z", None, "", "seldom")
TOPS: tuple[Any, ...] = ("t1", "t2", "ü", 3, None)
LEAVES: tuple[Any, ...] = ("l1", "l2", "l3", "l4", "l5", 6, "é", None)


@dataclasses.dataclass(frozen=True)
class RandomLog:
    """A log as it would lie on disk.

    Attributes:
        files: per input, records by file name. Files are not in the order of their names.
        timezone: the zone around whose change of clocks the days lie.
        first_date: the first day.
        num_days: days of the log.
    """

    files: dict[str, Files]
    timezone: str
    first_date: datetime.date
    num_days: int

    def records(self) -> dict[str, list[Record]]:
        """Returns the records of each input in the order (sorted file path, record number)."""
        return {name: [r for path in sorted(files) for r in files[path]] for name, files in self.files.items()}

    def write(self, folder: pathlib.Path) -> dict[str, pathlib.Path]:
        """Writes the log as JSON lines, one folder an input; returns the folders."""
        folders = {}
        for name, files in self.files.items():
            folders[name] = folder / name
            folders[name].mkdir(parents=True)
            for file, records in files.items():
                lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
                (folders[name] / file).write_text("".join(lines), encoding="utf-8")
        return folders


CLOCK_CHANGES = (
    ("Europe/Berlin", datetime.date(2024, 3, 27)),
    ("Europe/Berlin", datetime.date(2024, 10, 22)),
    ("America/Sao_Paulo", datetime.date(2018, 10, 30)),
    ("Australia/Lord_Howe", datetime.date(2024, 4, 2)),  # half an hour
    ("Asia/Kathmandu", datetime.date(2024, 1, 1)),
    ("UTC", datetime.date(2024, 2, 25)),
)


def random_log(seed: int, num_actions: int = 60, num_busy_actions: int = 600, num_days: int = 11) -> RandomLog:
    """Returns a random log of about `num_actions / 2` actions a user and view; one user has more than a window."""
    draw = random.Random(seed)
    unusual = {"rare": 3, "busy": num_busy_actions}
    timezone, first_date = CLOCK_CHANGES[seed % len(CLOCK_CHANGES)]
    days = LocalDays(timezone)
    dates = [first_date + i * DAY for i in range(num_days)]
    tables: dict[str, list[Record]] = {name: [] for name in ("swipe", "tap", "browse", "profile", "history")}
    for user in USERS:
        times = _times(draw, days, dates, unusual.get(user, num_actions))
        for view, make in (("swipe", swipe), ("tap", tap), ("browse", browse)):
            if (user == "browse only" and view != "browse") or (user == "no browse" and view == "browse"):
                continue
            for timestamp in draw.choices(times, k=len(times) // 2):
                tables[view].append({"user_id": user, "timestamp_ms": timestamp, **make(draw)})
        tables["profile"] += [_profile(draw, user) for _ in range(draw.choice((0, 1, 1, 1, 3)))]
        tables["history"] += [_past(draw, user, dates) for _ in range(draw.randrange(12))]
    # Every day has an action, so that no empty days precede the newest.
    tables["browse"] += [{"user_id": "u1", "timestamp_ms": days.first_ms(d), **browse(draw)} for d in dates]
    for records in tables.values():
        records += [_rewritten(draw, record) for record in draw.sample(records, len(records) // 8)]
        records += _bad(draw, records)
        draw.shuffle(records)
    return RandomLog({name: _files(draw, r) for name, r in tables.items()}, timezone, first_date, num_days)


def _times(draw: random.Random, days: LocalDays, dates: list[datetime.date], count: int) -> list[int]:
    """Returns timestamps, many of them at edges relative to one another or to a local midnight."""
    first, last = days.first_ms(dates[0]), days.last_ms(dates[-1])
    times = [draw.randrange(first, last + 1)]
    while len(times) < count:
        near = draw.choice(times)
        moved = draw.choice(
            [
                near + draw.choice((-1, 1)) * draw.choice((0, 1, HOUR_MS - 1, HOUR_MS, HOUR_MS + 1, 24 * HOUR_MS)),
                near + draw.choice((-1, 1)) * (7 * 24 * HOUR_MS + draw.choice((0, 1))),
                near + draw.randrange(200_000),
                days.first_ms(draw.choice(dates)) + draw.choice((-1, 0, 0, 1)),
                draw.randrange(first, last + 1),
            ]
        )
        times.append(min(max(moved, first), last))
    return times


def swipe(draw: random.Random) -> Record:
    """Returns the columns of a random action of the swipe view, without user and time."""
    width, height = draw.choice([(1080, 1920), (1080.5, 1920.25), (0.0625, 3), (1080, None), (None, None)])

    def place(side: float | None) -> float | None:
        size = side or 1000
        inside = [draw.uniform(0, size), draw.randrange(0, max(1, int(size))), 0, size, size / 2]
        return draw.choice([*inside, draw.uniform(-size, 2 * size), 1e30, -0.0, None])

    across = [place(width), place(width), place(width)]
    down = [place(height), place(height), place(height)]
    if draw.random() < 0.2:
        across[2] = across[1]
    return {
        "action": draw.choice(("open_page", "leave_page", "swipe", "swipe", "swipe", "tap", "tap")),
        "page": draw.choice(PAGES),
        **dict(zip(("x", "start_x", "end_x"), across, strict=True)),
        **dict(zip(("y", "start_y", "end_y"), down, strict=True)),
        "duration_ms": draw.choice((None, -3, 0, 24, 25.0, 249, 250, 2499, 2500, draw.randrange(4000), 1 << 62)),
        "window_width": width,
        "window_height": height,
    }


def tap(draw: random.Random) -> Record:
    """Returns the columns of a random action of the tap view, without user and time."""
    return {
        "event": draw.choice((2001, "2001", "page", 2101, "2101", 2101.0, "button")),
        "page": draw.choice(PAGES),
        "button": draw.choice(("buy", "cart", 4, None, "é")),
    }


def browse(draw: random.Random) -> Record:
    """Returns the columns of a random action of the browse view, without user and time."""
    return {
        "action": draw.choice(("browse", "browse", "search", "collect", "cart", "purchase", "purchase")),
        "page": draw.choice(PAGES),
        "leaf_category": draw.choice(LEAVES),
        "top_category": draw.choice(TOPS),
        "item_id": draw.choice((None, 1, "1", 2)),
        "stay_ms": draw.choice((None, -1, 0, 999, 1000, HOUR_MS, 649_999, 650_000, draw.randrange(200_000), 1 << 62)),
        "price": draw.choice((None, 1.5, 0, -2)),
    }


def _profile(draw: random.Random, user: Any) -> Record:
    values = ("a", "b", "é", 3, None, "")
    return {"user_id": user, **{f.name: draw.choice(values) for f in schema.PROFILE if draw.random() < 0.9}}


def _past(draw: random.Random, user: Any, dates: list[datetime.date]) -> Record:
    before = draw.choice((0, 1, 6, 7, 8, 13, 14, 30, 89, 90, 180, 364, 365, 366))
    return {
        "user_id": user,
        "date": (draw.choice(dates) - before * DAY).isoformat(),
        "action": draw.choice(schema.HISTORY_ACTIONS),
        "count": draw.choice((None, 0, 1, 2, 5.0, 19, 30, 200)),
    }


def _rewritten(draw: random.Random, record: Mapping[str, Any]) -> Record:
    """Returns the same record in other words: integers as floats, names as numbers, nulls left out."""
    other = {column: value for column, value in record.items() if value is not None or draw.random() < 0.5}
    if isinstance(other["user_id"], int):
        other["user_id"] = draw.choice((str(other["user_id"]), float(other["user_id"])))
    for column in ("timestamp_ms", "stay_ms", "duration_ms", "count"):
        if isinstance(other.get(column), int) and abs(other[column]) < 1 << 50:
            other[column] = float(other[column])
    return other


def _bad(draw: random.Random, records: list[Record]) -> list[Record]:
    changes: list[Record] = [{"user_id": None}, {"user_id": ""}, {"user_id": True}, {"user_id": [1]}, {"user_id": 1.5}]
    if "timestamp_ms" in records[0]:
        key = "event" if "event" in records[0] else "action"
        changes += [{"timestamp_ms": 5}, {"timestamp_ms": "5"}, {"timestamp_ms": 1.5e12 + 0.5}, {key: "?"}, {key: None}]
    if "stay_ms" in records[0]:
        changes += [{"stay_ms": "5"}, {"stay_ms": 2.5, "timestamp_ms": 5}, {"price": float("nan")}]
    if "window_width" in records[0]:
        changes += [{"window_width": 0}, {"x": float("inf")}, {"window_height": 0.05, "action": "?"}]
    return [{**draw.choice(records), **change} for change in changes]


def _files(draw: random.Random, records: list[Record]) -> Files:
    cut = draw.randrange(len(records) + 1)
    return {"part-10.jsonl": records[:cut], "part-2.jsonl": records[cut:]}
