"""The hidden state of users at given moments of their log, ready to be rolled forward."""

import dataclasses

import numpy as np

from edgedipn_tf.simulation.dynamics import NONE, State
from edgedipn_tf.simulation.journeys import Journeys
from edgedipn_tf.simulation.randomness import BoolArray, IntArray
from edgedipn_tf.simulation.world import World


@dataclasses.dataclass(frozen=True)
class Moments:
    """Hidden states at moments; every array is (moments,).

    Attributes:
        t0_ms: the moments.
        state: the states; of users on a page, as of its opening.
        is_open: whether the user is on a page, which then lasts longer than `elapsed_ms`.
        elapsed_ms: since the page opened; 0 where none is open.
        page: index of the last page that opened, among all pages of the journeys.
    """

    t0_ms: IntArray
    state: State
    is_open: BoolArray
    elapsed_ms: IntArray
    page: IntArray

    def take(self, rows: IntArray | slice) -> "Moments":
        """Returns some of the moments."""
        return Moments(
            self.t0_ms[rows], self.state.take(rows), self.is_open[rows], self.elapsed_ms[rows], self.page[rows]
        )


def moments_of(world: World, journeys: Journeys, user: IntArray, t0_ms: IntArray, day_start_ms: IntArray) -> Moments:
    """Returns the hidden states at moments. Streams are zero: the caller gives each rollout its own.

    Args:
        world: the shop.
        journeys: what the users do.
        user: index of the user of each moment, (moments,).
        t0_ms: the moments; what happens at a moment has happened.
        day_start_ms: first instants of the local days of the journeys and further ones, (days + 1,).

    Raises:
        ValueError: when a user has no page before a moment.
    """
    pages, page = journeys.pages, np.zeros(len(user), np.int64)
    for one in np.unique(user).tolist():
        first, last = journeys.first_page[one], journeys.first_page[one + 1]
        rows = np.flatnonzero(user == one)
        page[rows] = first - 1 + np.searchsorted(pages.open_ms[first:last], t0_ms[rows], side="right")
        if (page[rows] < first).any():
            raise ValueError(f"user {one} has no page before {int(t0_ms[rows].min())}")
    last_page = pages.take(page)
    is_open = t0_ms < last_page.end_ms
    is_over = t0_ms >= last_page.end_ms + world.config.page_actions.gap_ms
    today = np.searchsorted(day_start_ms, t0_ms, side="right") - 1
    is_later_day = is_over & (today > last_page.day)
    state = State(
        streams=np.zeros(len(user), np.uint64),
        origin=np.arange(len(user)),
        user=user.copy(),
        time_ms=np.where(is_open, last_page.open_ms, np.where(is_over, t0_ms, last_page.end_ms)),
        day=np.where(is_later_day, today, last_page.day),
        is_around=np.where(
            is_later_day, journeys.around[user, np.minimum(today, journeys.around.shape[1] - 1)], last_page.is_around
        ),
        page=np.where(is_over, NONE, last_page.page),
        goal=last_page.goal,
        need=np.where(is_open, last_page.need, last_page.need_after),
        conviction=np.where(is_open, last_page.conviction, last_page.conviction_after),
        has_cart=np.where(is_open, last_page.has_cart, last_page.has_cart_after),
        focus=last_page.focus,
    )
    return Moments(t0_ms, state, is_open, np.where(is_open, t0_ms - last_page.open_ms, 0), page)
