"""The inputs that the graph makes of raw records are those of the Beam job, for the same records."""

import dataclasses
import datetime
import json
import pathlib
import random
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedipn_tf import discretize
from edgedipn_tf import schema as schemas
from edgedipn_tf.conversion import raw_inputs
from edgedipn_tf.dataset import Dataset, open_dataset
from edgedipn_tf.local_time import LocalTime
from tests.edgedipn_tf.conversion.app_log import AppLog, event_of, name_of
from tests.edgedipn_tf.test_discretize_graph import in_litert
from tests.reference.brute_force import Options
from tests.reference.job_samples import run_job
from tests.reference.random_logs import browse, swipe, tap

MAX_LENGTH = 16
ZONE = "Europe/Berlin"
FIRST_MS = 1_704_063_600_000  # 2024-01-01 in Berlin; clocks change on March 31
NUM_DAYS = 120
DAY_MS = 86_400_000
MAKERS = {"swipe": swipe, "tap": tap, "browse": browse}
Tracks = dict[str, dict[str, list[dict[str, Any]]]]


def random_tracks(seed: int, num_users: int) -> Tracks:
    """Random records by user and view, ordered by time, without duplicates; gaps from 0 ms to a month."""
    draw = random.Random(seed)
    tracks: Tracks = {}
    for user in range(num_users):
        views: dict[str, list[dict[str, Any]]] = {}
        for view, make in MAKERS.items():
            time_ms, records = FIRST_MS + draw.randrange(NUM_DAYS * DAY_MS), []
            for _ in range(draw.choice((0, 1, 5, 15, 16, 17, 40))):
                records.append({"user_id": f"u{user}", "timestamp_ms": time_ms, **make(draw)})
                time_ms += draw.choice(
                    (0, 1, draw.randrange(1000), draw.randrange(12_000), int(10 ** draw.uniform(0, 9.5)))
                )
            kept = {_identity(r): r for r in records if r["timestamp_ms"] < FIRST_MS + NUM_DAYS * DAY_MS}
            views[view] = list(kept.values())
        tracks[f"u{user}"] = views
    return tracks


def _identity(record: dict[str, Any]) -> tuple[Any, ...]:
    """What two records of one user and view have in common when the job takes them for one."""
    return tuple(event_of(v) if c == "event" else name_of(v) if isinstance(v, str) else v for c, v in record.items())


def profile_of(user: str) -> dict[str, Any]:
    draw = random.Random(user)
    return {feature.name: draw.choice(("a", "b", 3, None, "")) for feature in schemas.PROFILE}


def discretized(tracks: Tracks, folder: pathlib.Path) -> Dataset:
    """Runs the job on tracks: cut-offs at times of the users' own actions."""
    inputs = {}
    for view in MAKERS:
        records = [record for views in tracks.values() for record in views[view]]
        if view == "browse":  # of one user whose actions are no track: no day without actions
            days = (FIRST_MS + 3_600_000 + day * DAY_MS for day in range(NUM_DAYS))
            records += [{"user_id": "every day", "timestamp_ms": ms, **browse(random.Random(ms))} for ms in days]
        inputs[view] = _write(folder, view, records)
    inputs["profile"] = _write(folder, "profile", [{"user_id": user, **profile_of(user)} for user in tracks])
    options = Options(
        timezone=ZONE, samples_per_user_day=Fraction(1), min_count=2, evaluation_date=datetime.date(2024, 3, 1)
    )
    run_job(inputs, options, folder / "dataset")
    return open_dataset(folder / "dataset")


def _write(folder: pathlib.Path, name: str, records: list[dict[str, Any]]) -> pathlib.Path:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def samples(dataset: Dataset, tracks: Tracks) -> Iterator[tuple[dict[str, np.ndarray], Mapping[str, np.ndarray]]]:
    """Yields the raw tensors of a batch of the dataset's samples, as an app makes them, and the job's inputs."""
    fields = raw_inputs.raw_fields(dataset.schema, MAX_LENGTH)
    names = json.loads((dataset.path / "vocabulary.json").read_bytes())
    app = AppLog(dataset.schema, names.get("names", names), fields)
    for split in ("train", "eval"):
        batches = dataset.evaluation_batches(split, MAX_LENGTH, 512, extras=True).as_numpy_iterator()
        for inputs, _, _, extras in batches:
            users = [user.decode() for user in extras["user_id"]]
            rows = [row for row, user in enumerate(users) if user in tracks]
            raw = [app.tensors(tracks[users[r]], int(extras["t0_ms"][r]), profile_of(users[r])) for r in rows]
            stacked = {name: np.concatenate([one[name] for one in raw]) for name in raw[0]}
            # A daily snapshot serves the counts; beyond the last bin any count is the same.
            bins = np.array([feature.bins for feature in dataset.schema.history])
            ids = inputs["history"][rows]
            stacked["history_counts"] = np.where(ids == bins + 1, ids + 1000, ids - 2).astype(np.int32)
            stacked["candidates"] = inputs["candidates"][rows]
            yield stacked, {name: values[rows] for name, values in inputs.items()}


def check(tracks: Tracks, folder: pathlib.Path, num_in_litert: int) -> int:
    """Compares all samples in TensorFlow, the first `num_in_litert` in LiteRT too; returns how many there were."""
    dataset, num_samples = discretized(tracks, folder), 0
    local_time = LocalTime(ZONE)

    def in_graph(**raw: tf.Tensor) -> dict[str, tf.Tensor]:
        return raw_inputs.model_inputs(dataset.schema, raw, local_time)

    compiled = tf.function(in_graph, autograph=False, reduce_retracing=True)
    for raw, expected in samples(dataset, tracks):
        found = compiled(**{name: tf.constant(values) for name, values in raw.items()})
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, err_msg=name)
        few = {name: values[:num_in_litert] for name, values in raw.items()}
        if num_in_litert:
            for name, values in in_litert(in_graph, few).items():
                np.testing.assert_array_equal(values, expected[name][:num_in_litert], err_msg=name)
            num_in_litert -= len(few["now_ms"])
        num_samples += len(raw["now_ms"])
    assert num_in_litert == 0
    return num_samples


def test_raw_records_give_the_inputs_of_the_job(tmp_path: pathlib.Path) -> None:
    assert check(random_tracks(1, 40), tmp_path, num_in_litert=100) > 150


@pytest.mark.slow
def test_raw_records_of_ten_thousand_tracks_give_the_inputs_of_the_job(tmp_path: pathlib.Path) -> None:
    assert check(random_tracks(2, 3400), tmp_path, num_in_litert=512) > 10_000


SCHEMA = schemas.edgedipn_schema(ZONE)
SHORT = 4
SIDES = ("width", "height")
TIME = st.integers(-(2**62), 2**62) | st.sampled_from([0, -1, 1, FIRST_MS, raw_inputs.MISSING_MS])
PIXEL = st.floats(width=32, allow_nan=True) | st.floats(-50, 3000, width=32)


@tf.function(autograph=False)
def _ids(raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return raw_inputs.model_inputs(SCHEMA, raw, LocalTime(ZONE))


def _extreme(data: st.DataObject) -> dict[str, np.ndarray]:
    raw = {}
    for field in raw_inputs.raw_fields(SCHEMA, SHORT):
        values = {tf.int64: TIME, tf.float32: PIXEL, tf.int32: st.integers(1, 5)}[field.dtype]
        size = int(np.prod(field.shape, dtype=int))
        drawn = data.draw(st.lists(values, min_size=size, max_size=size), label=field.name)
        raw[field.name] = np.array(drawn, field.dtype.as_numpy_dtype).reshape(1, *field.shape)
    return raw


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_extreme_values_follow_the_formulas_of_the_job(data: st.DataObject) -> None:
    raw = _extreme(data)
    ids = {name: values.numpy()[0] for name, values in _ids({n: tf.constant(v) for n, v in raw.items()}).items()}
    column = {name: values[0] for name, values in raw.items()}
    swipe, browse = SCHEMA.view("swipe"), SCHEMA.view("browse")

    def expect(view: schemas.View, feature: str, bins: np.ndarray, applies: np.ndarray) -> None:
        assert ids[view.name][:, view.index(feature)].tolist() == discretize.to_ids(bins, applies).tolist(), feature

    is_swipe = column["swipe_action"] == swipe.action_id("swipe")
    q = {n: discretize.quantize_position(v) for n, v in column.items() if v.dtype == np.float32}
    known = {n: ~np.isnan(v) for n, v in column.items() if v.dtype == np.float32}
    duration_ms = column["swipe_duration_ms"]
    is_timed = is_swipe & (duration_ms != raw_inputs.MISSING_MS)
    expect(swipe, "duration", discretize.duration_bins(duration_ms).bins, is_timed)
    width, height = q["swipe_window_width"], q["swipe_window_height"]
    has_width, has_height = (known[f"swipe_window_{side}"] & (q[f"swipe_window_{side}"] > 0) for side in SIDES)
    bins = discretize.position_bins(q["swipe_start_x"], width, 17).bins
    expect(swipe, "start_x", bins, is_swipe & known["swipe_start_x"] & has_width)
    dq, both = q["swipe_end_y"] - q["swipe_start_y"], known["swipe_end_y"] & known["swipe_start_y"]
    expect(swipe, "length_y", discretize.displacement_bins(dq, height, 50).bins, is_swipe & both & has_height)
    directions = discretize.vertical_direction_ids(dq)
    expect(swipe, "vertical_direction", directions - 2, is_swipe & both)
    times_ms = np.concatenate([column["swipe_previous_timestamp_ms"][np.newaxis], column["swipe_timestamp_ms"]])
    gaps = discretize.time_gap_bins(np.diff(times_ms)).bins
    expect(swipe, "time_gap", gaps, times_ms[:-1] != raw_inputs.MISSING_MS)
    elapsed_ms = column["now_ms"] - column["browse_timestamp_ms"]
    expect(browse, "elapsed_time", discretize.elapsed_time_bins(elapsed_ms).bins, np.True_)
    stay_ms = column["browse_stay_ms"]
    is_over = (stay_ms != raw_inputs.MISSING_MS) & (stay_ms <= elapsed_ms)
    expect(browse, "page_stay", discretize.page_stay_bins(stay_ms).bins, is_over)


def test_steps_of_padding_are_zero_whatever_else_they_hold() -> None:
    raw = {
        field.name: np.full((1, *field.shape), 3, field.dtype.as_numpy_dtype)
        for field in raw_inputs.raw_fields(SCHEMA, SHORT)
    }
    for name in ("swipe_action", "tap_event", "browse_action"):
        raw[name][0, :2] = 0
    ids = _ids({name: tf.constant(values) for name, values in raw.items()})
    for view in SCHEMA.views:
        assert (ids[view.name][0, :2].numpy() == 0).all()
        assert (ids[view.name][0, 2:].numpy() > 0).all()


def test_the_first_action_has_the_gap_to_the_previous_one_that_is_given() -> None:
    raw = {field.name: tf.zeros((1, *field.shape), field.dtype) for field in raw_inputs.raw_fields(SCHEMA, SHORT)}
    raw["swipe_action"] = tf.constant([[0, 0, 2, 2]])
    raw["swipe_timestamp_ms"] = tf.constant([[7, 7, 5000, 5250]], tf.int64)
    gap = SCHEMA.view("swipe").index("time_gap")
    for previous_ms, first_id in ((4999, 2), (4000, 2 + 10), (raw_inputs.MISSING_MS, 1)):
        raw["swipe_previous_timestamp_ms"] = tf.constant([previous_ms], tf.int64)
        assert _ids(raw)["swipe"][0, :, gap].numpy().tolist() == [0, 0, first_id, 4]


def test_a_feature_without_a_formula_in_the_graph_is_named() -> None:
    assert raw_inputs.why_no_raw(SCHEMA) is None
    speed = schemas.Feature("speed", 9, schemas.Kind.NUMERIC)
    views = (schemas.View("swipe", (*SCHEMA.views[0].features, speed)), *SCHEMA.views[1:])
    reason = raw_inputs.why_no_raw(dataclasses.replace(SCHEMA, views=views))
    assert reason == "no formula in the graph for swipe feature speed"
