"""Visits of a user: on which days, with which goal, about which category, and whether something is bought.

A need for a category arises, is explored, compared and decided over some visits, and ends with a purchase or is given
up. Whether the user comes the next day depends on habit, on an open need and on having come today.
"""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from edgedipn_tf.simulation.users import User
from edgedipn_tf.simulation.world import Goal, IntArray, World, draw

_NEED_ARISES = 0.32
_NEED_GIVEN_UP = 0.15
_IMPULSE = {Goal.IDLE: 0.01, Goal.EXPLORE: 0.02, Goal.COMPARE: 0.06}
# Cumulative shares of idle, explore, compare, decide by the state of the need: none, new, explored.
_GOALS_BY_STAGE = np.array([[0.55, 1.0, 1.0, 1.0], [0.15, 0.65, 1.0, 1.0], [0.15, 0.20, 0.60, 1.0]])
_LIKED_SHARE = 0.85


@dataclasses.dataclass(frozen=True)
class Visits:
    """The visits of one user in the order of time; every array is (visits,).

    Attributes:
        start_ms: when a visit begins, unless the one before lasts longer.
        goal: a value of `Goal`.
        leaf: the leaf category that the visit is about.
        has_purchase: whether it ends with a purchase in that category.
    """

    start_ms: IntArray
    goal: IntArray
    leaf: IntArray
    has_purchase: NDArray[np.bool_]


@dataclasses.dataclass
class _Need:
    """What the user is after; stage 0: nothing, 1: new, 2: explored."""

    leaf: int = 0
    stage: int = 0


def draw_visits(user: User, world: World, day_start_ms: IntArray, random: np.random.Generator) -> Visits:
    """Draws the visits of one user.

    Args:
        user: the user.
        world: the shop.
        day_start_ms: first instants of the local days, and the end of the last, (days + 1,).
        random: the user's random numbers.
    """
    rows: list[tuple[int, int, int, bool]] = []
    need = _Need()
    was_active = random.random() < 0.5
    mean_visits = math.exp(0.05 + 0.3 * user.activity)
    for start_ms, end_ms in zip(day_start_ms[:-1].tolist(), day_start_ms[1:].tolist(), strict=True):
        logit = -0.9 + 2.3 * user.habit + 0.9 * was_active + 0.9 * (need.stage > 0)
        was_active = random.random() < 1 / (1 + math.exp(-logit))
        if not was_active:
            continue
        num_visits = 1 + int(random.poisson(mean_visits))
        hours = np.sort((user.peak_hour + 3.5 * random.normal(size=num_visits)) % 24)
        for hour in hours.tolist():
            goal, leaf, has_purchase = _draw_visit(user, world, need, random)
            rows.append((start_ms + int((end_ms - start_ms) * hour / 24), goal, leaf, has_purchase))
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return Visits(table[:, 0], table[:, 1], table[:, 2], table[:, 3].astype(bool))


def _draw_visit(user: User, world: World, need: _Need, random: np.random.Generator) -> tuple[Goal, int, bool]:
    """Draws goal, category and purchase of one visit, and moves the need on."""
    if not need.stage and random.random() < _NEED_ARISES:
        need.leaf, need.stage = _draw_leaf(user, world, random), 1
    goal = Goal(int(draw(_GOALS_BY_STAGE[need.stage], random.random(1))[0]))
    leaf = need.leaf if need.stage and goal is not Goal.IDLE else _draw_leaf(user, world, random)
    if goal is Goal.DECIDE:
        chance = 1 / (1 + math.exp(-0.9 - 0.8 * user.propensity))
    else:
        chance = _IMPULSE[goal] * math.exp(0.4 * user.propensity)
    has_purchase = random.random() < chance
    if (has_purchase and leaf == need.leaf) or random.random() < _NEED_GIVEN_UP:
        need.stage = 0
    elif need.stage and goal in (Goal.EXPLORE, Goal.COMPARE):
        need.stage = 2
    return goal, leaf, has_purchase


def _draw_leaf(user: User, world: World, random: np.random.Generator) -> int:
    if random.random() < _LIKED_SHARE:
        return int(user.favourites[draw(user.favourite_shares, random.random(1))[0]])
    return int(draw(world.popularity, random.random(1))[0])
