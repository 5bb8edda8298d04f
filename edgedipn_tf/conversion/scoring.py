"""Scores the same evaluation samples with Keras, in batches, and with each TFLite file, one sample at a time."""

import dataclasses
import pathlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from ai_edge_litert import interpreter as litert

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.export import probabilities
from edgedipn_tf.conversion.parity import ByIntent, Labels
from edgedipn_tf.conversion.signatures import newest_steps, num_steps

Positions = npt.NDArray[np.int64]
Arrays = Mapping[str, npt.NDArray[Any]]
Batch = tuple[Arrays, Arrays, Arrays]


@dataclasses.dataclass(frozen=True)
class Scores:
    """Probabilities of the same N samples, by Keras and by each file, at every length.

    Attributes:
        keras: (N, places) by intent, by length: of the newest steps of each view.
        files: the same, by length and file name.
        labels: the samples' labels.
        num_steps: (N,), the steps of each sample's longest view.
        kept_inputs: the inputs of the kept samples at full length, (kept, ...) by input name.
        kept: which of the samples are kept.
    """

    keras: Mapping[int, ByIntent]
    files: Mapping[int, Mapping[str, ByIntent]]
    labels: Labels
    num_steps: Positions
    kept_inputs: Arrays
    kept: Positions

    @property
    def num_samples(self) -> int:
        """N."""
        return len(self.num_steps)

    def kept_keras(self, length: int) -> ByIntent:
        """Returns Keras' probabilities of the kept samples, (kept, places) by intent."""
        return {intent: values[self.kept] for intent, values in self.keras[length].items()}

    @property
    def kept_labels(self) -> Labels:
        """The labels of the kept samples."""
        labels, weights = (
            {intent: values[self.kept] for intent, values in side.items()}
            for side in (self.labels.labels, self.labels.weights)
        )
        return Labels(labels, weights)


def spread(total: int, limit: int) -> Positions:
    """Returns `limit` positions spread evenly over `total`, the first included; all of them when limit is 0."""
    count = total if limit == 0 else min(limit, total)
    return np.arange(count) * total // max(count, 1)


class FileRunner:
    """Runs one signature of a TFLite file on single samples; tensors are bound by name.

    Args:
        path: the file.
        signature: name of the signature.

    Raises:
        InputError: when the file cannot be loaded or has no such signature.
    """

    def __init__(self, path: pathlib.Path, signature: str) -> None:
        self._path, self._signature = path, signature
        try:
            self._interpreter = litert.Interpreter(str(path), num_threads=1)
            self._run = self._interpreter.get_signature_runner(signature)
        except (ValueError, RuntimeError) as error:
            raise InputError(f"{path.name} cannot be loaded: {error}: convert again") from None

    def tensors(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Returns the inputs and the outputs of the signature: name, dtype and shape of each, sorted by name."""
        details = (self._run.get_input_details(), self._run.get_output_details())
        inputs, outputs = (
            [
                {"name": name, "dtype": np.dtype(d["dtype"]).name, "shape": [int(size) for size in d["shape"]]}
                for name, d in sorted(side.items())
            ]
            for side in details
        )
        return inputs, outputs

    def shape(self, name: str) -> tuple[int, ...]:
        """Returns the shape of an input."""
        return tuple(int(size) for size in self._run.get_input_details()[name]["shape"])

    def check_tensors(self, inputs: Mapping[str, tf.TensorSpec], outputs: Mapping[str, Sequence[int]]) -> None:
        """Refuses a file whose signature is not the one that was exported.

        Args:
            inputs: what it has to take, by name.
            outputs: shapes of the float32 tensors it has to return, by intent.

        Raises:
            InputError: naming the file and the tensors.
        """
        expected_inputs = [
            {"name": name, "dtype": spec.dtype.name, "shape": spec.shape.as_list()}
            for name, spec in sorted(inputs.items())
        ]
        expected_outputs = [
            {"name": intent, "dtype": "float32", "shape": list(shape)} for intent, shape in sorted(outputs.items())
        ]
        for found, expected in zip(self.tensors(), (expected_inputs, expected_outputs), strict=True):
            if found != expected:
                raise InputError(
                    f"{self._path.name}: {self._signature} has the tensors {found}, not {expected}: "
                    "choose another --recipe"
                )

    def __call__(self, inputs: Arrays) -> dict[str, npt.NDArray[np.float32]]:
        """Returns the probabilities (1, places) by intent of one sample; inputs have a batch axis of 1.

        Raises:
            InputError: when the interpreter fails.
        """
        try:
            return self._run(**inputs)
        except (ValueError, RuntimeError) as error:
            raise InputError(f"{self._path.name} cannot run: {error}: choose another --recipe") from None


def score(
    model: keras.Model,
    views: Sequence[str],
    runners: Mapping[int, Mapping[str, FileRunner]],
    batches: Iterable[Batch],
    selected: Positions,
    kept: Positions,
    report: Callable[[str], None],
) -> Scores:
    """Scores samples with Keras and every file, at every length: each sees the newest steps only.

    Args:
        model: maps inputs by name to logits by intent.
        views: names of the inputs that have steps.
        runners: the files by name, by length.
        batches: (inputs, labels, weights), NumPy, every sample of the split in a fixed order.
        selected: positions of the samples to score, rising.
        kept: those of them whose inputs are returned too.
        report: gets a progress line every few seconds.

    Raises:
        InputError: when no sample is selected, a file cannot run, or Keras gives a probability that is not finite.
    """
    if not len(selected):
        raise InputError(
            "the dataset has no evaluation samples, and no file is published unchecked: make one with some"
        )
    predict: dict[int, Callable[..., dict[str, tf.Tensor]]] = {}
    progress = Progress("parity", len(selected), report)
    parts, kept_inputs = [], []
    for positions, (inputs, labels, weights) in select(batches, selected):
        expected, found = {}, {}
        for length, files in runners.items():
            newest = newest_steps(inputs, views, length)
            if length not in predict:
                predict[length] = _batch_function(model, newest)
            outputs = predict[length]({name: tf.constant(values, tf.int32) for name, values in newest.items()})
            expected[length] = {intent: values.numpy() for intent, values in outputs.items()}
            _check_finite(expected[length])
            found[length] = {name: _run_rows(run, newest) for name, run in files.items()}
        steps = num_steps(inputs, views)
        parts.append({"keras": expected, "files": found, "labels": labels, "weights": weights, "steps": steps})
        kept_inputs.append(_rows(inputs, np.flatnonzero(np.isin(positions, kept))))
        progress.advance(len(positions))
    whole = _concatenate(parts)
    return Scores(
        keras=whole["keras"],
        files=whole["files"],
        labels=Labels(whole["labels"], whole["weights"]),
        num_steps=whole["steps"],
        kept_inputs=_concatenate(kept_inputs),
        kept=np.flatnonzero(np.isin(selected, kept)),
    )


def _run_rows(run: FileRunner, inputs: Arrays) -> ByIntent:
    num_rows = len(next(iter(inputs.values())))
    return _concatenate(
        [run({name: values[row : row + 1] for name, values in inputs.items()}) for row in range(num_rows)]
    )


def _batch_function(model: keras.Model, example: Arrays) -> Callable[..., dict[str, tf.Tensor]]:
    """Returns Keras' probabilities of batches that are like the example, of any size: the last one is smaller."""
    specs = {name: tf.TensorSpec((None, *values.shape[1:]), tf.int32, name=name) for name, values in example.items()}
    return tf.function(lambda inputs: probabilities(model, inputs), autograph=False).get_concrete_function(specs)


def select(batches: Iterable[Batch], selected: Positions) -> Iterator[tuple[Positions, Batch]]:
    """Yields the selected rows of each batch, with their positions."""
    start = 0
    for batch in batches:
        size = len(next(iter(batch[0].values())))
        positions = selected[(selected >= start) & (selected < start + size)]
        if len(positions):
            yield positions, _rows(batch, positions - start)
        start += size


def _rows(arrays: Any, rows: Positions) -> Any:
    return keras.tree.map_structure(lambda values: np.asarray(values)[rows], arrays)


def _concatenate(parts: list[Any]) -> Any:
    return keras.tree.map_structure(lambda *values: np.concatenate(values), *parts)


def _check_finite(expected: ByIntent) -> None:
    for intent, values in expected.items():
        if not np.isfinite(values).all():
            raise InputError(f"the trained model itself gives NaN for {intent}: train it again, e.g. more slowly")


class Progress:
    """Reports how far a long step is, every few seconds.

    Args:
        step: name of the step.
        total: number of things to do.
        report: gets the lines.
    """

    INTERVAL_S = 5.0

    def __init__(self, step: str, total: int, report: Callable[[str], None]) -> None:
        self._step, self._total, self._report = step, total, report
        self._done = 0
        self._start = self._last = time.monotonic()

    def advance(self, number: int) -> None:
        """Counts so many things as done."""
        self._done += number
        now = time.monotonic()
        if now - self._last >= self.INTERVAL_S:
            self._last = now
            self._report(f"{self._step}: {self._done} of {self._total} samples after {now - self._start:.0f} s")
