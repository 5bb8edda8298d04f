"""The hidden state moves by the chances that the configuration gives; resumed stays are those that last longer."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from edgedipn_tf.simulation.config import BUTTONS, PAGES, Goal, Volumes, WorldConfig
from edgedipn_tf.simulation.dynamics import NONE, Dynamics, Outcome, State, initial_state
from edgedipn_tf.simulation.randomness import uniforms
from edgedipn_tf.simulation.traits import Crowd
from edgedipn_tf.simulation.world import World, make_world

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DAYS_MS = DAY_MS * np.arange(11)
SIZE = 20_000
WORLD = make_world(WorldConfig(), 1)
EVEN_HOURS = np.arange(25) / 24


def crowd(habit: float = 0.0, propensity: float = 0.0, visits_per_day: float = 2.0, cart_factor: float = 1.0) -> Crowd:
    return Crowd(
        visits_per_day=np.array([visits_per_day]),
        habit=np.array([habit]),
        propensity=np.array([propensity]),
        cart_factor=np.array([cart_factor]),
        favourites=np.array([[3, 4, 5, 6]]),
        favourite_shares=np.array([[0.25, 0.5, 0.75, 1.0]]),
        hours=EVEN_HOURS[np.newaxis],
    )


def dynamics(world: World = WORLD, **traits: float) -> Dynamics:
    return Dynamics(world, crowd(**traits), DAYS_MS)


def states(size: int = SIZE, **changes: int) -> State:
    """Rows of one user, at the opening of a detail page at noon of day 2."""
    state = initial_state(uniforms(1, np.arange(size, dtype=np.uint64))[0].view(np.uint64), np.zeros(size, bool), 0)
    values = {
        "user": 0, "time_ms": 2 * DAY_MS + 12 * HOUR_MS, "day": 2, "is_around": True, "page": WORLD.graph.detail,
        "goal": Goal.COMPARE, "need": 3, "focus": 3,
    }  # fmt: skip
    for name, value in {**values, **changes}.items():
        getattr(state, name)[:] = value
    return state


def test_half_of_the_stays_are_shorter_than_the_median() -> None:
    state = states()
    stay_ms = dynamics().stay(state) - state.time_ms
    median_ms = WORLD.graph.stay_ms[Goal.COMPARE, WORLD.graph.detail]
    assert (stay_ms < median_ms).mean() == pytest.approx(0.5, abs=0.01)
    # S(x) = 1 / (1 + (x / median)^3): an eighth of a unit at twice the median.
    assert (stay_ms > 2 * median_ms).mean() == pytest.approx(1 / 9, abs=0.01)


def test_a_resumed_stay_is_one_that_lasted_longer() -> None:
    fresh = dynamics().stay(states(200_000)) - states(1).time_ms[0]
    resumed = dynamics().stay(states(), elapsed_ms=30_000) - states(1).time_ms[0]
    assert resumed.min() > 30_000
    longer = fresh[fresh > 30_000]
    assert np.quantile(resumed, [0.25, 0.5, 0.75]) == pytest.approx(np.quantile(longer, [0.25, 0.5, 0.75]), rel=0.03)


def test_a_stay_at_its_longest_goes_on_for_a_moment() -> None:
    state = states(10)
    assert (dynamics().stay(state, elapsed_ms=600_000) - state.time_ms).tolist() == [600_001] * 10


@pytest.mark.parametrize(
    ("goal", "conviction", "after", "share"),
    [
        (Goal.IDLE, 0, Goal.EXPLORE, 0.12),
        (Goal.COMPARE, 3, Goal.DECIDE, 0.06 * 0.9),
        (Goal.COMPARE, 7, Goal.DECIDE, 0.06 * 1.3),
        (Goal.DECIDE, 0, Goal.ORDER, 1 / (1 + np.exp(9.0))),
        (Goal.DECIDE, 7, Goal.ORDER, 1 / (1 + np.exp(-1.0))),
        (Goal.DECIDE, 7, Goal.DECIDE, 0.67 / (1 + np.exp(1.0))),
    ],
)
def test_goals_change_by_their_chances(goal: Goal, conviction: int, after: Goal, share: float) -> None:
    # On a day that nobody is around, rows whose visit ends open no page: they wait until the days end.
    state = states(goal=goal, conviction=conviction, is_around=False)
    end_ms = state.time_ms.copy()
    Dynamics(WORLD, crowd(), DAYS_MS[:4]).open_next_page(state)
    is_next = state.time_ms == end_ms + WORLD.config.page_actions.gap_ms
    assert (is_next & (state.goal == after)).mean() == pytest.approx(share, abs=0.01)


def test_propensity_makes_orders_more_likely() -> None:
    shares = []
    for propensity in (-1.0, 1.0):
        state = states(goal=Goal.DECIDE, conviction=6)
        dynamics(propensity=propensity).open_next_page(state)
        shares.append((state.page == WORLD.graph.order).mean())
    assert shares == pytest.approx([1 / (1 + np.exp(0.5 + 0.3)), 1 / (1 + np.exp(0.5 - 0.3))], abs=0.01)


def test_pages_follow_the_links() -> None:
    state = states()
    dynamics().open_next_page(state)
    in_visit = state.time_ms == states(1).time_ms[0] + 300
    opened = {WORLD.graph.names[page] for page in np.unique(state.page[in_visit])}
    assert opened == {*PAGES[WORLD.graph.detail].links, "order"} - {"order"}  # from compare nobody orders


def test_outcomes_of_a_page() -> None:
    state = states(goal=Goal.DECIDE)
    outcome = dynamics().end_page(state, state.time_ms + 1)
    assert (outcome == Outcome.CART).mean() == pytest.approx(0.11, abs=0.01)
    assert (outcome == Outcome.COLLECT).mean() == pytest.approx(0.03, abs=0.01)
    assert np.array_equal(state.has_cart, outcome == Outcome.CART)
    assert not (outcome == Outcome.PURCHASE).any()


@pytest.mark.parametrize(("cart_factor", "share"), [(0.5, 0.055), (3.0, 0.33), (100.0, 0.5)])
def test_carts_are_a_habit(cart_factor: float, share: float) -> None:
    state = states(goal=Goal.DECIDE)
    outcome = dynamics(cart_factor=cart_factor).end_page(state, state.time_ms + 1)
    assert (outcome == Outcome.CART).mean() == pytest.approx(share, abs=0.01)
    assert (outcome == Outcome.COLLECT).mean() == pytest.approx(0.03, abs=0.005)


def test_a_purchase_ends_the_need() -> None:
    state = states(page=WORLD.graph.order, goal=Goal.ORDER, conviction=2, has_cart=True)
    outcome = dynamics().end_page(state, state.time_ms + 1)
    bought = outcome == Outcome.PURCHASE
    assert bought.mean() == pytest.approx(0.85, abs=0.01)
    assert (state.need[bought] == NONE).all() and (state.need[~bought] == 3).all()
    assert not state.has_cart[bought].any() and not state.conviction[bought].any()


@pytest.mark.parametrize(("need", "share"), [(3, 0.8), (NONE, 0.0)])
def test_comments_convince_who_compares_and_needs(need: int, share: float) -> None:
    state = states(page=WORLD.graph.comments, need=need, conviction=1)
    dynamics().end_page(state, state.time_ms + 1)
    assert (state.conviction == 2).mean() == pytest.approx(share, abs=0.01)
    assert ((state.conviction == 1) | (state.conviction == 2)).all()


def test_who_is_convinced_most_stays_so() -> None:
    state = states(100, page=WORLD.graph.comments, conviction=7)
    dynamics().end_page(state, state.time_ms + 1)
    assert (state.conviction == 7).all()


def test_needs_go_at_the_pace_of_the_volumes() -> None:
    slow = dataclasses.replace(WorldConfig(), volumes=dataclasses.replace(Volumes(), need_pace=0.25))
    world = make_world(slow, 1)
    state = states(page=WORLD.graph.comments, conviction=1)
    dynamics(world).end_page(state, state.time_ms + 1)
    assert (state.conviction == 2).mean() == pytest.approx(0.8 * 0.25, abs=0.01)
    state = states(page=NONE, conviction=5)
    dynamics(world, visits_per_day=1e9).open_next_page(state)
    assert (state.need == NONE).mean() == pytest.approx(0.05 * 0.25, abs=0.003)
    assert (state.conviction == 4).mean() == pytest.approx(0.10 * 0.25, abs=0.005)


@pytest.mark.parametrize(("habit", "need", "was_around", "logit"), [(0, NONE, 1, 1.2), (-1, 3, 0, -1.2)])
def test_days_by_habit_need_and_yesterday(habit: float, need: int, was_around: int, logit: float) -> None:
    around = np.zeros((SIZE, 10), bool)
    people = crowd(habit=habit)
    everyone = Crowd(*(np.repeat(getattr(people, f.name), SIZE, axis=0) for f in dataclasses.fields(people)))
    state = states(page=NONE, need=need, is_around=was_around, time_ms=3 * DAY_MS, day=2)
    state.user[:] = np.arange(SIZE)
    Dynamics(WORLD, everyone, DAYS_MS, around).open_next_page(state)
    assert around[:, 3].mean() == pytest.approx(1 / (1 + np.exp(-logit)), abs=0.012)


def test_visits_of_a_day_are_a_poisson_process() -> None:
    # Rate 2 a day, even hours: from noon on, nobody comes with probability exp(-1), and the median visitor by a time t
    # with 1 - exp(-2 t) = half of 1 - exp(-1), t in days after noon.
    state = states(page=NONE, is_around=True)
    Dynamics(WORLD, crowd(), DAYS_MS[:4]).open_next_page(state)
    came = state.time_ms < 3 * DAY_MS
    assert came.mean() == pytest.approx(1 - np.exp(-1), abs=0.01)
    median_days = -np.log1p(-(1 - np.exp(-1)) / 2) / 2
    assert np.median(state.time_ms[came]) == pytest.approx((2.5 + median_days) * DAY_MS, abs=0.2 * HOUR_MS)
    assert (state.page[came] == WORLD.graph.home).all()


def test_nothing_comes_before_the_gap_and_after_the_end() -> None:
    state = states(page=NONE)
    Dynamics(WORLD, crowd(visits_per_day=1e9), DAYS_MS[:4]).open_next_page(state)
    assert (state.time_ms >= states(1).time_ms[0] + 300).all()
    late = states(10, time_ms=10 * DAY_MS + 5, day=9)
    dynamics().open_next_page(late)
    assert (late.time_ms >= DAYS_MS[-1]).all()


def test_a_cart_is_recalled_in_later_visits() -> None:
    shares = []
    for has_cart in (0, 1):
        state = states(page=NONE, has_cart=has_cart)
        dynamics(visits_per_day=1e9).open_next_page(state)
        shares.append(((state.goal == Goal.DECIDE) & (state.need != NONE)).mean())
    assert shares[1] - shares[0] > 0.15


def test_a_visit_is_about_the_need_and_needs_about_tastes() -> None:
    state = states(page=NONE, need=NONE)
    dynamics(visits_per_day=1e9).open_next_page(state)
    has_need = state.need != NONE
    assert has_need.mean() == pytest.approx(WORLD.config.volumes.need_arises, abs=0.01)
    assert (state.focus[has_need] == state.need[has_need]).all()
    assert np.isin(state.focus, [3, 4, 5, 6]).mean() == pytest.approx(0.85, abs=0.03)


def test_rows_do_not_depend_on_each_other() -> None:
    together, alone = states(50), states(50).take(np.array([17]))
    for state in (together, alone):
        moving = dynamics()
        for _ in range(20):
            moving.end_page(state, moving.stay(state))
            moving.open_next_page(state)
    for field in dataclasses.fields(State):
        assert getattr(together, field.name)[17] == getattr(alone, field.name)[0], field.name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pages": PAGES[:-1]}, "links to 'mine', which is no page"),
        ({"pages": tuple(page for page in PAGES if page.name != "order")}, "no page 'order'"),
        ({"buttons": BUTTONS[2:]}, "'home' has none that the goal idle taps"),
        ({"buttons": tuple(button for button in BUTTONS if button.name != "pay")}, "no button 'pay'"),
        ({"volumes": Volumes(need_pace=1.5)}, "need_pace makes a chance of needs .* larger than 1"),
    ],
)
def test_a_world_that_contradicts_itself_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_world(dataclasses.replace(WorldConfig(), **change), 1)
