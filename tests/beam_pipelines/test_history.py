import numpy as np

from beam_pipelines.chunks import Chunk
from beam_pipelines.history import DailyCounts
from beam_pipelines.tracks import assemble
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.schema import HISTORY
from tests.beam_pipelines.user_logs import BrowseAction, browse_chunk, chunk_of

DAY_MS = 24 * 3600 * 1000
UTC = LocalTime("UTC")


def history_chunk(rows: list[tuple[int, int, int]]) -> Chunk:
    """Rows are (day, action index, count)."""
    return chunk_of("history", dict(zip(("day_index", "action", "count"), zip(*rows, strict=True), strict=True)))


def counts_on(day: int, actions: list[BrowseAction], given: list[tuple[int, int, int]] | None = None) -> dict[str, int]:
    chunks = ([browse_chunk(actions)] if actions else []) + ([history_chunk(given)] if given else [])
    ids = DailyCounts(assemble("u", chunks), UTC).ids(np.array([day, 5]))[0]
    return {feature.name: int(i) - 2 for feature, i in zip(HISTORY, ids, strict=True)}


def test_days_before_the_local_day_of_t0_count_and_the_day_itself_does_not() -> None:
    actions: list[BrowseAction] = [
        (100 * DAY_MS, "purchase", "a", None),
        (100 * DAY_MS - 1, "purchase", "b", None),
        (93 * DAY_MS, "purchase", "c", None),
        (93 * DAY_MS - 1, "purchase", "d", None),
        (99 * DAY_MS, "cart", "e", None),
        (99 * DAY_MS, "browse", "f", None),
    ]
    counts = counts_on(100, actions)
    assert counts["purchase_7_days"] == 2
    assert counts["purchase_14_days"] == 3
    assert counts["cart_7_days"] == 1
    assert counts["collect_365_days"] == 0


def test_given_history_is_added_also_to_what_the_log_holds_that_day() -> None:
    actions: list[BrowseAction] = [(99 * DAY_MS, "purchase", "a", None)]
    counts = counts_on(100, actions, [(99, 2, 3), (100 - 365, 2, 5), (100 - 366, 2, 50), (100, 2, 50)])
    assert counts["purchase_7_days"] == 4
    assert counts["purchase_365_days"] == 9


def test_counts_end_in_the_last_bin() -> None:
    counts = counts_on(100, [], [(99, 0, 19), (98, 1, 2**62), (97, 1, 2**62)])
    assert counts["collect_7_days"] == 19
    assert counts["cart_7_days"] == 19
    assert counts["cart_14_days"] == 29
    assert counts["cart_365_days"] == 99
