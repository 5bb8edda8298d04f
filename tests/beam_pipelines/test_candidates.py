from collections.abc import Iterator

import numpy as np
import pytest

from beam_pipelines.candidates import DEFAULT_MIX, MIXES, BrowsedPairs, PopularDraws, PopularPairs, fill_places
from tests.beam_pipelines.test_cutoffs import plain_mix
from tests.beam_pipelines.user_logs import browse_log


def popular(*counts: tuple[str, int]) -> PopularPairs:
    return PopularPairs.from_counts([((leaf, "top"), count) for leaf, count in counts], 1)


class GivenDraws(PopularDraws):
    """The same draws for every cut-off."""

    def __init__(self, pairs: PopularPairs, draws: list[int]):
        super().__init__(pairs, 0, np.zeros(0, np.int64))
        self._draws = draws

    def of_cutoff(self, row: int) -> Iterator[int]:
        return iter(self._draws)


def filled_leaves(
    visited: list[str | None],
    bought: list[str],
    popular_pairs: PopularPairs,
    draws: list[int],
    num_seen: int | None = None,
    mix: str = DEFAULT_MIX,
) -> list[str | None]:
    log = browse_log([(i, "browse", leaf, "top" if leaf else None) for i, leaf in enumerate(visited)])
    browsed = BrowsedPairs(log.tables["browse"])
    positions = [browsed.position((leaf, "top")) for leaf in bought]
    seen = np.array([len(visited) if num_seen is None else num_seen])
    places = fill_places(browsed, [positions], seen, GivenDraws(popular_pairs, draws), MIXES[mix], 8)[0]
    return [browsed.pairs[p][0] for p in places if p >= 0]


NOTHING = PopularPairs.from_counts([], 1)


def test_order_is_bought_then_browsed_then_popular() -> None:
    leaves = filled_leaves(["a", "b", "c", "d"], ["x", "y", "z"], popular(("p", 3), ("q", 2)), [1, 1, 0, 0])
    assert leaves == ["x", "y", "d", "c", "b", "q", "p"]


def test_mixes_without_the_bought_do_not_look_ahead() -> None:
    visited: list[str | None] = ["a", "b", "c", "d"]
    arguments = (["x", "y", "z"], popular(("p", 3), ("q", 2)), [1, 1, 0, 0])
    assert filled_leaves(visited, *arguments, mix="browsed_popular") == ["d", "c", "b", "q", "p"]
    assert filled_leaves(visited, *arguments, mix="popular") == ["q", "p"]


def test_a_bought_pair_is_not_repeated_as_browsed_and_does_not_use_up_a_place() -> None:
    assert filled_leaves(["a", "b", "c", "d"], ["c", "c", "d"], NOTHING, []) == ["c", "d", "b", "a"]


def test_recency_is_by_last_visit_and_only_up_to_t0() -> None:
    assert filled_leaves(["a", "b", "a", "c", "d"], [], NOTHING, [], num_seen=3) == ["a", "b"]


def test_pairs_without_any_name_are_passed_over() -> None:
    assert filled_leaves([None, "a", None], [], NOTHING, []) == ["a"]


def test_places_end_at_k() -> None:
    many = popular(*((f"p{i:02d}", 100 - i) for i in range(20)))
    assert filled_leaves(["a"], [], many, list(range(20))) == ["a", *(f"p{i:02d}" for i in range(7))]


def test_popular_pairs_are_ordered_by_count_then_top_then_leaf_bytes() -> None:
    pairs = PopularPairs.from_counts(
        [(("b", "t"), 5), (("a", "t"), 5), (("z", None), 5), (("c", "s"), 9), (("rare", "t"), 1)], 2
    )
    assert pairs.pairs == (("c", "s"), ("z", None), ("a", "t"), ("b", "t"))
    assert pairs.cumulative_counts.tolist() == [9, 14, 19, 24]


def test_draws_follow_the_integer_formula() -> None:
    pairs = popular(("a", 50), ("b", 30), ("c", 1))
    key, t0 = 0xFEDCBA9876543210, 1_700_000_000_123
    expected = []
    for draw in range(64):
        point = (plain_mix(plain_mix(key ^ t0) ^ draw) >> 32) * 81 >> 32
        expected.append(next(i for i, total in enumerate([50, 80, 81]) if total > point))
    assert pairs.draw(key, np.array([t0]))[0].tolist() == expected


def test_draws_of_a_cutoff_are_all_draws_in_order() -> None:
    pairs = popular(*((f"p{i:02d}", 100 - i) for i in range(20)))
    t0_ms = np.array([5, 1_700_000_000_123])
    expected = pairs.draw(77, t0_ms)
    assert expected.shape == (2, 64)
    draws = PopularDraws(pairs, 77, t0_ms)
    assert [list(draws.of_cutoff(row)) for row in (0, 1)] == expected.tolist()


def test_no_popular_pair_gives_no_draw() -> None:
    assert NOTHING.draw(1, np.array([5, 6])).shape == (2, 0)
    assert list(PopularDraws(NOTHING, 1, np.array([5, 6])).of_cutoff(1)) == []


def test_counts_beyond_the_integer_range_are_refused() -> None:
    with pytest.raises(ValueError, match="2\\^31"):
        popular(("a", 1 << 30), ("b", 1 << 30))
