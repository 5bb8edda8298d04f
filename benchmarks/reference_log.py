"""Benchmark input: a generated log with the volumes of DIPN's Table 1, for what is measured an event or a sample.

1,583 actions of the swipe view, 391 of the tap view and 42 of the browse view for each user and day, in visits of about
twenty minutes. Values are random with skewed names and carry no signal: the log is for cost, never for a model.
"""

import pathlib
import sys

import numpy as np
import pyarrow as pa
from absl import flags
from numpy.typing import NDArray

from beam_pipelines.raw_log import LogDescription, LogWriter
from edgedipn_tf import commands, publishing

DESCRIPTION = """
Generates the reference log of the benchmarks: 2,016 events for each user and day, as in DIPN's Table 1.

  python -m benchmarks.reference_log --output=logs/reference

200 users and 14 days, the default, are 5.6 million events. Simulated: nobody ever did what it tells.
"""
EVENTS_PER_USER_DAY = {"swipe": 1583, "tap": 391, "browse": 42}
FIRST_DAY_MS = 1_614_556_800_000  # 2021-03-01, UTC
_DAY_MS = 86_400_000
_VISITS_PER_DAY = 6
_VISIT_MS = 20 * 60_000
_USERS_PER_PART = 20
_ACTIONS = ("open_page", "leave_page", "swipe", "tap")
_ACTION_SHARES = (0.1, 0.1, 0.6, 0.2)
_BROWSE_ACTIONS = ("browse", "search", "collect", "cart", "purchase")
_BROWSE_SHARES = (0.9, 0.04, 0.03, 0.02, 0.01)


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_string("output", None, "Folder to publish the log in.", flag_values=values, required=True)
    flags.DEFINE_bool("overwrite", False, "Whether an output that is there may be replaced.", flag_values=values)
    flags.DEFINE_integer("num_users", 200, "Users.", 1, flag_values=values)
    flags.DEFINE_integer("num_days", 14, "Days.", 1, 365, flag_values=values)
    flags.DEFINE_integer("seed", 1, "Seed.", 0, flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Generates and publishes the log."""
    with publishing.publish_folder(pathlib.Path(values.output), values.overwrite) as folder:
        writer = LogWriter(folder)
        for first in range(0, values.num_users, _USERS_PER_PART):
            users = np.arange(first, min(first + _USERS_PER_PART, values.num_users))
            rng = np.random.default_rng((values.seed, first))
            for view, columns in _part(rng, users, values.num_days).items():
                writer.write(view, columns)
            print(f"{users[-1] + 1:,} of {values.num_users:,} users", flush=True)
        writer.describe(_describe(values), {})
    print(f"{sum(writer.num_rows.values()):,} rows written to {values.output}")


def _part(rng: np.random.Generator, users: NDArray[np.int64], num_days: int) -> dict[str, dict[str, pa.Array]]:
    """Returns the columns of each view of some users, in the order of time, as an app's log has them."""
    visit_start_ms = rng.integers(0, _DAY_MS - _VISIT_MS, (len(users), num_days, _VISITS_PER_DAY))
    visit_start_ms += FIRST_DAY_MS + _DAY_MS * np.arange(num_days)[:, np.newaxis]
    parts = {}
    for view, per_day in EVENTS_PER_USER_DAY.items():
        user, day, _ = np.indices((len(users), num_days, per_day)).reshape(3, -1)
        start_ms = visit_start_ms[user, day, rng.integers(0, _VISITS_PER_DAY, user.size)]
        time_ms = start_ms + rng.integers(0, _VISIT_MS, user.size)
        order = np.argsort(time_ms, kind="stable")
        parts[view] = {
            "user_id": pa.array([f"user-{number:08}" for number in users]).take(pa.array(user[order])),
            "timestamp_ms": pa.array(time_ms[order]),
            **_FIELDS[view](rng, user.size),
        }
    profiles = {name: _names(rng, name, 6, len(users)) for name in ("age_level", "gender", "buyer_star")}
    parts["profile"] = {"user_id": pa.array([f"user-{number:08}" for number in users]), **profiles}
    return parts


def _swipe_fields(rng: np.random.Generator, size: int) -> dict[str, pa.Array]:
    action = rng.choice(len(_ACTIONS), size, p=_ACTION_SHARES)
    width, height = np.full(size, 1080.0), np.full(size, 2340.0)
    places = {
        name: pa.array(np.round(rng.random(size) * limit, 1), mask=action != _ACTIONS.index(kind))
        for name, limit, kind in (
            ("x", 1080, "tap"), ("y", 2340, "tap"), ("start_x", 1080, "swipe"), ("start_y", 2340, "swipe"),
            ("end_x", 1080, "swipe"), ("end_y", 2340, "swipe"),
        )
    }  # fmt: skip
    return {
        "action": pa.array(_ACTIONS).take(pa.array(action)),
        "page": _names(rng, "page", 300, size),
        **places,
        "duration_ms": pa.array(rng.integers(20, 1500, size), mask=action != _ACTIONS.index("swipe")),
        "window_width": pa.array(width),
        "window_height": pa.array(height),
    }


def _tap_fields(rng: np.random.Generator, size: int) -> dict[str, pa.Array]:
    is_button = rng.random(size) < 0.5
    button = _names(rng, "button", 600, size)
    return {
        "event": pa.array(("page", "button")).take(pa.array(is_button.astype(np.int64))),
        "page": _names(rng, "page", 300, size),
        "button": pa.array(button.to_pylist(), pa.string(), mask=~is_button),
    }


def _browse_fields(rng: np.random.Generator, size: int) -> dict[str, pa.Array]:
    return {
        "action": pa.array(_BROWSE_ACTIONS).take(pa.array(rng.choice(5, size, p=_BROWSE_SHARES))),
        "page": _names(rng, "page", 180, size),
        "leaf_category": _names(rng, "leaf", 20_000, size),
        "top_category": _names(rng, "top", 100, size),
        "item_id": _names(rng, "item", 1_000_000, size),
        "stay_ms": pa.array(rng.integers(200, 120_000, size)),
    }


_FIELDS = {"swipe": _swipe_fields, "tap": _tap_fields, "browse": _browse_fields}


def _names(rng: np.random.Generator, prefix: str, number: int, size: int) -> pa.Array:
    """Returns names of which the first are the most frequent."""
    ranks = (number * rng.random(size) ** 3).astype(np.int64)
    different, where = np.unique(ranks, return_inverse=True)
    return pa.array([f"{prefix}-{rank}" for rank in different]).take(pa.array(where))


def _describe(values: flags.FlagValues) -> LogDescription:
    return LogDescription(
        name="reference",
        is_simulated=True,
        timezone="UTC",
        log_end_ms=FIRST_DAY_MS + values.num_days * _DAY_MS - 1,
        suggested_flags={"timezone": "UTC"},
        caveats=("simulated without any signal: for measuring cost, never for judging a model",),
        counts={"users": values.num_users, "days": values.num_days, "seed": values.seed},
    )


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
