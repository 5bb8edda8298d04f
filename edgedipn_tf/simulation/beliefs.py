"""Bayes' rule for the hidden state: what somebody who sees some views can know of goal, conviction and page.

A forward filter over the joint (conviction C, page P, goal G), exact for this world. Known to everybody: traits, needs,
carts, visits, and when pages open and end; so what it gives is no less than what a model of the same views can know.
"""

import dataclasses

import numpy as np

from edgedipn_tf.simulation.config import Goal
from edgedipn_tf.simulation.dynamics import NONE, Outcome, State
from edgedipn_tf.simulation.evidence import Evidence, Seen, UserEvidence
from edgedipn_tf.simulation.journeys import Journeys
from edgedipn_tf.simulation.moments import Moments
from edgedipn_tf.simulation.randomness import BoolArray, FloatArray, IntArray, logistic, uniform
from edgedipn_tf.simulation.simulate import shown_pages
from edgedipn_tf.simulation.world import END_OF_VISIT, NUM_CONVICTIONS, World


@dataclasses.dataclass(frozen=True)
class Beliefs:
    """Probabilities of hidden states at moments, (moments, C, P, G), as of the opening of an open page."""

    probabilities: FloatArray

    def draw(self, state: State, moment: IntArray) -> None:
        """Draws conviction, goal and page of rollouts, each of one of the moments, in place."""
        size, *shape = self.probabilities.shape
        flat = np.cumsum(self.probabilities.reshape(size, -1), axis=1)
        table = (flat / flat[:, -1:] + np.arange(size)[:, np.newaxis]).ravel()
        chosen = np.searchsorted(table, moment + uniform(state.streams), side="right") - moment * flat.shape[1]
        conviction, page, goal = np.unravel_index(np.minimum(chosen, flat.shape[1] - 1), shape)
        state.conviction[:] = conviction
        in_visit = state.page != NONE
        state.page[in_visit] = page[in_visit]
        state.goal[in_visit] = goal[in_visit]


def believe(world: World, journeys: Journeys, moments: Moments, evidence: Evidence) -> Beliefs:
    """Returns what the evidence tells of the hidden states at moments.

    Uses the journeys' generators up, as a log of them would.
    """
    seen: list[Seen] = [None] * len(moments.t0_ms)  # type: ignore[list-item]
    for user, shown in enumerate(shown_pages(world, journeys)):
        rows = np.flatnonzero(moments.state.user == user)
        actions = UserEvidence(world, shown) if len(rows) else None
        first = int(journeys.first_page[user])
        for row in rows.tolist():
            assert actions is not None
            found = actions.until(int(moments.t0_ms[row]), int(moments.page[row]) - first, evidence)
            seen[row] = dataclasses.replace(found, page=found.page + first)
    return Beliefs(_Filter(world, journeys, moments).run(seen))


class _Filter:
    """The forward filter; moves the beliefs of all moments one page at a time, the last step being the moment's own."""

    def __init__(self, world: World, journeys: Journeys, moments: Moments) -> None:
        self._world, self._moments = world, moments
        self._pages = journeys.pages
        self._propensity = journeys.crowd.propensity[moments.state.user]
        self._carts = world.cart_chances(journeys.crowd.cart_factor[moments.state.user])
        self._next = np.diff(world.graph.next, axis=2, prepend=0.0)
        self._first = np.diff(world.first_goals, axis=1, prepend=0.0)
        self._prior = self._shares_of_states()

    def run(self, seen: list[Seen]) -> FloatArray:
        """Returns the beliefs, (moments, C, P, G)."""
        shape = (len(seen), *self._prior.shape[1:])
        beliefs = np.zeros(shape)
        lengths = np.array([len(one.page) for one in seen])
        for back in range(int(lengths.max()), 0, -1):
            rows = np.flatnonzero(lengths >= back)
            page = np.array([seen[row].page[-back] for row in rows.tolist()])
            starting = lengths[rows] == back
            beliefs[rows[starting]] = self._prior[self._has_need(page[starting])]
            likelihood = self._see([seen[row] for row in rows.tolist()], back, rows, page)
            beliefs[rows] = _normalized(beliefs[rows] * likelihood)
            if back > 1:
                beliefs[rows] = self._move_on(beliefs[rows], rows, page)
        return self._at_moments(beliefs)

    def _shares_of_states(self) -> FloatArray:
        """How often each hidden state is, without and with a need: what is believed of a page before all evidence."""
        pages, graph = self._pages, self._world.graph
        counts = np.full((2, NUM_CONVICTIONS, len(graph.names), len(Goal)), 1e-9)
        counts[0, 1:] = 0
        np.add.at(counts, (self._has_need(np.arange(len(pages.page))), pages.conviction, pages.page, pages.goal), 1)
        return np.asarray(counts / counts.sum(axis=(1, 2, 3), keepdims=True))

    def _has_need(self, page: IntArray) -> IntArray:
        return np.asarray(self._pages.need[page] != NONE, np.int64)

    def _see(self, seen: list[Seen], back: int, rows: IntArray, page: IntArray) -> FloatArray:
        """Returns the likelihood of what is seen of one page of each row, (rows, C, P, G)."""
        graph, pages = self._world.graph, self._pages
        named, unlogged = (
            np.array([getattr(one, name)[-back] for one in seen]) for name in ("is_named", "is_unlogged")
        )
        shown = np.exp(np.array([one.log_shown[-back] for one in seen]))
        kinds = np.arange(len(graph.names))
        is_product = (kinds == graph.detail) | (kinds == graph.search)
        possible = np.where(named[:, np.newaxis], kinds == pages.page[page][:, np.newaxis], True)
        possible &= ~(unlogged[:, np.newaxis] & is_product)
        is_open = self._moments.is_open[rows] & (back == 1)
        likelihood = possible[:, :, np.newaxis] * self._stays(page, rows, is_open)
        likelihood[~is_open] *= self._outcomes(pages.outcome[page[~is_open]], rows[~is_open])
        return np.asarray(likelihood[:, np.newaxis] * shown[:, :, np.newaxis])

    def _stays(self, page: IntArray, rows: IntArray, is_open: BoolArray) -> FloatArray:
        """Density of a stay that has ended, survival of one that goes on, (rows, P, G)."""
        shape, median = self._world.config.page_actions.stay_shape, self._world.graph.stay_ms.T
        ended_ms = self._pages.end_ms[page] - self._pages.open_ms[page]
        stay_ms = np.where(is_open, self._moments.elapsed_ms[rows], ended_ms)[:, np.newaxis, np.newaxis]
        odds = (stay_ms / median) ** shape
        survival = 1 / (1 + odds)
        return np.asarray(np.where(is_open[:, np.newaxis, np.newaxis], survival, survival**2 * odds))

    def _outcomes(self, outcome: IntArray, rows: IntArray) -> FloatArray:
        """Probability of how a page ended, (rows, P, G)."""
        graph, config = self._world.graph, self._world.config
        carts, collects = self._carts[rows], np.array(config.page_actions.collects)
        of_detail = np.stack([1 - carts - collects, np.broadcast_to(collects, carts.shape), carts, 0 * carts])
        likelihood = np.zeros((len(rows), len(graph.names), len(Goal)))
        likelihood[outcome == Outcome.NOTHING] = 1
        likelihood[:, graph.detail] = of_detail[outcome, np.arange(len(rows))]
        pays = np.array([1 - config.needs.pays, 0, 0, config.needs.pays])
        likelihood[:, graph.order] = pays[outcome][:, np.newaxis]
        return likelihood

    def _end_page(self, beliefs: FloatArray, rows: IntArray, page: IntArray) -> tuple[FloatArray, FloatArray]:
        """Comments convince, then goals change: beliefs before and after that, the latter with `END_OF_VISIT`."""
        comments, has_need = self._world.graph.comments, self._has_need(page)
        risen = beliefs[:, :-1, comments] * np.array(self._world.needs.convinced)
        risen *= has_need[:, np.newaxis, np.newaxis]
        ended = beliefs.copy()
        ended[:, :-1, comments] -= risen
        ended[:, 1:, comments] += risen
        bought = self._pages.outcome[page] == Outcome.PURCHASE
        ended[bought] = _unconvinced(ended[bought])
        need_after = (self._pages.need_after[page] != NONE).astype(np.int64)
        changes = self._world.goal_changes[need_after].copy()
        conviction = np.arange(NUM_CONVICTIONS)
        orders = logistic(self._world.order_logits(conviction, self._propensity[rows, np.newaxis]))[:, :, np.newaxis]
        changes[:, :, Goal.DECIDE] *= 1 - orders
        changes[:, :, Goal.DECIDE, Goal.ORDER] += orders[:, :, 0]
        return ended, ended @ changes

    def _move_on(self, beliefs: FloatArray, rows: IntArray, page: IntArray) -> FloatArray:
        """Beliefs at the opening of the next page."""
        pages = self._pages
        _, changed = self._end_page(beliefs, rows, page)
        moved = np.stack([changed[..., goal] @ self._next[goal] for goal in Goal], axis=-1)
        is_new = np.flatnonzero(pages.open_ms[page + 1] - pages.end_ms[page] > self._world.config.page_actions.gap_ms)
        moved[is_new] = self._begin_visits(changed[is_new, ..., END_OF_VISIT].sum(axis=2), page[is_new])
        return _normalized(moved)

    def _begin_visits(self, conviction: FloatArray, page: IntArray) -> FloatArray:
        """Beliefs at the first page of a visit, from those of the conviction, (rows, C), when the last one ended."""
        pages, needs = self._pages, self._world.needs
        faded = conviction * (1 - needs.forgets)
        faded[:, 0] = conviction[:, 0]
        faded[:, :-1] += conviction[:, 1:] * needs.forgets
        is_other = pages.need[page + 1] != pages.need_after[page]
        faded[is_other] = _unconvinced(faded[is_other])
        goals = self._first[self._has_need(page + 1)]
        recalled = needs.cart_recalled * pages.has_cart[page + 1][:, np.newaxis]
        goals = (1 - recalled) * goals + recalled * (np.arange(len(Goal)) == Goal.DECIDE)
        begun = np.zeros((len(page), *self._prior.shape[1:]))
        begun[:, :, self._world.graph.home] = faded[:, :, np.newaxis] * goals[:, np.newaxis]
        return begun

    def _at_moments(self, beliefs: FloatArray) -> FloatArray:
        """Beliefs of moments at which the last page has ended, or the visit too."""
        moments = self._moments
        ended = np.flatnonzero(~moments.is_open)
        before, after = self._end_page(beliefs[ended], ended, moments.page[ended])
        beliefs[ended] = _normalized(before)
        is_over = moments.state.page[ended] == NONE
        over = np.zeros_like(before[is_over])
        over[:, :, 0, 0] = after[is_over][..., END_OF_VISIT].sum(axis=2)  # page and goal mean nothing there
        beliefs[ended[is_over]] = _normalized(over)
        return beliefs


def _unconvinced(beliefs: FloatArray) -> FloatArray:
    moved = np.zeros_like(beliefs)
    moved[:, 0] = beliefs.sum(axis=1)
    return moved


def _normalized(beliefs: FloatArray) -> FloatArray:
    return np.asarray(beliefs / beliefs.sum(axis=tuple(range(1, beliefs.ndim)), keepdims=True))
