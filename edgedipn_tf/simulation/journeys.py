"""The pages that users open during a whole log, with the hidden state at each."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from edgedipn_tf.random_keys import key
from edgedipn_tf.simulation.dynamics import Dynamics, State, initial_state
from edgedipn_tf.simulation.randomness import BoolArray, IntArray, generator, uniform
from edgedipn_tf.simulation.traits import Crowd, User, gather
from edgedipn_tf.simulation.world import World, draw_world_user


@dataclasses.dataclass(frozen=True)
class Pages:
    """Pages by user and time; every array is (pages,). What is hidden is as of the opening, but for `..._after`.

    Attributes:
        user: index of the user among those simulated together.
        open_ms, end_ms: from when until when.
        page: index of the page.
        outcome: what it ends with, an `Outcome`.
        goal, need, conviction, has_cart, focus, day, is_around: the hidden state, see `State`.
        need_after, conviction_after, has_cart_after: the hidden state when the page has ended.
    """

    user: IntArray
    open_ms: IntArray
    end_ms: IntArray
    page: IntArray
    outcome: IntArray
    goal: IntArray
    need: IntArray
    conviction: IntArray
    has_cart: BoolArray
    focus: IntArray
    day: IntArray
    is_around: BoolArray
    need_after: IntArray
    conviction_after: IntArray
    has_cart_after: BoolArray

    def take(self, rows: IntArray | BoolArray | slice) -> "Pages":
        """Returns some of the pages."""
        return Pages(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))


@dataclasses.dataclass(frozen=True)
class Journeys:
    """What several users do in a log.

    Attributes:
        users: their traits.
        generators: their further random numbers, for what is logged of their pages.
        crowd: the traits that decide what they do.
        pages: their pages, by user and time.
        first_page: where the pages of each user begin, and the end of the last, (users + 1,).
        around: whether each user was around on each day, (users, days).
    """

    users: list[User]
    generators: list[np.random.Generator]
    crowd: Crowd
    pages: Pages
    first_page: IntArray
    around: BoolArray


def simulate_journeys(world: World, numbers: Sequence[int], day_start_ms: IntArray) -> Journeys:
    """Simulates users; each is a function of (world, seed, number, days), whoever is simulated with it.

    Args:
        world: the shop, which has the seed.
        numbers: numbers of the users.
        day_start_ms: first instants of the local days, and the end of the last, (days + 1,).
    """
    generators = [generator(world.seed, number) for number in numbers]
    users = [draw_world_user(world, random) for random in generators]
    crowd = gather(users, world.config.volumes, world.config.traits)
    around = np.zeros((len(users), len(day_start_ms) - 1), np.bool_)
    dynamics = Dynamics(world, crowd, day_start_ms, around)
    streams = np.array([key("journey", world.seed, number) for number in numbers], np.uint64)
    was_around = uniform(streams) < 0.5
    pages = _walk(dynamics, initial_state(streams, was_around, int(day_start_ms[0])))
    first_page = np.searchsorted(pages.user, np.arange(len(users) + 1))
    return Journeys(users, generators, crowd, pages, first_page, around)


def _walk(dynamics: Dynamics, state: State) -> Pages:
    """Moves users page by page until the end of the days."""
    steps = [_no_page(state)]
    while True:
        dynamics.open_next_page(state)
        open_rows = state.time_ms < dynamics.end_ms
        if not open_rows.any():
            break
        if not open_rows.all():
            state = state.take(open_rows)
        opened = state.take(slice(None))
        end_ms = dynamics.stay(state)
        outcome = dynamics.end_page(state, end_ms)
        steps.append(_pages(opened, end_ms, outcome, state))
    columns = zip(*([getattr(step, field.name) for field in dataclasses.fields(Pages)] for step in steps), strict=True)
    pages = Pages(*(np.concatenate(column) for column in columns))
    return pages.take(np.argsort(pages.user, kind="stable"))


def _pages(opened: State, end_ms: IntArray, outcome: IntArray, ended: State) -> Pages:
    return Pages(
        user=opened.user,
        open_ms=opened.time_ms,
        end_ms=end_ms,
        page=opened.page,
        outcome=outcome,
        goal=opened.goal,
        need=opened.need,
        conviction=opened.conviction,
        has_cart=opened.has_cart,
        focus=opened.focus,
        day=opened.day,
        is_around=opened.is_around,
        need_after=ended.need.copy(),
        conviction_after=ended.conviction.copy(),
        has_cart_after=ended.has_cart.copy(),
    )


def _no_page(state: State) -> Pages:
    nobody = state.take(slice(0, 0))
    return _pages(nobody, nobody.time_ms, nobody.goal, nobody)
