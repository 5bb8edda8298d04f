"""Trains one model: `train_and_evaluate(config, workdir)` is the whole interface.

`keras.Model.fit` under a `tf.distribute` strategy, see `default_strategy`. A run that is killed at any moment and
started again with the same settings ends with the weights and metrics of a run that was left in peace, on the same kind
of machine with the same number of replicas: the order of the samples is a function of (seed, epoch), TensorFlow's
operations are made deterministic, and a checkpoint holds all state (`checkpoints`).
"""

import dataclasses
import functools
import math
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from edgedipn_tf import evaluation, held_out_users, initial_checkpoint
from edgedipn_tf.attention_weights import attention_weights, is_recurrent
from edgedipn_tf.callbacks import EpochEnd, LiveLine
from edgedipn_tf.checkpoints import Checkpoints, History
from edgedipn_tf.commands import InputError
from edgedipn_tf.config import TrainingConfig
from edgedipn_tf.curves import Curves
from edgedipn_tf.dataset import Dataset, open_dataset
from edgedipn_tf.held_out_users import FITTED_SPLIT, HELD_OUT_SPLIT, TRAIN_SPLIT
from edgedipn_tf.learning_rate import PassDecay
from edgedipn_tf.losses import normalize_weights, of_intents, weighted_tasks
from edgedipn_tf.model_card import format_model_card
from edgedipn_tf.model_file import save_model
from edgedipn_tf.models.catalog import find_variant, predicted_schema
from edgedipn_tf.models.edgedipn import EdgeDIPN
from edgedipn_tf.models.single_intent import SingleIntentEdgeDIPNs
from edgedipn_tf.models.variants import build_model
from edgedipn_tf.optimizer import DenseAdam
from edgedipn_tf.publishing import read_json, write_bytes, write_json
from edgedipn_tf.schema import Schema
from edgedipn_tf.task_weights import refuse_unknown_tasks
from edgedipn_tf.tensorflow_errors import one_line_errors
from edgedipn_tf.workdir import Workdir

EVALUATION_SPLIT = "eval"
_SAMPLES_TO_SCALE_BY = 128
_DRAWN_BATCHES = 2
_DRAWN_BATCH_SIZE = 64
"""Samples whose attention weights are drawn at the end of each epoch."""
NUM_DRAWS = 200
"""Bootstrap draws of the interval in `metrics.json`."""


def train_and_evaluate(
    config: TrainingConfig, workdir: pathlib.Path, strategy: tf.distribute.Strategy | None = None
) -> dict[str, Any]:
    """Trains a model, or goes on with a run that was stopped, and evaluates the weights of its best epoch.

    The best epoch has the greatest mean AUC on the held-out users; the evaluation split is read once, at the end.
    Sets the seeds of Python, NumPy and TensorFlow and makes TensorFlow's operations deterministic, for the process.

    Args:
        config: the settings.
        workdir: folder of the run: made when absent, taken up when it holds the same run, left as it is when finished.
        strategy: how steps are distributed; by default as `default_strategy` says.

    Returns:
        The content of `metrics.json`.

    Raises:
        InputError: when the dataset cannot be read or is too small, the settings do not fit it, or the folder holds
            something else.
    """
    dataset = open_divided(config, workdir)
    strategy = strategy or default_strategy()
    check(config, dataset, strategy.num_replicas_in_sync)
    folder = Workdir(workdir)
    with one_line_errors(dataset.path, workdir), folder.claim(identity(config, dataset), dataset.path):
        if folder.is_finished:
            return finished_metrics(folder)
        run = prepare(config, dataset, folder, strategy)
        if not run.is_over:
            run.model.fit(
                run.steps(),
                epochs=config.num_epochs,
                initial_epoch=len(run.history.epochs),
                steps_per_epoch=run.steps_per_epoch,
                shuffle=False,  # the dataset has shuffled
                verbose=0,
                callbacks=run.callbacks(),
            )
        return run.finish()


def default_strategy() -> tf.distribute.Strategy:
    """Returns MirroredStrategy over the GPUs of this machine, or where it has one device TensorFlow's of one replica.

    Over one device both give the same weights. MirroredStrategy reads ahead through an iterator that TensorFlow tunes,
    and which therefore may take a minute to end, see `untuned`.
    """
    num_devices = len(tf.config.list_logical_devices("GPU"))
    return tf.distribute.MirroredStrategy() if num_devices > 1 else tf.distribute.get_strategy()


def open_divided(config: TrainingConfig, workdir: pathlib.Path, report: Callable[[str], None] = print) -> Dataset:
    """Returns the dataset of a run with what its model takes, its training users divided.

    Raises:
        InputError: when it cannot be read.
    """
    dataset = open_dataset(pathlib.Path(config.data), find_variant(config.model).needs_view_order)
    with one_line_errors(dataset.path, workdir):
        return held_out_users.divide(dataset, config.seed, config.held_out_users, report)


def finished_metrics(folder: Workdir) -> dict[str, Any]:
    """Returns the content of the `metrics.json` of a finished run, and says that it is finished."""
    print(f"{folder.path} is finished and left as it is; choose another --workdir to train again")
    return dict(read_json(folder.metrics, "metrics of a training run", "remove it and run again"))


def identity(config: TrainingConfig, dataset: Dataset) -> dict[str, Any]:
    """Returns everything that decides the result of a run."""
    values = {**config.to_json(), **evaluation.fingerprints(dataset)}
    if config.initial_checkpoint:
        values["initial_checkpoint_fingerprint"] = initial_checkpoint.fingerprint(
            pathlib.Path(config.initial_checkpoint)
        )
    return values


def check(config: TrainingConfig, dataset: Dataset, num_replicas: int) -> None:
    """Raises InputError when the settings do not fit the (divided) dataset or the number of replicas."""
    num_samples, longest = dataset.num_samples(FITTED_SPLIT), dataset.schema.max_length
    refuse_unknown_tasks(config.task_weights, intent_names(config, dataset.schema))
    if dataset.num_samples(TRAIN_SPLIT) == 0:
        raise InputError(f"{dataset.path} has no training samples: discretize a longer log, or move the split day")
    if num_samples == 0:
        raise InputError(f"--held_out_users={config.held_out_users} leaves none to train on: choose a smaller share")
    if config.max_length > longest:
        raise InputError(f"--max_length={config.max_length} is more than the {longest} actions of {dataset.path}")
    if config.global_batch_size > num_samples:
        raise InputError(
            f"--global_batch_size={config.global_batch_size} is more than the {num_samples} training samples that "
            f"--held_out_users={config.held_out_users} leaves of {dataset.path}: choose a smaller one"
        )
    if config.global_batch_size % num_replicas:
        raise InputError(
            f"--global_batch_size={config.global_batch_size} does not divide over {num_replicas} replicas: "
            f"choose a multiple of {num_replicas}"
        )


@dataclasses.dataclass(frozen=True)
class Run:
    """A run that is ready for its next step, whoever takes the steps.

    Attributes:
        config: the settings.
        dataset: what it is trained on.
        folder: where everything goes.
        model: compiled, with the weights of the newest checkpoint: what is trained.
        network: what is evaluated and published: the model, or what it wraps to learn the weights of its tasks.
        history: of the finished epochs.
        checkpoints: of the run.
        steps_per_pass: steps of one pass over the samples to train on.
    """

    config: TrainingConfig
    dataset: Dataset
    folder: Workdir
    model: keras.Model
    network: keras.Model
    history: History
    checkpoints: Checkpoints
    steps_per_pass: int

    @property
    def steps_per_epoch(self) -> int:
        """Steps from one evaluation and checkpoint to the next."""
        return self.config.steps_per_epoch or self.steps_per_pass

    @property
    def is_over(self) -> bool:
        """Whether no epoch is left, or the last ones were no better."""
        return self.history.is_over(self.config.num_epochs, self.config.patience)

    def steps(self) -> tf.data.Dataset:
        """Returns the batches of the steps that are left."""
        first_step = len(self.history.epochs) * self.steps_per_epoch
        return training_steps(self.config, self.dataset, self.steps_per_pass, first_step)

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Returns what happens besides the steps: the line on the screen, and the end of an epoch."""
        num_epochs, patience = self.config.num_epochs, self.config.patience
        schema, evaluate = self.dataset.schema, functools.partial(self._evaluator, HELD_OUT_SPLIT)
        weights_of = functools.partial(attention_weights, self.network)
        if is_recurrent(self.network):  # operation by operation an epoch's weights take longer than tracing does once
            weights_of = tf.function(weights_of)
        curves = Curves(self.folder.tensorboard, weights_of, self._samples_to_draw())
        return [
            LiveLine(num_epochs, self.steps_per_epoch, self.history),
            EpochEnd(evaluate, schema, self.history, self.checkpoints, curves, num_epochs, patience),
        ]

    def _samples_to_draw(self) -> list[dict[str, tf.Tensor]]:
        """Returns inputs of a few batches of held-out users, mixed."""
        size = min(_DRAWN_BATCH_SIZE, self.dataset.num_samples(HELD_OUT_SPLIT))
        if not size:
            return []
        batches = self.dataset.training_batches(
            self.config.max_length, size, self.config.seed, first_epoch=0, num_epochs=1, split=HELD_OUT_SPLIT
        )
        return [inputs for inputs, *_ in batches.take(_DRAWN_BATCHES)]

    def finish(self) -> dict[str, Any]:
        """Publishes the weights of the best epoch and their metrics, and returns the content of `metrics.json`."""
        self.checkpoints.restore_best_weights()
        product = fresh_model(self.config, self.dataset.schema)  # never compiled: the file needs no optimizer
        product.set_weights(self.network.get_weights())
        save_model(product, self.folder.model)
        found = self._evaluator(EVALUATION_SPLIT, NUM_DRAWS)
        measure = "mean_auc" if self.history.epochs[self.history.best_epoch]["mean_auc"] is not None else None
        num_held_out = self.dataset.num_samples(HELD_OUT_SPLIT)
        report = {
            **evaluation.report(self.dataset, EVALUATION_SPLIT, found),
            "selection": held_out_users.selection(self.config.held_out_users, num_held_out, measure),
            "num_parameters": product.count_params(),
            "best_epoch": self.history.best_epoch + 1,
            "history": self.history.epochs,
        }
        what = find_variant(self.config.model).description
        card = format_model_card(self.folder.read_config(), report, self.dataset.description, what)
        write_bytes(self.folder.model_card, card.encode())
        write_json(self.folder.metrics, report)
        print(evaluation.table(self.dataset.schema, found))
        return report

    @functools.cached_property
    def _evaluator(self) -> evaluation.Evaluator:
        config, takes_any_length = self.config, find_variant(self.config.model).takes_any_length
        return evaluation.Evaluator(
            self.network, self.dataset, config.max_length, config.global_batch_size, takes_any_length
        )


def prepare(config: TrainingConfig, dataset: Dataset, folder: Workdir, strategy: tf.distribute.Strategy) -> Run:
    """Returns a run with fresh weights, or those of its newest checkpoint; sets the seeds of the process."""
    keras.utils.clear_session()  # names of layers count up in a process, and TensorFlow adds in the order of names
    keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()
    steps_per_pass = dataset.num_samples(FITTED_SPLIT) // config.global_batch_size
    history = History()
    with strategy.scope():
        network = fresh_model(config, dataset.schema)
        model = compiled_model(config, network, intent_names(config, dataset.schema), steps_per_pass)
        checkpoints = Checkpoints(folder.checkpoints, model, history)
        if checkpoints.restore_newest():
            print(f"{folder.path}: goes on after epoch {len(history.epochs)}", flush=True)
        elif config.initial_checkpoint:
            path = pathlib.Path(config.initial_checkpoint)
            num_fresh = initial_checkpoint.load_initial_weights(network, path, dataset)
            print(f"starts from the weights of {path}; {num_fresh} rows of new names are fresh", flush=True)
        elif isinstance(network, EdgeDIPN | SingleIntentEdgeDIPNs):
            # Of the same samples on every machine, which therefore start with the same weights.
            inputs, *_ = next(iter(dataset.evaluation_batches(FITTED_SPLIT, config.max_length, _SAMPLES_TO_SCALE_BY)))
            network.scale_category_heads(inputs)
    return Run(config, dataset, folder, model, network, history, checkpoints, steps_per_pass)


def compiled_model(
    config: TrainingConfig, network: keras.Model, tasks: Sequence[str], steps_per_pass: int
) -> keras.Model:
    """Returns a network, wrapped where its tasks' weights are learned, with what `fit` needs; in the strategy's scope.

    Args:
        config: the settings.
        network: with fresh weights.
        tasks: the intents that it predicts.
        steps_per_pass: steps after which the learning rate decays.
    """
    model, losses = weighted_tasks(network, tasks, config.task_weights)
    num_steps = config.num_epochs * (config.steps_per_epoch or steps_per_pass)
    learning_rate = PassDecay(
        config.learning_rate,
        config.learning_rate_decay,
        steps_per_pass,
        num_steps,
        num_cool_down_steps=round(config.cool_down * num_steps),
    )
    optimizer = DenseAdam(learning_rate, beta_1=config.beta_1, beta_2=config.beta_2, epsilon=config.epsilon)
    model.compile(
        optimizer=optimizer,
        # No metrics: a streaming AUC of each intent is inexact and costs 30 ms a step; `evaluation` is exact.
        loss=losses,
        jit_compile=False,  # XLA on a CPU takes 1.27 times as long
    )
    return model


def training_steps(config: TrainingConfig, dataset: Dataset, steps_per_pass: int, first_step: int) -> tf.data.Dataset:
    """Returns the batches of the run from `first_step` on, with weights normalised over the global batch."""
    num_steps = config.num_epochs * (config.steps_per_epoch or steps_per_pass)
    first_pass, num_skipped = divmod(first_step, steps_per_pass)
    batches = dataset.training_batches(
        config.max_length,
        config.global_batch_size,
        config.seed,
        first_epoch=first_pass,
        num_epochs=math.ceil(num_steps / steps_per_pass),
        split=FITTED_SPLIT,
        are_alike=config.are_batches_alike,
    )
    select = of_intents(intent_names(config, dataset.schema))
    return batches.skip(num_skipped).map(select).map(normalize_weights)


def intent_names(config: TrainingConfig, schema: Schema) -> list[str]:
    """Returns the intents that are trained: those of the dataset that the model predicts.

    Raises:
        InputError: when there are none.
    """
    return [intent.name for intent in predicted_schema(config.model, schema, config.sources).intents]


def fresh_model(config: TrainingConfig, schema: Schema) -> keras.Model:
    """Returns the network that a config describes, with fresh weights of its seed."""
    return build_model(
        config.model,
        schema,
        sources=config.sources,
        max_length=config.max_length,
        num_hops=config.num_hops,
        penalty_weight=config.penalty_weight,
        embedding_range=config.embedding_range,
        seed=config.seed,
    )
