"""Pages of a user's visits: kind, stay, product; and the taps on their buttons, which two views share."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from edgedipn_tf.simulation.users import User
from edgedipn_tf.simulation.visits import Visits
from edgedipn_tf.simulation.world import (
    BUTTON_NAMES,
    BUTTON_PAGES,
    BUTTONS,
    ITEMS_PER_LEAF,
    PAGE_NAMES,
    PAGES,
    FloatArray,
    IntArray,
    World,
    by_goal,
    draw,
)

_PAGE_SHARES = by_goal([page.shares for page in PAGES])
_STAY_MS = np.array([page.stay_seconds * 1000 for page in PAGES])
_MEAN_TAPS = np.array([page.taps for page in PAGES])
_MEAN_PAGES = (11.0, 15.0, 16.0, 14.0)
"""Mean pages of a visit besides the first and the order, by goal."""
_FOCUS_SHARE = np.array([0.3, 0.65, 0.85, 0.85])
"""Share of a visit's products that are of its category, by goal."""
_GAP_MS = 60_000
_DISTRACTED_SHARE = 0.2
HOME, SEARCH, DETAIL, ORDER = (PAGE_NAMES.index(name) for name in ("home", "search", "detail", "order"))
PAY = BUTTON_NAMES.index("pay")


def _button_shares() -> FloatArray:
    """Cumulative shares of the buttons on a page, (pages, goals, buttons)."""
    weights = np.array([button.weights for button in BUTTONS]).T
    on_page = np.where(BUTTON_PAGES == np.arange(len(PAGES))[:, None, None], weights, 0.0)
    return np.asarray(np.cumsum(on_page, axis=2) / on_page.sum(axis=2, keepdims=True))


_BUTTON_SHARES = _button_shares()


@dataclasses.dataclass(frozen=True)
class PageStays:
    """The pages that a user stayed on, in the order of time; every array is (stays,).

    Attributes:
        page: index into `PAGES`.
        open_ms, close_ms: from when until when.
        leaf: category of the product or search; meaningful on detail, search and order pages.
        item: index of the product within its category.
        touch: the goal that shows in taps and swipes: the visit's, unless the user is distracted.
        has_purchase: whether the page ends with a purchase.
    """

    page: IntArray
    open_ms: IntArray
    close_ms: IntArray
    leaf: IntArray
    item: IntArray
    touch: IntArray
    has_purchase: NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class Taps:
    """Taps on buttons; every array is (taps,).

    Attributes:
        stay: index of the page stay.
        time_ms: when.
        button: index into `BUTTONS`.
    """

    stay: IntArray
    time_ms: IntArray
    button: IntArray


def draw_pages(user: User, world: World, visits: Visits, scale: float, random: np.random.Generator) -> PageStays:
    """Draws the page stays of all visits; `scale` multiplies the number of pages."""
    num_visits = len(visits.goal)
    num_pages = 2 + random.poisson(scale * np.take(_MEAN_PAGES, visits.goal)) + visits.has_purchase
    visit = np.repeat(np.arange(num_visits), num_pages)
    first = np.cumsum(num_pages) - num_pages
    goal = visits.goal[visit]
    num_stays = len(visit)

    page = (random.random(num_stays)[:, None] > _PAGE_SHARES[goal]).sum(axis=1)
    page[first] = HOME
    last = (first + num_pages - 1)[visits.has_purchase]
    page[last] = ORDER
    has_purchase = np.zeros(num_stays, dtype=bool)
    has_purchase[last] = True

    stay_ms = np.maximum(800, _STAY_MS[page] * np.exp(random.normal(0, 0.6, num_stays))).astype(np.int64)
    before_ms = np.cumsum(stay_ms) - stay_ms
    visit_ms = np.add.reduceat(stay_ms, first) if num_visits else stay_ms
    open_ms = (start_after_each_other(visits.start_ms, visit_ms) - before_ms[first])[visit] + before_ms

    is_focused = (random.random(num_stays) < _FOCUS_SHARE[goal]) | has_purchase
    other = _draw_other_leaves(user, world, num_stays, random)
    is_distracted = random.random(num_visits) < _DISTRACTED_SHARE
    touch = np.where(is_distracted, random.integers(0, 4, num_visits), visits.goal)
    return PageStays(
        page=page,
        open_ms=open_ms,
        close_ms=open_ms + stay_ms,
        leaf=np.where(is_focused, visits.leaf[visit], other),
        item=random.integers(0, ITEMS_PER_LEAF, num_stays),
        touch=touch[visit],
        has_purchase=has_purchase,
    )


def _draw_other_leaves(user: User, world: World, number: int, random: np.random.Generator) -> IntArray:
    """Draws categories beside the visit's own: half of them liked, half popular."""
    liked = user.favourites[draw(user.favourite_shares, random.random(number))]
    popular = draw(world.popularity, random.random(number))
    return np.where(random.random(number) < 0.5, liked, popular)


def start_after_each_other(start_ms: IntArray, length_ms: IntArray) -> IntArray:
    """Moves the starts of visits later, as little as needed, so that each begins a minute after the one before ends.

    Args:
        start_ms: starts in the order of time, (visits,).
        length_ms: lengths, (visits,).
    """
    taken = np.cumsum(length_ms + _GAP_MS) - (length_ms + _GAP_MS)
    return np.asarray(taken + np.maximum.accumulate(start_ms - taken))


def draw_taps(stays: PageStays, random: np.random.Generator) -> Taps:
    """Draws the taps on buttons; a purchase is a tap on "pay" at the end of its page."""
    num_taps = random.poisson(_MEAN_TAPS[stays.page, stays.touch])
    stay = np.repeat(np.arange(len(stays.page)), num_taps)
    uniform = random.random((2, len(stay)))
    button = (uniform[0][:, None] > _BUTTON_SHARES[stays.page[stay], stays.touch[stay]]).sum(axis=1)
    time_ms = during(stays, stay, uniform[1])
    paid = np.flatnonzero(stays.has_purchase)
    return Taps(
        stay=np.concatenate([stay, paid]),
        time_ms=np.concatenate([time_ms, stays.close_ms[paid] - 100]),
        button=np.concatenate([button, np.full(len(paid), PAY)]),
    )


def during(stays: PageStays, stay: IntArray, share: FloatArray) -> IntArray:
    """Returns times within page stays, after the page has opened and before it is left."""
    open_ms = stays.open_ms[stay] + 250
    return np.asarray(open_ms + (share * (stays.close_ms[stay] - 150 - open_ms)).astype(np.int64))
