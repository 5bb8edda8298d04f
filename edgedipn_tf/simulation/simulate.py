"""All that one user leaves in the log. Users do not meet: each is a function of (seed, user, days)."""

import dataclasses

import numpy as np

from edgedipn_tf.simulation.pages import draw_pages, draw_taps
from edgedipn_tf.simulation.users import draw_user
from edgedipn_tf.simulation.views import Columns, draw_browse_view, draw_swipe_view, draw_tap_view
from edgedipn_tf.simulation.visits import draw_visits
from edgedipn_tf.simulation.world import IntArray, World, random_stream

_DUPLICATED_USERS = 0.1


@dataclasses.dataclass(frozen=True)
class UserLog:
    """What one user leaves.

    Attributes:
        views: columns of each view (see `views`); a view that could not be logged is absent.
        profile: value of each profile column or None; empty when there is no profile row.
    """

    views: dict[str, Columns]
    profile: dict[str, str | None]


def simulate_user(world: World, seed: int, user: int, day_start_ms: IntArray, scale: float = 1.0) -> UserLog:
    """Simulates one user.

    Args:
        world: the shop of the seed.
        seed: seed of the log.
        user: number of the user; the result does not depend on how many others there are.
        day_start_ms: first instants of the local days, and the end of the last, (days + 1,).
        scale: multiplies the number of pages of a visit, and with it the actions of every view.
    """
    random = random_stream(seed, user)
    traits = draw_user(world, random)
    visits = draw_visits(traits, world, day_start_ms, random)
    stays = draw_pages(traits, world, visits, scale, random)
    taps = draw_taps(stays, random)
    views = {
        "swipe": draw_swipe_view(traits, stays, taps, random),
        "tap": draw_tap_view(stays, taps),
        "browse": draw_browse_view(world, stays, taps, random),
    }
    is_duplicated = random.random() < _DUPLICATED_USERS
    kept = {}
    for name, columns in views.items():
        if name in traits.missing_views:
            continue
        rows = np.flatnonzero(columns["timestamp_ms"] < day_start_ms[-1])  # the log ends while some still browse
        if is_duplicated:
            rows = np.concatenate([rows, rows[:1]])  # an app that sends a record twice
        kept[name] = {column: values[rows] for column, values in columns.items()}
    return UserLog(kept, traits.profile)
