"""Reading a dataset: records -> windows -> batches, as tf.data.

A record holds a user's actions of one local day once (`records`); the windows of its cut-offs are cut here. Inputs of
a batch, all int32, right-aligned with padding 0 first (T = max_length, features in the order of the schema):

    swipe (B, T, 15)   tap (B, T, 4)   browse (B, T, 7)   history (B, 18)   profile (B, 6)   candidates (B, K, 2)

Candidates are (leaf id, top id). Labels and weights are dictionaries by intent, float32 (B, 1) or (B, K); weight 0 is
an unknown label.
"""

import dataclasses
import functools
import pathlib
from typing import Any

import tensorflow as tf

from edgedipn_tf import publishing, records
from edgedipn_tf.commands import InputError
from edgedipn_tf.discretize import ELAPSED_EDGES_SECONDS
from edgedipn_tf.schema import ELAPSED_TIME, FIRST_REAL_ID, NOT_APPLICABLE_ID, Schema, View, feature_key

Tensors = dict[str, tf.Tensor]
SHUFFLED_RECORDS = 512
SHUFFLED_SAMPLES = 8192


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A published dataset folder.

    Attributes:
        path: the folder.
        schema: what a sample is made of.
        description: content of dataset.json.
    """

    path: pathlib.Path
    schema: Schema
    description: dict[str, Any]

    @property
    def vocabulary_fingerprint(self) -> str:
        """Identity of the vocabulary that gave the ids."""
        return str(self.description["vocabulary_fingerprint"])

    @property
    def candidate_mix(self) -> str:
        """Name of how the candidate places were filled: an AUC over candidates means nothing without it."""
        return str(self.description["candidates"])

    def num_samples(self, split: str) -> int:
        """Returns how many samples a split holds."""
        return int(self.description["splits"][split]["num_samples"])

    def training_batches(
        self, max_length: int, global_batch_size: int, seed: int, first_epoch: int, num_epochs: int
    ) -> tf.data.Dataset:
        """Returns the batches of epochs [first_epoch, num_epochs), one epoch after another, without incomplete ones.

        The order of an epoch is a function of (seed, epoch) alone, so a resumed run sees what an undisturbed one sees.
        """

        def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
            epoch_seed = tf.cast(seed, tf.int64) * 1_000_003 + epoch
            shuffled = self._records("train").shuffle(SHUFFLED_RECORDS, seed=epoch_seed)
            samples = shuffled.map(functools.partial(self._cut, max_length), num_parallel_calls=2).unbatch()
            samples = samples.shuffle(SHUFFLED_SAMPLES, seed=epoch_seed)
            return samples.batch(global_batch_size, drop_remainder=True).map(_without_extras)

        return tf.data.Dataset.range(first_epoch, num_epochs).flat_map(one_epoch).prefetch(2)

    def evaluation_batches(self, split: str, max_length: int, batch_size: int, extras: bool = False) -> tf.data.Dataset:
        """Returns the batches of a split in file order; the last one may be smaller.

        Args:
            split: `train` or `eval`.
            max_length: T, at most the schema's.
            batch_size: samples of a batch.
            extras: whether a fourth element gives user_id, t0_ms and the candidates' names (leaf, top; empty is null).
        """
        cut = self._records(split).map(functools.partial(self._cut, max_length), num_parallel_calls=2)
        batches = cut.unbatch().batch(batch_size)
        return (batches if extras else batches.map(_without_extras)).prefetch(2)

    def _records(self, split: str) -> tf.data.Dataset:
        files = [str(self.path / name) for name in self.description["splits"][split]["files"]]
        return tf.data.TFRecordDataset(files, num_parallel_reads=1)

    def _cut(self, max_length: int, serialized: tf.Tensor) -> tuple[Tensors, Tensors, Tensors, Tensors]:
        """Cuts one record into the n samples of its cut-offs."""
        if not 1 <= max_length <= self.schema.max_length:
            raise ValueError(f"max_length={max_length}: this schema stores 1 to {self.schema.max_length} actions")
        record = tf.io.parse_single_example(serialized, _feature_spec(self.schema))
        t0_ms = tf.cumsum(record["t0_ms"])
        num_cutoffs = tf.shape(t0_ms)[0]
        inputs = {view.name: _cut_windows(record, view, t0_ms, max_length) for view in self.schema.views}
        for name, size in (("history", len(self.schema.history)), ("profile", len(self.schema.profile))):
            ids = tf.cast(tf.io.decode_raw(record[name], tf.uint8), tf.int32)
            inputs[name] = tf.ensure_shape(tf.repeat(ids[None, :], num_cutoffs, axis=0), [None, size])
        places = tf.reshape(
            tf.cast(tf.io.decode_raw(record["candidates"], tf.uint8), tf.int32), [-1, self.schema.num_candidates]
        )
        # Place 0 is unfilled: ids (0, 0), no names.
        pair_ids = tf.reshape(tf.cast(tf.io.decode_raw(record["pair_ids"], tf.uint16), tf.int32), [-1, 2])
        inputs["candidates"] = tf.gather(tf.pad(pair_ids, [[1, 0], [0, 0]]), places)
        pair_names = tf.concat([[["", ""]], tf.reshape(record["pair_names"], [-1, 2])], axis=0)
        extras = {
            "user_id": tf.repeat(record["user_id"][None], num_cutoffs),
            "t0_ms": t0_ms,
            "candidate_names": tf.gather(pair_names, places),
        }
        labels, weights = self._labels(record)
        return inputs, labels, weights, extras

    def _labels(self, record: Tensors) -> tuple[Tensors, Tensors]:
        sizes = [self.schema.num_places(intent) for intent in self.schema.intents]
        stored = tf.reshape(tf.io.decode_raw(record["labels"], tf.uint8), [-1, sum(sizes)])
        by_intent = tf.split(stored, sizes, axis=1)
        names = [intent.name for intent in self.schema.intents]
        is_known = [tf.not_equal(values, records.UNKNOWN_LABEL) for values in by_intent]
        labels = {
            name: tf.cast(tf.logical_and(values == 1, known), tf.float32)
            for name, values, known in zip(names, by_intent, is_known, strict=True)
        }
        weights = {name: tf.cast(known, tf.float32) for name, known in zip(names, is_known, strict=True)}
        return labels, weights


def open_dataset(path: str | pathlib.Path) -> Dataset:
    """Opens a dataset folder.

    Raises:
        InputError: when the folder is not a published dataset, is of another format, or lacks a file.
    """
    folder = pathlib.Path(path)
    remedy = "make the dataset with `python -m beam_pipelines.discretize_events`"
    description = publishing.read_json(folder / "dataset.json", "description of a dataset", remedy)
    stored = publishing.read_json(folder / "schema.json", "schema of a dataset", remedy)
    try:
        version, fingerprint = description["format_version"], description["schema_fingerprint"]
        schema = Schema.from_json({key: value for key, value in stored.items() if key != "fingerprint"})
        files = [name for split in description["splits"].values() for name in split["files"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{folder}: dataset.json or schema.json is damaged ({error!r}): {remedy}") from None
    if version != records.FORMAT_VERSION:
        raise InputError(f"{folder}: dataset format {version}, this program reads {records.FORMAT_VERSION}: {remedy}")
    if schema.fingerprint != fingerprint:
        raise InputError(
            f"{folder}: schema.json has fingerprint {schema.fingerprint}, dataset.json names {fingerprint}: "
            f"the files are of different datasets; {remedy}"
        )
    missing = [name for name in files if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder / missing[0]} is missing: the dataset is not whole; {remedy}")
    return Dataset(folder, schema, description)


def _without_extras(inputs: Tensors, labels: Tensors, weights: Tensors, extras: Tensors) -> tuple[Tensors, ...]:
    return inputs, labels, weights


def _feature_spec(schema: Schema) -> dict[str, Any]:
    raw = tf.io.FixedLenFeature([], tf.string)
    integers = tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True)
    spec = {name: raw for name in ("user_id", "history", "profile", "pair_ids", "candidates", "labels")}
    spec |= {"t0_ms": integers, "browse_stay_ms": integers}
    spec["pair_names"] = tf.io.FixedLenSequenceFeature([], tf.string, allow_missing=True)
    for view in schema.views:
        spec[records.time_key(view)] = integers
        spec |= {feature_key(view.name, feature): raw for feature in records.stored_features(view)}
    return spec


def _cut_windows(record: Tensors, view: View, t0_ms: tf.Tensor, max_length: int) -> tf.Tensor:
    """Cuts the windows of one view: for each cut-off its newest actions at or before it, (n, T, F)."""
    times_ms = tf.cumsum(record[records.time_key(view)])
    ends = tf.searchsorted(times_ms, t0_ms, side="right")
    columns = []
    for feature in records.stored_features(view):
        dtype = tf.uint8 if records.storage_dtype(feature) == "<u1" else tf.uint16
        columns.append(tf.cast(tf.io.decode_raw(record[feature_key(view.name, feature)], dtype), tf.int32))
    stored = tf.stack(columns, axis=1)
    # With T rows of padding in front, the window that ends before action e starts at row e.
    rows = ends[:, None] + tf.range(max_length)[None, :]
    is_real = rows >= max_length
    windows = tf.gather(tf.pad(stored, [[max_length, 0], [0, 0]]), rows)
    window_times = tf.gather(tf.pad(times_ms, [[max_length, 0]]), rows)
    if view.name == "browse":
        stay_ms = tf.gather(tf.pad(record["browse_stay_ms"], [[max_length, 0]]), rows)
        windows = _hide_unfinished_stays(windows, view, window_times + stay_ms > t0_ms[:, None], is_real)
    elapsed = _elapsed_time_ids(t0_ms[:, None] - window_times)
    by_feature = iter(tf.unstack(windows, num=len(columns), axis=2))
    ordered = [
        tf.where(is_real, elapsed, 0) if feature.name == ELAPSED_TIME.name else next(by_feature)
        for feature in view.features
    ]
    return tf.ensure_shape(tf.stack(ordered, axis=2), [None, max_length, len(view.features)])


def _hide_unfinished_stays(windows: tf.Tensor, view: View, is_unfinished: tf.Tensor, is_real: tf.Tensor) -> tf.Tensor:
    """A stay that ends after t0 is not known on the phone at t0: not applicable."""
    is_stay = tf.range(tf.shape(windows)[2]) == view.index("page_stay")
    hidden = tf.logical_and(is_unfinished, is_real)[:, :, None] & is_stay[None, None, :]
    return tf.where(hidden, NOT_APPLICABLE_ID, windows)


def _elapsed_time_ids(elapsed_ms: tf.Tensor) -> tf.Tensor:
    """Ids of the elapsed time, as `discretize.elapsed_time_bins`, by the same edges."""
    seconds = tf.maximum(elapsed_ms, 0) // 1000
    boundaries = tf.constant(ELAPSED_EDGES_SECONDS, tf.int64)
    flat = tf.searchsorted(boundaries, tf.reshape(seconds, [-1]), side="right")
    return tf.reshape(flat, tf.shape(seconds)) + FIRST_REAL_ID
