"""Hidden states at moments, and what is rolled forward from them: as often as it happens, and by hand where easy."""

import dataclasses

import numpy as np
import pytest

from edgedipn_tf.simulation import rollouts
from edgedipn_tf.simulation.config import Goal, Needs, WorldConfig
from edgedipn_tf.simulation.dynamics import NONE, Dynamics, Outcome
from edgedipn_tf.simulation.journeys import Journeys, simulate_journeys
from edgedipn_tf.simulation.moments import Moments, moments_of
from edgedipn_tf.simulation.randomness import IntArray
from edgedipn_tf.simulation.rollouts import Question, probabilities
from edgedipn_tf.simulation.world import World, make_world

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NUM_DAYS = 10
DAYS_MS = DAY_MS * np.arange(NUM_DAYS + 10)
WORLD = make_world(WorldConfig(), 5)


@pytest.fixture(scope="module")
def journeys() -> Journeys:
    return simulate_journeys(WORLD, range(300), DAYS_MS[: NUM_DAYS + 1])


def moments(journeys: Journeys, page: IntArray, t0_ms: IntArray, world: World = WORLD) -> Moments:
    return moments_of(world, journeys, journeys.pages.user[page], t0_ms, DAYS_MS)


def keys(size: int) -> np.ndarray:
    return np.arange(size, dtype=np.uint64)


def test_a_moment_on_a_page_is_the_state_of_its_opening(journeys: Journeys) -> None:
    page = np.arange(0, len(journeys.pages.page), 97)
    pages = journeys.pages.take(page)
    for t0_ms in (pages.open_ms, pages.end_ms - 1):
        found = moments(journeys, page, t0_ms)
        assert found.is_open.all() and np.array_equal(found.page, page)
        assert np.array_equal(found.elapsed_ms, t0_ms - pages.open_ms)
        for name in ("page", "goal", "need", "conviction", "has_cart", "focus", "user", "day"):
            assert np.array_equal(getattr(found.state, name), getattr(pages, name)), name


def test_a_moment_between_pages_is_the_state_of_the_end(journeys: Journeys) -> None:
    page = np.flatnonzero(journeys.pages.outcome == Outcome.PURCHASE)
    pages = journeys.pages.take(page)
    found = moments(journeys, page, pages.end_ms)  # what happens at a moment has happened
    assert not found.is_open.any() and (found.state.need == NONE).all()
    assert np.array_equal(found.state.page, pages.page) and np.array_equal(found.state.time_ms, pages.end_ms)


def test_a_moment_between_visits_knows_only_who_is_around(journeys: Journeys) -> None:
    pages = journeys.pages
    last = np.append(pages.user[1:] != pages.user[:-1], True)
    page = np.flatnonzero(~last & (np.append(pages.open_ms[1:], 0) - pages.end_ms > 2 * DAY_MS))
    t0_ms = pages.open_ms[page + 1] - 1
    found = moments(journeys, page, t0_ms)
    assert len(page) > 20 and (found.state.page == NONE).all() and np.array_equal(found.state.time_ms, t0_ms)
    today = t0_ms // DAY_MS
    assert np.array_equal(found.state.day, today)
    assert np.array_equal(found.state.is_around, journeys.around[pages.user[page], today])


def test_a_moment_before_all_pages_is_refused(journeys: Journeys) -> None:
    with pytest.raises(ValueError, match="no page before -1"):
        moments(journeys, np.array([0]), np.array([-1]))


def happens_within_the_hour(journeys: Journeys, page: IntArray, t0_ms: IntArray, outcome: Outcome) -> np.ndarray:
    pages, happened = journeys.pages, []
    for one, at in zip(page.tolist(), t0_ms.tolist(), strict=True):
        until = journeys.first_page[pages.user[one] + 1]
        ends_ms = pages.end_ms[one:until][pages.outcome[one:until] == outcome]
        happened.append(bool(((ends_ms > at) & (ends_ms <= at + HOUR_MS)).any()))
    return np.array(happened)


def test_probabilities_are_how_often_it_happens(journeys: Journeys) -> None:
    pages, random = journeys.pages, np.random.default_rng(1)
    page = random.choice(np.flatnonzero(pages.open_ms < (NUM_DAYS - 1) * DAY_MS), 4000, replace=False)
    stay_ms = (pages.end_ms - pages.open_ms)[page]
    t0_ms = pages.open_ms[page] + (random.random(4000) * stay_ms).astype(np.int64)
    questions = [Question(action, t0_ms, t0_ms + HOUR_MS) for action in ("purchase", "cart")]
    found = probabilities(
        Dynamics(WORLD, journeys.crowd, DAYS_MS), moments(journeys, page, t0_ms), keys(4000), questions, 20
    )
    is_bought, is_carted = (happens_within_the_hour(journeys, page, t0_ms, o) for o in (Outcome.PURCHASE, Outcome.CART))
    assert found[0].mean() == pytest.approx(is_bought.mean(), abs=0.02)
    assert found[1].mean() == pytest.approx(is_carted.mean(), abs=0.02)
    # Selected by the answer, whose own error then counts: few rollouts select too high ones, most where all are alike.
    likely = found[0][:, 0] > 0.3
    assert found[0][likely].mean() == pytest.approx(is_bought[likely].mean(), abs=0.15)
    assert is_bought[likely].mean() > 3 * is_bought[~likely].mean()


def paying_world(pays: float) -> World:
    return make_world(dataclasses.replace(WorldConfig(), needs=dataclasses.replace(Needs(), pays=pays)), 5)


def ordering(journeys: Journeys, copies: int) -> tuple[Moments, IntArray]:
    """The opening of an order page, some times over."""
    page = np.repeat(np.flatnonzero(journeys.pages.goal == Goal.ORDER)[:1], copies)
    t0_ms = journeys.pages.open_ms[page]
    return moments(journeys, page, t0_ms), t0_ms


def test_an_order_is_paid_by_its_chance(journeys: Journeys) -> None:
    found, t0_ms = ordering(journeys, 3)
    ends_ms = t0_ms + np.array([0, 11 * 60_000, 11 * 60_000])  # nobody stays longer than ten minutes
    leaf = int(found.state.focus[0])
    sets = np.zeros((3, WORLD.config.shop.num_leaf_categories), np.bool_)
    sets[1, leaf], sets[2, (leaf + 1) % sets.shape[1]] = True, True
    by_leaf = Question("purchase", t0_ms, ends_ms, np.array([[0, 1, 2]] * 3), sets)
    question = Question("purchase", t0_ms, ends_ms)
    world = paying_world(1.0)
    dynamics = Dynamics(world, journeys.crowd, DAYS_MS)
    any_leaf, leaves = probabilities(dynamics, found, keys(3), [question, by_leaf], 50)
    assert any_leaf.tolist() == [[0.0], [1.0], [1.0]]
    assert leaves[1:, :2].tolist() == [[0.0, 1.0]] * 2 and (leaves[1:, 2] <= 0.3).all() and not leaves[0].any()


def test_return_on_the_next_day_by_hand(journeys: Journeys) -> None:
    found, t0_ms = ordering(journeys, 1)
    state = found.state
    state.page[:], state.need[:], state.is_around[:] = NONE, NONE, True
    state.day[:], state.time_ms[:] = 4, 5 * DAY_MS - 1
    late = dataclasses.replace(found, t0_ms=state.time_ms.copy(), is_open=np.array([False]))
    question = Question("any", np.array([5 * DAY_MS - 1]), np.array([6 * DAY_MS - 1]))
    crowd, days = journeys.crowd, WORLD.config.days
    user = int(state.user[0])
    logit = days.base + days.habit * crowd.habit[user] + days.yesterday
    expected = (1 - np.exp(-crowd.visits_per_day[user])) / (1 + np.exp(-logit))
    (answer,) = probabilities(Dynamics(WORLD, crowd, DAYS_MS), late, keys(1), [question], 20_000)
    assert answer[0, 0] == pytest.approx(expected, abs=0.012)


def test_an_answer_does_not_depend_on_the_others(journeys: Journeys, monkeypatch: pytest.MonkeyPatch) -> None:
    page = np.arange(100, 3000, 300)
    t0_ms = journeys.pages.open_ms[page]
    question = Question("purchase", t0_ms, t0_ms + DAY_MS)
    dynamics = Dynamics(WORLD, journeys.crowd, DAYS_MS)
    everything = moments(journeys, page, t0_ms)
    (together,) = probabilities(dynamics, everything, keys(10), [question], 40)
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(rollouts, "MAX_ROWS", 160)
    (in_parts,) = probabilities(
        dynamics, everything, keys(10), [question], 40, show_progress=lambda done, of: told.append((done, of))
    )
    assert together.tolist() == in_parts.tolist() and 0 < together.mean() < 1
    assert told == [(4, 10), (8, 10), (10, 10)]
