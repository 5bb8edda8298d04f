"""What the app logs of a user: the rows of the swipe, tap and browse inputs.

A view is a dictionary of columns of one length. Names are indices into the tuple that `NAMES` gives for their column,
-1 for null; other columns are floats with NaN for null, or integers.
"""

import numpy as np

from edgedipn_tf.schema import BROWSE_VIEW, SWIPE_VIEW, TAP_VIEW
from edgedipn_tf.simulation.pages import DETAIL, SEARCH, PageStays, Taps, during
from edgedipn_tf.simulation.users import User
from edgedipn_tf.simulation.world import (
    BUTTON_NAMES,
    BUTTONS,
    ITEMS_PER_LEAF,
    NUM_LEAF_CATEGORIES,
    NUM_TOP_CATEGORIES,
    PAGE_NAMES,
    PAGES,
    SIDEWAYS_SHARE,
    SWIPE_DURATION_MS,
    SWIPE_LENGTH,
    FloatArray,
    IntArray,
    World,
)

Columns = dict[str, IntArray | FloatArray]

_SWIPE_ACTIONS = SWIPE_VIEW.feature("action").names
_TAP_EVENTS = TAP_VIEW.feature("event").names
_BROWSE_ACTIONS = BROWSE_VIEW.feature("action").names
_LEAVES = tuple(f"leaf-{leaf:03}" for leaf in range(NUM_LEAF_CATEGORIES))
_ITEMS = tuple(f"item-{leaf:03}-{item:02}" for leaf in range(NUM_LEAF_CATEGORIES) for item in range(ITEMS_PER_LEAF))
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "swipe": {"action": _SWIPE_ACTIONS, "page": PAGE_NAMES},
    "tap": {"event": _TAP_EVENTS, "page": PAGE_NAMES, "button": BUTTON_NAMES},
    "browse": {
        "action": _BROWSE_ACTIONS,
        "page": PAGE_NAMES,
        "leaf_category": _LEAVES,
        "top_category": tuple(f"top-{top:02}" for top in range(NUM_TOP_CATEGORIES)),
        "item_id": _ITEMS,
    },
}
_BUTTON_ACTIONS = {"collect": "collect", "add_to_cart": "cart", "pay": "purchase"}
"""Buttons that are actions of the browse view too."""

_MEAN_SWIPES = np.array([page.swipes for page in PAGES])
_BUTTON_PLACE = np.array([(button.x, button.y) for button in BUTTONS])
_ACTION_OF_BUTTON = np.array(
    [_BROWSE_ACTIONS.index(_BUTTON_ACTIONS[name]) if name in _BUTTON_ACTIONS else -1 for name in BUTTON_NAMES]
)


def draw_swipe_view(user: User, stays: PageStays, taps: Taps, random: np.random.Generator) -> Columns:
    """Returns the swipe track: pages opened and left, swipes (by the time of their end) and taps."""
    num_stays, num_taps = len(stays.page), len(taps.stay)
    swiped = np.repeat(np.arange(num_stays), random.poisson(_MEAN_SWIPES[stays.page, stays.touch]))
    num_swipes = len(swiped)
    width, height = user.window
    numbers = [num_stays, num_stays, num_swipes, num_taps]
    action = np.repeat([_SWIPE_ACTIONS.index(name) for name in ("open_page", "leave_page", "swipe", "tap")], numbers)
    is_swipe, is_tap = (action == _SWIPE_ACTIONS.index(name) for name in ("swipe", "tap"))
    stay = np.concatenate([np.arange(num_stays), np.arange(num_stays), swiped, taps.stay])
    time_ms = [stays.open_ms, stays.close_ms - 1, during(stays, swiped, random.random(num_swipes)), taps.time_ms]

    place = _BUTTON_PLACE[taps.button] + random.normal(0, 0.015, (num_taps, 2))
    start, end = _draw_swipes(user, stays.touch[swiped], random)
    median_ms = np.take(SWIPE_DURATION_MS, stays.touch[swiped]) * user.swipe_duration
    duration_ms = np.minimum(median_ms * np.exp(random.normal(0, 0.45, num_swipes)), 3000).astype(np.int64)
    columns: Columns = {"timestamp_ms": np.concatenate(time_ms), "action": action, "page": stays.page[stay]}
    for name, chosen, values in (
        ("x", is_tap, np.clip(place[:, 0], 0, 1) * width),
        ("y", is_tap, np.clip(place[:, 1], 0, 1) * height),
        ("start_x", is_swipe, start[:, 0] * width),
        ("start_y", is_swipe, start[:, 1] * height),
        ("end_x", is_swipe, end[:, 0] * width),
        ("end_y", is_swipe, end[:, 1] * height),
        ("duration_ms", is_swipe, duration_ms),
    ):
        columns[name] = np.full(len(action), np.nan)
        columns[name][chosen] = np.round(values, 1)
    columns["window_width"] = np.full(len(action), float(width))
    columns["window_height"] = np.full(len(action), float(height))
    return _in_order_of_time(columns)


def _draw_swipes(user: User, touch: IntArray, random: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Returns starts and ends of swipes as shares of the window, (swipes, 2) each; ends may be slightly outside."""
    number = len(touch)
    length = np.take(SWIPE_LENGTH, touch) * user.swipe_length * np.exp(random.normal(0, 0.3, number))
    is_sideways = random.random(number) < np.take(SIDEWAYS_SHARE, touch)
    sign = np.where(random.random(number) < 0.82, -1.0, 1.0)  # mostly towards the top, or to the left
    drift = random.normal(0, 0.02, number)
    move = np.stack([np.where(is_sideways, sign * length, drift), np.where(is_sideways, drift, sign * length)], axis=1)
    middle = np.array([user.hand, 0.55]) + random.normal(0, 0.08, (number, 2))
    return np.clip(middle - move / 2, 0.0, 1.0), np.clip(middle + move / 2, -0.02, 1.02)


def draw_tap_view(stays: PageStays, taps: Taps) -> Columns:
    """Returns the tap view: one page event for each page, one button event for each tap."""
    num_stays, num_taps = len(stays.page), len(taps.stay)
    page_event, button_event = (_TAP_EVENTS.index(name) for name in ("page", "button"))
    return _in_order_of_time(
        {
            "timestamp_ms": np.concatenate([stays.open_ms, taps.time_ms]),
            "event": np.repeat([page_event, button_event], [num_stays, num_taps]),
            "page": np.concatenate([stays.page, stays.page[taps.stay]]),
            "button": np.concatenate([np.full(num_stays, -1), taps.button]),
        }
    )


def draw_browse_view(world: World, stays: PageStays, taps: Taps, random: np.random.Generator) -> Columns:
    """Returns the browse view: product pages, searches (top category only), and what buttons did."""
    opened = np.flatnonzero((stays.page == DETAIL) | (stays.page == SEARCH))
    action_of_tap = _ACTION_OF_BUTTON[taps.button]
    acted = np.flatnonzero(action_of_tap >= 0)
    stay = np.concatenate([opened, taps.stay[acted]])
    is_search = np.concatenate([stays.page[opened] == SEARCH, np.zeros(len(acted), dtype=bool)])
    browse, search = (_BROWSE_ACTIONS.index(name) for name in ("browse", "search"))
    opened_action = np.where(stays.page[opened] == SEARCH, search, browse)
    leaf = stays.leaf[stay]
    stay_ms = (stays.close_ms - stays.open_ms).astype(np.float64)[stay]
    stay_ms[len(opened) :] = np.nan  # a button has no stay
    price = world.leaf_price[leaf] * (0.6 + 0.02 * stays.item[stay])
    price[is_search | (random.random(len(stay)) < 0.02)] = np.nan
    return _in_order_of_time(
        {
            "timestamp_ms": np.concatenate([stays.open_ms[opened], taps.time_ms[acted]]),
            "action": np.concatenate([opened_action, action_of_tap[acted]]),
            "page": stays.page[stay],
            "leaf_category": np.where(is_search, -1, leaf),
            "top_category": world.top_of_leaf[leaf],
            "item_id": np.where(is_search, -1, leaf * ITEMS_PER_LEAF + stays.item[stay]),
            "stay_ms": stay_ms,
            "price": np.round(price, 2),
        }
    )


def _in_order_of_time(columns: Columns) -> Columns:
    order = np.argsort(columns["timestamp_ms"], kind="stable")
    return {name: values[order] for name, values in columns.items()}
