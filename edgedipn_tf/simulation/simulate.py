"""All that users leave in the log. Users do not meet: each is a function of (world, seed, user, days)."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from edgedipn_tf.simulation.journeys import Pages, simulate_journeys
from edgedipn_tf.simulation.randomness import IntArray
from edgedipn_tf.simulation.touch import draw_swipes, draw_taps, shown_goals
from edgedipn_tf.simulation.traits import User
from edgedipn_tf.simulation.views import Columns, browse_view, swipe_view, tap_view
from edgedipn_tf.simulation.world import World


@dataclasses.dataclass(frozen=True)
class UserLog:
    """What one user leaves.

    Attributes:
        views: columns of each view (see `views`); a view that could not be logged is absent.
        profile: value of each profile column or None; empty when there is no profile row.
    """

    views: dict[str, Columns]
    profile: dict[str, str | None]


def simulate_users(world: World, numbers: Sequence[int], day_start_ms: IntArray) -> Iterator[UserLog]:
    """Simulates users: what they do all together, what is logged of it one by one.

    Args:
        world: the shop, which has the seed.
        numbers: numbers of the users; a user does not depend on who else is there.
        day_start_ms: first instants of the local days, and the end of the last, (days + 1,).
    """
    journeys = simulate_journeys(world, numbers, day_start_ms)
    bounds = zip(journeys.first_page[:-1].tolist(), journeys.first_page[1:].tolist(), strict=True)
    for user, random, (first, last) in zip(journeys.users, journeys.generators, bounds, strict=True):
        views = _draw_views(world, user, journeys.pages.take(slice(first, last)), random)
        is_duplicated = random.random() < world.config.noise.duplicated_users
        yield UserLog(_kept(views, user, int(day_start_ms[-1]), is_duplicated), user.style.profile)


def _draw_views(world: World, user: User, pages: Pages, random: np.random.Generator) -> dict[str, Columns]:
    shown = shown_goals(world, pages, random)
    taps = draw_taps(world, user.style, pages, shown, random)
    swipes = draw_swipes(world, user.style, pages, shown, random)
    return {
        "swipe": swipe_view(user.style, pages, taps, swipes),
        "tap": tap_view(pages, taps),
        "browse": browse_view(world, user, pages, taps, random),
    }


def _kept(views: dict[str, Columns], user: User, end_ms: int, is_duplicated: bool) -> dict[str, Columns]:
    """Returns the views that are logged, until the log ends while some still browse."""
    kept = {}
    for name, columns in views.items():
        if name == user.style.missing_view:
            continue
        rows = np.flatnonzero(columns["timestamp_ms"] < end_ms)
        if is_duplicated:
            rows = np.concatenate([rows, rows[:1]])  # an app that sends a record twice
        kept[name] = {column: values[rows] for column, values in columns.items()}
    return kept
