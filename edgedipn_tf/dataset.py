"""Reading a dataset: records -> windows -> batches, as tf.data.

A record holds a user's actions of one local day once (`records`). Some records at a time are decoded into a pool, and
the batches are cut out of it (`window_cutting`), so a window is made once, in its place. Inputs of a batch, all int32,
right-aligned with padding 0 first (T = max_length, features in the order of the schema):

    swipe (B, T, 15)   tap (B, T, 4)   browse (B, T, 7)   history (B, 18)   profile (B, 6)   candidates (B, K, 2)

and, for early fusion, view_order (B, T), see `window_cutting.view_order`. Candidates are (leaf id, top id). Labels and
weights are dictionaries by intent, float32 (B, 1) or (B, K); weight 0 is an unknown label.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edgedipn_tf import publishing, records, window_cutting
from edgedipn_tf.commands import InputError
from edgedipn_tf.schema import FIRST_REAL_ID, VIEW_ORDER, Schema, feature_key
from edgedipn_tf.schema_files import read_vocabulary
from edgedipn_tf.window_cutting import Arrays

Tensors = dict[str, tf.Tensor]
REMEDY = "make the dataset with `python -m beam_pipelines.discretize_events`"
SHUFFLED_RECORDS = 512
SHUFFLED_SAMPLES = 8192
"""About how many samples of the shuffled records are shuffled among each other."""
DECODED_SAMPLES = 2048
"""About how many samples are decoded at once when nothing is shuffled."""
_EXTRAS = ("user_id", "t0_ms", "candidate_names")


@dataclasses.dataclass(frozen=True)
class Split:
    """Some records of a dataset.

    Attributes:
        files: where they are.
        num_samples: how many samples they hold.
        num_records: how many records they are.
        is_member: for each record of the files, in their order, whether it belongs to the split; None: all do.
    """

    files: tuple[str, ...]
    num_samples: int
    num_records: int
    is_member: NDArray[np.bool_] | None = None


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
    ) -> tf.data.Dataset:
        """Returns the batches of epochs [first_epoch, num_epochs), one epoch after another, without incomplete ones.

        The order of an epoch is a function of (seed, epoch) alone, so a resumed run sees what an undisturbed one sees.
        """

        def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
            # Else tf.data would mix TensorFlow's global seed into the order, and fail where that is 0.
            tf.compat.v1.set_random_seed(1)
            epoch_seed = tf.cast(seed, tf.int64) * 1_000_003 + epoch
            shuffled = self._records(split).shuffle(SHUFFLED_RECORDS, seed=epoch_seed)
            pools = self._pools(shuffled, split, max_length, SHUFFLED_SAMPLES)

            def one_pool(index: tf.Tensor, pool: Tensors) -> tf.data.Dataset:
                in_order = tf.range(tf.shape(pool["t0_ms"], tf.int64)[0])
                order = tf.random.experimental.stateless_shuffle(in_order, tf.stack([epoch_seed, index]))
                return self._cut(pool, order, max_length, global_batch_size)

            pieces = pools.enumerate().flat_map(one_pool)
            return pieces.rebatch(global_batch_size, drop_remainder=True).map(self._finish)

        return tf.data.Dataset.range(first_epoch, num_epochs).flat_map(one_epoch).prefetch(2)

    def evaluation_batches(self, split: str, max_length: int, batch_size: int, extras: bool = False) -> tf.data.Dataset:
        """Returns the batches of a split in file order; the last one may be smaller.

        Args:
            split: a name of `splits`.
            max_length: T, at most the schema's.
            batch_size: samples of a batch.
            extras: whether a fourth element gives user_id, t0_ms and the candidates' names (leaf, top; empty is null).

        Raises:
            InputError: when names are wanted and the vocabulary cannot be read.
        """
        vocabulary = self._candidate_vocabulary() if extras else None

        def one_pool(pool: Tensors) -> tf.data.Dataset:
            in_order = tf.range(tf.shape(pool["t0_ms"], tf.int64)[0])
            return self._cut(pool, in_order, max_length, batch_size, vocabulary)

        pieces = self._pools(self._records(split), split, max_length, DECODED_SAMPLES).flat_map(one_pool)
        return pieces.rebatch(batch_size).map(self._finish).prefetch(2)

    def _records(self, split: str) -> tf.data.Dataset:
        files, is_member = list(self.splits[split].files), self.splits[split].is_member
        serialized = tf.data.TFRecordDataset(files, num_parallel_reads=1)
        if is_member is None:
            return serialized
        numbered = tf.data.Dataset.zip(serialized, tf.data.Dataset.from_tensor_slices(is_member))
        return numbered.filter(lambda record, is_taken: is_taken).map(lambda record, is_taken: record)

    def _pools(self, serialized: tf.data.Dataset, split: str, max_length: int, num_samples: int) -> tf.data.Dataset:
        """Decodes records, as many together as hold about `num_samples` samples."""
        if not 1 <= max_length <= self.schema.max_length:
            raise ValueError(f"max_length={max_length}: this schema stores 1 to {self.schema.max_length} actions")
        num_records = max(1, num_samples * self.splits[split].num_records // max(1, self.num_samples(split)))
        function = functools.partial(window_cutting.decode, self.schema, max_length)

        def decode(batch: tf.Tensor) -> Tensors:
            return _call_numpy(function, _parse(self.schema, batch), _pool_types(self.schema))

        return serialized.batch(num_records).map(decode)

    def _cut(
        self,
        pool: Tensors,
        order: tf.Tensor,
        max_length: int,
        batch_size: int,
        vocabulary: list[np.ndarray] | None = None,
    ) -> tf.data.Dataset:
        """Cuts the samples of a pool in an order, `batch_size` at a time; the last piece may be smaller."""
        types = _sample_types(self.schema, max_length, with_extras=vocabulary is not None)
        if self.has_view_order:
            types[VIEW_ORDER] = tf.TensorSpec([None, max_length], tf.int32)
        # Text is dear on its way to NumPy.
        needed = {name: t for name, t in pool.items() if vocabulary is not None or t.dtype != tf.string}

        def function(values: Arrays) -> Arrays:
            samples = values["samples"]
            cut = window_cutting.cut(self.schema, max_length, values, samples)
            if self.has_view_order:
                cut[VIEW_ORDER] = window_cutting.view_order(self.schema, max_length, values, samples)
            if vocabulary is not None:
                cut |= window_cutting.cut_extras(self.schema, vocabulary, values, samples)
            return cut

        def cut_piece(first: tf.Tensor) -> Tensors:
            return _call_numpy(function, {**needed, "samples": order[first : first + batch_size]}, types)

        return tf.data.Dataset.range(0, tf.shape(order, tf.int64)[0], batch_size).map(cut_piece)

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


def _parse(schema: Schema, serialized: tf.Tensor) -> Tensors:
    """Returns the features of some records, as `window_cutting.decode` takes them."""
    raw = tf.io.FixedLenFeature([], tf.string)
    integers = tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64)
    spec: dict[str, Any] = {name: raw for name in ("user_id", "labels")}
    spec |= {name: integers for name in ("t0_ms", "history", "profile", "candidates", records.STAY_KNOWN_FROM)}
    spec["unlisted_names"] = tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)
    for view in schema.views:
        spec[records.time_key(view)] = integers
        spec |= {word.key: raw for word in records.words(view)}
    columns: Tensors = {}
    for name, column in tf.io.parse_example(serialized, spec).items():
        if isinstance(column, tf.RaggedTensor):
            columns |= {name: column.values, f"{name}_splits": column.row_splits}
        else:
            columns[name] = column
    return columns


def _pool_types(schema: Schema) -> dict[str, tf.TensorSpec]:
    """What `window_cutting.decode` returns."""
    types = {name: tf.int64 for name in ("record", "position", "t0_ms", "first_name")}
    types |= {name: tf.int32 for name in ("candidates", "history", "profile", "stay_known_from")}
    types |= {"labels": tf.uint8, "user_id": tf.string, "names": tf.string}
    for view in schema.views:
        types[f"{view.name}_rows"] = tf.int32
        types |= {f"{view.name}_{name}": tf.int64 for name in ("keyed_times", "ends", "lengths")}
    ranks = {"candidates": 3, "labels": 2, "history": 2, "profile": 2} | {f"{v.name}_rows": 2 for v in schema.views}
    return {name: tf.TensorSpec([None] * ranks.get(name, 1), dtype) for name, dtype in types.items()}


def _sample_types(schema: Schema, max_length: int, with_extras: bool) -> dict[str, tf.TensorSpec]:
    """What `window_cutting.cut` and, if wanted, `cut_extras` return."""
    num_labels = sum(schema.num_places(intent) for intent in schema.intents)
    places = [None, schema.num_candidates, len(records.CANDIDATE_LEVELS)]
    types = {view.name: tf.TensorSpec([None, max_length, len(view.features)], tf.int32) for view in schema.views}
    types["history"] = tf.TensorSpec([None, len(schema.history)], tf.int32)
    types["profile"] = tf.TensorSpec([None, len(schema.profile)], tf.int32)
    types["candidates"] = tf.TensorSpec(places, tf.int32)
    types["labels"] = tf.TensorSpec([None, num_labels], tf.uint8)
    if with_extras:
        types["user_id"] = tf.TensorSpec([None], tf.string)
        types["t0_ms"] = tf.TensorSpec([None], tf.int64)
        types["candidate_names"] = tf.TensorSpec(places, tf.string)
    return types


def _call_numpy(function: Callable[[Arrays], Arrays], tensors: Tensors, types: Mapping[str, tf.TensorSpec]) -> Tensors:
    """Calls a function of arrays by name, which depends on nothing else, inside tf.data."""
    names = list(tensors)

    def of_list(*arrays: np.ndarray) -> list[np.ndarray]:
        values = function(dict(zip(names, arrays, strict=True)))
        return [values[name] for name in types]

    results = tf.numpy_function(of_list, list(tensors.values()), [t.dtype for t in types.values()], stateful=False)
    return {
        name: tf.ensure_shape(result, type_.shape) for (name, type_), result in zip(types.items(), results, strict=True)
    }
