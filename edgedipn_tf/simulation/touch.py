"""What fingers do on the pages of one user: taps on buttons and swipes.

What a page shows of its goal, and all that it shows: rates, buttons, lengths, durations and directions. Lengths and
durations also show a little of the conviction. Touches are Poisson processes during the stay, so that those until a
moment say nothing of how long the stay will go on.
"""

import dataclasses

import numpy as np

from edgedipn_tf.simulation.config import Goal
from edgedipn_tf.simulation.dynamics import Outcome
from edgedipn_tf.simulation.journeys import Pages
from edgedipn_tf.simulation.randomness import FloatArray, IntArray, cumulative
from edgedipn_tf.simulation.traits import Style
from edgedipn_tf.simulation.world import NUM_CONVICTIONS, World

OUTCOME_BUTTONS = {Outcome.COLLECT: "collect", Outcome.CART: "add_to_cart", Outcome.PURCHASE: "pay"}


@dataclasses.dataclass(frozen=True)
class Taps:
    """Taps on buttons; every array is (taps,), first the taps by chance, then those that end a page.

    Attributes:
        page: index of the page among the user's.
        time_ms: when.
        button: index of the button.
        outcome: the `Outcome` that it brings about.
        x, y: where, as shares of the window.
    """

    page: IntArray
    time_ms: IntArray
    button: IntArray
    outcome: IntArray
    x: FloatArray
    y: FloatArray


@dataclasses.dataclass(frozen=True)
class Swipes:
    """Swipes; every array is (swipes,).

    Attributes:
        page: index of the page among the user's.
        time_ms: when it ends.
        length: as a share of the window's height (or width when sideways).
        duration_ms: how long it takes.
        is_sideways: whether it goes through pictures.
        start, end: as shares of the window, (swipes, 2); the end may be slightly outside.
    """

    page: IntArray
    time_ms: IntArray
    length: FloatArray
    duration_ms: FloatArray
    is_sideways: np.ndarray
    start: FloatArray
    end: FloatArray


def shown_goals(world: World, pages: Pages, random: np.random.Generator) -> IntArray:
    """Returns the goal that the touch of each page shows: its own, or any where the user is distracted."""
    size = len(pages.goal)
    is_distracted = random.random(size) < world.config.noise.distracted
    return np.where(is_distracted, random.integers(0, len(Goal), size), pages.goal)


def draw_taps(world: World, style: Style, pages: Pages, shown: IntArray, random: np.random.Generator) -> Taps:
    """Draws the taps on buttons during the stays, and adds those that end pages."""
    graph = world.graph
    stay_ms = pages.end_ms - pages.open_ms
    num_taps = random.poisson(graph.tap_rates[shown, pages.page] * stay_ms * style.rate)
    page = np.repeat(np.arange(len(stay_ms)), num_taps)
    time_ms = _during(pages, page, random.random(len(page)))
    shares = cumulative(graph.button_weights)
    button = _pick_by_page(shares, pages.page, shown, page, random.random(len(page)))
    ending = np.flatnonzero(pages.outcome != Outcome.NOTHING)
    outcome_buttons = np.array([0, *(graph.outcome_buttons[name] for name in OUTCOME_BUTTONS.values())])
    button = np.concatenate([button, outcome_buttons[pages.outcome[ending]]])
    place = graph.button_places[button] + random.normal(0, world.config.touch.tap_deviation, (len(button), 2))
    place = np.clip(place, 0.0, 1.0)
    return Taps(
        page=np.concatenate([page, ending]),
        time_ms=np.concatenate([time_ms, pages.end_ms[ending]]),
        button=button,
        outcome=np.concatenate([np.zeros(len(page), np.int64), pages.outcome[ending]]),
        x=place[:, 0],
        y=place[:, 1],
    )


def _pick_by_page(shares: FloatArray, page: IntArray, shown: IntArray, of: IntArray, drawn: FloatArray) -> IntArray:
    """Picks buttons: every (goal, page) has its own interval of one sorted table, so that one search serves all."""
    num_goals, num_pages, num_buttons = shares.shape
    offsets = np.arange(num_goals * num_pages)[:, np.newaxis]
    table = (shares.reshape(-1, num_buttons) + offsets).ravel()
    row = (shown * num_pages + page)[of]
    return np.asarray(np.searchsorted(table, row + drawn, side="right") - row * num_buttons)


def draw_swipes(world: World, style: Style, pages: Pages, shown: IntArray, random: np.random.Generator) -> Swipes:
    """Draws the swipes during the stays."""
    touch, graph = world.config.touch, world.graph
    stay_ms = pages.end_ms - pages.open_ms
    num_swipes = random.poisson(graph.swipe_rates[shown, pages.page] * stay_ms * style.rate)
    page = np.repeat(np.arange(len(stay_ms)), num_swipes)
    size = len(page)
    log_length, log_duration = log_medians(world, style)
    kind, goal = graph.is_reading[pages.page][page], shown[page]
    care = care_by_conviction(world)[pages.page, pages.conviction][page]
    log_length = log_length[kind, goal] - touch.care_length * care
    log_duration = log_duration[kind, goal] + touch.care_duration * care
    length = np.exp(log_length + random.normal(0, touch.length_deviation, size))
    duration_ms = np.exp(log_duration + random.normal(0, touch.duration_deviation, size))
    is_sideways = random.random(size) < np.array(touch.sideways)[goal]
    move = length * np.where(random.random(size) < touch.towards_top, -1.0, 1.0)
    drift = random.normal(0, touch.drift_deviation, size)
    moves = np.stack([np.where(is_sideways, move, drift), np.where(is_sideways, drift, move)], axis=1)
    middle = np.array([style.hand, 0.55]) + random.normal(0, touch.place_deviation, (size, 2))
    return Swipes(
        page=page,
        time_ms=_during(pages, page, random.random(size)),
        length=length,
        duration_ms=np.minimum(duration_ms, touch.max_duration_ms),
        is_sideways=is_sideways,
        start=np.clip(middle - moves / 2, 0.0, 1.0),
        end=np.clip(middle + moves / 2, -0.02, 1.02),
    )


def log_medians(world: World, style: Style) -> tuple[FloatArray, FloatArray]:
    """Returns the logarithms of a user's median swipe lengths and durations, by kind of page and goal, (2, goals)."""
    touch = world.config.touch
    length = np.log([touch.length, touch.reading_length]) + np.log(style.length)
    duration = np.log([touch.duration_ms, touch.reading_duration_ms]) + np.log(style.duration)
    return length, duration


def care_by_conviction(world: World) -> FloatArray:
    """Returns how much care swipes show, by page and conviction, (P, convictions)."""
    return np.outer(world.graph.care, np.linspace(0, 1, NUM_CONVICTIONS))


def _during(pages: Pages, page: IntArray, share: FloatArray) -> IntArray:
    """Returns times within stays, after the page has opened and before it ends."""
    open_ms = pages.open_ms[page]
    return np.asarray(open_ms + 1 + (share * (pages.end_ms[page] - open_ms - 1)).astype(np.int64))
