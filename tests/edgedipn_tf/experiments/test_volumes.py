"""Actions of a user and day, by hand and from a dataset whose records were written here."""

import dataclasses
import re

import numpy as np
import pytest

from edgedipn_tf import examples, records
from edgedipn_tf.experiments import volumes, volumes_report
from edgedipn_tf.metrics import Interval
from tests.edgedipn_tf.tiny_dataset import DAY_MS, tiny_schema, user_day, write_dataset

VIEWS = ["swipe", "tap", "browse"]


def test_means_are_ofuser_days_and_draws_of_users():
    # Two users: one of three days with 10 swipes each, one of a single day with 50.
    users, numbers = np.array([0, 0, 0, 1]), np.array([[10, 1, 0]] * 3 + [[50, 1, 0]])
    means, intervals = volumes.summarize(users, numbers, 2000)
    assert means == [20.0, 1.0, 0.0]
    # Both draws of the same user are common enough to be the bounds.
    assert [(interval.low, interval.high) for interval in intervals] == [(10.0, 50.0), (1.0, 1.0), (0.0, 0.0)]


def test_the_report_says_where_the_papers_number_lies():
    means = {"swipe": 1600.0, "tap": 300.0, "browse": 42.0}
    intervals = {"swipe": Interval(1500, 1700, 0), "tap": Interval(250, 350, 0), "browse": Interval(41, 43, 0)}
    found = volumes.Volumes(True, 100, 900, means, intervals)
    said = volumes_report.sentence(found)
    assert "100 SIMULATED users, who are nobody, and 900 days" in said
    assert said.endswith("the paper's number lies within the interval in swipe, browse.")
    lines = volumes_report.markdown("t", "c", found, {"dataset": "abc"}).splitlines()
    assert {"| tap | 300 | 250 to 350 | 391 |", "| browse | 42.0 | 41.0 to 43.0 | 42 |", "- dataset: abc"} <= set(lines)
    page = volumes_report.page("t", "c", found, {"dataset": "<abc>"})
    assert "<td>1,583</td>" in page and "&lt;abc&gt;" in page
    # Three views, each with its mean and the paper's, and the circle of the legend; the paper's tap lies to the right.
    assert page.count("<circle") == 7
    tap, of_paper = (float(found) for found in re.findall(r'<circle cx="([0-9.]+)"', page)[2:4])
    assert tap < of_paper


def test_a_view_without_actions_is_not_drawn():
    intervals = {"swipe": Interval(0, 0, 0), "tap": Interval(0, 0, 0), "browse": Interval(6.5, 7.5, 0)}
    found = volumes.Volumes(False, 10, 70, {"swipe": 0.0, "tap": 0.0, "browse": 7.0}, intervals)
    page = volumes_report.page("t", "c", found, {})
    assert "<td>0.0 to 0.0</td>" in page and page.count("<circle") == 3
    nothing = volumes.Volumes(False, 10, 70, dict.fromkeys(intervals, 0.0), intervals)
    assert "<svg" not in volumes_report.page("t", "c", nothing, {})


def test_records_are_counted_from_midnight_to_the_last_cut_off(tmp_path):
    pytest.importorskip("tensorflow", reason="tensorflow is not installed: run `make setup`")
    data = write_dataset(tmp_path / "dataset", num_users={"train": 1, "eval": 1})
    template = user_day(tiny_schema(), np.random.default_rng(0), "a")
    midnight_ms = 20_000 * DAY_MS
    # In, of this order: before the day; its first and two further moments, the last cut-off among them; after that.
    times_ms = midnight_ms + np.array([-1, 0, 5_000, 9_000, 9_001])
    day = dataclasses.replace(
        template,
        t0_ms=midnight_ms + np.array([1, 2, 3, 9_000]),
        times_ms={view: times_ms for view in template.times_ms},
        ids={view: [column[:5] for column in columns] for view, columns in template.ids.items()},
        stay_ms=np.zeros(5, np.int64),
    )
    for path in data.glob("*.tfrecord-*"):
        path.write_bytes(examples.frame(records.serialize(day, tiny_schema())))
    found = volumes.count(data, 10)
    assert (found.num_users, found.num_user_days) == (1, 4)
    assert found.means == dict.fromkeys(VIEWS, 3.0)
