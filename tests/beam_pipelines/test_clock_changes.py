"""Local days of 23 and 25 hours, by hand: cut-offs, hours, labels, history. Berlin in 2026: 29 March, 25 October."""

import json
import pathlib
from datetime import UTC, datetime

import numpy as np
import pyarrow.parquet as pq
import pytest

from beam_pipelines import cutoffs, discretize_events
from beam_pipelines.history import DailyCounts
from beam_pipelines.labels import LabelState
from beam_pipelines.windows import label_window
from edgedipn_tf import inspect_dataset
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.schema import HISTORY, Schema, Window, edgedipn_schema
from tests.beam_pipelines.test_labels import labels_of
from tests.beam_pipelines.user_logs import BrowseAction, browse_log

BERLIN = LocalTime("Europe/Berlin")
HOUR_MS = 3600 * 1000
DIPN = edgedipn_schema(labels="dipn")


def utc_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


SPRING_MS = utc_ms("2026-03-28T23:00")  # midnight of the day of 23 hours, still an hour before UTC
AUTUMN_MS = utc_ms("2026-10-24T22:00")  # midnight of the day of 25 hours, still two hours before UTC


def is_positive(intent: str, t0_ms: int, after_ms: int, schema: Schema | None = None) -> bool:
    """Whether a purchase so long after a cut-off makes the intent's label positive."""
    actions: list[BrowseAction] = [(t0_ms + after_ms, "purchase", None, None)]
    state = labels_of(actions, t0_ms, zone=BERLIN, schema=schema or edgedipn_schema())[intent]
    assert state in (LabelState.POSITIVE, LabelState.NEGATIVE)
    return bool(state == LabelState.POSITIVE)


@pytest.mark.parametrize(("midnight_ms", "num_hours"), [(SPRING_MS, 23), (AUTUMN_MS, 25)])
def test_labels_of_a_short_and_a_long_day(midnight_ms: int, num_hours: int) -> None:
    last_ms = num_hours * HOUR_MS - 1
    assert is_positive("longtime_purchase", midnight_ms, last_ms)
    assert not is_positive("longtime_purchase", midnight_ms, last_ms + 1)
    # From the last millisecond of the day before, the whole day is the next one.
    assert not is_positive("retention", midnight_ms - 1, 0)
    assert is_positive("retention", midnight_ms - 1, 1)
    assert is_positive("retention", midnight_ms - 1, last_ms + 1)
    assert not is_positive("retention", midnight_ms - 1, last_ms + 2)
    # On the day itself the next one begins after its last hour.
    assert not is_positive("retention", midnight_ms, last_ms)
    assert is_positive("retention", midnight_ms, last_ms + 1)


@pytest.mark.parametrize("midnight_ms", [SPRING_MS, AUTUMN_MS])
def test_hours_24_hours_and_weeks_are_elapsed_time(midnight_ms: int) -> None:
    assert is_positive("longtime_purchase", midnight_ms, 24 * HOUR_MS, DIPN)
    assert not is_positive("longtime_purchase", midnight_ms, 24 * HOUR_MS + 1, DIPN)
    t0_ms = np.array([midnight_ms + HOUR_MS // 2])
    for window, num_hours in ((Window.HOUR, 1), (Window.DAY, 24), (Window.WEEK, 168)):
        assert label_window(window, t0_ms, BERLIN).last_ms - t0_ms == num_hours * HOUR_MS


@pytest.mark.parametrize(
    ("zone", "date", "first", "num_hours"),
    [
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", 23),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", 25),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", 23),  # the clock goes from 23:59 to 01:00
    ],
)
def test_interval_cutoffs_restart_at_the_midnight_after(zone: str, date: str, first: str, num_hours: int) -> None:
    local_time, first_ms = LocalTime(zone), utc_ms(first)
    day = LocalTime.parse_date(date)
    step_ms = 10 * HOUR_MS
    of_day, of_next = (cutoffs.interval_cutoffs(d, step_ms, 0, 1 << 60, local_time) for d in (day, day + 1))
    assert (of_day - first_ms).tolist() == [0, step_ms, 2 * step_ms]
    assert (of_next - first_ms - num_hours * HOUR_MS).tolist() == [0, step_ms, 2 * step_ms]
    assert len(cutoffs.interval_cutoffs(day, HOUR_MS, 0, 1 << 60, local_time)) == num_hours
    # A day of 25 hours has room for a second cut-off at an interval of 24.
    assert len(cutoffs.interval_cutoffs(day, 24 * HOUR_MS, 0, 1 << 60, local_time)) == (2 if num_hours == 25 else 1)


@pytest.mark.parametrize(
    ("date", "week_before", "midnight"),
    [
        ("2026-03-30", "2026-03-22T23:00", "2026-03-29T22:00"),  # 167 hours
        ("2026-10-26", "2026-10-18T22:00", "2026-10-25T23:00"),  # 169 hours
    ],
)
def test_history_counts_local_days(date: str, week_before: str, midnight: str) -> None:
    first_ms, end_ms = utc_ms(week_before), utc_ms(midnight)
    times = [first_ms - 1, first_ms, end_ms - 1, end_ms]
    log = browse_log([(time_ms, "cart", str(i), None) for i, time_ms in enumerate(times)])
    ids = DailyCounts(log, BERLIN).ids(np.array([LocalTime.parse_date(date)]))[0].tolist()
    counts = {feature.name: id_ - 2 for feature, id_ in zip(HISTORY, ids, strict=True)}
    assert counts["cart_7_days"] == 2
    assert counts["cart_14_days"] == 3


def test_a_job_over_the_day_of_25_hours(tmp_path: pathlib.Path) -> None:
    """An action every hour of six local days, the third of 25 hours; cut-offs every 10 hours of a local day."""
    start_ms = utc_ms("2026-10-22T22:00")  # midnight of the 23rd
    rows = [
        {"user_id": user, "timestamp_ms": start_ms + hour * HOUR_MS, "action": "purchase" if hour == 70 else "browse"}
        for user in ("a", "b")
        for hour in range(6 * 24 + 1)
    ]
    (tmp_path / "browse.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = ["--timezone=Europe/Berlin", "--interval=36000", "--evaluation_date=2026-10-27", "--num_shards=1"]
    arguments = [f"--browse={tmp_path / 'browse.jsonl'}", f"--output={tmp_path / 'data'}", *flags]
    assert discretize_events.run(arguments) == 0
    parquet = tmp_path / "samples.parquet"
    assert inspect_dataset.run([f"--data={tmp_path / 'data'}", f"--to_parquet={parquet}"]) == 0
    samples = {row["t0_ms"]: row for row in pq.read_table(parquet).to_pylist() if row["user_id"] == "a"}
    # Hours after the first midnight; the day of 25 hours is the third, so the fourth begins at 73.
    midnights = (0, 24, 48, 73, 97, 121)
    assert [(t0 - start_ms) // HOUR_MS for t0 in sorted(samples)] == [m + h for m in midnights for h in (0, 10, 20)]
    of_long_day = samples[start_ms + 68 * HOUR_MS]
    hours = [*range(24), *range(24), 0, 1, 2, 2, *range(3, 20)]
    assert [id_ - 2 for id_ in of_long_day["browse_hour"]] == hours
    # Bought 70 hours after the first midnight: at 21 o'clock of the long day, which ends at 73.
    for hour, label in ((44, 0.0), (48, 1.0), (68, 1.0), (73, 0.0)):
        assert samples[start_ms + hour * HOUR_MS]["longtime_purchase_label"] == [label]
    # The last day is the 28th, its next one is not in the log; that of the 27th is known.
    weights = {h: samples[start_ms + h * HOUR_MS]["retention_weight"] for h in (97, 117, 121)}
    assert weights == {97: [1.0], 117: [1.0], 121: [0.0]}
