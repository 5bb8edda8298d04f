"""A dataset as one of TensorFlow Datasets, read where it lies: nothing is copied or prepared.

    from edgedipn_tf.tfds_builder import DatasetFolder
    train, first_tenth = DatasetFolder("dataset").as_dataset(split=["train", "eval[:10%]"])

An element is one sample, as nested dictionaries: `inputs` (see `dataset`), `labels` and `weights` by intent, `user_id`,
`t0_ms`, and `candidate_names` (K pairs of leaf and top, empty where there is none).
`python -m edgedipn_tf.materialize_dataset` writes the same samples as plain files.
"""

import functools
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from edgedipn_tf.dataset import Dataset, open_dataset
from edgedipn_tf.records import CANDIDATE_LEVELS
from edgedipn_tf.schema import Schema

VERSION = "1.0.0"
"""Of the form of an element."""
NAME = "edgedipn"
DECODED_BATCH = 256
Sample = dict[str, Any]


def sample_features(schema: Schema, max_length: int) -> tfds.features.FeaturesDict:
    """Returns what an element holds.

    Args:
        schema: of the dataset.
        max_length: T, actions of a view.
    """
    shapes: dict[str, tuple[int, ...]] = {v.name: (max_length, len(v.features)) for v in schema.views}
    shapes |= {"history": (len(schema.history),), "profile": (len(schema.profile),)}
    places = (schema.num_candidates, len(CANDIDATE_LEVELS))
    shapes["candidates"] = places
    by_intent = {
        intent.name: tfds.features.Tensor(shape=(schema.num_places(intent),), dtype=np.float32)
        for intent in schema.intents
    }
    return tfds.features.FeaturesDict(
        {
            "inputs": {name: tfds.features.Tensor(shape=shape, dtype=np.int32) for name, shape in shapes.items()},
            "labels": by_intent,
            "weights": by_intent,
            "user_id": tfds.features.Text(),
            "t0_ms": np.int64,
            "candidate_names": tfds.features.Tensor(shape=places, dtype=np.str_),
        }
    )


def samples(dataset: Dataset, split: str, max_length: int) -> tf.data.Dataset:
    """Returns the samples of a split one by one, in the order of the files, as `sample_features` says.

    Raises:
        InputError: when the vocabulary cannot be read.
    """

    def nest(inputs: Sample, labels: Sample, weights: Sample, extras: Sample) -> Sample:
        return {"inputs": inputs, "labels": labels, "weights": weights, **extras}

    return dataset.evaluation_batches(split, max_length, DECODED_BATCH, extras=True).map(nest).unbatch()


class _FolderInfo(tfds.core.DatasetInfo):
    """What is known of a folder is in the folder."""

    def initialize_from_bucket(self) -> None:
        """Does not look for the dataset in the cloud."""


class DatasetFolder(tfds.core.DatasetBuilder, skip_registration=True):  # type: ignore[misc]
    """Builder over the folder of a published dataset.

    Args:
        path: the folder.
        max_length: T, actions of a view; by default as many as the schema holds.

    Raises:
        InputError: when the folder is not a published dataset.
    """

    VERSION = tfds.core.Version(VERSION)
    name = NAME

    def __init__(self, path: str | pathlib.Path, max_length: int | None = None) -> None:
        self._dataset = open_dataset(path)
        self._max_length = max_length or self._dataset.schema.max_length
        super().__init__(data_dir=path)
        self._original_state = {"path": path, "max_length": max_length}  # what the base class pickles
        splits = [self._split_info(name) for name in self._dataset.description["splits"]]
        self.info.set_splits(tfds.core.splits.SplitDict(splits))

    def _split_info(self, name: str) -> tfds.core.SplitInfo:
        files = self._dataset.description["splits"][name]["files"]
        num_bytes = sum((self._dataset.path / file).stat().st_size for file in files)
        # As one shard: the builder slices by samples, whatever the files hold.
        return tfds.core.SplitInfo(name=name, shard_lengths=[self._dataset.num_samples(name)], num_bytes=num_bytes)

    def _build_data_dir(self, given_data_dir: str | None) -> tuple[str, str]:
        return str(given_data_dir), str(given_data_dir)

    def _info(self) -> tfds.core.DatasetInfo:
        features = sample_features(self._dataset.schema, self._max_length)
        return _FolderInfo(builder=self, features=features, description="Discretized behaviour and intents.")

    def _download_and_prepare(self, dl_manager: Any, download_config: Any = None) -> None:
        """Has nothing to do: the folder is what is read."""

    def _as_dataset(
        self, split: Any, decoders: Any = None, read_config: Any = None, shuffle_files: bool = False
    ) -> tf.data.Dataset:
        """Returns the samples of a split or of slices of splits, such as `train[:10%]+eval`."""
        if decoders is not None:
            raise ValueError("decoders: the samples are tensors already")
        slices = tfds.core.ReadInstruction.from_spec(split).to_absolute(self.info.splits)
        return functools.reduce(tf.data.Dataset.concatenate, map(self._slice, slices))

    def _slice(self, part: Any) -> tf.data.Dataset:
        """Returns the samples of a split from one number to another; None: from the first, to the last."""
        first = part.from_ or 0
        last = self._dataset.num_samples(part.splitname) if part.to is None else part.to
        return samples(self._dataset, part.splitname, self._max_length).skip(first).take(last - first)
