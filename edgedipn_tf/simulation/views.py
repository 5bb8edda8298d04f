"""What the app logs of a user: the rows of the swipe, tap and browse inputs.

A view is a dictionary of columns of one length. Names are indices into the tuple that `column_names` gives for their
column, -1 for null; other columns are floats with NaN for null, or integers.
"""

import dataclasses

import numpy as np

from edgedipn_tf.schema import BROWSE_VIEW, SWIPE_VIEW, TAP_VIEW
from edgedipn_tf.simulation.categories import pick_tasted
from edgedipn_tf.simulation.dynamics import Outcome
from edgedipn_tf.simulation.journeys import Pages
from edgedipn_tf.simulation.randomness import FloatArray, IntArray
from edgedipn_tf.simulation.touch import Swipes, Taps
from edgedipn_tf.simulation.traits import Style, User
from edgedipn_tf.simulation.world import World

STROLLING_TASTE = 0.5
"""Pages beside the category of a visit are half as true to taste as needs are."""
Columns = dict[str, IntArray | FloatArray]

_SWIPE_ACTIONS = SWIPE_VIEW.feature("action").names
_TAP_EVENTS = TAP_VIEW.feature("event").names
_BROWSE_ACTIONS = BROWSE_VIEW.feature("action").names
LEAVE_MS = 100
"""From the end of a page to its `leave_page`; less than the gap to the next page."""


@dataclasses.dataclass(frozen=True)
class Products:
    """Leaf category and item (within it) that each page is about, (pages,); the log shows those of product pages."""

    leaf: IntArray
    item: IntArray


def column_names(world: World) -> dict[str, dict[str, tuple[str, ...]]]:
    """Returns the names that the indices of a column stand for, by view and column."""
    graph, categories = world.graph, world.categories
    return {
        "swipe": {"action": _SWIPE_ACTIONS, "page": graph.names},
        "tap": {"event": _TAP_EVENTS, "page": graph.names, "button": graph.button_names},
        "browse": {
            "action": _BROWSE_ACTIONS,
            "page": graph.names,
            "leaf_category": categories.leaf_names,
            "top_category": categories.top_names,
            "item_id": categories.item_names,
        },
    }


def swipe_view(style: Style, pages: Pages, taps: Taps, swipes: Swipes) -> Columns:
    """Returns the swipe track: pages opened and left, swipes (by the time of their end) and taps."""
    num_pages, num_taps, num_swipes = len(pages.page), len(taps.page), len(swipes.page)
    numbers = [num_pages, num_pages, num_swipes, num_taps]
    names = ("open_page", "leave_page", "swipe", "tap")
    action = np.repeat([_SWIPE_ACTIONS.index(name) for name in names], numbers)
    page = np.concatenate([pages.page, pages.page, pages.page[swipes.page], pages.page[taps.page]])
    times_ms = np.concatenate([pages.open_ms, pages.end_ms + LEAVE_MS, swipes.time_ms, taps.time_ms])
    columns: Columns = {"timestamp_ms": times_ms, "action": action, "page": page}
    width, height = style.window
    is_swipe = slice(2 * num_pages, 2 * num_pages + num_swipes)
    is_tap = slice(2 * num_pages + num_swipes, None)
    for name, chosen, values in (
        ("x", is_tap, np.round(taps.x * width, 1)),
        ("y", is_tap, np.round(taps.y * height, 1)),
        ("start_x", is_swipe, np.round(swipes.start[:, 0] * width, 1)),
        ("start_y", is_swipe, np.round(swipes.start[:, 1] * height, 1)),
        ("end_x", is_swipe, np.round(swipes.end[:, 0] * width, 1)),
        ("end_y", is_swipe, np.round(swipes.end[:, 1] * height, 1)),
        ("duration_ms", is_swipe, np.floor(swipes.duration_ms)),
    ):
        columns[name] = np.full(len(action), np.nan)
        columns[name][chosen] = values
    columns["window_width"] = np.full(len(action), float(width))
    columns["window_height"] = np.full(len(action), float(height))
    return _in_order_of_time(columns)


def tap_view(pages: Pages, taps: Taps) -> Columns:
    """Returns the tap view: one page event for each page, one button event for each tap."""
    num_pages, num_taps = len(pages.page), len(taps.page)
    page_event, button_event = (_TAP_EVENTS.index(name) for name in ("page", "button"))
    return _in_order_of_time(
        {
            "timestamp_ms": np.concatenate([pages.open_ms, taps.time_ms]),
            "event": np.repeat([page_event, button_event], [num_pages, num_taps]),
            "page": np.concatenate([pages.page, pages.page[taps.page]]),
            "button": np.concatenate([np.full(num_pages, -1), taps.button]),
        }
    )


def browse_view(world: World, pages: Pages, taps: Taps, products: Products, random: np.random.Generator) -> Columns:
    """Returns the browse view: product pages, searches (top category only), and what buttons did."""
    graph, leaf, item = world.graph, products.leaf, products.item
    opened = np.flatnonzero((pages.page == graph.detail) | (pages.page == graph.search))
    ended = np.flatnonzero(taps.outcome != Outcome.NOTHING)
    row = np.concatenate([opened, taps.page[ended]])
    is_search = pages.page[row] == graph.search
    of_outcome = np.array([_BROWSE_ACTIONS.index(name) for name in ("browse", "collect", "cart", "purchase")])
    action = of_outcome[np.concatenate([np.zeros(len(opened), np.int64), taps.outcome[ended]])]
    action[is_search] = _BROWSE_ACTIONS.index("search")
    stay_ms = (pages.end_ms - pages.open_ms).astype(np.float64)[row]
    stay_ms[len(opened) :] = np.nan  # a button has no stay
    price = world.categories.leaf_price[leaf[row]] * (0.6 + 0.02 * item[row])
    price[is_search | (random.random(len(row)) < world.config.noise.null_prices)] = np.nan
    return _in_order_of_time(
        {
            "timestamp_ms": np.concatenate([pages.open_ms[opened], taps.time_ms[ended]]),
            "action": action,
            "page": pages.page[row],
            "leaf_category": np.where(is_search, -1, leaf[row]),
            "top_category": world.categories.top_of_leaf[leaf[row]],
            "item_id": np.where(is_search, -1, leaf[row] * world.config.shop.items_per_leaf + item[row]),
            "stay_ms": stay_ms,
            "price": np.round(price, 2),
        }
    )


def draw_products(world: World, user: User, pages: Pages, random: np.random.Generator) -> Products:
    """Draws what pages are about: the category of the visit more or less often by goal, else taste or popularity.

    Orders are always about the category of the visit.
    """
    size = len(pages.page)
    is_focused = random.random(size) < np.array(world.config.page_actions.focused)[pages.goal]
    is_focused |= pages.page == world.graph.order
    other = pick_tasted(
        world.categories,
        np.broadcast_to(user.favourites, (size, len(user.favourites))),
        np.broadcast_to(user.favourite_shares, (size, len(user.favourites))),
        STROLLING_TASTE * world.config.traits.liked_share,
        random.random((2, size)),
    )
    item = random.integers(0, world.config.shop.items_per_leaf, size)
    return Products(np.where(is_focused, pages.focus, other), item)


def _in_order_of_time(columns: Columns) -> Columns:
    order = np.argsort(columns["timestamp_ms"], kind="stable")
    return {name: values[order] for name, values in columns.items()}
