"""All that users leave in the log. Users do not meet: each is a function of (world, seed, user, days)."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from edgedipn_tf.simulation.journeys import Journeys, Pages, simulate_journeys
from edgedipn_tf.simulation.randomness import IntArray
from edgedipn_tf.simulation.touch import Swipes, Taps, draw_swipes, draw_taps, shown_goals
from edgedipn_tf.simulation.traits import User
from edgedipn_tf.simulation.views import Columns, Products, browse_view, draw_products, swipe_view, tap_view
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
    end_ms = int(day_start_ms[-1])
    for shown in shown_pages(world, simulate_journeys(world, numbers, day_start_ms)):
        user, random = shown.user, shown.random
        views = {
            "swipe": swipe_view(user.style, shown.pages, shown.taps, shown.swipes),
            "tap": tap_view(shown.pages, shown.taps),
            "browse": browse_view(world, shown.pages, shown.taps, shown.products, random),
        }
        is_duplicated = random.random() < world.config.noise.duplicated_users
        yield UserLog(_kept(views, user, end_ms, is_duplicated), user.style.profile)


@dataclasses.dataclass(frozen=True)
class ShownPages:
    """The pages of one user with what happens on them and can be seen; `random` serves what else is logged."""

    user: User
    pages: Pages
    taps: Taps
    swipes: Swipes
    products: Products
    random: np.random.Generator


def shown_pages(world: World, journeys: Journeys) -> Iterator[ShownPages]:
    """Draws what can be seen of journeys, user by user; it uses the journeys' generators up."""
    bounds = zip(journeys.first_page[:-1].tolist(), journeys.first_page[1:].tolist(), strict=True)
    for user, random, (first, last) in zip(journeys.users, journeys.generators, bounds, strict=True):
        pages = journeys.pages.take(slice(first, last))
        shown = shown_goals(world, pages, random)
        taps = draw_taps(world, user.style, pages, shown, random)
        swipes = draw_swipes(world, user.style, pages, shown, random)
        yield ShownPages(user, pages, taps, swipes, draw_products(world, user, pages, random), random)


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
