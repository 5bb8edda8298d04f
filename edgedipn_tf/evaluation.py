"""From a model and a dataset split to the exact metrics of every intent, and their table."""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgedipn_tf import metrics
from edgedipn_tf.commands import InputError
from edgedipn_tf.dataset import Dataset, open_dataset
from edgedipn_tf.finished_run import FinishedRun, open_finished_run
from edgedipn_tf.models.catalog import find_variant
from edgedipn_tf.publishing import read_json, write_json
from edgedipn_tf.schema import Schema
from edgedipn_tf.schema_files import description_fingerprint
from edgedipn_tf.tensorflow_errors import one_line_errors

if TYPE_CHECKING:
    from edgedipn_tf.baselines.baseline import Baseline

FORMAT_VERSION = 1
"""Of `metrics.json`."""
Rows = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Of an intent: logit, label and user, or within a batch sample, of each known label; (N,) each."""


class Evaluator:
    """The exact metrics of a model on the splits of a dataset; made once, called as often as the model has changed.

    Covers the intents that the model predicts, be they all or some of the dataset's. Runs on one device also when
    training is distributed. The model is traced once for all splits: a trace takes seconds.

    Args:
        model: gives logits by intent, (B, places).
        dataset: where the samples are.
        max_length: T, what the model sees of a sequence.
        batch_size: samples scored at once.
        takes_any_length: whether the model does: then samples of like lengths are scored together, without padding.
    """

    def __init__(
        self, model: keras.Model, dataset: Dataset, max_length: int, batch_size: int, takes_any_length: bool = False
    ) -> None:
        self._dataset = dataset
        self._max_length = max_length
        self._batch_size = batch_size
        self._takes_any_length = takes_any_length
        self._logits = tf.function(lambda inputs: model(inputs, training=False))

    def __call__(self, split: str, num_draws: int = 0) -> dict[str, metrics.IntentMetrics]:
        """Returns the metrics by intent.

        Args:
            split: `train`, a part of it, or `eval`.
            num_draws: bootstrap draws; 0 for no interval.

        Raises:
            InputError: when a logit is not finite.
        """
        return _exact_metrics(self.rows(split), num_draws)

    def rows(self, split: str) -> dict[str, Rows]:
        """Returns the rows of a split by intent.

        Raises:
            InputError: when a logit is not finite.
        """
        batches = self._batches(split)
        logits = self._logits.get_concrete_function(batches.element_spec[0])  # that of the other splits, once made
        names = [intent.name for intent in self._dataset.schema.intents if intent.name in logits.structured_outputs]
        return _rows(logits, names, batches)

    def _batches(self, split: str) -> tf.data.Dataset:
        if self._takes_any_length:
            return self._dataset.alike_batches(split, self._max_length, self._batch_size)
        return self._dataset.evaluation_batches(split, self._max_length, self._batch_size, extras=True)


def evaluate_baseline(
    baseline: "Baseline", dataset: Dataset, split: str, batch_size: int, num_draws: int
) -> dict[str, metrics.IntentMetrics]:
    """Returns the exact metrics of a baseline on a split, by intent.

    Args:
        baseline: what is asked.
        dataset: where the samples are.
        split: `train` or `eval`.
        batch_size: samples scored at once.
        num_draws: bootstrap draws; 0 for no interval.
    """
    return _exact_metrics(_baseline_rows(baseline, dataset, split, batch_size), num_draws)


def rows_of_run(run: FinishedRun, dataset: Dataset, split: str, batch_size: int) -> dict[str, Rows]:
    """Returns what a finished run, a network or a baseline, says of the known labels of a split, by intent.

    Args:
        run: what is asked.
        dataset: where the samples are, of the run's schema and vocabulary.
        split: `train` or `eval`.
        batch_size: samples scored at once.

    Raises:
        InputError: when what was trained cannot be read, or a logit is not finite.
    """
    if run.is_baseline:
        return _baseline_rows(run.load_baseline(), dataset, split, batch_size)
    return Evaluator(run.model, dataset, run.max_length, batch_size).rows(split)


def _baseline_rows(baseline: "Baseline", dataset: Dataset, split: str, batch_size: int) -> dict[str, Rows]:
    batches = dataset.evaluation_batches(split, baseline.aggregates.max_length, batch_size, extras=True)

    def logits(inputs: Mapping[str, tf.Tensor]) -> dict[str, npt.NDArray[np.float64]]:
        return baseline.logits({name: ids.numpy() for name, ids in inputs.items()})

    return _rows(logits, [intent.name for intent in baseline.intents], batches)


def _exact_metrics(rows: Mapping[str, Rows], num_draws: int) -> dict[str, metrics.IntentMetrics]:
    return {name: metrics.intent_metrics(*of_intent, num_draws) for name, of_intent in rows.items()}


def _rows(
    logits_of: Callable[[Any], Mapping[str, Any]], names: Sequence[str], batches: tf.data.Dataset
) -> dict[str, Rows]:
    rows: dict[str, list[Rows]] = {name: [] for name in names}
    user_ids: list[npt.NDArray[np.bytes_]] = []
    for inputs, labels, weights, extras in batches:
        users = extras["user_id"].numpy().astype(np.bytes_)
        logits = logits_of(inputs)
        for name, parts in rows.items():
            parts.append(_known_rows(logits[name], labels[name], weights[name], first_sample=len(user_ids)))
        user_ids.extend(users)
    _, users = np.unique(user_ids, return_inverse=True)
    return {name: _joined(name, parts, users) for name, parts in rows.items()}


def fingerprints(dataset: Dataset) -> dict[str, str]:
    """Returns what identifies a dataset: its schema, its vocabulary, and its description (counts, flags, labels)."""
    return {
        "schema_fingerprint": dataset.schema.fingerprint,
        "vocabulary_fingerprint": dataset.vocabulary_fingerprint,
        "dataset_fingerprint": description_fingerprint(dataset.description),
    }


def _known_rows(logits: Any, labels: tf.Tensor, weights: tf.Tensor, first_sample: int) -> Rows:
    """Returns logit, label and sample of each place of a batch with a known label."""
    is_known = weights.numpy() > 0
    samples = first_sample + np.nonzero(is_known)[0]
    return np.asarray(logits)[is_known], labels.numpy()[is_known].astype(np.int64), samples


def _joined(name: str, parts: list[Rows], users: npt.NDArray[np.int64]) -> Rows:
    """Returns the rows of all batches, each with its user instead of its sample."""
    empty = (np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros(0, np.int64))
    logits, labels, samples = (np.concatenate(column) for column in zip(empty, *parts, strict=True))
    if not np.isfinite(logits).all():
        raise InputError(f"the model's logits of {name} are not finite: train again with a lower --learning_rate")
    return logits, labels, users[samples]


def report(dataset: Dataset, split: str, found: Mapping[str, metrics.IntentMetrics]) -> dict[str, Any]:
    """Returns the metrics as plain values, with what they were measured on (the candidates' mix is in it)."""
    return {
        "format_version": FORMAT_VERSION,
        "split": split,
        "dataset": {
            **fingerprints(dataset),
            "num_samples": dataset.num_samples(split),
            "candidates": dataset.candidate_mix,
        },
        "intents": {
            intent.name: {"metric": intent.metric, **found[intent.name].to_json()}
            for intent in dataset.schema.intents
            if intent.name in found
        },
    }


def table(schema: Schema, found: Mapping[str, metrics.IntentMetrics]) -> str:
    """Returns the metrics as text, one line an intent, the interval of AUC only; what is undefined is "n/a"."""
    lines = [
        f"{'intent':<24}{'metric':<8}{'AUC':<24}{'GAUC':>9}{'PR-AUC':>9}{'log-loss':>9}{'Brier':>9}{'ECE':>9}"
        f"{'positives':>11}{'negatives':>11}"
    ]
    for intent in (i for i in schema.intents if i.name in found):
        values = found[intent.name]
        lines.append(
            f"{intent.name:<24}{intent.metric:<8}{_estimate(values.auc, values.auc_interval):<24}"
            f"{_number(values.gauc):>9}{_number(values.pr_auc):>9}{_number(values.log_loss):>9}"
            f"{_number(values.brier):>9}{_number(values.calibration_error):>9}"
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
    run, dataset = open_run(workdir, data)
    with one_line_errors(dataset.path, workdir):
        found = _exact_metrics(rows_of_run(run, dataset, split, batch_size), num_draws)
    written = report(dataset, split, found)
    path = output or workdir / _file_name(run, dataset, split)
    if path == workdir / "metrics.json":  # what training wrote of itself stays
        written = {**read_json(path, "metrics of a training run", "run edgedipn_tf.train again"), **written}
    write_json(path, written)
    print(table(dataset.schema, found))
    print(f"written to {path}")
    return written


def open_run(workdir: pathlib.Path, data: pathlib.Path | None) -> tuple[FinishedRun, Dataset]:
    """Opens a finished run and the dataset to judge it on, by default the one it was trained on.

    Raises:
        InputError: when the run is not finished, or the dataset has another schema or vocabulary.
    """
    run = open_finished_run(workdir)
    needs_view_order = find_variant(run.model_name).needs_view_order
    dataset = open_dataset(data or pathlib.Path(run.data), needs_view_order)
    run.refuse_other_data(
        dataset.path, {"schema": dataset.schema.fingerprint, "vocabulary": dataset.vocabulary_fingerprint}
    )
    return run, dataset


def _file_name(run: FinishedRun, dataset: Dataset, split: str) -> str:
    config = read_json(run.path / "config.json", "settings of a training run", "run edgedipn_tf.train again")
    fingerprint = fingerprints(dataset)["dataset_fingerprint"]
    if fingerprint != config.get("dataset_fingerprint"):
        return f"metrics-{split}-{fingerprint}.json"
    return "metrics.json" if split == "eval" else f"metrics-{split}.json"
