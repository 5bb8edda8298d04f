"""Labels by split, intent, day and state: counted by hand, and adding up to the counters of a job."""

import json
import pathlib
from collections import Counter
from typing import Any

import numpy as np
import pytest

from beam_pipelines import discretize_events, label_counts
from beam_pipelines.labels import LabelState
from edgedipn_tf import inspect_dataset
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.schema import edgedipn_schema

DIPN = edgedipn_schema(labels="dipn")
N, P, C, E, B = LabelState
MARCH_1 = LocalTime.parse_date("2026-03-01")


def test_counts_by_hand() -> None:
    counts: Counter[tuple[str, ...]] = Counter()
    days = np.array([MARCH_1, MARCH_1, MARCH_1 + 2, MARCH_1])
    states = np.array([[P, B], [N, B], [N, E], [B, B]], np.uint8)
    for _ in range(2):  # two users alike
        label_counts.count_labels("train", DIPN, days, states, np.array([True, True, True, False]), counts)
    days_of = label_counts.by_day(counts, DIPN, ("train", "eval"))
    nothing = {"negative": 0, "positive": 0, "no_candidate": 0, "after_log_end": 0, "embargo": 0}
    assert days_of == {
        "train": {
            "2026-03-01": {
                "samples": 4,
                "dropped_all_labels_unknown": 2,
                "labels": {
                    "realtime_purchase": {**nothing, "positive": 2, "negative": 2},
                    "longtime_purchase": {**nothing, "embargo": 4},
                },
            },
            "2026-03-03": {
                "samples": 2,
                "dropped_all_labels_unknown": 0,
                "labels": {
                    "realtime_purchase": {**nothing, "negative": 2},
                    "longtime_purchase": {**nothing, "after_log_end": 2},
                },
            },
        },
        "eval": {},
    }
    zeros = {"positive": 0, "negative": 0, "unknown": 0}
    assert label_counts.totals(counts, DIPN, ("train", "eval")) == {
        "train": {
            "realtime_purchase": {"positive": 2, "negative": 4, "unknown": 0},
            "longtime_purchase": {"positive": 0, "negative": 0, "unknown": 6},
        },
        "eval": {"realtime_purchase": zeros, "longtime_purchase": zeros},
    }


def test_a_category_intent_counts_each_of_its_places() -> None:
    counts: Counter[tuple[str, ...]] = Counter()
    schema = edgedipn_schema()
    states = np.full((1, 36), N, np.uint8)
    states[0, 4:12] = [P, N, N, C, C, C, C, C]
    label_counts.count_labels("eval", schema, np.array([MARCH_1]), states, np.array([True]), counts)
    of_day = label_counts.by_day(counts, schema, ("eval",))["eval"]["2026-03-01"]["labels"]
    assert of_day["realtime_top_category"] == {
        "negative": 2,
        "positive": 1,
        "no_candidate": 5,
        "after_log_end": 0,
        "embargo": 0,
    }
    assert of_day["longtime_leaf_category"]["negative"] == 8
    assert of_day["retention"]["negative"] == 1


HOUR_MS = 3600 * 1000
START_MS = 1_772_323_200_000  # 2026-03-01T00:00Z


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Three users, each with actions at 9, 12 (a purchase) and 23 o'clock on five days; the fourth day evaluates."""
    folder = tmp_path_factory.mktemp("labels")
    rows = [
        {
            "user_id": f"u{user}",
            "timestamp_ms": START_MS + (day * 24 + hour) * HOUR_MS,
            "action": "purchase" if hour == 12 else "browse",
            "leaf_category": f"l{hour}",
        }
        for user in range(3)
        for day in range(5)
        for hour in (9, 12, 23)
    ]
    (folder / "browse.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = ("--evaluation_date=2026-03-04", "--samples_per_user_day=3", "--min_count=1", "--num_shards=1")
    assert discretize_events.run([f"--browse={folder / 'browse.jsonl'}", f"--output={folder / 'dataset'}", *flags]) == 0
    return folder / "dataset"


def description_of(dataset: pathlib.Path) -> dict[str, Any]:
    description: dict[str, Any] = json.loads((dataset / "dataset.json").read_text())
    return description


def test_the_days_of_a_job_by_hand(dataset: pathlib.Path) -> None:
    days = description_of(dataset)["days"]
    assert list(days["train"]) == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert list(days["eval"]) == ["2026-03-04", "2026-03-05"]

    def of(split: str, date: str, intent: str) -> dict[str, int]:
        states = days[split][date]["labels"][intent]
        return {state: count for state, count in states.items() if count}

    # Cut-offs at 9, 12 and 23 o'clock of three users; the purchase of 12 o'clock is more than an hour after 9.
    assert of("train", "2026-03-01", "realtime_purchase") == {"negative": 9}
    assert of("train", "2026-03-01", "longtime_purchase") == {"positive": 3, "negative": 6}
    assert of("train", "2026-03-01", "retention") == {"positive": 9}
    # The next day of 3 March is the evaluation day; the window of 23 o'clock ends with its first millisecond.
    assert of("train", "2026-03-03", "retention") == {"embargo": 9}
    assert of("train", "2026-03-03", "realtime_purchase") == {"negative": 6, "embargo": 3}
    # 5 March is the last day of the log.
    assert of("eval", "2026-03-04", "retention") == {"positive": 9}
    assert of("eval", "2026-03-05", "retention") == {"after_log_end": 9}
    # Three leaves there are, so five of eight places are unfilled; after the log's end the other three are unknown.
    assert of("eval", "2026-03-04", "longtime_leaf_category") == {"after_log_end": 27, "no_candidate": 45}
    # Tops are null everywhere.
    assert of("train", "2026-03-01", "realtime_top_category") == {"no_candidate": 72}


def assert_reconciled(dataset: pathlib.Path) -> None:
    """Checks that the days add up to the counters, to the last label."""
    description = description_of(dataset)
    counters = json.loads((dataset / "counters.json").read_text())
    dropped = 0
    for split, days in description["days"].items():
        assert sum(day["samples"] for day in days.values()) == counters["samples"][split]
        dropped += sum(day["dropped_all_labels_unknown"] for day in days.values())
        for intent, total in counters["labels"][split].items():
            states = [day["labels"][intent] for day in days.values()]
            assert sum(state["positive"] for state in states) == total["positive"]
            assert sum(state["negative"] for state in states) == total["negative"]
            unknown = ("no_candidate", "after_log_end", "embargo")
            assert sum(state[why] for state in states for why in unknown) == total["unknown"]
    assert dropped == counters["samples"]["dropped_all_labels_unknown"]


def test_the_days_add_up_to_the_counters(dataset: pathlib.Path) -> None:
    assert_reconciled(dataset)


def test_inspect_dataset_shows_them(dataset: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect_dataset.run([f"--data={dataset}", "--by_day"]) == 0
    lines = capsys.readouterr().out.splitlines()
    total = next(line for line in lines if line.split()[:1] == ["retention"])
    # Positive, negative, after the log's end, embargo, no candidate.
    assert total.split() == ["retention", "18", "0", "0", "9", "0", "100.00", "%"]
    start = lines.index("train: retention by local day")
    assert lines[start + 1].split() == [
        *("date", "samples", "dropped", "positive", "negative", "after", "log", "end", "embargo", "no", "candidate")
    ]
    assert [line.split() for line in lines[start + 2 : start + 5]] == [
        ["2026-03-01", "9", "0", "9", "0", "0", "0", "0"],
        ["2026-03-02", "9", "0", "9", "0", "0", "0", "0"],
        ["2026-03-03", "9", "0", "0", "0", "0", "9", "0"],
    ]
