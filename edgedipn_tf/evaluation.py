"""From a model and a dataset split to the exact metrics of every intent, and their table."""

import dataclasses
import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgedipn_tf import metrics
from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.workdir import Workdir, open_workdir
from edgedipn_tf.dataset import Dataset, open_dataset
from edgedipn_tf.publishing import read_json, write_json
from edgedipn_tf.schema import Schema, canonical_json
from edgedipn_tf.tensorflow_errors import one_line_errors

FORMAT_VERSION = 1
"""Of `metrics.json`."""
CANDIDATE_COMPOSITION = "bought_browsed_popular"
"""How a dataset fills the places of candidate categories: an AUC over candidates means nothing without it."""
UNKNOWN = -1
"""Label of a place whose weight is 0."""


@dataclasses.dataclass(frozen=True)
class KnownLabels:
    """What a split is judged by, in file order. It does not change between epochs.

    Attributes:
        labels: by intent, (N, places) int8: 0, 1 or UNKNOWN.
        users: (N,) index of the sample's user.
    """

    labels: Mapping[str, npt.NDArray[np.int8]]
    users: npt.NDArray[np.int64]


def fingerprints(dataset: Dataset) -> dict[str, str]:
    """Returns what identifies a dataset: its schema, its vocabulary, and its description (counts, flags, labels)."""
    description = hashlib.sha256(canonical_json(dataset.description)).hexdigest()[:16]
    return {
        "schema_fingerprint": dataset.schema.fingerprint,
        "vocabulary_fingerprint": dataset.vocabulary_fingerprint,
        "dataset_fingerprint": description,
    }


def read_labels(dataset: Dataset, split: str, max_length: int, batch_size: int) -> KnownLabels:
    """Reads labels and users of a split once."""
    names = [intent.name for intent in dataset.schema.intents]
    parts: dict[str, list[Any]] = {name: [] for name in names}
    user_ids: list[Any] = []
    for _, labels, weights, extras in dataset.evaluation_batches(split, max_length, batch_size, extras=True):
        for name in names:
            parts[name].append(tf.where(weights[name] > 0, labels[name], UNKNOWN).numpy().astype(np.int8))
        user_ids.append(extras["user_id"].numpy())
    if not user_ids:
        places = {intent.name: dataset.schema.num_places(intent) for intent in dataset.schema.intents}
        return KnownLabels({name: np.zeros((0, places[name]), np.int8) for name in names}, np.zeros(0, np.int64))
    _, users = np.unique(np.concatenate(user_ids), return_inverse=True)
    return KnownLabels({name: np.concatenate(parts[name]) for name in names}, users.astype(np.int64))


def input_batches(dataset: Dataset, split: str, max_length: int, batch_size: int) -> tf.data.Dataset:
    """Returns the inputs of a split in file order, in batches; the last one may be smaller."""
    batches = dataset.evaluation_batches(split, max_length, batch_size).map(lambda inputs, *_: inputs)
    return batches.apply(tf.data.experimental.assert_cardinality(-(-dataset.num_samples(split) // batch_size)))


def predict_logits(model: keras.Model, batches: tf.data.Dataset, schema: Schema) -> dict[str, npt.NDArray[np.float32]]:
    """Returns the logits of `input_batches` by intent, (N, places), in file order."""
    if batches.cardinality() == 0:
        return {intent.name: np.zeros((0, schema.num_places(intent)), np.float32) for intent in schema.intents}
    return dict(model.predict(batches, verbose=0))


def measure(
    logits: Mapping[str, npt.NDArray[np.float32]], known: KnownLabels, num_draws: int
) -> dict[str, metrics.IntentMetrics]:
    """Returns the metrics of each intent over its known labels.

    Args:
        logits: by intent, (N, places).
        known: labels of the same samples.
        num_draws: bootstrap draws; 0 for no interval.

    Raises:
        InputError: when a logit is not finite.
    """
    found = {}
    for name, labels in known.labels.items():
        is_known = labels != UNKNOWN
        if not np.isfinite(logits[name][is_known]).all():
            raise InputError(f"the model's logits of {name} are not finite: train again with a lower --learning_rate")
        users = np.broadcast_to(known.users[:, None], labels.shape)[is_known]
        found[name] = metrics.intent_metrics(logits[name][is_known], labels[is_known], users, num_draws)
    return found


def report(dataset: Dataset, split: str, found: Mapping[str, metrics.IntentMetrics]) -> dict[str, Any]:
    """Returns the metrics as plain values, with what they were measured on (the candidates' composition is in it)."""
    return {
        "format_version": FORMAT_VERSION,
        "split": split,
        "dataset": {
            "path": str(dataset.path),
            **fingerprints(dataset),
            "num_samples": dataset.num_samples(split),
            "candidates": CANDIDATE_COMPOSITION,
        },
        "intents": {
            intent.name: {"metric": intent.metric, **found[intent.name].to_json()} for intent in dataset.schema.intents
        },
    }


def table(schema: Schema, found: Mapping[str, metrics.IntentMetrics]) -> str:
    """Returns the metrics as text, one line an intent; what is undefined is "n/a"."""
    lines = [f"{'intent':<24}{'metric':<8}{'AUC':<24}{'GAUC':<24}{'log-loss':>9}{'positives':>11}{'negatives':>11}"]
    for intent in schema.intents:
        values = found[intent.name]
        lines.append(
            f"{intent.name:<24}{intent.metric:<8}{_estimate(values.auc, values.auc_interval):<24}"
            f"{_estimate(values.gauc, values.gauc_interval):<24}{_number(values.log_loss):>9}"
            f"{values.num_positives:>11}{values.num_negatives:>11}"
        )
    return "\n".join(lines)


def _estimate(value: float | None, interval: metrics.Interval) -> str:
    if interval.low is None or interval.high is None:
        return _number(value)
    return f"{_number(value)} ({interval.low:.4f}-{interval.high:.4f})"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"


def evaluate_run(
    workdir: pathlib.Path,
    *,
    data: pathlib.Path | None,
    split: str,
    output: pathlib.Path | None,
    batch_size: int,
    num_draws: int,
) -> dict[str, Any]:
    """Evaluates the model of a finished training run, prints the table and writes the metrics.

    Args:
        workdir: folder of the run.
        data: folder of the dataset; by default the one the model was trained on.
        split: `train` or `eval`.
        output: file to write; by default one in `workdir`, named for what was evaluated.
        batch_size: samples scored at once.
        num_draws: bootstrap draws; 0 for no interval.

    Returns:
        What was written.

    Raises:
        InputError: when the run is not finished, or the dataset has another schema or vocabulary.
    """
    run = open_workdir(workdir)
    dataset = open_dataset(data or pathlib.Path(run.data))
    run.refuse_other_data(
        dataset.path, {"schema": dataset.schema.fingerprint, "vocabulary": dataset.vocabulary_fingerprint}
    )
    with one_line_errors(dataset.path, workdir):
        known = read_labels(dataset, split, run.max_length, batch_size)
        batches = input_batches(dataset, split, run.max_length, batch_size)
        found = measure(predict_logits(run.load_model(), batches, dataset.schema), known, num_draws)
    written = report(dataset, split, found)
    path = output or workdir / _file_name(run, dataset, split)
    if path == workdir / "metrics.json":  # what training wrote of itself stays
        written = {**read_json(path, "metrics of a training run", "run edgedipn_tf.train again"), **written}
    write_json(path, written)
    print(table(dataset.schema, found))
    print(f"written to {path}")
    return written


def _file_name(run: Workdir, dataset: Dataset, split: str) -> str:
    config = read_json(run.path / "config.json", "settings of a training run", "run edgedipn_tf.train again")
    fingerprint = fingerprints(dataset)["dataset_fingerprint"]
    if fingerprint != config.get("dataset_fingerprint"):
        return f"metrics-{split}-{fingerprint}.json"
    return "metrics.json" if split == "eval" else f"metrics-{split}.json"
