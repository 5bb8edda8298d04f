"""What can be seen of a user's pages until a moment, as likelihoods of the hidden goal and conviction."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedipn_tf.simulation.config import Goal
from edgedipn_tf.simulation.randomness import BoolArray, FloatArray, IntArray
from edgedipn_tf.simulation.simulate import ShownPages
from edgedipn_tf.simulation.touch import care_by_conviction, log_medians
from edgedipn_tf.simulation.views import LEAVE_MS, STROLLING_TASTE
from edgedipn_tf.simulation.world import NUM_CONVICTIONS, World


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What may be used.

    Attributes:
        uses_touch: whether the swipe and tap views are seen, or the browse view alone.
        max_length: newest actions of each view; a page is seen in a view when one of its actions there is among them.
    """

    uses_touch: bool
    max_length: int


@dataclasses.dataclass(frozen=True)
class Seen:
    """What is seen of some pages until a moment; every array is (pages, ...), oldest first.

    Attributes:
        page: index among the user's pages.
        is_named: whether the kind of the page is seen.
        is_unlogged: whether all that is seen is that it is none of the browse view's pages.
        log_shown: logarithm of the likelihood of the touch and of the product that are seen, by conviction and goal,
            (pages, convictions, goals).
    """

    page: IntArray
    is_named: BoolArray
    is_unlogged: BoolArray
    log_shown: FloatArray


class UserEvidence:
    """The actions of one user, summed so that the likelihood of any stretch of time is quick.

    Args:
        world: the shop.
        shown: the user's pages and what is seen of them.
    """

    def __init__(self, world: World, shown: ShownPages) -> None:
        self._world, self._pages, self._style = world, shown.pages, shown.user.style
        taps, swipes, pages, graph = shown.taps, shown.swipes, shown.pages, world.graph
        self._is_product = (pages.page == graph.detail) | (pages.page == graph.search)
        by_chance = taps.outcome == 0
        tap_order = np.argsort(taps.time_ms[by_chance], kind="stable")
        self._tap_ms = taps.time_ms[by_chance][tap_order]
        with np.errstate(divide="ignore"):
            weights = np.log(graph.button_weights[:, pages.page[taps.page], taps.button]).T[by_chance][tap_order]
        self._tap_sums = _sums(weights)
        swipe_order = np.argsort(swipes.time_ms, kind="stable")
        self._swipe_ms = swipes.time_ms[swipe_order]
        statistics = [np.log(swipes.length), np.log(swipes.duration_ms), swipes.is_sideways]
        self._swipe_sums = _sums(np.stack(statistics, axis=1)[swipe_order])
        left_ms = pages.end_ms + LEAVE_MS
        times_ms = {
            "swipe": np.concatenate([pages.open_ms, left_ms, taps.time_ms, swipes.time_ms]),
            "tap": np.concatenate([pages.open_ms, taps.time_ms]),
            "browse": np.concatenate([pages.open_ms[self._is_product], taps.time_ms[~by_chance]]),
        }
        self._log_products = _log_products(world, shown)
        missing = shown.user.style.missing_view
        self._times_ms = {view: np.sort(times) for view, times in times_ms.items() if view != missing}

    def until(self, t0_ms: int, last_page: int, evidence: Evidence) -> Seen:
        """Returns what is seen until a moment, of pages up to `last_page`."""
        since = {view: self._since(view, t0_ms, evidence.max_length) for view in ("swipe", "tap", "browse")}
        if not evidence.uses_touch:
            since["swipe"] = since["tap"] = np.inf
        left_ms = self._pages.end_ms[: last_page + 1] + LEAVE_MS
        first = min(int(np.searchsorted(left_ms, min(since.values()))), last_page)
        page = np.arange(first, last_page + 1)
        by_swipes, by_taps, by_browse = (left_ms[page] >= since[view] for view in ("swipe", "tap", "browse"))
        named = by_swipes | by_taps | (by_browse & self._is_product[page])
        log_shown = self._log_touch(page, t0_ms, by_swipes, by_taps)
        of_product = np.where((by_browse & self._is_product[page])[:, np.newaxis], self._log_products[page], 0)
        return Seen(page, named, by_browse & ~named, log_shown + of_product[:, np.newaxis])

    def _since(self, view: str, t0_ms: int, max_length: int) -> float:
        times = self._times_ms.get(view, np.zeros(0))
        seen = int(np.searchsorted(times, t0_ms, side="right"))
        return float(times[max(seen - max_length, 0)]) if seen else np.inf

    def _log_touch(self, page: IntArray, t0_ms: int, by_swipes: BoolArray, by_taps: BoolArray) -> FloatArray:
        """Likelihood of a page's touch, its own goal's or, where the user is distracted, any goal's."""
        open_ms = self._pages.open_ms[page]
        end_ms = np.minimum(self._pages.end_ms[page], t0_ms)
        kind = self._pages.page[page]
        stay_ms: FloatArray = np.asarray((end_ms - open_ms) * self._style.rate, np.float64)
        graph = self._world.graph
        first, last = (np.searchsorted(self._tap_ms, at, side="right") for at in (open_ms, end_ms))
        by_tap = np.asarray(self._tap_sums[last] - self._tap_sums[first], np.float64) + _poisson(
            graph.tap_rates.T[kind], stay_ms, last - first
        )
        first, last = (np.searchsorted(self._swipe_ms, at, side="right") for at in (open_ms, end_ms))
        by_swipe = self._log_swipes(kind, last - first, self._swipe_sums[last] - self._swipe_sums[first])
        by_swipe += _poisson(graph.swipe_rates.T[kind], stay_ms, last - first)[:, np.newaxis]
        shown = np.where(by_swipes[:, np.newaxis, np.newaxis], by_swipe, 0)
        shown += np.where(by_taps[:, np.newaxis], by_tap, 0)[:, np.newaxis]
        distracted = self._world.config.noise.distracted
        likelihood = np.exp(shown - shown.max(axis=(1, 2), keepdims=True))
        mixed = (1 - distracted) * likelihood + distracted * likelihood.mean(axis=2, keepdims=True)
        return np.asarray(np.log(mixed))

    def _log_swipes(self, kind: IntArray, number: NDArray[np.integer[Any]], sums: FloatArray) -> FloatArray:
        """Normal log-lengths and log-durations and directions, less what is the same for all: (pages, C, G)."""
        touch, graph = self._world.config.touch, self._world.graph
        log_length, log_duration = log_medians(self._world, self._style)
        reading, care = graph.is_reading[kind], care_by_conviction(self._world)[kind][:, :, np.newaxis]
        count, sums = number[:, np.newaxis, np.newaxis], sums[:, :, np.newaxis, np.newaxis]
        found = np.zeros((len(number), NUM_CONVICTIONS, len(Goal)))
        for medians, shift, total, deviation in (
            (log_length, -touch.care_length, sums[:, 0], touch.length_deviation),
            (log_duration, touch.care_duration, sums[:, 1], touch.duration_deviation),
        ):
            mean = medians[reading][:, np.newaxis] + shift * care
            found += (mean * total - count * mean**2 / 2) / deviation**2
        sideways = np.array(touch.sideways)
        return np.asarray(found + sums[:, 2] * np.log(sideways) + (count - sums[:, 2]) * np.log1p(-sideways))


def _log_products(world: World, shown: ShownPages) -> FloatArray:
    """Likelihood of pages being about their visit's category or another, by goal, (pages, goals)."""
    user, categories, focus = shown.user, world.categories, shown.pages.focus
    liked = STROLLING_TASTE * world.config.traits.liked_share
    shares = np.zeros(len(categories.leaf_names))
    np.add.at(shares, user.favourites, liked * np.diff(user.favourite_shares, prepend=0.0))
    shares += (1 - liked) * np.diff(categories.popularity, prepend=0.0)
    focused = np.array(world.config.page_actions.focused)
    on_focus = focused + (1 - focused) * shares[focus][:, np.newaxis]
    is_on_focus = (shown.products.leaf == focus)[:, np.newaxis]
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.where(is_on_focus, on_focus, 1 - on_focus)))


def _sums(values: FloatArray) -> FloatArray:
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])


def _poisson(rates: FloatArray, stay_ms: FloatArray, number: NDArray[np.integer[Any]]) -> FloatArray:
    """Logarithm of the Poisson probability of `number` events by goal, less what is the same for all goals."""
    return np.asarray(number[:, np.newaxis] * np.log(rates) - rates * stay_ms[:, np.newaxis])
