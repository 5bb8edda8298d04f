"""The shop: categories, items, phones, pages and buttons, and how often each goal leads to them."""

import dataclasses
import enum

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


class Goal(enum.IntEnum):
    """What a user wants from a visit; the order of every tuple "by goal" in this package."""

    IDLE = 0
    EXPLORE = 1
    COMPARE = 2
    DECIDE = 3


@dataclasses.dataclass(frozen=True)
class Page:
    """A kind of page.

    Attributes:
        name: name in the log.
        shares: how many of 100 pages of a visit are of this kind, by goal.
        stay_seconds: median stay.
        swipes: mean number of swipes during a stay, by goal.
        taps: mean number of taps on buttons during a stay, by goal.
    """

    name: str
    shares: tuple[float, float, float, float]
    stay_seconds: float
    swipes: tuple[float, float, float, float]
    taps: tuple[float, float, float, float]


@dataclasses.dataclass(frozen=True)
class Button:
    """A button of a page.

    Attributes:
        page: name of its page.
        name: name in the log.
        x, y: its place, as shares of the window.
        weights: how often it is tapped compared with the page's other buttons, by goal.
    """

    page: str
    name: str
    x: float
    y: float
    weights: tuple[float, float, float, float]


# Compare and decide open the same pages: in the browse view they differ little.
PAGES = (
    Page("home", (10, 6, 3, 3), 10, (3, 3, 2, 2), (0.5, 0.5, 0.4, 0.4)),
    Page("feed", (25, 8, 3, 3), 25, (8, 6, 4, 3), (0.5, 0.5, 0.4, 0.4)),
    Page("list", (9, 15, 11, 10), 22, (6, 6, 5, 4), (0.6, 0.8, 0.9, 0.7)),
    Page("search", (4, 10, 8, 7), 8, (1, 1, 1, 1), (1, 1, 1, 1)),
    Page("detail", (38, 52, 65, 65), 28, (4, 4, 5, 4), (0.3, 0.6, 1.2, 1.4)),
    Page("shop", (4, 4, 4, 4), 18, (5, 4, 3, 3), (0.3, 0.5, 0.6, 0.6)),
    Page("cart", (3, 2, 3, 4), 12, (1, 1, 2, 2), (0.4, 0.5, 0.8, 1.1)),
    Page("coupons", (3, 1, 1, 2), 12, (3, 2, 2, 2), (0.8, 0.8, 1, 1.2)),
    Page("order", (0, 0, 0, 1), 18, (1, 1, 1, 1), (1, 1, 1, 1.5)),
    Page("mine", (4, 2, 2, 1), 10, (1, 1, 1, 1), (0.8, 0.8, 0.8, 0.8)),
)
BUTTONS = (
    Button("home", "banner", 0.5, 0.2, (3, 2, 1, 1)),
    Button("home", "channel", 0.3, 0.4, (2, 2, 1, 1)),
    Button("feed", "product", 0.5, 0.6, (4, 3, 2, 2)),
    Button("feed", "like", 0.9, 0.7, (3, 1, 0.5, 0.5)),
    Button("list", "product", 0.5, 0.5, (3, 3, 3, 3)),
    Button("list", "sort", 0.3, 0.12, (0.5, 1, 2, 1.5)),
    Button("list", "filter", 0.9, 0.12, (0.5, 1, 2.5, 2)),
    Button("search", "query", 0.5, 0.06, (1, 1, 1, 1)),
    Button("search", "suggestion", 0.4, 0.25, (1, 1, 1, 0.5)),
    Button("detail", "picture", 0.5, 0.25, (5, 5, 3, 2)),
    Button("detail", "comments", 0.3, 0.62, (1, 1.5, 4, 2)),
    Button("detail", "specification", 0.3, 0.7, (0.5, 1, 3, 1)),
    Button("detail", "sku", 0.5, 0.55, (0.3, 0.7, 1.2, 4)),
    Button("detail", "coupon", 0.8, 0.48, (0.3, 0.4, 0.7, 2.5)),
    Button("detail", "service", 0.12, 0.95, (0.1, 0.2, 0.6, 1)),
    Button("detail", "collect", 0.3, 0.95, (0.2, 0.4, 0.7, 0.4)),
    Button("detail", "add_to_cart", 0.62, 0.95, (0.1, 0.25, 0.7, 0.8)),
    Button("detail", "share", 0.95, 0.06, (0.4, 0.3, 0.2, 0.1)),
    Button("shop", "follow", 0.85, 0.1, (1, 1, 1, 1)),
    Button("shop", "coupon", 0.5, 0.3, (0.5, 0.5, 0.7, 2)),
    Button("cart", "select", 0.06, 0.4, (1, 1, 2, 3)),
    Button("cart", "quantity", 0.85, 0.45, (0.3, 0.3, 0.5, 1)),
    Button("cart", "settle", 0.85, 0.93, (0.1, 0.1, 0.3, 1.5)),
    Button("coupons", "claim", 0.85, 0.5, (1, 1, 1, 1)),
    Button("order", "address", 0.5, 0.15, (1, 1, 1, 1)),
    Button("order", "coupon", 0.7, 0.6, (1, 1, 1, 1)),
    Button("order", "pay", 0.8, 0.94, (0, 0, 0, 0)),  # tapped when, and only when, there is a purchase
    Button("mine", "orders", 0.2, 0.3, (1, 1, 1, 1)),
    Button("mine", "footprints", 0.8, 0.2, (1, 1, 1, 1)),
)
PAGE_NAMES = tuple(page.name for page in PAGES)
BUTTON_NAMES = tuple(button.name for button in BUTTONS)
BUTTON_PAGES: IntArray = np.array([PAGE_NAMES.index(button.page) for button in BUTTONS])

# Touch by goal: who decides swipes less far and more slowly than who strolls.
SWIPE_LENGTH = (0.50, 0.44, 0.35, 0.27)
"""Median length of a vertical swipe as a share of the window's height, by goal."""
SWIPE_DURATION_MS = (170.0, 200.0, 260.0, 330.0)
"""Median duration of a swipe, by goal."""
SIDEWAYS_SHARE = (0.06, 0.10, 0.16, 0.10)
"""Share of swipes that are sideways (through pictures), by goal."""

PHONES = ((360, 640), (360, 780), (375, 812), (393, 851), (412, 915), (720, 1440), (1080, 1920), (1080, 2340))
"""Windows of the phones, cheapest first."""

NUM_TOP_CATEGORIES = 24
NUM_LEAF_CATEGORIES = 240
ITEMS_PER_LEAF = 40


@dataclasses.dataclass(frozen=True)
class World:
    """What all users share; the same for every user and number of users of a seed.

    Attributes:
        top_of_leaf: top category of each leaf category, (leaves,).
        popularity: cumulative share of the leaves, (leaves,).
        leaf_price: typical price of a leaf's items, (leaves,).
    """

    top_of_leaf: IntArray
    popularity: FloatArray
    leaf_price: FloatArray


def make_world(seed: int) -> World:
    """Draws the shop of a seed."""
    random = random_stream(seed, 2**64 - 1)
    weights = 1.0 / np.arange(5, NUM_LEAF_CATEGORIES + 5)  # Zipf with a flattened head
    random.shuffle(weights)
    return World(
        top_of_leaf=np.sort(random.integers(0, NUM_TOP_CATEGORIES, NUM_LEAF_CATEGORIES)),
        popularity=np.cumsum(weights) / weights.sum(),
        leaf_price=np.exp(random.normal(4.0, 1.0, NUM_LEAF_CATEGORIES)),
    )


def random_stream(seed: int, number: int) -> np.random.Generator:
    """Returns the random numbers of one user, or of the world: a function of (seed, number) only."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, number], dtype=np.uint64)))


def draw(cumulative: FloatArray, uniform: FloatArray) -> IntArray:
    """Draws indices by cumulative shares: the first whose share exceeds the uniform number."""
    return np.minimum(np.searchsorted(cumulative, uniform, side="right"), len(cumulative) - 1)


def by_goal(rows: list[tuple[float, float, float, float]]) -> FloatArray:
    """Returns values of (rows, goals) as cumulative shares by goal, (goals, rows)."""
    values = np.array(rows, dtype=np.float64).T
    return np.asarray(np.cumsum(values, axis=1) / values.sum(axis=1, keepdims=True))
