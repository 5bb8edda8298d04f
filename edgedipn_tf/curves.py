"""What TensorBoard draws of a run: a curve of each figure of an epoch, histograms of the attention weights."""

import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import tensorflow as tf

Histograms = Callable[[Mapping[str, tf.Tensor]], Mapping[str, tf.Tensor]]
_BY_TASK = ("train", "auc", "gauc", "log_loss", "task_weight")


class Curves:
    """Writes a run's event files.

    Args:
        folder: of the event files.
        weights_of: returns the attention weights by name, of the inputs of a batch, as the model is.
        batches: inputs of a few batches, the same at each epoch, so that the histograms can be compared.
    """

    def __init__(
        self, folder: pathlib.Path, weights_of: Histograms, batches: Iterable[Mapping[str, tf.Tensor]]
    ) -> None:
        self._folder = folder
        self._weights_of = weights_of
        self._batches = batches

    def draw(self, epoch: int, record: Mapping[str, Any]) -> None:
        """Draws an epoch.

        Args:
            epoch: from 0.
            record: what the history keeps of it.
        """
        curves = {name: record[name] for name in ("loss", "learning_rate", "mean_auc")}
        for group in _BY_TASK:
            curves.update({f"{group}/{name}": value for name, value in record[group].items()})
        writer = tf.summary.create_file_writer(str(self._folder))
        with writer.as_default(step=epoch + 1):
            for name, value in curves.items():
                if value is not None:
                    tf.summary.scalar(name, value)
            for name, weights in self._weights().items():
                tf.summary.histogram(f"attention/{name}", weights)
        writer.close()

    def _weights(self) -> dict[str, tf.Tensor]:
        parts: dict[str, list[tf.Tensor]] = {}
        for inputs in self._batches:
            for name, weights in self._weights_of(inputs).items():
                parts.setdefault(name, []).append(weights)
        return {name: tf.concat(weights, axis=0) for name, weights in parts.items()}
