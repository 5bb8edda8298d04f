"""The dataset through TensorFlow Datasets, as it lies and materialized: the samples of tf.data, bit for bit."""

import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from edgedipn_tf import materialize_dataset
from edgedipn_tf.dataset import open_dataset
from edgedipn_tf.tfds_builder import DatasetFolder
from tests.edgedipn_tf.tiny_dataset import write_dataset

NUM_SAMPLES = {"train": 28, "eval": 20}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return write_dataset(tmp_path_factory.mktemp("tfds") / "dataset", num_users={"train": 7, "eval": 5})


@pytest.fixture(scope="module")
def plain(folder: pathlib.Path) -> pathlib.Path:
    output = folder.with_name("plain")
    assert materialize_dataset.run([f"--data={folder}", f"--output={output}", "--num_shards=3"]) == 0
    return output


def cut_samples(folder: pathlib.Path, split: str, max_length: int = 8) -> Iterator[dict[str, Any]]:
    batches = open_dataset(folder).evaluation_batches(split, max_length, 5, extras=True)
    for inputs, labels, weights, extras in batches.unbatch().as_numpy_iterator():
        yield {"inputs": inputs, "labels": labels, "weights": weights, **extras}


def assert_equal(found: list[Any], expected: list[Any]) -> None:
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        tf.nest.assert_same_structure(one, other)
        for value, wanted in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
            assert np.asarray(value).dtype == np.asarray(wanted).dtype
            np.testing.assert_array_equal(value, wanted)


@pytest.mark.parametrize("split", ["train", "eval"])
def test_materialized_samples_equal_those_cut_at_reading(folder: pathlib.Path, plain: pathlib.Path, split: str) -> None:
    builder = tfds.builder_from_directory(plain)
    assert builder.info.splits[split].num_examples == NUM_SAMPLES[split]
    read = list(builder.as_dataset(split=split).as_numpy_iterator())
    expected = list(cut_samples(folder, split))
    assert_equal(
        sorted(read, key=lambda sample: (sample["user_id"], sample["t0_ms"])),
        sorted(expected, key=lambda sample: (sample["user_id"], sample["t0_ms"])),
    )


def test_sizes_of_shards_are_those_of_the_files(plain: pathlib.Path) -> None:
    stored = {split["name"]: split for split in json.loads((plain / "dataset_info.json").read_text())["splits"]}
    for name, num_samples in NUM_SAMPLES.items():
        files = sorted(plain.glob(f"edgedipn-{name}.tfrecord-*-of-00003"))
        counted = [sum(1 for _ in tf.data.TFRecordDataset(str(file))) for file in files]
        assert [int(length) for length in stored[name]["shardLengths"]] == counted
        assert sum(counted) == num_samples


def test_a_shorter_window_is_the_newest_part(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    output = tmp_path / "plain"
    assert materialize_dataset.run([f"--data={folder}", f"--output={output}", "--max_length=3", "--num_shards=1"]) == 0
    read = list(tfds.builder_from_directory(output).as_dataset(split="eval").as_numpy_iterator())
    assert_equal(read, list(cut_samples(folder, "eval", 3)))
    newest = [sample["inputs"]["swipe"][-3:].tolist() for sample in cut_samples(folder, "eval")]
    assert [sample["inputs"]["swipe"].tolist() for sample in read] == newest


def test_the_folder_is_read_as_it_lies(folder: pathlib.Path) -> None:
    before = sorted(path.name for path in folder.iterdir())
    builder = DatasetFolder(folder)
    assert {name: split.num_examples for name, split in builder.info.splits.items()} == NUM_SAMPLES
    everything = builder.as_dataset()
    for split, samples in everything.items():
        assert samples.element_spec == builder.info.features.get_tensor_spec()
        assert_equal(list(samples.as_numpy_iterator()), list(cut_samples(folder, split)))
    assert sorted(path.name for path in folder.iterdir()) == before


def test_slices_of_splits(folder: pathlib.Path) -> None:
    samples = DatasetFolder(folder, max_length=3).as_dataset(split="eval[:25%]+train[26:]")
    expected = [*list(cut_samples(folder, "eval", 3))[:5], *list(cut_samples(folder, "train", 3))[26:]]
    assert_equal(list(samples.as_numpy_iterator()), expected)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--data={folder}/nowhere",), "dataset.json .* does not exist: make the dataset"),
        (("--data={folder}", "--max_length=9"), "--max_length=9: the dataset stores up to 8 actions"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_left(
    flags: tuple[str, ...],
    message: str,
    folder: pathlib.Path,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [flag.format(folder=folder) for flag in flags]
    assert materialize_dataset.run([*given, f"--output={tmp_path / 'plain'}"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(message, error)
    assert not list(tmp_path.iterdir())
