"""The job's samples equal those of the plain computation in `tests/reference`: every column of every sample."""

import csv
import dataclasses
import datetime
import gzip
import json
import os
import pathlib
import random
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.beam_pipelines.test_label_counts import assert_reconciled
from tests.reference.brute_force import Options, Reference, samples
from tests.reference.counters import clamps, label_counts, sample_counts
from tests.reference.job_samples import columns_of, differences, known_only, read_samples, run_job, summary
from tests.reference.local_days import DAY, HOUR_MS, LocalDays
from tests.reference.random_logs import RandomLog, random_log

NUM_TAOBAO_SAMPLES = 200


def options_of(log: RandomLog, evaluation_day: int | None, **values: Any) -> Options:
    date = None if evaluation_day is None else log.first_date + evaluation_day * DAY
    defaults: dict[str, Any] = {"samples_per_user_day": Fraction(3), "min_count": 2}
    return Options(timezone=log.timezone, evaluation_date=date, **{**defaults, **values})


def case(seed: int) -> tuple[RandomLog, Options]:
    """Returns a random log with settings that together use every option."""
    log = random_log(seed)
    days = LocalDays(log.timezone)
    settings = [
        options_of(log, 8),
        options_of(log, 3, samples_per_user_day=Fraction(7, 3), warmup_days=2, seed=5),
        options_of(log, 6, evaluation_users=Fraction(2, 5), min_count=1),
        options_of(log, None, evaluation_users=Fraction(1, 2), evaluation_fold=1, seed=123456789, min_count=3),
        # Windows that end at the split (a week after the midnight of day 1) and at the log's end, to the millisecond.
        options_of(log, 8, interval_ms=4 * HOUR_MS, log_end_ms=days.first_ms(log.first_date + 9 * DAY) + 5 * HOUR_MS),
        options_of(log, 5, no_embargo=True, last_cutoff_date=log.first_date + 7 * DAY),
        # Both in a week with a change of clocks: a local day of 23 hours, one of 25.
        options_of(log, 8, labels="dipn", candidates="popular", interval_ms=5 * HOUR_MS // 2),
        options_of(log, 7, candidates="browsed_popular", interval_ms=7 * HOUR_MS),
    ]
    return log, settings[seed % len(settings)]


@pytest.mark.parametrize("seed", range(8))
def test_random_logs(seed: int, tmp_path: pathlib.Path) -> None:
    log, options = case(seed)
    counters = run_job(log.write(tmp_path), options, tmp_path / "dataset")
    reference = Reference(log.records(), options)
    expected = samples(log.records(), options)
    assert {sample.split for sample in expected.values()} == {"train", "eval"}
    columns = {key: columns_of(sample) for key, sample in expected.items()}
    lines = differences(columns, read_samples(tmp_path / "dataset"))
    assert not lines, f"{len(expected)} samples:\n{summary(lines)}"
    for name, judged in reference.inputs.items():
        counted = counters["inputs"][name]
        assert counted["read"] == judged.read
        assert counted["accepted"] == len(judged.rows)
        assert counted["duplicates"] == judged.duplicates
        assert {reason: n for reason, n in counted["rejected"].items() if n} == judged.rejected
    assert counters["clamps"] == clamps(reference)
    assert counters["labels"] == label_counts(expected.values(), options.intents)
    assert counters["samples"] == sample_counts(reference)
    assert_reconciled(tmp_path / "dataset")
    assert counters["profile_conflicts"] == len(reference.inputs["profile"].rows) - len(reference.profiles)


def test_parquet(tmp_path: pathlib.Path) -> None:
    """The good rows of a random log, written as Parquet with typed columns, give the same samples."""
    log, options = case(1)
    reference = Reference(log.records(), options)
    inputs = {}
    for name, judged in reference.inputs.items():
        inputs[name] = tmp_path / name
        inputs[name].mkdir()
        columns = [column for column in judged.rows[0] if name == "history" or column != "date"]
        rows = [{column: _plain(row[column]) for column in columns} for row in judged.rows]
        for part, start in enumerate(range(0, len(rows), 50)):
            table = pa.Table.from_pylist(rows[start : start + 50], pa.Table.from_pylist(rows).schema)
            pq.write_table(table, inputs[name] / f"part-{part:03}.parquet", row_group_size=7)
    run_job(inputs, options, tmp_path / "dataset")
    expected = {key: columns_of(sample) for key, sample in samples(log.records(), options).items()}
    lines = differences(expected, read_samples(tmp_path / "dataset"))
    assert not lines, summary(lines)


def small_log(leaf: str | None) -> dict[str, list[dict[str, Any]]]:
    """Two users on three days of 2024-03, one category or none; one count of ten days before."""
    days = LocalDays("UTC")
    times = [days.first_ms(datetime.date(2024, 3, day)) + hour * HOUR_MS for day in (1, 2, 3) for hour in (9, 10, 20)]
    return {
        "browse": [
            {"user_id": user, "timestamp_ms": timestamp, "action": action, "leaf_category": leaf}
            for user in ("a", "b")
            for timestamp, action in zip(times, ("browse", "purchase", "cart") * 3, strict=True)
        ],
        "history": [{"user_id": "a", "date": "2024-02-20", "action": "cart", "count": 3}],
    }


SMALL_OPTIONS = Options(evaluation_date=datetime.date(2024, 3, 3), min_count=1)


def assert_job_equals_reference(records: dict[str, list[Any]], options: Options, folder: pathlib.Path) -> None:
    inputs = {name: folder / f"{name}.jsonl" for name in records}
    for name, path in inputs.items():
        path.write_text("".join(json.dumps(record) + "\n" for record in records[name]), encoding="utf-8")
    run_job(inputs, options, folder / "dataset")
    expected = {key: columns_of(sample) for key, sample in samples(records, options).items()}
    lines = differences(expected, read_samples(folder / "dataset"))
    assert expected and not lines, summary(lines)


def test_samples_without_any_candidate(tmp_path: pathlib.Path) -> None:
    assert_job_equals_reference(small_log(leaf=None), SMALL_OPTIONS, tmp_path)


def test_names_in_one_split_only(tmp_path: pathlib.Path) -> None:
    log = small_log(leaf=None)
    split = LocalDays("UTC").first_ms(datetime.date(2024, 3, 3))
    for record in log["browse"]:
        record["top_category"] = "t" if record["timestamp_ms"] >= split else None
    assert_job_equals_reference(log, SMALL_OPTIONS, tmp_path)


def test_past_counts_may_precede_the_least_time(tmp_path: pathlib.Path) -> None:
    """The bounds are of timestamps; past counts are of what precedes the log."""
    options = dataclasses.replace(SMALL_OPTIONS, min_time_ms=LocalDays("UTC").first_ms(datetime.date(2024, 3, 1)))
    assert_job_equals_reference(small_log(leaf="l"), options, tmp_path)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.date) else value


def test_the_comparison_sees_a_difference() -> None:
    log, options = case(5)
    expected = {key: columns_of(sample) for key, sample in samples(log.records(), options).items()}
    other = samples(log.records(), dataclasses.replace(options, no_embargo=False))
    lines = differences(expected, {key: columns_of(sample) for key, sample in other.items()})
    assert any("retention_weight" in line for line in lines)


# The Taobao log.


def taobao_records(folder: pathlib.Path) -> list[dict[str, Any]]:
    """Returns the events of the log as browse records."""
    actions = {"pv": "browse", "fav": "collect", "cart": "cart", "buy": "purchase"}
    with gzip.open(folder / "taobao_userbehavior" / "UserBehavior.csv.gz", "rt", encoding="utf-8") as file:
        return [
            {
                "user_id": user,
                "timestamp_ms": int(seconds) * 1000,
                "action": actions[behaviour],
                "item_id": item,
                "leaf_category": category,
            }
            for user, item, category, behaviour, seconds in csv.reader(file)
        ]


def test_200_random_samples_of_the_taobao_log(tmp_path: pathlib.Path) -> None:
    folder = os.environ.get("EDGEDIPN_DATA")
    if folder is None:
        pytest.skip("EDGEDIPN_DATA does not name the folder that holds taobao_userbehavior/UserBehavior.csv.gz")
    records = taobao_records(pathlib.Path(folder))
    days = LocalDays("Asia/Shanghai")
    options = Options(
        timezone="Asia/Shanghai",
        min_time_ms=days.first_ms(datetime.date(2017, 11, 25)),
        max_time_ms=days.first_ms(datetime.date(2017, 12, 4)),
        evaluation_date=datetime.date(2017, 12, 2),
        samples_per_user_day=Fraction(2),
    )
    path = tmp_path / "browse" / "part.parquet"
    path.parent.mkdir()
    pq.write_table(pa.Table.from_pylist(records), path)
    counters = run_job({"browse": path}, options, tmp_path / "dataset")
    actual = read_samples(tmp_path / "dataset")
    reference = Reference({"browse": records}, options)
    judged = reference.inputs["browse"]
    assert counters["inputs"]["browse"]["rejected"]["bad_time"] == judged.rejected["bad_time"] == 28
    cutoffs = {(user, t0) for user in reference.users for t0 in reference.cutoffs(user)}
    assert actual.keys() <= cutoffs
    chosen = random.Random(0).sample(sorted(cutoffs), NUM_TAOBAO_SAMPLES)
    computed = {key: reference.sample(*key) for key in chosen}
    expected = {key: columns_of(sample) for key, sample in computed.items() if sample is not None}
    lines = differences(expected, {key: actual[key] for key in chosen if key in actual})
    assert not lines, summary(lines)
    assert any(1.0 in known_only(columns)["realtime_purchase_label"] for columns in expected.values())
