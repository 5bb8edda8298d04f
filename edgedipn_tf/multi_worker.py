"""Training on several machines: the same run, its steps taken by all of them under `MultiWorkerMirroredStrategy`.

`keras.Model.fit` does not work there (Keras 3.15), so the loop over the steps is ours; model, loss, optimizer, order of
the samples, evaluation and checkpoints are those of `training`. Every worker is started with the same command and its
own `TF_CONFIG`. The first one, the chief, evaluates, shows and writes; the others need to read the dataset and the
workdir under the same paths. A run may go on with another number of workers: the same sums, added in another order.
"""

import contextlib
import hashlib
import json
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf

from edgedipn_tf import training
from edgedipn_tf.commands import InputError
from edgedipn_tf.config import TrainingConfig
from edgedipn_tf.schema import canonical_json
from edgedipn_tf.tensorflow_errors import one_line_errors
from edgedipn_tf.workdir import Workdir

_LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError, tf.errors.CancelledError)
"""What a worker sees when another one is gone."""


def open_strategy() -> tf.distribute.MultiWorkerMirroredStrategy:
    """Returns the strategy of the cluster that the environment variable TF_CONFIG describes; waits for all workers.

    Raises:
        InputError: when TF_CONFIG is absent or does not describe a cluster and this worker's place in it.
    """
    example = '{"cluster": {"worker": ["host1:12345", "host2:12345"]}, "task": {"type": "worker", "index": 0}}'
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        workers, task = list(config["cluster"]["worker"]), config["task"]
        if task["type"] != "worker" or not 0 <= int(task["index"]) < len(workers):
            raise ValueError(f"{task} is none of {len(workers)} workers")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"--strategy=multi_worker: TF_CONFIG does not describe a cluster ({error!r}); set it on each worker, "
            f"e.g. {example}"
        ) from None
    print(f"worker {task['index']} of {len(workers)}: waits for the others at {', '.join(workers)}", flush=True)
    return tf.distribute.MultiWorkerMirroredStrategy()


def train_and_evaluate(config: TrainingConfig, workdir: pathlib.Path) -> None:
    """Trains as `training.train_and_evaluate`, as one of the workers of a cluster.

    Args:
        config: the settings, the same on each worker.
        workdir: folder of the run, the same on each worker.

    Raises:
        InputError: as there; also when the workers were started with different settings or do not see the same folder,
            or when one is lost: then all are started again, and the run goes on from the last checkpoint.
    """
    strategy = open_strategy()
    is_chief = strategy.cluster_resolver.task_id == 0
    dataset = training.open_divided(config, workdir, print if is_chief else lambda line: None)
    training.check(config, dataset, strategy.num_replicas_in_sync)
    identity, folder = training.identity(config, dataset), Workdir(workdir)
    claim = folder.claim(identity, dataset.path) if is_chief else contextlib.nullcontext()
    with _lost_workers(workdir), one_line_errors(dataset.path, workdir), claim:
        agree(strategy, {"dataset or flags": identity, "state of --workdir": _state(folder)})
        if folder.is_finished:
            training.finished_metrics(folder)
            return
        run = training.prepare(config, dataset, folder, strategy)
        if not run.is_over:
            fit(run, strategy, run.callbacks() if is_chief else [])
        if is_chief:
            run.finish()


@contextlib.contextmanager
def _lost_workers(workdir: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except _LOST as error:
        reason = " ".join(str(error).split())[:150]
        raise InputError(
            f"a worker is lost ({reason}): start all workers again with the same --workdir={workdir}; training goes on "
            "from the last checkpoint"
        ) from None


def _state(folder: Workdir) -> dict[str, Any]:
    return {"finished": folder.is_finished, "checkpoints": sorted(p.name for p in folder.checkpoints.glob("epoch-*"))}


def agree(strategy: tf.distribute.Strategy, values: Mapping[str, Any]) -> None:
    """Checks that each worker has the same values.

    Args:
        strategy: of the cluster.
        values: plain JSON values by what they are.

    Raises:
        InputError: naming what differs, on each worker.
    """
    for what, value in values.items():
        digest = int.from_bytes(hashlib.sha256(canonical_json(value)).digest()[:7], "big")
        digests = _gather(strategy, digest)
        if len(set(digests)) > 1:
            others = [index for index, other in enumerate(digests) if other != digests[0]]
            raise InputError(
                f"the workers {others} have another {what} than worker 0: start all with the same flags, on a folder "
                "that all of them see"
            )


def _gather(strategy: tf.distribute.Strategy, value: int) -> list[int]:
    """Returns the value of each replica."""
    local = strategy.run(lambda: tf.constant([value], tf.int64))
    return [int(gathered) for gathered in strategy.gather(local, axis=0).numpy()]


def fit(run: training.Run, strategy: tf.distribute.Strategy, callbacks: list[keras.callbacks.Callback]) -> None:
    """Takes the steps that are left, with the other workers.

    Args:
        run: the run.
        strategy: of the cluster.
        callbacks: those of the chief; none of the other workers.
    """
    options = tf.data.Options()
    # Each worker reads all records and takes its part of each batch: the batches are those of a single machine.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    batches = iter(strategy.experimental_distribute_dataset(run.steps().with_options(options)))
    step = _step_function(run, strategy, batches.element_spec)
    called = keras.callbacks.CallbackList(callbacks, model=run.model)
    called.on_train_begin()
    for epoch in range(len(run.history.epochs), run.config.num_epochs):
        called.on_epoch_begin(epoch)
        totals: dict[str, float] = {}
        for batch in range(run.steps_per_epoch):
            losses = {name: float(loss) for name, loss in step(next(batches)).items()}
            totals = {name: totals.get(name, 0.0) + loss for name, loss in losses.items()}
            called.on_train_batch_end(batch, {"loss": totals["loss"] / (batch + 1)})
        called.on_epoch_end(epoch, {name: total / run.steps_per_epoch for name, total in totals.items()})
        if any(_gather(strategy, int(run.model.stop_training))):  # only the chief knows
            break
    called.on_train_end()


def _step_function(
    run: training.Run, strategy: tf.distribute.Strategy, batch_spec: Any
) -> Callable[[Any], dict[str, tf.Tensor]]:
    """Returns the function that takes one step on all replicas and returns the losses, by the names that `fit` has."""
    model, loss_of = run.model, run.model.loss

    def on_replica(inputs: Any, labels: Any, weights: Any) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            logits = model(inputs, training=True)
            losses = {n: loss_of[n](labels[n], logits[n], sample_weight=weights[n]) for n in loss_of}
            # Weights sum to 1 over the global batch; what a model adds is a mean over the replica's part of it.
            added = tf.add_n([*model.losses, tf.constant(0.0)]) / strategy.num_replicas_in_sync
            loss = tf.add_n(list(losses.values())) + added
        gradients = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply(gradients, model.trainable_variables)
        return {"loss": loss, **{f"{name}_loss": value for name, value in losses.items()}}

    @tf.function(input_signature=[batch_spec])  # traced once, whatever the lengths of the views
    def step(batch: Any) -> dict[str, tf.Tensor]:
        by_replica = strategy.run(on_replica, args=batch)
        return {name: strategy.reduce("SUM", loss, axis=None) for name, loss in by_replica.items()}

    return step
