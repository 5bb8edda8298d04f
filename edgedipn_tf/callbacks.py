"""What happens during `fit` besides the steps: the live line, and everything at the end of an epoch."""

import math
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras

from edgedipn_tf.checkpoints import Checkpoints, History
from edgedipn_tf.commands import InputError
from edgedipn_tf.curves import Curves
from edgedipn_tf.metrics import IntentMetrics
from edgedipn_tf.schema import Schema

_TERMINAL_INTERVAL_S = 0.2
_LOG_INTERVAL_S = 60.0


class LiveLine(keras.callbacks.Callback):
    """One line that is rewritten as training goes on; in a log file, a new line each minute.

    Args:
        num_epochs: most epochs of the run.
        steps_per_epoch: steps of an epoch.
        history: of the run; its last mean AUC is shown.
    """

    def __init__(self, num_epochs: int, steps_per_epoch: int, history: History) -> None:
        super().__init__()
        self._history = history
        self._num_epochs = num_epochs
        self._steps_per_epoch = steps_per_epoch
        self._epoch = 0
        self._steps_timed = 0
        self._is_terminal = sys.stdout.isatty()
        self._started = self._shown = 0.0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._epoch = epoch
        if self._is_terminal:  # the first step takes long: TensorFlow traces the graph
            self._show(f"epoch {epoch + 1}/{self._num_epochs}  step 0/{self._steps_per_epoch}")

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        now = time.monotonic()
        if self._steps_timed == 0:
            self._started = self._shown = now  # what the first step took says nothing
        self._steps_timed += 1
        if now - self._shown < (_TERMINAL_INTERVAL_S if self._is_terminal else _LOG_INTERVAL_S):
            return
        self._shown = now
        self._show(
            f"epoch {self._epoch + 1}/{self._num_epochs}  step {batch + 1}/{self._steps_per_epoch}  "
            f"loss {(logs or {}).get('loss', math.nan):.4f}  {self._auc()}{self._time_left(batch, now)}"
        )

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self._is_terminal:
            print(f"\r{'':<78}\r", end="")

    def _show(self, line: str) -> None:
        if self._is_terminal:
            print(f"\r{line:<78}", end="", flush=True)
        else:
            print(line, flush=True)

    def _auc(self) -> str:
        return f"AUC {_number(self._history.epochs[-1]['mean_auc'])}  " if self._history.epochs else ""

    def _time_left(self, batch: int, now: float) -> str:
        steps_left = (self._num_epochs - self._epoch) * self._steps_per_epoch - batch - 1
        seconds = round((now - self._started) / (self._steps_timed - 1) * steps_left)
        return f"at most {seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d} left"


class EpochEnd(keras.callbacks.Callback):
    """Evaluates exactly, shows, draws, saves, and decides whether to stop; the checkpoint comes last.

    Args:
        evaluate: returns the metrics by intent of the model as it is, on the users that choose the best epoch.
        schema: has the names of the metrics.
        history: of the run; one record is added an epoch.
        checkpoints: where the state goes.
        curves: what is drawn.
        num_epochs: most epochs of the run.
        patience: epochs without a better mean AUC before training stops; 0 never stops.
    """

    def __init__(
        self,
        evaluate: Callable[[], dict[str, IntentMetrics]],
        schema: Schema,
        history: History,
        checkpoints: Checkpoints,
        curves: Curves,
        num_epochs: int,
        patience: int,
    ) -> None:
        super().__init__()
        self._evaluate = evaluate
        self._metric_names = {intent.name: intent.metric for intent in schema.intents}
        self._history = history
        self._checkpoints = checkpoints
        self._curves = curves
        self._num_epochs = num_epochs
        self._patience = patience
        self._started = self._learning_rate = 0.0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._started = time.monotonic()
        self._learning_rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        logs = logs or {}
        if not math.isfinite(logs["loss"]):
            raise InputError(f"the loss is {logs['loss']} in epoch {epoch + 1}: choose a lower --learning_rate")
        record = self._record(logs)
        self._history.epochs.append(record)
        self._curves.draw(epoch, record)
        self._checkpoints.save()
        self._show(epoch, record)
        if self._history.is_over(self._num_epochs, self._patience):
            self.model.stop_training = True

    def _record(self, logs: Mapping[str, float]) -> dict[str, Any]:
        """Returns what the history keeps of an epoch: nothing that differs between equal runs, such as time."""
        found = self._evaluate()
        aucs = {name: values.auc for name, values in found.items()}
        defined = [auc for auc in aucs.values() if auc is not None]
        return {
            "loss": float(logs["loss"]),
            "learning_rate": self._learning_rate,
            "train": {name: float(value) for name, value in sorted(logs.items()) if name != "loss"},
            "auc": aucs,
            "gauc": {name: values.gauc for name, values in found.items()},
            "log_loss": {name: values.log_loss for name, values in found.items()},
            "task_weight": {name: float(loss.task_weight) for name, loss in self.model.loss.items()},
            "mean_auc": sum(defined) / len(defined) if defined else None,
        }

    def _show(self, epoch: int, record: Mapping[str, Any]) -> None:
        aucs = "  ".join(f"{self._metric_names[n]} {_number(auc)}" for n, auc in record["auc"].items())
        mark = " (best)" if self._history.best_epoch == epoch else ""
        seconds, mean = time.monotonic() - self._started, _number(record["mean_auc"])
        print(
            f"epoch {epoch + 1}/{self._num_epochs}  {seconds:.0f} s  loss {record['loss']:.4f}  "
            f"held out: mean AUC {mean}{mark}"
        )
        print(f"  {aucs}", flush=True)


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"
