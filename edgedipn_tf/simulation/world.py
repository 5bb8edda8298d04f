"""One shop: a configuration, its category tree and the tables of its goals and pages."""

import dataclasses

import numpy as np

from edgedipn_tf.simulation.categories import Categories, make_categories
from edgedipn_tf.simulation.config import Goal, Needs, WorldConfig
from edgedipn_tf.simulation.page_graph import PageGraph, make_page_graph
from edgedipn_tf.simulation.randomness import FloatArray, cumulative
from edgedipn_tf.simulation.traits import User, draw_user

NUM_CONVICTIONS = 8
END_OF_VISIT = len(Goal)
"""Stands beside the goals where a chain of goals ends."""


@dataclasses.dataclass(frozen=True)
class World:
    """What all users share.

    Attributes:
        config: all parameters.
        seed: of the shop and its users.
        needs: as configured, at the pace of the volumes.
        categories: the category tree.
        graph: the pages.
        first_goals: cumulative shares of the goal at the start of a visit, by need (no, yes), (2, goals).
        goal_changes: shares of the goal after a page (the last: end of the visit), by need, conviction and goal,
            before what leads from decide to order, (2, convictions, goals, goals + 1).
        next_goals: the same, cumulative.
    """

    config: WorldConfig
    seed: int
    needs: Needs
    categories: Categories
    graph: PageGraph
    first_goals: FloatArray
    goal_changes: FloatArray
    next_goals: FloatArray

    def order_logits(self, conviction: np.ndarray, propensity: np.ndarray) -> FloatArray:
        """Returns the logits of going on to order at a page in the goal decide."""
        needs = self.needs
        return np.asarray(np.array(needs.order_logits)[conviction] + needs.order_propensity * propensity)

    def cart_chances(self, cart_factor: np.ndarray) -> FloatArray:
        """Returns the chances that a detail page ends with a cart, by the user's own factor and goal, (n, goals)."""
        actions = self.config.page_actions
        return np.asarray(np.minimum(cart_factor[:, np.newaxis] * np.array(actions.carts), actions.max_carts))


def make_world(config: WorldConfig, seed: int) -> World:
    """Draws the shop of a seed.

    Raises:
        ValueError: when the configuration contradicts itself.
    """
    goal_changes = _goal_changes(config)
    return World(
        config=config,
        seed=seed,
        needs=_needs_at_pace(config),
        categories=make_categories(config.shop, seed),
        graph=make_page_graph(config),
        first_goals=cumulative(config.goals.first),
        goal_changes=goal_changes,
        next_goals=cumulative(goal_changes),
    )


def _needs_at_pace(config: WorldConfig) -> Needs:
    needs, pace = config.needs, config.volumes.need_pace
    idle, explore, compare, decide, order = (pace * chance for chance in needs.convinced)
    at_pace = dataclasses.replace(
        needs,
        given_up=pace * needs.given_up,
        forgets=pace * needs.forgets,
        convinced=(idle, explore, compare, decide, order),
    )
    if max(at_pace.given_up, at_pace.forgets, *at_pace.convinced) > 1:
        raise ValueError("volumes: need_pace makes a chance of needs (given_up, forgets, convinced) larger than 1")
    return at_pace


def _goal_changes(config: WorldConfig) -> FloatArray:
    """Compare -> decide by conviction, at the cost of staying in compare; without a need nobody is convinced."""
    base = np.array(config.goals.next, np.float64)
    if base.shape != (2, len(Goal), len(Goal) + 1):
        raise ValueError(f"goals: next has the shape {base.shape}, expected {(2, len(Goal), len(Goal) + 1)}")
    changes = np.repeat(base[:, np.newaxis], NUM_CONVICTIONS, axis=1)
    more = base[1, Goal.COMPARE, Goal.DECIDE] * (np.array(config.needs.decide_factors) - 1)
    changes[1, :, Goal.COMPARE, Goal.DECIDE] += more
    changes[1, :, Goal.COMPARE, Goal.COMPARE] -= more
    if (changes < 0).any() or (changes.sum(axis=-1) <= 0).any():
        raise ValueError("goals: next has a negative chance, or a goal without any; see needs.decide_factors too")
    return np.asarray(changes / changes.sum(axis=-1, keepdims=True))


def draw_world_user(world: World, random: np.random.Generator) -> User:
    """Draws one user of a world."""
    return draw_user(world.config.traits, world.categories, random)
