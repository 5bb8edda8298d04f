"""Checkpoints of a run: one folder an epoch, whole or absent, from which training goes on as if never stopped.

A checkpoint holds the weights, the state of random generators inside layers, the optimizer (moments, iterations, and by
them the learning rate) and the history. Which epoch is the best and whether to stop early are functions of the
history, so there is no other state to lose. The order of the samples is a function of (seed, epoch).
"""

import json
import pathlib
import shutil
from typing import Any

import keras
import tensorflow as tf

from edgedipn_tf.commands import InputError
from edgedipn_tf.publishing import publish_folder


class History(tf.train.experimental.PythonState):
    """What each finished epoch gave, oldest first; plain JSON values.

    Attributes:
        epochs: one record an epoch, with at least `mean_auc` of the held-out users (None when no intent has
            a defined AUC).
    """

    def __init__(self) -> None:
        self.epochs: list[dict[str, Any]] = []

    @property
    def best_epoch(self) -> int:
        """Index of the epoch of the greatest mean AUC, the first of equals; without any AUC the last epoch."""
        means = [record["mean_auc"] for record in self.epochs]
        if all(mean is None for mean in means):
            return len(means) - 1
        return means.index(max(mean for mean in means if mean is not None))

    def is_over(self, num_epochs: int, patience: int) -> bool:
        """Returns whether training ends here: all epochs are done, or `patience` epochs were no better (0: never)."""
        if len(self.epochs) >= num_epochs:
            return True
        return bool(self.epochs) and 0 < patience <= len(self.epochs) - 1 - self.best_epoch

    def serialize(self) -> str:
        """Returns the history as JSON, for `tf.train.Checkpoint`."""
        return json.dumps(self.epochs)

    def deserialize(self, string_value: bytes) -> None:
        """Restores what `serialize` returned."""
        self.epochs = json.loads(string_value)


class Checkpoints:
    """The checkpoints of one run. Two are kept: the newest, to go on from, and the best, whose weights are the product.

    Args:
        folder: where they are.
        model: built and compiled; its weights are saved and restored in place.
        history: of the run, saved and restored with the weights.
    """

    def __init__(self, folder: pathlib.Path, model: keras.Model, history: History) -> None:
        model.optimizer.build(model.trainable_variables)
        self._folder = folder
        self._history = history
        # By position: `tf.train.Checkpoint(model=...)` silently leaves out layers in dictionaries and seed states.
        self._weights = list(model.variables)
        self._checkpoint = tf.train.Checkpoint(
            weights=self._weights, optimizer=list(model.optimizer.variables), history=history
        )

    def restore_newest(self) -> bool:
        """Restores the newest checkpoint, if there is one, and returns whether there was.

        Raises:
            InputError: when it is damaged.
        """
        epochs = sorted(int(path.name.removeprefix("epoch-")) for path in self._folder.glob("epoch-*"))
        if not epochs:
            return False
        newest = self._path(epochs[-1])
        try:
            self._checkpoint.read(self._prefix(newest)).assert_consumed()
        except (tf.errors.OpError, AssertionError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"{newest} cannot be read ({reason}): remove this folder to go on from the checkpoint before it"
            ) from None
        return True

    def restore_best_weights(self) -> None:
        """Restores the weights of the best epoch; the optimizer and the history stay."""
        prefix = self._prefix(self._path(self._history.best_epoch))
        tf.train.Checkpoint(weights=self._weights).read(prefix).expect_partial().assert_existing_objects_matched()

    def save(self) -> None:
        """Saves the state after the last epoch of the history, then removes what is neither newest nor best."""
        newest = len(self._history.epochs) - 1
        with publish_folder(self._path(newest)) as partial:
            self._checkpoint.write(self._prefix(partial))
        kept = {self._path(newest), self._path(self._history.best_epoch)}
        for path in set(self._folder.glob("epoch-*")) - kept:
            shutil.rmtree(path)

    def _path(self, epoch: int) -> pathlib.Path:
        return self._folder / f"epoch-{epoch:05d}"

    def _prefix(self, folder: pathlib.Path) -> str:
        return str(folder / "state")
