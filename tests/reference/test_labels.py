"""Every edge of every label window of the reference, by hand."""

import datetime
from typing import Any

import pytest

from edgedipn_tf.schema import INTENTS, Window
from tests.reference.brute_force import Options, samples
from tests.reference.local_days import LocalDays
from tests.reference.logs import D0, DAY, HOUR, act, ms, one, options

# Labels.


def label(browse: list[dict[str, Any]], t0: int, intent: str, wanted: Options | None = None) -> float | None:
    """The label of the first place, None for unknown; the log goes on for 20 days."""
    sample = one(browse, t0, wanted or options(log_end_ms=t0 + 20 * DAY))
    return sample.labels[intent][0] if sample.weights[intent][0] else None


NOON = D0 + 12 * HOUR
SPRING = ms("2024-03-31T12:00+02:00")  # a day of 23 hours that ends 12 h later
AUTUMN = ms("2024-10-27T00:00+02:00")  # a day of 25 hours
END_OF_TIME = {"evaluation_date": datetime.date(2025, 1, 1), "timezone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("intent", "after", "expected"),
    [
        ("realtime_purchase", 0, 0.0),
        ("realtime_purchase", 1, 1.0),
        ("realtime_purchase", HOUR, 1.0),
        ("realtime_purchase", HOUR + 1, 0.0),
        ("longtime_purchase", 0, 0.0),
        ("longtime_purchase", 12 * HOUR - 1, 1.0),
        ("longtime_purchase", 12 * HOUR, 0.0),
        ("retention", 12 * HOUR - 1, 0.0),
        ("retention", 12 * HOUR, 1.0),
        ("retention", 36 * HOUR - 1, 1.0),
        ("retention", 36 * HOUR, 0.0),
        ("realtime_top_category", 0, 0.0),
        ("realtime_top_category", HOUR, 1.0),
        ("realtime_top_category", HOUR + 1, 0.0),
        ("longtime_top_category", 0, 0.0),
        ("longtime_top_category", 7 * DAY, 1.0),
        ("longtime_top_category", 7 * DAY + 1, 0.0),
        ("realtime_leaf_category", HOUR, 1.0),
        ("realtime_leaf_category", HOUR + 1, 0.0),
        ("longtime_leaf_category", 7 * DAY, 1.0),
        ("longtime_leaf_category", 7 * DAY + 1, 0.0),
    ],
)
def test_window_edges(intent: str, after: int, expected: float) -> None:
    pair = {"top_category": "t", "leaf_category": "l"}
    browse = [act(NOON, **pair), act(NOON + after, "purchase", **pair)]
    assert label(browse, NOON, intent) == expected


def test_an_add_to_cart_is_not_a_purchase() -> None:
    browse = [act(NOON), act(NOON + HOUR, "cart")]
    assert label(browse, NOON, "realtime_cart") == 1.0
    assert label(browse, NOON, "realtime_purchase") == 0.0
    assert label([act(NOON), act(NOON + HOUR + 1, "cart")], NOON, "realtime_cart") == 0.0


@pytest.mark.parametrize(
    ("t0", "after", "same_day"),
    [
        (SPRING, 12 * HOUR - 1, True),
        (SPRING, 12 * HOUR, False),
        (AUTUMN, 25 * HOUR - 1, True),
        (AUTUMN, 25 * HOUR, False),
    ],
)
def test_local_days_of_23_and_25_hours(t0: int, after: int, same_day: bool) -> None:
    wanted = options(log_end_ms=t0 + 20 * DAY, **END_OF_TIME)
    browse = [act(t0), act(t0 + after, "purchase")]
    assert label(browse, t0, "longtime_purchase", wanted) == float(same_day)
    assert label(browse, t0, "retention", wanted) == float(not same_day)


def test_retention_on_the_day_before_a_long_day_ends_after_25_hours() -> None:
    t0 = AUTUMN - HOUR
    wanted = options(log_end_ms=t0 + 20 * DAY, **END_OF_TIME)
    assert label([act(t0), act(AUTUMN + 25 * HOUR - 1)], t0, "retention", wanted) == 1.0
    assert label([act(t0), act(AUTUMN + 25 * HOUR)], t0, "retention", wanted) == 0.0


def test_retention_takes_any_action_of_any_view() -> None:
    tap = [{"user_id": "u", "timestamp_ms": D0 + DAY, "event": "page"}]
    sample = one([act(NOON)], NOON, options(log_end_ms=D0 + 9 * DAY), tap=tap)
    assert sample.labels["retention"] == [1.0]


def test_the_last_millisecond_of_a_day_has_an_empty_rest_of_the_day() -> None:
    t0 = D0 + DAY - 1
    assert label([act(t0), act(t0 + 1, "purchase")], t0, "longtime_purchase") == 0.0
    # Even when the log ends right there: nothing of the window is missing.
    assert label([act(t0)], t0, "longtime_purchase", options(log_end_ms=t0)) == 0.0


LAST_MS = {
    Window.HOUR: HOUR,
    Window.LOCAL_DAY: 12 * HOUR - 1,
    Window.NEXT_LOCAL_DAY: 36 * HOUR - 1,
    Window.WEEK: 7 * DAY,
}


@pytest.mark.parametrize("intent", INTENTS, ids=lambda intent: intent.name)
def test_unknown_when_the_window_ends_after_the_log(intent: Any) -> None:
    last, browse = NOON + LAST_MS[intent.window], [act(NOON, top_category="t", leaf_category="l"), act(NOON + 30)]
    assert label(browse, NOON, intent.name, options(log_end_ms=last)) == 0.0
    sample = samples({"browse": browse}, options(log_end_ms=last - 1)).get(("u", NOON))
    assert sample is None or sample.weights[intent.name][0] == 0.0


@pytest.mark.parametrize("intent", INTENTS, ids=lambda intent: intent.name)
def test_embargo_at_the_split_millisecond(intent: Any) -> None:
    # The window's last millisecond is moved to the split and to just before it by choosing t0.
    split_date = datetime.date(2024, 3, 9)
    split = LocalDays("UTC").first_ms(split_date)
    pair = {"top_category": "t", "leaf_category": "l"}
    last_known = {
        Window.HOUR: split - HOUR - 1,
        Window.LOCAL_DAY: split - 1,  # always known before the split
        Window.NEXT_LOCAL_DAY: split - DAY - 1,
        Window.WEEK: split - 7 * DAY - 1,
    }[intent.window]
    for t0 in (last_known, last_known + 1):
        for no_embargo in (False, True):
            wanted = options(evaluation_date=split_date, log_end_ms=split + 20 * DAY, no_embargo=no_embargo)
            sample = samples({"browse": [act(t0, **pair)]}, wanted).get(("u", t0))
            is_known = sample is not None and sample.weights[intent.name][0] == 1.0
            is_training = t0 < split
            assert is_known == (t0 == last_known or no_embargo or not is_training)


def test_rows_without_a_known_label_are_dropped() -> None:
    t0 = D0 + DAY - 2 * HOUR
    browse = [act(t0, top_category="t"), act(t0 + HOUR), act(t0 + 2 * HOUR - 1)]
    wanted = options(log_end_ms=t0 + 2 * HOUR - 2)
    assert set(samples({"browse": browse}, wanted)) == {("u", t0)}
