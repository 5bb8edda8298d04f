"""The page graph and what its pages do, as tables by goal and page."""

import dataclasses

import numpy as np

from edgedipn_tf.simulation.config import Goal, WorldConfig
from edgedipn_tf.simulation.randomness import FloatArray, IntArray, cumulative

HOME, ORDER, DETAIL, SEARCH, COMMENTS = "home", "order", "detail", "search", "comments"
NEEDED_PAGES = (HOME, ORDER, DETAIL, SEARCH, COMMENTS)
"""Pages that mean something to the simulation; all others are what the configuration makes of them."""
OUTCOME_BUTTONS = {"collect": "detail", "add_to_cart": "detail", "pay": "order"}


@dataclasses.dataclass(frozen=True)
class PageGraph:
    """Tables of the pages (P) and buttons (Q) of a configuration.

    Attributes:
        names, button_names: in the log; a button's name may be that of another page's button too.
        home, order, detail, search, comments: indices of the pages that mean something.
        next: cumulative shares of the next page, by goal at that page and last page, (goals, P, P).
        stay_ms: median stay, (goals, P).
        swipe_rates, tap_rates: mean number a millisecond, (goals, P).
        is_reading: whether swipes tell more, (P,).
        care: what conviction does to swipes, (P,).
        button_weights: shares of the buttons, (goals, P, Q); 0 for buttons of other pages.
        button_places: as shares of the window, (Q, 2).
        outcome_buttons: index of the buttons that are tapped at the end of a page, by name.
    """

    names: tuple[str, ...]
    button_names: tuple[str, ...]
    home: int
    order: int
    detail: int
    search: int
    comments: int
    next: FloatArray
    stay_ms: FloatArray
    swipe_rates: FloatArray
    tap_rates: FloatArray
    is_reading: IntArray
    care: FloatArray
    button_weights: FloatArray
    button_places: FloatArray
    outcome_buttons: dict[str, int]


def make_page_graph(config: WorldConfig) -> PageGraph:
    """Builds the tables.

    Raises:
        ValueError: naming what a configuration lacks or names without having it.
    """
    names = tuple(page.name for page in config.pages)
    for name in NEEDED_PAGES:
        if name not in names:
            raise ValueError(f"pages: no page {name!r}")
    touch, volumes, actions = config.touch, config.volumes, config.page_actions
    index = {name: names.index(name) for name in NEEDED_PAGES}
    per_minute = 1 / 60_000
    swipes = np.array([page.swipes_per_minute for page in config.pages]) * per_minute * volumes.swipes
    taps = np.array([page.taps_per_minute for page in config.pages]) * per_minute * volumes.taps
    medians = np.array([page.stay_seconds for page in config.pages]) * 1000
    return PageGraph(
        names=names,
        button_names=tuple(button.name for button in config.buttons),
        home=index[HOME],
        order=index[ORDER],
        detail=index[DETAIL],
        search=index[SEARCH],
        comments=index[COMMENTS],
        next=_next_pages(config, names, index[ORDER]),
        stay_ms=np.outer(actions.stay_factors, medians),
        swipe_rates=np.outer(touch.swipe_factors, swipes),
        tap_rates=np.outer(touch.tap_factors, taps),
        is_reading=np.array([int(page.is_reading) for page in config.pages]),
        care=np.array([page.care for page in config.pages]),
        button_weights=_button_weights(config, names),
        button_places=np.array([(button.x, button.y) for button in config.buttons]),
        outcome_buttons=_outcome_buttons(config),
    )


def _next_pages(config: WorldConfig, names: tuple[str, ...], order: int) -> FloatArray:
    """Share of page q after page p: the links of p, each as often as the goal finds q appealing."""
    weights = np.zeros((len(Goal), len(names), len(names)))
    for place, page in enumerate(config.pages):
        for link in page.links:
            if link not in names:
                raise ValueError(f"pages: {page.name!r} links to {link!r}, which is no page")
            target = names.index(link)
            weights[:, place, target] = config.pages[target].appeal
    weights[Goal.ORDER] = 0
    weights[Goal.ORDER, :, order] = 1
    lost = np.argwhere(weights.sum(axis=2) <= 0)
    if len(lost):
        goal, place = lost[0].tolist()
        raise ValueError(f"pages: {names[place]!r} has no link with an appeal to the goal {Goal(goal).name.lower()}")
    return cumulative(weights)


def _button_weights(config: WorldConfig, names: tuple[str, ...]) -> FloatArray:
    weights = np.zeros((len(Goal), len(names), len(config.buttons)))
    for place, button in enumerate(config.buttons):
        if button.page not in names:
            raise ValueError(f"buttons: {button.name!r} is of {button.page!r}, which is no page")
        weights[:, names.index(button.page), place] = button.weights
    totals = weights.sum(axis=2, keepdims=True)
    if (totals <= 0).any():
        goal, place, _ = np.argwhere(totals <= 0)[0].tolist()
        raise ValueError(f"buttons: {names[place]!r} has none that the goal {Goal(goal).name.lower()} taps")
    return np.asarray(weights / totals)


def _outcome_buttons(config: WorldConfig) -> dict[str, int]:
    places = {(button.name, button.page): place for place, button in enumerate(config.buttons)}
    for name, page in OUTCOME_BUTTONS.items():
        if (name, page) not in places:
            raise ValueError(f"buttons: no button {name!r} of the page {page!r}")
    return {name: places[name, page] for name, page in OUTCOME_BUTTONS.items()}
