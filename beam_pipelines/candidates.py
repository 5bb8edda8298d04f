"""The K candidate categories of a sample: bought soon, browsed lately, popular.

A candidate is a (leaf, top) pair of raw names with at least one of them not null. Order of the places: pairs bought
within 7 days after t0, earliest first; further pairs browsed last, newest first; then popular pairs, drawn in
proportion to their counts on the training days. Unfilled places stay empty. How many of each is a `CandidateMix`.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from beam_pipelines.encoding import Int64, encode_name
from beam_pipelines.tracks import Table
from edgedipn_tf import random_keys

Pair = tuple[str | None, str | None]
"""(leaf name, top name)."""

NUM_DRAWS = 64
_FIRST_DRAWS = 24


@dataclasses.dataclass(frozen=True)
class CandidateMix:
    """How the candidate places are filled; popular pairs take those that are left.

    Attributes:
        name: name of the mix; an AUC over candidates means nothing without it.
        max_bought: most pairs bought soon after the cut-off.
        max_browsed: most further pairs browsed last.
    """

    name: str
    max_bought: int
    max_browsed: int


MIXES = {
    mix.name: mix
    for mix in (
        CandidateMix("bought_browsed_popular", max_bought=2, max_browsed=3),
        CandidateMix("browsed_popular", max_bought=0, max_browsed=3),
        CandidateMix("popular", max_bought=0, max_browsed=0),
    )
}
"""Mixes by name. The first is the default; the others never look ahead, so that a phone can ask the same."""
DEFAULT_MIX = "bought_browsed_popular"


@dataclasses.dataclass(frozen=True)
class PopularPairs:
    """Pairs of the training days with the minimum count, ordered by (-count, top, leaf) in UTF-8 bytes.

    Attributes:
        pairs: the pairs.
        cumulative_counts: sums of the counts up to and including each pair.
    """

    pairs: tuple[Pair, ...]
    cumulative_counts: NDArray[np.uint64]

    @staticmethod
    def from_counts(counts: Iterable[tuple[Pair, int]], min_count: int) -> "PopularPairs":
        """Builds the pairs from their counts on the training days.

        Raises:
            ValueError: when the counts sum to 2^31 or more; the draw's integer arithmetic would not hold.
        """
        kept = sorted(
            ((pair, count) for pair, count in counts if count >= min_count),
            key=lambda item: (-item[1], encode_name(item[0][1] or ""), encode_name(item[0][0] or "")),
        )
        if sum(count for _, count in kept) >= 1 << 31:
            raise ValueError("2^31 or more browse actions on the training days: raise --min_count")
        sums = np.cumsum([count for _, count in kept], dtype=np.uint64)
        return PopularPairs(tuple(pair for pair, _ in kept), sums)

    def draw(self, user_key: int, t0_ms: Int64, numbers: range = range(NUM_DRAWS)) -> NDArray[np.intp]:
        """Returns for each cut-off the positions of drawn pairs, [n, 64]; [n, 0] when there is no popular pair.

        Draw j takes the pair whose cumulative count first exceeds (mix(mix(key ^ t0) ^ j) >> 32) * total >> 32.

        Args:
            user_key: key of "seed|user".
            t0_ms: cut-offs.
            numbers: which draws, if not all.
        """
        if not self.pairs:
            return np.zeros((len(t0_ms), 0), np.intp)
        state = random_keys.mix(t0_ms.astype(np.uint64) ^ np.uint64(user_key))
        drawn = random_keys.mix(state[:, None] ^ np.array(numbers, np.uint64))
        total = self.cumulative_counts[-1]
        points = ((drawn >> np.uint64(32)) * total) >> np.uint64(32)
        positions: NDArray[np.intp] = np.searchsorted(self.cumulative_counts, points, side="right")
        return positions


class PopularDraws:
    """The draws of a user's cut-offs; the later ones, seldom needed, are made when they are.

    Args:
        popular: popular pairs.
        user_key: key of "seed|user".
        t0_ms: cut-offs.
    """

    def __init__(self, popular: PopularPairs, user_key: int, t0_ms: Int64):
        self._popular = popular
        self._user_key = user_key
        self._t0_ms = t0_ms
        self._first: list[list[int]] = popular.draw(user_key, t0_ms, range(_FIRST_DRAWS)).tolist()

    def of_cutoff(self, row: int) -> Iterator[int]:
        """Yields the positions in the popular pairs that are drawn for a cut-off."""
        yield from self._first[row]
        later = range(_FIRST_DRAWS, NUM_DRAWS)
        yield from self._popular.draw(self._user_key, self._t0_ms[row : row + 1], later)[0].tolist()

    def pair(self, position: int) -> Pair:
        """Returns a popular pair."""
        return self._popular.pairs[position]


class BrowsedPairs:
    """The pairs of one user's browse view, as positions in a list that grows with popular pairs.

    Args:
        browse: the user's browse table.
    """

    def __init__(self, browse: Table):
        leaves = [*browse.names["leaf_category"], None]
        tops = [*browse.names["top_category"], None]
        leaf_codes, top_codes = browse.codes("leaf_category"), browse.codes("top_category")
        positions: dict[Pair, int] = {}
        of_rows = [
            positions.setdefault((leaves[leaf], tops[top]), len(positions)) if leaf >= 0 or top >= 0 else -1
            for leaf, top in zip(leaf_codes.tolist(), top_codes.tolist(), strict=True)
        ]
        self.of_rows: list[int] = of_rows
        """Position of each browse action's pair, -1 where both names are null."""
        self._positions = positions

    def position(self, pair: Pair) -> int:
        """Returns the position of a pair, new or known."""
        return self._positions.setdefault(pair, len(self._positions))

    @property
    def pairs(self) -> list[Pair]:
        """All pairs by position."""
        return list(self._positions)


def fill_places(
    browsed: BrowsedPairs,
    bought: list[list[int]],
    num_seen: Int64,
    draws: PopularDraws,
    mix: CandidateMix,
    num_candidates: int,
) -> Int64:
    """Fills the candidate places of a user's cut-offs.

    Args:
        browsed: the user's pairs.
        bought: for each cut-off, positions of the pairs bought soon after it, earliest first, maybe repeated.
        num_seen: for each cut-off (ascending), how many browse actions are at or before it.
        draws: popular pairs drawn for the cut-offs.
        mix: how many pairs of each kind.
        num_candidates: K.

    Returns:
        Positions of the pairs, -1 for unfilled places, [n, K].
    """
    places = np.full((len(num_seen), num_candidates), -1, np.int64)
    # Insertion order is recency: an action moves its pair to the end.
    recent: dict[int, None] = {}
    positions: dict[int, int] = {}  # of the popular pairs met so far
    consumed = 0
    for row, (seen, soon) in enumerate(zip(num_seen.tolist(), bought, strict=True)):
        for position in browsed.of_rows[consumed:seen]:
            if position >= 0:
                recent.pop(position, None)
                recent[position] = None
        consumed = seen
        chosen = list(itertools.islice(dict.fromkeys(soon), mix.max_bought)) if soon else []
        num_wanted = len(chosen) + mix.max_browsed
        for position in reversed(recent):
            if len(chosen) == num_wanted:
                break
            if position not in chosen:
                chosen.append(position)
        for drawn in draws.of_cutoff(row):
            position = positions.get(drawn, -1)
            if position < 0:
                position = positions[drawn] = browsed.position(draws.pair(drawn))
            if len(chosen) == num_candidates:
                break
            if position not in chosen:
                chosen.append(position)
        places[row, : len(chosen)] = chosen
    return places
