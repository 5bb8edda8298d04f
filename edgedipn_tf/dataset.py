"""Reading a dataset: records -> windows -> batches, as tf.data.

A record holds a user's actions of one local day once (`records`). Some records at a time are decoded into a pool
(`window_cutting`), the samples of the pool are put together (`batching`), and each batch is cut out of it, once, in its
place. Inputs of a batch, integers, right-aligned with padding 0 first (T = max_length or what the batch needs of it,
features in the order of the schema):

    swipe (B, T, 15)   tap (B, T, 4)   browse (B, T, 7)   history (B, 18)   profile (B, 6)   candidates (B, K, 2)

and, for early fusion, view_order (B, T), see `window_cutting.view_order`. Candidates are (leaf id, top id). Labels and
weights are dictionaries by intent, float32 (B, 1) or (B, K); weight 0 is an unknown label.

For a model, which takes any integers, views are of the smallest type that holds their ids; else all inputs are int32.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from edgedipn_tf import batching, packed_batches, publishing, records, window_cutting
from edgedipn_tf.commands import InputError
from edgedipn_tf.kept_memory import keep_freed_memory
from edgedipn_tf.pools import Split, read_pools
from edgedipn_tf.schema import FIRST_REAL_ID, VIEW_ORDER, Schema, feature_key
from edgedipn_tf.schema_files import read_vocabulary
from edgedipn_tf.untuned import untuned
from edgedipn_tf.window_cutting import Arrays, id_dtype

Tensors = dict[str, tf.Tensor]
REMEDY = "make the dataset with `python -m beam_pipelines.discretize_events`"
SHUFFLED_SAMPLES, SHUFFLED_BATCHES = 8192, 32
"""About how many samples of the shuffled records are shuffled, or sorted by length, among each other: the larger."""
DECODED_SAMPLES = 2048
"""About how many samples are decoded at once when their order stays."""
_EXTRAS = ("user_id", "t0_ms", "candidate_names")


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A published dataset folder.

    Attributes:
        path: the folder.
        schema: what a sample is made of.
        description: content of dataset.json.
        splits: by name: `train`, `eval`, and those that `held_out_users` divides the training split into.
        has_view_order: whether the inputs tell the order of the actions across views.
    """

    path: pathlib.Path
    schema: Schema
    description: dict[str, Any]
    splits: Mapping[str, Split]
    has_view_order: bool = False

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
        return self.splits[split].num_samples

    def window_length(self, max_length: int) -> int:
        """Returns the T that a flag asks for: as many actions as are stored when it is 0.

        Raises:
            InputError: when it is more than the dataset stores.
        """
        if max_length > self.schema.max_length:
            raise InputError(f"--max_length={max_length}: the dataset stores up to {self.schema.max_length} actions")
        return max_length or self.schema.max_length

    def training_batches(
        self,
        max_length: int,
        global_batch_size: int,
        seed: int,
        first_epoch: int,
        num_epochs: int,
        split: str = "train",
        are_alike: bool = False,
    ) -> tf.data.Dataset:
        """Returns the batches of epochs [first_epoch, num_epochs), one epoch after another, without incomplete ones.

        The order of an epoch is a function of (seed, epoch) alone, so a resumed run sees what an undisturbed one sees.

        Args:
            max_length: T, at most the schema's.
            global_batch_size: samples of a batch.
            seed: of the order.
            first_epoch, num_epochs: which epochs.
            split: a name of `splits`.
            are_alike: whether the samples of a batch have like lengths, and views are cut to the longest in the batch.
        """
        num_samples = max(SHUFFLED_SAMPLES, SHUFFLED_BATCHES * global_batch_size)

        def batches() -> Iterator[batching.Batch]:
            for epoch in range(first_epoch, num_epochs):
                generator = np.random.default_rng([seed, epoch])
                pools = read_pools(self.schema, self.splits[split], max_length, num_samples, generator)
                yield from batching.shuffled(pools, self._views, global_batch_size, max_length, are_alike, generator)

        found = self._cut(batches, max_length, global_batch_size, are_alike, self._finish)
        # Nothing is left to rebatch; it tells a distribution strategy how many samples a batch has.
        return found.rebatch(global_batch_size, drop_remainder=True).prefetch(2)

    def evaluation_batches(self, split: str, max_length: int, batch_size: int, extras: bool = False) -> tf.data.Dataset:
        """Returns the batches of a split in file order, all inputs int32; the last one may be smaller.

        Args:
            split: a name of `splits`.
            max_length: T, at most the schema's.
            batch_size: samples of a batch.
            extras: whether a fourth element gives user_id, t0_ms and the candidates' names (leaf, top; empty is null).

        Raises:
            InputError: when names are wanted and the vocabulary cannot be read.
        """

        def batches() -> Iterator[batching.Batch]:
            pools = read_pools(self.schema, self.splits[split], max_length, DECODED_SAMPLES)
            return batching.in_file_order(pools, batch_size)

        def finish(batch: Tensors) -> tuple[Tensors, ...]:
            return self._finish(batch | {view: tf.cast(batch[view], tf.int32) for view in self._views})

        vocabulary = self._candidate_vocabulary() if extras else None
        return self._cut(batches, max_length, batch_size, False, finish, vocabulary).prefetch(2)

    def alike_batches(self, split: str, max_length: int, batch_size: int) -> tf.data.Dataset:
        """Returns the samples of a split with extras, in batches of like lengths; any of them may be smaller.

        Args:
            split: a name of `splits`.
            max_length: T, at most the schema's.
            batch_size: most samples of a batch.

        Raises:
            InputError: when the vocabulary cannot be read.
        """
        num_samples = max(SHUFFLED_SAMPLES, SHUFFLED_BATCHES * batch_size)

        def batches() -> Iterator[batching.Batch]:
            pools = read_pools(self.schema, self.splits[split], max_length, num_samples)
            return batching.by_length(pools, self._views, batch_size, max_length)

        vocabulary = self._candidate_vocabulary()
        return self._cut(batches, max_length, batch_size, True, self._finish, vocabulary).prefetch(2)

    @property
    def _views(self) -> list[str]:
        return [view.name for view in self.schema.views]

    def _cut(
        self,
        batches: Callable[[], Iterator[batching.Batch]],
        max_length: int,
        batch_size: int,
        are_alike: bool,
        finish: Callable[[Tensors], tuple[Tensors, ...]],
        vocabulary: list[np.ndarray] | None = None,
    ) -> tf.data.Dataset:
        """Cuts batches and finishes them; those of like lengths lose the padding that they share."""

        def cut_rest(pool: Arrays, samples: window_cutting.Int64) -> Arrays:
            rest = window_cutting.cut_rest(self.schema, pool, samples)
            if self.has_view_order:
                rest[VIEW_ORDER] = window_cutting.view_order(self.schema, max_length, pool, samples)
            if vocabulary is not None:
                rest |= window_cutting.cut_extras(self.schema, vocabulary, pool, samples)
            return rest

        def lengths(batch: batching.Batch) -> Mapping[str, int]:
            if are_alike:
                return batching.cut_lengths(batch, self._views, max_length)
            return dict.fromkeys(self._views, max_length)

        def packed() -> Iterator[Arrays]:
            keep_freed_memory()  # here: making a dataset of a generator, TensorFlow has just set the opposite
            for some in packed_batches.together(batches(), batch_size):
                lengths_of_some = [lengths(batch) for batch in some]
                yield packed_batches.pack(self.schema, max_length, some, lengths_of_some, cut_rest)

        types = _packed_types(self.schema, with_extras=vocabulary is not None)
        if self.has_view_order:
            types[VIEW_ORDER] = tf.TensorSpec([None, max_length], tf.int32)
        found = tf.data.Dataset.from_generator(packed, output_signature=types)
        num_steps = None if are_alike else max_length
        unpack = functools.partial(packed_batches.unpack, self.schema.views, num_steps)
        return untuned(found.flat_map(lambda some: unpack(some).map(finish)))

    def _finish(self, batch: Tensors) -> tuple[Tensors, ...]:
        """Parts a batch into inputs, labels, weights and, when there are some, extras."""
        rest = dict(batch)
        sizes = [self.schema.num_places(intent) for intent in self.schema.intents]
        codes = rest.pop("labels")
        names = [intent.name for intent in self.schema.intents]
        labels = tf.split(tf.cast(codes == 1, tf.float32), sizes, axis=1)
        weights = tf.split(tf.cast(codes != records.UNKNOWN_LABEL_CODE, tf.float32), sizes, axis=1)
        extras = {name: rest.pop(name) for name in _EXTRAS if name in rest}
        parts = rest, dict(zip(names, labels, strict=True)), dict(zip(names, weights, strict=True))
        return (*parts, extras) if extras else parts

    def _candidate_vocabulary(self) -> list[np.ndarray]:
        """Names of all ids of leaf and top; empty where an id has none."""
        path = self.path / "vocabulary.json"
        vocabulary = read_vocabulary(path, self.schema, REMEDY)
        if vocabulary.fingerprint != self.vocabulary_fingerprint:
            raise InputError(
                f"{path} has fingerprint {vocabulary.fingerprint}, dataset.json names {self.vocabulary_fingerprint}: "
                f"the files are of different datasets; {REMEDY}"
            )
        tables = []
        for level in records.CANDIDATE_LEVELS:
            feature = self.schema.view("browse").feature(level)
            names = [name.encode("utf-8", "surrogatepass") for name in vocabulary.names[feature_key("browse", feature)]]
            table = np.full(feature.table_size, b"", object)
            table[FIRST_REAL_ID : FIRST_REAL_ID + len(names)] = names
            tables.append(table)
        return tables


def open_dataset(path: str | pathlib.Path, has_view_order: bool = False) -> Dataset:
    """Opens a dataset folder.

    Args:
        path: the folder.
        has_view_order: whether the inputs are to tell the order of the actions across views; it costs a sort.

    Raises:
        InputError: when the folder is not a published dataset, is of another format, or lacks a file.
    """
    folder = pathlib.Path(path)
    description = publishing.read_json(folder / "dataset.json", "description of a dataset", REMEDY)
    stored = publishing.read_json(folder / "schema.json", "schema of a dataset", REMEDY)
    try:
        version, fingerprint = description["format_version"], description["schema_fingerprint"]
        if version != records.FORMAT_VERSION:
            raise InputError(
                f"{folder}: dataset format {version}, this program reads {records.FORMAT_VERSION}: {REMEDY}"
            )
        schema = Schema.from_json({key: value for key, value in stored.items() if key != "fingerprint"})
        splits = {name: _split(folder, stored) for name, stored in description["splits"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{folder}: dataset.json or schema.json is damaged ({error!r}): {REMEDY}") from None
    if schema.fingerprint != fingerprint:
        raise InputError(
            f"{folder}: schema.json has fingerprint {schema.fingerprint}, dataset.json names {fingerprint}: "
            f"the files are of different datasets; {REMEDY}"
        )
    missing = [path for split in splits.values() for path in split.files if not pathlib.Path(path).is_file()]
    if missing:
        raise InputError(f"{missing[0]} is missing: the dataset is not whole; {REMEDY}")
    return Dataset(folder, schema, description, splits, has_view_order)


def _split(folder: pathlib.Path, stored: Mapping[str, Any]) -> Split:
    files = tuple(str(folder / name) for name in stored["files"])
    return Split(files, int(stored["num_samples"]), int(stored["num_records"]))


def _packed_types(schema: Schema, with_extras: bool) -> dict[str, tf.TensorSpec]:
    """Of packed batches, with what `window_cutting.cut_rest` and, if wanted, `cut_extras` return."""
    num_labels = sum(schema.num_places(intent) for intent in schema.intents)
    places = [None, schema.num_candidates, len(records.CANDIDATE_LEVELS)]
    types = {view.name: tf.TensorSpec([None], id_dtype(view)) for view in schema.views}
    types[packed_batches.SIZES] = tf.TensorSpec([None, 1 + len(schema.views)], tf.int32)
    types["history"] = tf.TensorSpec([None, len(schema.history)], tf.int32)
    types["profile"] = tf.TensorSpec([None, len(schema.profile)], tf.int32)
    types["candidates"] = tf.TensorSpec(places, tf.int32)
    types["labels"] = tf.TensorSpec([None, num_labels], tf.uint8)
    if with_extras:
        types["user_id"] = tf.TensorSpec([None], tf.string)
        types["t0_ms"] = tf.TensorSpec([None], tf.int64)
        types["candidate_names"] = tf.TensorSpec(places, tf.string)
    return types
