"""Labels by hand: the log is a few purchases around the edges of the windows."""

import numpy as np
import pytest

from beam_pipelines.candidates import BrowsedPairs
from beam_pipelines.labels import Horizon, LabelState, Outcomes, stored_labels
from beam_pipelines.windows import HOUR_MS, WEEK_MS
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.records import UNKNOWN_LABEL
from edgedipn_tf.schema import Schema, edgedipn_schema
from tests.beam_pipelines.user_logs import BrowseAction, browse_log

SCHEMA = edgedipn_schema()
UTC = LocalTime("UTC")
DAY_MS = 24 * HOUR_MS
T0 = 100 * DAY_MS + 10 * HOUR_MS
FAR = Horizon(log_end_ms=100_000 * DAY_MS, split_ms=None)
NO_PLACES = np.full((1, SCHEMA.num_candidates), -1)


def labels_of(
    actions: list[BrowseAction],
    t0_ms: int = T0,
    horizon: Horizon = FAR,
    zone: LocalTime = UTC,
    schema: Schema = SCHEMA,
) -> dict:
    """Labels of the intents without candidate, by name."""
    log = browse_log(actions)
    browsed = BrowsedPairs(log.tables["browse"])
    row = Outcomes(log, browsed, zone).label_states(schema, np.array([t0_ms]), NO_PLACES, browsed.pairs, horizon)[0]
    return dict(zip([intent.name for intent in schema.intents[:4]], row[:4].tolist(), strict=False))


@pytest.mark.parametrize(("offset_ms", "expected"), [(0, 0), (1, 1), (HOUR_MS, 1), (HOUR_MS + 1, 0), (-1, 0)])
def test_one_hour_is_open_at_t0_and_closed_at_its_end(offset_ms: int, expected: int) -> None:
    assert labels_of([(T0 + offset_ms, "purchase", None, None)])["realtime_purchase"] == expected
    assert labels_of([(T0 + offset_ms, "cart", None, None)])["realtime_cart"] == expected
    assert labels_of([(T0 + offset_ms, "collect", None, None)])["realtime_purchase"] == 0


@pytest.mark.parametrize(("time_ms", "expected"), [(101 * DAY_MS - 1, 1), (101 * DAY_MS, 0), (T0, 0)])
def test_long_time_ends_with_the_local_day(time_ms: int, expected: int) -> None:
    assert labels_of([(time_ms, "purchase", None, None)])["longtime_purchase"] == expected


@pytest.mark.parametrize(("offset_ms", "expected"), [(0, 0), (1, 1), (DAY_MS, 1), (DAY_MS + 1, 0)])
def test_the_long_time_of_dipn_is_24_hours(offset_ms: int, expected: int) -> None:
    dipn = edgedipn_schema(labels="dipn")
    labels = labels_of([(T0 + offset_ms, "purchase", None, None)], schema=dipn)
    assert labels == {"realtime_purchase": int(offset_ms == 1), "longtime_purchase": expected}
    # Known up to the log's end and before the split, to the millisecond.
    for last_ms, is_known in ((T0 + DAY_MS, True), (T0 + DAY_MS - 1, False)):
        for horizon in (Horizon(last_ms, None), Horizon(FAR.log_end_ms, last_ms + 1)):
            assert (labels_of([], horizon=horizon, schema=dipn)["longtime_purchase"] == 0) == is_known


@pytest.mark.parametrize(
    ("time_ms", "expected"),
    [(101 * DAY_MS - 1, 0), (101 * DAY_MS, 1), (102 * DAY_MS - 1, 1), (102 * DAY_MS, 0)],
)
def test_retention_is_any_action_on_the_next_local_day(time_ms: int, expected: int) -> None:
    assert labels_of([(time_ms, "browse", None, None)])["retention"] == expected


def test_retention_of_the_day_before_the_clock_goes_back_has_25_hours() -> None:
    berlin = LocalTime("Europe/Berlin")
    day = LocalTime.parse_date("2026-10-25")
    start = int(berlin.day_start_ms(day))
    for offset, expected in ((25 * HOUR_MS - 1, 1), (25 * HOUR_MS, 0)):
        assert labels_of([(start + offset, "browse", None, None)], start - 1, zone=berlin)["retention"] == expected


def test_unknown_when_the_window_passes_the_log_end() -> None:
    actions: list[BrowseAction] = [(T0 + 5, "purchase", None, None)]
    known = labels_of(actions, horizon=Horizon(T0 + HOUR_MS, None))
    unknown = labels_of(actions, horizon=Horizon(T0 + HOUR_MS - 1, None))
    assert known["realtime_purchase"] == 1
    assert unknown["realtime_purchase"] == LabelState.AFTER_LOG_END
    # The day's window ends at its last millisecond, whatever was bought before.
    assert known["longtime_purchase"] == LabelState.AFTER_LOG_END


def test_embargo_hides_windows_that_end_at_or_after_the_split() -> None:
    split_ms = T0 + HOUR_MS
    assert labels_of([], horizon=Horizon(FAR.log_end_ms, split_ms + 1))["realtime_purchase"] == 0
    assert labels_of([], horizon=Horizon(FAR.log_end_ms, split_ms))["realtime_purchase"] == LabelState.EMBARGO


def test_the_reason_is_the_first_that_holds_no_candidate_then_log_end_then_embargo() -> None:
    both = Horizon(T0 + HOUR_MS - 1, T0)
    assert labels_of([], horizon=both)["realtime_purchase"] == LabelState.AFTER_LOG_END
    log = browse_log([(T0 + 1, "purchase", "a", "b")])
    browsed = BrowsedPairs(log.tables["browse"])
    row = Outcomes(log, browsed, UTC).label_states(SCHEMA, np.array([T0]), NO_PLACES, browsed.pairs, both)[0]
    assert (row[4:] == LabelState.NO_CANDIDATE).all()


def test_stored_are_0_1_and_one_mark_for_unknown() -> None:
    states = np.array([[LabelState.NEGATIVE, LabelState.POSITIVE], [LabelState.EMBARGO, LabelState.NO_CANDIDATE]])
    assert stored_labels(states).tolist() == [[0, 1], [UNKNOWN_LABEL, UNKNOWN_LABEL]]
    assert stored_labels(np.array([LabelState.AFTER_LOG_END])).tolist() == [UNKNOWN_LABEL]


CATEGORY_START = {"realtime_top": 4, "longtime_top": 12, "realtime_leaf": 20, "longtime_leaf": 28}


def category_labels(actions: list[BrowseAction], candidates: list[tuple[str | None, str | None]]) -> dict:
    """Labels of the category intents for some candidates (leaf, top), filled with unfilled places."""
    log = browse_log(actions)
    browsed = BrowsedPairs(log.tables["browse"])
    places = np.array([[browsed.position(pair) for pair in candidates] + [-1] * (8 - len(candidates))])
    row = Outcomes(log, browsed, UTC).label_states(SCHEMA, np.array([T0]), places, browsed.pairs, FAR)[0]
    return {name: row[start : start + len(candidates)].tolist() for name, start in CATEGORY_START.items()}


def test_category_labels_match_by_name_of_their_level() -> None:
    actions: list[BrowseAction] = [(T0 + 1, "purchase", "phone", "tech"), (T0 + WEEK_MS, "purchase", "rice", "food")]
    labels = category_labels(actions, [("phone", "tech"), ("cable", "tech"), ("rice", "food"), ("sock", "wear")])
    assert labels["realtime_leaf"] == [1, 0, 0, 0]
    assert labels["longtime_leaf"] == [1, 0, 1, 0]
    # "tech" of the second candidate stands at an earlier place: it has no label of its own.
    assert labels["realtime_top"] == [1, LabelState.NO_CANDIDATE, 0, 0]
    assert labels["longtime_top"] == [1, LabelState.NO_CANDIDATE, 1, 0]


def test_null_names_have_no_label_and_match_nothing() -> None:
    actions: list[BrowseAction] = [(T0 + 1, "purchase", None, "tech"), (T0 + 2, "purchase", None, None)]
    labels = category_labels(actions, [(None, "tech"), ("phone", None)])
    assert labels["realtime_leaf"] == [LabelState.NO_CANDIDATE, 0]
    assert labels["realtime_top"] == [1, LabelState.NO_CANDIDATE]


def test_unfilled_places_are_unknown() -> None:
    log = browse_log([(T0 + 1, "purchase", "a", "b")])
    browsed = BrowsedPairs(log.tables["browse"])
    row = Outcomes(log, browsed, UTC).label_states(SCHEMA, np.array([T0]), NO_PLACES, browsed.pairs, FAR)[0]
    assert (row[4:] == LabelState.NO_CANDIDATE).all()


def test_bought_soon_is_earliest_first_and_stops_before_the_split() -> None:
    actions: list[BrowseAction] = [
        (T0, "purchase", "at", "t0"),
        (T0 + 1, "purchase", "a", "x"),
        (T0 + 2, "purchase", None, None),
        (T0 + 3, "purchase", "b", "x"),
        (T0 + WEEK_MS, "purchase", "c", "x"),
        (T0 + WEEK_MS + 1, "purchase", "d", "x"),
    ]
    log = browse_log(actions)
    browsed = BrowsedPairs(log.tables["browse"])
    outcomes = Outcomes(log, browsed, UTC)
    names = [browsed.pairs[p][0] for p in outcomes.bought_soon(np.array([T0]), None)[0]]
    assert names == ["a", "b", "c"]
    assert [browsed.pairs[p][0] for p in outcomes.bought_soon(np.array([T0]), T0 + 3)[0]] == ["a"]
