"""Windows cut at reading, against windows cut by hand; and what a damaged folder says."""

import dataclasses
import json
import pathlib
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf import examples, records
from edgedipn_tf.commands import InputError
from edgedipn_tf.dataset import Dataset, open_dataset
from edgedipn_tf.discretize import elapsed_time_bins
from edgedipn_tf.records import UNKNOWN_LABEL, UserDay
from edgedipn_tf.schema import VIEW_ORDER, Schema, edgedipn_schema
from edgedipn_tf.vocabulary import Vocabulary
from tests.edgedipn_tf.random_actions import random_ids

SCHEMA = edgedipn_schema("UTC", "test")
VOCABULARY = Vocabulary(
    {key: () for key in SCHEMA.vocabulary_features()}
    | {"browse_leaf_category": ("leaf",), "browse_top_category": ("only top", "top")}
)
# The third pair's names are not in the vocabulary, the fourth's share one with it.
PAIR_NAMES = [(b"leaf", b"top"), (b"", b"only top"), (b"rare leaf", b"rare top"), (b"rarer leaf", b"rare top")]
NUM_LABELS = sum(SCHEMA.num_places(intent) for intent in SCHEMA.intents)


def user_day(seed: int, num_cutoffs: int = 3) -> UserDay:
    rng = np.random.default_rng(seed)
    sizes = {"swipe": (300, 0, 700, 256)[seed % 4], "tap": (0, 3)[seed % 2], "browse": 9}
    times = {name: np.sort(rng.integers(-(10**9), 10**11, size)) for name, size in sizes.items()}
    return UserDay(
        user_id=f"user {seed}".encode(),
        t0_ms=np.sort(rng.choice(times["browse"], num_cutoffs, replace=False)),
        times_ms=times,
        ids={view.name: random_ids(rng, view, len(times[view.name])) for view in SCHEMA.views},
        stay_ms=rng.integers(0, 10**10, 9),
        history=rng.integers(2, 20, 18),
        profile=rng.integers(1, 4, 6),
        pair_names=PAIR_NAMES,
        pair_ids=np.array([[2, 3], [1, 2], [1, 1], [1, 1]]),
        candidates=np.array([[0, 1, 2, 3, -1, -1, -1, -1]] * num_cutoffs),
        labels=rng.choice(np.array([0, 1, UNKNOWN_LABEL], np.uint8), (num_cutoffs, NUM_LABELS)),
    )


def write_dataset(folder: pathlib.Path, days: list[UserDay], schema: Schema = SCHEMA) -> pathlib.Path:
    folder.mkdir()
    name = "train.tfrecord-00000-of-00001"
    content = b"".join(examples.frame(records.serialize(day, schema)) for day in days)
    (folder / name).write_bytes(content)
    (folder / name.replace("train", "eval")).write_bytes(content)
    num_samples = sum(len(day.t0_ms) for day in days)
    splits = {
        split: {"num_samples": num_samples, "num_records": len(days), "files": [name.replace("train", split)]}
        for split in ("train", "eval")
    }
    (folder / "vocabulary.json").write_text(json.dumps(VOCABULARY.to_json()))
    (folder / "schema.json").write_text(json.dumps({**schema.to_json(), "fingerprint": schema.fingerprint}))
    description = {
        "format_version": records.FORMAT_VERSION,
        "schema_fingerprint": schema.fingerprint,
        "vocabulary_fingerprint": VOCABULARY.fingerprint,
        "splits": splits,
    }
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


def window_by_hand(day: UserDay, view_name: str, t0: int, max_length: int) -> np.ndarray:
    view = SCHEMA.view(view_name)
    window = np.zeros((max_length, len(view.features)), np.int32)
    seen = [i for i, time in enumerate(day.times_ms[view_name]) if time <= t0][-max_length:]
    for step, action in zip(range(max_length - len(seen), max_length), seen, strict=True):
        time = int(day.times_ms[view_name][action])
        stored = iter(day.ids[view_name])
        for column, feature in enumerate(view.features):
            if feature.name == "elapsed_time":
                window[step, column] = int(elapsed_time_bins(t0 - time).bins) + 2
                continue
            window[step, column] = next(stored)[action]
            if feature.name == "page_stay" and time + int(day.stay_ms[action]) > t0:
                window[step, column] = 1
    return window


def day_of_edges() -> UserDay:
    """Taps at, just before and just after every edge of the elapsed time, and two at one time."""
    day = user_day(9)
    elapsed_ms = [1000 * 2**k + shift for k in range(25) for shift in (-1, 0, 1)] + [0, 0, 999]
    times = {**day.times_ms, "tap": np.sort(day.t0_ms[1] - np.array(elapsed_ms))}
    ids = {**day.ids, "tap": random_ids(np.random.default_rng(9), SCHEMA.view("tap"), len(elapsed_ms))}
    return dataclasses.replace(day, times_ms=times, ids=ids)


@pytest.fixture(scope="module")
def days() -> list[UserDay]:
    return [*(user_day(seed) for seed in range(4)), day_of_edges()]


@pytest.mark.parametrize("max_length", [1, 60, 256])
def test_windows_equal_those_cut_by_hand(tmp_path: pathlib.Path, days: list[UserDay], max_length: int) -> None:
    dataset = open_dataset(write_dataset(tmp_path / "data", days))
    rows = list(dataset.evaluation_batches("eval", max_length, 5, extras=True).unbatch().as_numpy_iterator())
    assert len(rows) == sum(len(day.t0_ms) for day in days)
    expected = [(day, row) for day in days for row in range(len(day.t0_ms))]
    for (inputs, labels, weights, extras), (day, row) in zip(rows, expected, strict=True):
        t0 = int(day.t0_ms[row])
        assert (extras["user_id"], extras["t0_ms"]) == (day.user_id, t0)
        for view in SCHEMA.views:
            np.testing.assert_array_equal(inputs[view.name], window_by_hand(day, view.name, t0, max_length))
        assert inputs["history"].tolist() == day.history.tolist()
        assert inputs["profile"].tolist() == day.profile.tolist()
        assert inputs["candidates"].tolist() == [[2, 3], [1, 2], [1, 1], [1, 1]] + [[0, 0]] * 4
        assert extras["candidate_names"].tolist() == [list(pair) for pair in PAIR_NAMES] + [[b"", b""]] * 4
        stored = day.labels[row]
        flat_labels = np.concatenate([labels[intent.name] for intent in SCHEMA.intents])
        flat_weights = np.concatenate([weights[intent.name] for intent in SCHEMA.intents])
        assert flat_weights.tolist() == (stored != UNKNOWN_LABEL).astype(float).tolist()
        assert flat_labels.tolist() == (stored == 1).astype(float).tolist()


def order_by_hand(day: UserDay, t0: int, max_length: int) -> list[int]:
    numbered = enumerate(SCHEMA.views, start=1)
    seen = sorted((int(time), v) for v, view in numbered for time in day.times_ms[view.name] if time <= t0)[
        -max_length:
    ]
    return [0] * (max_length - len(seen)) + [v for _, v in seen]


@pytest.mark.parametrize("max_length", [1, 60, 256])
def test_order_across_views_is_that_of_the_exact_times(tmp_path: pathlib.Path, max_length: int) -> None:
    days = [user_day(seed) for seed in range(4)]
    tied = np.sort(np.repeat(days[1].times_ms["browse"], 2))  # swipes at the very moments of browse actions
    ids = {**days[1].ids, "swipe": random_ids(np.random.default_rng(1), SCHEMA.view("swipe"), len(tied))}
    days[1] = dataclasses.replace(days[1], times_ms={**days[1].times_ms, "swipe": tied}, ids=ids)
    folder = write_dataset(tmp_path / "data", days)
    rows = open_dataset(folder, has_view_order=True).evaluation_batches("eval", max_length, 5).unbatch()
    found = [inputs[VIEW_ORDER].tolist() for inputs, *_ in rows.as_numpy_iterator()]
    assert found == [order_by_hand(day, int(t0), max_length) for day in days for t0 in day.t0_ms]
    assert VIEW_ORDER not in open_dataset(folder).evaluation_batches("eval", max_length, 5).element_spec[0]


def keys(batches: tf.data.Dataset) -> list[bytes]:
    return [batch[0]["swipe"].astype(np.int32).tobytes() for batch in batches.as_numpy_iterator()]


def test_a_window_is_as_long_as_asked_for_or_as_stored(tmp_path: pathlib.Path, days: list[UserDay]) -> None:
    dataset = open_dataset(write_dataset(tmp_path / "data", days))
    stored = dataset.schema.max_length
    assert [dataset.window_length(asked) for asked in (0, 1, stored)] == [stored, 1, stored]
    with pytest.raises(InputError, match=f"--max_length={stored + 1}: the dataset stores up to {stored} actions"):
        dataset.window_length(stored + 1)


@pytest.fixture(scope="module")
def of_many_lengths(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """32 samples of 8 users: swipe views of 0 to 700 actions, tap views of 0 or 3, browse views of 1 to 9."""
    folder = tmp_path_factory.mktemp("many lengths") / "data"
    return open_dataset(write_dataset(folder, [user_day(seed, 4) for seed in range(8)]))


@pytest.mark.parametrize("are_alike", [False, True])
def test_training_order_is_a_function_of_seed_and_epoch(of_many_lengths: Dataset, are_alike: bool) -> None:
    def order(seed: int, first_epoch: int, num_epochs: int) -> list[bytes]:
        return keys(of_many_lengths.training_batches(60, 3, seed, first_epoch, num_epochs, are_alike=are_alike))

    undisturbed = order(1, 0, 3)
    assert len(undisturbed) == 3 * (32 // 3)
    for global_seed in (0, 5):
        tf.random.set_seed(global_seed)
        tf.random.normal([3])  # the global generator moves; the order must not
        assert order(1, 1, 3) == undisturbed[10:]
    assert undisturbed[:10] != undisturbed[10:20]
    assert order(2, 0, 1) != undisturbed[:10]


def test_memory_is_kept_from_the_moment_batches_are_read(of_many_lengths: Dataset) -> None:
    with mock.patch("edgedipn_tf.dataset.keep_freed_memory") as keep:
        batches = of_many_lengths.training_batches(60, 3, 1, 0, 2)
        assert not keep.called  # too early: TensorFlow sets the opposite when an iterator is made
        list(batches)
    assert keep.call_count == 1


def whole_samples(batches: tf.data.Dataset, max_length: int) -> list[bytes]:
    """Everything that a batch says of each of its samples, as if nothing had been cut off."""
    samples = []
    for inputs, *rest in batches.as_numpy_iterator():
        for view in SCHEMA.views:
            missing = max_length - inputs[view.name].shape[1]
            inputs[view.name] = np.pad(inputs[view.name], [(0, 0), (missing, 0), (0, 0)]).astype(np.int32)
        columns = [inputs, *rest]
        samples += [
            b"".join(part[name][row].tobytes() for part in columns for name in sorted(part))
            for row in range(len(inputs["history"]))
        ]
    return samples


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("are_alike", [False, True])
def test_every_sample_of_an_epoch_comes_once_with_all_that_is_real_of_it(
    of_many_lengths: Dataset, are_alike: bool, batch_size: int
) -> None:
    in_order = of_many_lengths.evaluation_batches("train", 60, 5)
    shuffled = of_many_lengths.training_batches(60, batch_size, 7, 0, 1, are_alike=are_alike)
    assert sorted(whole_samples(shuffled, 60)) == sorted(whole_samples(in_order, 60))


def samples_with_user(batches: tf.data.Dataset, max_length: int) -> list[tuple[bytes, bytes]]:
    users = [user for *_, extras in batches.as_numpy_iterator() for user in extras["user_id"]]
    without_names = batches.map(lambda inputs, labels, weights, extras: (inputs, labels, weights, _times(extras)))
    return list(zip(users, whole_samples(without_names, max_length), strict=True))


def _times(extras: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return {"t0_ms": extras["t0_ms"]}


def test_batches_of_like_lengths_hold_the_same_samples_and_lack_padding(of_many_lengths: Dataset) -> None:
    in_order = of_many_lengths.evaluation_batches("eval", 200, 5, extras=True)
    alike = of_many_lengths.alike_batches("eval", 200, 5)
    assert sorted(samples_with_user(alike, 200)) == sorted(samples_with_user(in_order, 200))
    lengths = {
        name: {batch[0][name].shape[1] for batch in alike.as_numpy_iterator()} for name in ("swipe", "tap", "browse")
    }
    assert lengths["swipe"] >= {16, 200} and lengths["tap"] == {16} and lengths["browse"] == {16}


def test_bytes_are_those_of_tensorflow(days: list[UserDay]) -> None:
    content = records.serialize(days[0], SCHEMA)
    example = tf.train.Example.FromString(content)
    assert example.features.feature["user_id"].bytes_list.value[0] == b"user 0"
    assert np.cumsum(example.features.feature["t0_ms"].int64_list.value).tolist() == days[0].t0_ms.tolist()


def damage(folder: pathlib.Path, what: str) -> None:
    if what == "no description":
        (folder / "dataset.json").unlink()
    elif what == "not json":
        (folder / "dataset.json").write_text("{")
    elif what == "no splits":
        (folder / "dataset.json").write_text(json.dumps({"format_version": 3, "schema_fingerprint": "x"}))
    elif what == "other format":
        description = json.loads((folder / "dataset.json").read_text())
        (folder / "dataset.json").write_text(json.dumps({**description, "format_version": 2}))
    elif what == "other schema":
        other = dataclasses.replace(SCHEMA, timezone="Asia/Tokyo")
        (folder / "schema.json").write_text(json.dumps(other.to_json()))
    else:
        (folder / "eval.tfrecord-00000-of-00001").unlink()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no description", "dataset.json .* does not exist: make the dataset"),
        ("not json", "is not JSON"),
        ("no splits", "damaged"),
        ("other format", "dataset format 2, this program reads 3: make the dataset"),
        ("other schema", "schema.json has fingerprint .* dataset.json names"),
        ("no shard", "eval.tfrecord-00000-of-00001 is missing"),
    ],
)
def test_a_damaged_folder_is_refused_in_one_line(
    tmp_path: pathlib.Path, days: list[UserDay], what: str, message: str
) -> None:
    folder = write_dataset(tmp_path / "data", days)
    damage(folder, what)
    with pytest.raises(InputError, match=message):
        open_dataset(folder)
