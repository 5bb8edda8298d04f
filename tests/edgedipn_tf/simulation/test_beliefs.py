"""What views tell of the hidden state: beliefs come true as often as they say, and touch and length sharpen them."""

import numpy as np
import pytest

from edgedipn_tf.simulation.beliefs import Beliefs, believe
from edgedipn_tf.simulation.config import Goal, WorldConfig
from edgedipn_tf.simulation.dynamics import NONE
from edgedipn_tf.simulation.evidence import Evidence
from edgedipn_tf.simulation.journeys import simulate_journeys
from edgedipn_tf.simulation.moments import Moments, moments_of
from edgedipn_tf.simulation.randomness import FloatArray
from edgedipn_tf.simulation.world import NUM_CONVICTIONS, make_world

DAY_MS = 86_400_000
NUM_DAYS = 8
DAYS_MS = DAY_MS * np.arange(NUM_DAYS + 1)
SIZE = 1200
WORLD = make_world(WorldConfig(), 3)
EVIDENCE = {
    "browse": Evidence(uses_touch=False, max_length=64),
    "short": Evidence(uses_touch=True, max_length=8),
    "views": Evidence(uses_touch=True, max_length=64),
}


@pytest.fixture(scope="module")
def found() -> tuple[Moments, dict[str, FloatArray]]:
    """Moments on pages and after them, and the beliefs (C, P, G) there by evidence."""
    beliefs = {}
    for name, evidence in EVIDENCE.items():
        journeys = simulate_journeys(WORLD, range(120), DAYS_MS)  # anew: believing uses its generators up
        pages, random = journeys.pages, np.random.default_rng(0)
        page = random.choice(np.flatnonzero(pages.open_ms > 2 * DAY_MS), SIZE, replace=False)
        t0_ms = pages.open_ms[page] + (random.random(SIZE) * 1.3 * (pages.end_ms - pages.open_ms)[page]).astype(
            np.int64
        )
        moments = moments_of(WORLD, journeys, pages.user[page], t0_ms, DAYS_MS)
        beliefs[name] = believe(WORLD, journeys, moments, evidence).probabilities
    return moments, beliefs


@pytest.mark.parametrize("name", EVIDENCE)
def test_beliefs_are_probabilities(found: tuple[Moments, dict[str, FloatArray]], name: str) -> None:
    values = found[1][name]
    assert (values >= 0).all() and values.sum(axis=(1, 2, 3)) == pytest.approx(np.ones(SIZE))


@pytest.mark.parametrize("name", EVIDENCE)
def test_beliefs_come_true_as_often_as_they_say(found: tuple[Moments, dict[str, FloatArray]], name: str) -> None:
    moments, beliefs = found
    state, in_visit = moments.state, moments.state.page != NONE
    goals, convictions = beliefs[name].sum(axis=(1, 2))[in_visit], beliefs[name].sum(axis=(2, 3))
    said = [goals[:, goal] for goal in Goal] + [convictions[:, conviction] for conviction in range(NUM_CONVICTIONS)]
    true = [state.goal[in_visit] == goal for goal in Goal]
    true += [state.conviction == conviction for conviction in range(NUM_CONVICTIONS)]
    said_all, true_all = np.concatenate(said), np.concatenate(true)
    for low, high in ((0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        within = (said_all >= low) & (said_all < high)
        error = 4 * np.sqrt(said_all[within].mean() * (1 - said_all[within].mean()) / within.sum()) + 0.01
        assert true_all[within].mean() == pytest.approx(said_all[within].mean(), abs=error), (low, high)


def test_what_is_seen_of_pages_is_certain(found: tuple[Moments, dict[str, FloatArray]]) -> None:
    moments, beliefs = found
    in_visit = moments.state.page != NONE
    pages = beliefs["views"].sum(axis=(1, 3))[in_visit]
    assert (pages[np.arange(in_visit.sum()), moments.state.page[in_visit]] > 0.999).mean() > 0.9
    shown = beliefs["browse"].sum(axis=(1, 3))[in_visit]
    is_detail = moments.state.page[in_visit] == WORLD.graph.detail
    assert shown[is_detail, WORLD.graph.detail].mean() > 0.9 and shown[~is_detail, WORLD.graph.detail].mean() < 0.1


def log_score(moments: Moments, values: FloatArray) -> float:
    in_visit = np.flatnonzero(moments.state.page != NONE)
    by_goal = values.sum(axis=2)[in_visit, moments.state.conviction[in_visit], moments.state.goal[in_visit]]
    return float(np.log(by_goal).mean())


def test_touch_and_length_sharpen_beliefs(found: tuple[Moments, dict[str, FloatArray]]) -> None:
    moments, beliefs = found
    scores = {name: log_score(moments, values) for name, values in beliefs.items()}
    assert scores["views"] > scores["browse"] + 0.1
    assert scores["views"] > scores["short"] + 0.03


def test_hidden_states_are_drawn_by_the_beliefs(found: tuple[Moments, dict[str, FloatArray]]) -> None:
    moments, beliefs = found
    moment = np.repeat(np.arange(2), 20_000)
    state = moments.state.take(moment)
    state.page[:] = 0
    state.streams[:] = np.arange(len(moment), dtype=np.uint64)
    Beliefs(beliefs["browse"][:2]).draw(state, moment)
    for one in range(2):
        rows = moment == one
        shares = np.bincount(state.goal[rows] + 5 * state.conviction[rows], minlength=5 * NUM_CONVICTIONS) / rows.sum()
        assert shares == pytest.approx(beliefs["browse"][one].sum(axis=1).ravel(), abs=0.015)
