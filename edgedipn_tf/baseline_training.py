"""Trains a baseline on aggregates: `train_and_evaluate(config, workdir)`, as `training` does a network.

Only known labels count. Some training users are held out to choose how long or how strictly to fit; then all training
users are fitted. The evaluation split chooses nothing. Equal settings and data give equal bytes.

All training samples are held in memory: 4 bytes for each aggregate of a sample, and again for each known label of the
intent that is being fitted.
"""

import dataclasses
import pathlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedipn_tf import evaluation, held_out_users
from edgedipn_tf.baselines.aggregates import Aggregates
from edgedipn_tf.baselines.baseline import CLASSIFIERS, Baseline
from edgedipn_tf.commands import InputError
from edgedipn_tf.config import TrainingConfig
from edgedipn_tf.dataset import Dataset, open_dataset
from edgedipn_tf.held_out_users import TRAIN_SPLIT
from edgedipn_tf.models.catalog import find_variant
from edgedipn_tf.publishing import read_json, write_json
from edgedipn_tf.schema import Intent, Level
from edgedipn_tf.schema_files import read_vocabulary
from edgedipn_tf.tensorflow_errors import one_line_errors
from edgedipn_tf.training import EVALUATION_SPLIT, NUM_DRAWS
from edgedipn_tf.workdir import Workdir

_BATCH_SIZE = 256
_PROGRESS_SAMPLES = 20_000
_UNKNOWN = -1


@dataclasses.dataclass(frozen=True)
class _Table:
    """The training split as aggregates.

    Attributes:
        samples: (N, names).
        candidates: by level of the schema's category intents, (N, K, names).
        labels: by intent, (N, places): 0, 1 or -1 for unknown.
        is_held_out: (N,) whether the sample's user is held out.
    """

    samples: NDArray[np.float32]
    candidates: dict[Level, NDArray[np.float32]]
    labels: dict[str, NDArray[np.int8]]
    is_held_out: NDArray[np.bool_]

    def rows(self, intent: Intent) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
        """Returns aggregates, labels and whether held out, of each known label of an intent."""
        labels = self.labels[intent.name]
        sample, place = np.nonzero(labels != _UNKNOWN)
        values = self.samples[sample]
        if intent.level is not Level.NONE:
            values = np.concatenate([values, self.candidates[intent.level][sample, place]], axis=1)
        return values, labels[sample, place].astype(np.int64), self.is_held_out[sample]


def train_and_evaluate(config: TrainingConfig, workdir: pathlib.Path) -> dict[str, Any]:
    """Fits a baseline and evaluates it; a finished run is left as it is, a stopped one starts again.

    Args:
        config: the settings; those that `catalog.Variant.settings` names count.
        workdir: folder of the run.

    Returns:
        The content of `metrics.json`: that of a network, without its epochs and with `fits`, what each fit chose.

    Raises:
        InputError: when the dataset cannot be read or has nothing to learn, or the folder holds something else.
    """
    dataset = open_dataset(pathlib.Path(config.data))
    if config.max_length > dataset.schema.max_length:
        raise InputError(
            f"--max_length={config.max_length} is more than the {dataset.schema.max_length} actions of {dataset.path}"
        )
    if config.held_out_users == 0:
        raise InputError(f"--held_out_users=0: {config.model} needs users to choose by; leave it out")
    folder = Workdir(workdir)
    variant = find_variant(config.model)
    identity = {name: value for name, value in config.to_json().items() if variant.takes(name)}
    with (
        one_line_errors(dataset.path, workdir),
        folder.claim({**identity, **evaluation.fingerprints(dataset)}, dataset.path),
    ):
        if folder.is_finished:
            print(f"{workdir} is finished and left as it is; choose another --workdir to train again")
            return dict(read_json(folder.metrics, "metrics of a training run", "remove it and run again"))
        return _run(config, dataset, folder)


def _run(config: TrainingConfig, dataset: Dataset, folder: Workdir) -> dict[str, Any]:
    vocabulary = read_vocabulary(folder.vocabulary, dataset.schema, "make the dataset again")
    variant = find_variant(config.model)
    aggregates = Aggregates(dataset.schema, vocabulary, config.max_length, variant.arguments["views"])
    table = _read_table(dataset, aggregates, config)
    classifiers, fits = {}, {}
    for intent in dataset.schema.intents:
        values, labels, is_held_out = table.rows(intent)
        if not _has_both_classes(labels, is_held_out):
            print(f"{intent.name:<24}left out: too few labels of one class among the training users", flush=True)
            continue
        family = CLASSIFIERS[variant.family]
        classifiers[intent.name], fits[intent.name] = family.fit(values, labels, is_held_out, config.seed)
        chosen = "  ".join(f"{what} {number:.6g}" for what, number in fits[intent.name].items())
        print(f"{intent.name:<24}{len(labels):,} known labels, {labels.sum():,} positive  {chosen}", flush=True)
    if not classifiers:
        raise InputError(f"{dataset.path} has too few known labels of both classes to fit: discretize a longer log")
    baseline = Baseline(aggregates, classifiers)
    baseline.save(folder.baseline)
    found = evaluation.evaluate_baseline(baseline, dataset, EVALUATION_SPLIT, _BATCH_SIZE, NUM_DRAWS)
    selection = held_out_users.selection(config.held_out_users, int(table.is_held_out.sum()), "log_loss")
    report = {**evaluation.report(dataset, EVALUATION_SPLIT, found), "selection": selection, "fits": fits}
    write_json(folder.metrics, report)
    print(evaluation.table(dataset.schema, found))
    return report


def _has_both_classes(labels: NDArray[np.int64], is_held_out: NDArray[np.bool_]) -> bool:
    return all(len(np.unique(labels[chosen])) == 2 for chosen in (is_held_out, ~is_held_out))


def _read_table(dataset: Dataset, aggregates: Aggregates, config: TrainingConfig) -> _Table:
    num_samples, schema = dataset.num_samples(TRAIN_SPLIT), dataset.schema
    levels = {intent.level for intent in schema.intents} - {Level.NONE}
    shape = (num_samples, schema.num_candidates)
    table = _Table(
        samples=np.empty((num_samples, len(aggregates.names)), np.float32),
        candidates={v: np.empty((*shape, len(aggregates.candidate_names[v])), np.float32) for v in levels},
        labels={i.name: np.empty((num_samples, schema.num_places(i)), np.int8) for i in schema.intents},
        is_held_out=np.empty(num_samples, np.bool_),
    )
    print(f"{num_samples:,} training samples, {len(aggregates.names)} aggregates each", flush=True)
    begin = 0
    batches = dataset.evaluation_batches(TRAIN_SPLIT, aggregates.max_length, _BATCH_SIZE, extras=True)
    for inputs, labels, weights, extras in batches.as_numpy_iterator():
        rows = slice(begin, begin + len(extras["user_id"]))
        table.samples[rows] = aggregates.of_samples(inputs)
        for level, candidates in table.candidates.items():
            candidates[rows] = aggregates.of_candidates(inputs, level)
        for name, of_intent in table.labels.items():
            of_intent[rows] = np.where(weights[name] > 0, labels[name], _UNKNOWN)
        table.is_held_out[rows] = [
            held_out_users.is_held_out(user, config.seed, config.held_out_users) for user in extras["user_id"]
        ]
        if rows.stop // _PROGRESS_SAMPLES > begin // _PROGRESS_SAMPLES:
            print(f"aggregates of {rows.stop:,} samples", flush=True)
        begin = rows.stop
    return table
