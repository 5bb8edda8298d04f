"""How the hidden state moves: from page to page, from visit to visit, from day to day.

    between visits -> (a need arises, fades or is given up) -> first page
    page: stays -> outcome (collect, cart, purchase; comments convince) -> goal changes -> next page, or the visit ends

The state is Markov: nothing but it decides what comes. Many rows move together, each by its own random stream: users of
a log, or rollouts from the state of one moment.
"""

import dataclasses
import enum
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgedipn_tf.simulation.categories import pick_tasted
from edgedipn_tf.simulation.config import Goal
from edgedipn_tf.simulation.randomness import (
    BoolArray,
    FloatArray,
    IntArray,
    Streams,
    logistic,
    pick,
    uniform,
    uniforms,
)
from edgedipn_tf.simulation.traits import Crowd
from edgedipn_tf.simulation.world import END_OF_VISIT, NUM_CONVICTIONS, World

NONE = -1


class Outcome(enum.IntEnum):
    """What a page ends with."""

    NOTHING = 0
    COLLECT = 1
    CART = 2
    PURCHASE = 3


@dataclasses.dataclass
class State:
    """Hidden states; every array is (rows,).

    Attributes:
        streams: random streams.
        origin: what a row belongs to, free for the caller.
        user: index into the crowd.
        time_ms: opening of the page, or since when the user is between pages.
        day: index of the local day up to which it is decided whether the user is around.
        is_around: whether the user is around on that day.
        page: index of the page, NONE between visits.
        goal: a value of `Goal`; means nothing between visits.
        need: leaf category that the user is after, NONE without.
        conviction: 0 to 7.
        has_cart: whether the cart has been filled since the need arose.
        focus: leaf category of the visit.
    """

    streams: Streams
    origin: IntArray
    user: IntArray
    time_ms: IntArray
    day: IntArray
    is_around: BoolArray
    page: IntArray
    goal: IntArray
    need: IntArray
    conviction: IntArray
    has_cart: BoolArray
    focus: IntArray

    def take(self, rows: NDArray[np.intp] | BoolArray | slice) -> "State":
        """Returns a copy of some rows."""
        return State(*(getattr(self, field.name)[rows].copy() for field in dataclasses.fields(self)))

    @staticmethod
    def join(parts: Sequence["State"]) -> "State":
        """Returns the rows of all parts."""
        names = [field.name for field in dataclasses.fields(State)]
        return State(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def initial_state(streams: Streams, was_around: BoolArray, start_ms: int) -> State:
    """Returns users before the first day (day -1), without needs.

    Args:
        streams: one of each user, (users,).
        was_around: whether they were around on the day before.
        start_ms: start of the first day.
    """
    size = len(streams)
    return State(
        streams=streams.copy(),
        origin=np.arange(size),
        user=np.arange(size),
        time_ms=np.full(size, start_ms),
        day=np.full(size, -1),
        is_around=was_around.copy(),
        page=np.full(size, NONE),
        goal=np.zeros(size, np.int64),
        need=np.full(size, NONE),
        conviction=np.zeros(size, np.int64),
        has_cart=np.zeros(size, np.bool_),
        focus=np.zeros(size, np.int64),
    )


class Dynamics:
    """Moves states of a crowd on.

    Args:
        world: the shop.
        crowd: traits of the users.
        day_start_ms: first instants of the local days, and the end of the last, (days + 1,); nothing begins after it.
        around: if given, (users, days), filled with whether each user was around: days that were not come to stay.
    """

    def __init__(self, world: World, crowd: Crowd, day_start_ms: IntArray, around: BoolArray | None = None) -> None:
        self._world = world
        self._crowd = crowd
        self._day_start_ms = day_start_ms
        self._around = around

    @property
    def end_ms(self) -> int:
        """The end of the last day."""
        return int(self._day_start_ms[-1])

    def open_next_page(self, state: State) -> None:
        """Moves rows between pages to the opening of their next page; to the end of the days where there is none.

        A row whose page is not NONE has just ended it.
        """
        in_visit = np.flatnonzero(state.page != NONE)
        ended = self._change_goals(state, in_visit)
        going = in_visit[~ended]
        graph = self._world.graph
        state.page[going] = pick(graph.next[state.goal[going], state.page[going]], uniform(state.streams, going))
        state.time_ms[going] += self._world.config.page_actions.gap_ms
        state.page[in_visit[ended]] = NONE
        starting = np.flatnonzero(state.page == NONE)
        self._wait_for_visits(state, starting)
        self._begin_visits(state, starting)

    def stay(self, state: State, elapsed_ms: IntArray | int = 0) -> IntArray:
        """Draws when the open pages end: log-logistic stays, given that they last longer than `elapsed_ms`."""
        return self.stay_end(state, uniform(state.streams), elapsed_ms)

    def stay_end(self, state: State, drawn: FloatArray, elapsed_ms: IntArray | int = 0) -> IntArray:
        """Returns the ends of stays for numbers in [0, 1): S(x) = 1 / (1 + (x / median)^shape), cut at the longest."""
        actions = self._world.config.page_actions
        median = self._world.graph.stay_ms[state.goal, state.page]
        survival = (1 - drawn) / (1 + (np.asarray(elapsed_ms) / median) ** actions.stay_shape)
        stay_ms = median * (1 / survival - 1) ** (1 / actions.stay_shape)
        stay_ms = np.maximum(np.minimum(stay_ms, actions.max_stay_seconds * 1000), np.asarray(elapsed_ms) + 1)
        return np.asarray(state.time_ms + stay_ms.astype(np.int64))

    def end_page(self, state: State, end_ms: IntArray) -> IntArray:
        """Draws the outcomes (`Outcome`) of the open pages and lets them work on the state, in place."""
        graph, config, needs = self._world.graph, self._world.config, self._world.needs
        drawn = uniform(state.streams)
        outcome = np.zeros(len(drawn), np.int64)
        is_detail, is_order = state.page == graph.detail, state.page == graph.order
        collects = np.array(config.page_actions.collects)[state.goal]
        carts = self._world.cart_chances(self._crowd.cart_factor[state.user])[np.arange(len(drawn)), state.goal]
        outcome[is_detail & (drawn < carts + collects)] = Outcome.COLLECT
        outcome[is_detail & (drawn < carts)] = Outcome.CART
        bought = is_order & (drawn < needs.pays)
        outcome[bought] = Outcome.PURCHASE
        has_need = state.need != NONE
        convinces = np.array(needs.convinced)[state.goal]
        is_convinced = (state.page == graph.comments) & has_need & (drawn < convinces)
        state.conviction[is_convinced] = np.minimum(state.conviction[is_convinced] + 1, NUM_CONVICTIONS - 1)
        state.has_cart |= has_need & (outcome == Outcome.CART)
        self._forget_needs(state, np.flatnonzero(bought))
        state.time_ms[:] = end_ms
        return outcome

    def _forget_needs(self, state: State, rows: IntArray) -> None:
        state.need[rows] = NONE
        state.conviction[rows] = 0
        state.has_cart[rows] = False

    def _change_goals(self, state: State, rows: IntArray) -> BoolArray:
        """Changes the goals of rows whose page ended; returns which of these visits end."""
        world = self._world
        goal, conviction = state.goal[rows], state.conviction[rows]
        orders = logistic(world.order_logits(conviction, self._crowd.propensity[state.user[rows]]))
        has_need = (state.need[rows] != NONE).astype(np.int64)
        drawn = uniform(state.streams, rows)
        # One number serves both: where it is below the chance to order, that; the rest of its range is used anew.
        orders = np.where(goal == Goal.DECIDE, orders, 0.0)
        rest = (drawn - orders) / (1 - orders)
        changed = pick(world.next_goals[has_need, conviction, goal], rest)
        changed = np.where(drawn < orders, int(Goal.ORDER), changed)
        ended = changed == END_OF_VISIT
        state.goal[rows[~ended]] = changed[~ended]
        return np.asarray(ended)

    def _wait_for_visits(self, state: State, rows: IntArray) -> None:
        """Moves rows between visits to the next start of a visit, or to the end of the days.

        On a day that the user is around, visits are a Poisson process with a rate by the hour.
        """
        while len(rows):
            self._decide_days(state, rows)
            start_ms = self._start_within_day(state, rows)
            came = start_ms >= 0
            state.time_ms[rows[came]] = start_ms[came]
            rows = rows[~came]
            state.time_ms[rows] = self._day_start_ms[np.minimum(state.day[rows] + 1, len(self._day_start_ms) - 1)]
            rows = rows[state.time_ms[rows] < self.end_ms]

    def _decide_days(self, state: State, rows: IntArray) -> None:
        """Decides for each day up to that of the rows' time whether the user is around."""
        days = self._world.config.days
        today = np.searchsorted(self._day_start_ms, state.time_ms[rows], side="right") - 1
        behind = state.day[rows] < today
        while behind.any():
            rows, today = rows[behind], today[behind]
            habit = self._crowd.habit[state.user[rows]]
            logits = days.base + days.habit * habit + days.yesterday * state.is_around[rows]
            logits = logits + days.need * (state.need[rows] != NONE)
            state.day[rows] += 1
            state.is_around[rows] = uniform(state.streams, rows) < logistic(logits)
            if self._around is not None:
                inside = state.day[rows] < self._around.shape[1]
                self._around[state.user[rows[inside]], state.day[rows[inside]]] = state.is_around[rows[inside]]
            behind = state.day[rows] < today

    def _start_within_day(self, state: State, rows: IntArray) -> IntArray:
        """Returns the start of the next visit on the day of each row, -1 where there is none."""
        start = np.full(len(rows), -1, np.int64)
        inside = np.flatnonzero(state.is_around[rows] & (state.time_ms[rows] < self.end_ms))
        rows = rows[inside]
        user, day = state.user[rows], state.day[rows]
        hours = self._crowd.hours[user]
        day_ms = self._day_start_ms[day]
        length_ms = self._day_start_ms[day + 1] - day_ms
        clock = (state.time_ms[rows] - day_ms) * 24 / length_ms
        # The integrated rate until now, and how much of it the next visit takes: exponential.
        passed = _integrated(hours, clock)
        target = passed - np.log1p(-uniform(state.streams, rows)) / self._crowd.visits_per_day[user]
        came = target < 1
        hour = np.zeros(len(rows))
        hour[came] = _inverted(hours[came], target[came])
        start_ms = day_ms + np.ceil(hour / 24 * length_ms).astype(np.int64)
        earliest_ms = state.time_ms[rows] + self._world.config.page_actions.gap_ms + 1
        start[inside[came]] = np.maximum(start_ms, earliest_ms)[came]
        return start

    def _begin_visits(self, state: State, rows: IntArray) -> None:
        """Draws needs, focus, goal and first page of visits that begin."""
        needs = self._world.needs
        if not len(rows):
            return
        drawn = uniforms(7, state.streams, rows)
        had_no_need = state.need[rows] == NONE
        state.conviction[rows] -= (drawn[0] < needs.forgets) & (state.conviction[rows] > 0)
        self._forget_needs(state, rows[(state.need[rows] != NONE) & (drawn[1] < needs.given_up)])
        user = state.user[rows]
        focus = pick_tasted(
            self._world.categories,
            self._crowd.favourites[user],
            self._crowd.favourite_shares[user],
            self._world.config.traits.liked_share,
            drawn[2:4],
        )
        arises = had_no_need & (drawn[5] < self._world.config.volumes.need_arises)
        state.need[rows] = np.where(arises, focus, state.need[rows])
        has_need = state.need[rows] != NONE
        state.focus[rows] = np.where(has_need, state.need[rows], focus)
        goal = pick(self._world.first_goals[has_need.astype(np.int64)], drawn[4])
        recalled = state.has_cart[rows] & (drawn[6] < needs.cart_recalled)
        state.goal[rows] = np.where(recalled, int(Goal.DECIDE), goal)
        state.page[rows] = self._world.graph.home


def _integrated(hours: FloatArray, clock: FloatArray) -> FloatArray:
    """Returns the cumulative share of a day's visits until each time of day; `hours` (n, 25), `clock` in hours (n,)."""
    hour = np.clip(clock.astype(np.int64), 0, 23)
    rows = np.arange(len(hour))
    before, after = hours[rows, hour], hours[rows, hour + 1]
    return np.asarray(before + (after - before) * (clock - hour))


def _inverted(hours: FloatArray, shares: FloatArray) -> FloatArray:
    """Returns the times of day, in hours, until which the given shares of a day's visits have come."""
    hour = pick(hours[:, 1:], shares)
    rows = np.arange(len(hour))
    before, after = hours[rows, hour], hours[rows, hour + 1]
    return np.asarray(hour + (shares - before) / (after - before))
