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
from edgedipn_tf.conversion.recipes import SIGNATURE

Positions = npt.NDArray[np.int64]
Arrays = Mapping[str, npt.NDArray[Any]]
Batch = tuple[Arrays, Arrays, Arrays]


@dataclasses.dataclass(frozen=True)
class Scores:
    """Probabilities of the same N samples, by Keras and by each file.

    Attributes:
        keras: (N, places) by intent.
        files: the same by file name.
        labels: the samples' labels.
        kept_inputs: the inputs of the kept samples, (kept, ...) by input name.
        kept_keras: the probabilities of the kept samples, (kept, places) by intent.
        kept_labels: their labels.
    """

    keras: ByIntent
    files: Mapping[str, ByIntent]
    labels: Labels
    kept_inputs: Arrays
    kept_keras: ByIntent
    kept_labels: Labels

    @property
    def num_samples(self) -> int:
        """N."""
        return len(next(iter(self.keras.values())))


def spread(total: int, limit: int) -> Positions:
    """Returns `limit` positions spread evenly over `total`, the first included; all of them when limit is 0."""
    count = total if limit == 0 else min(limit, total)
    return np.arange(count) * total // max(count, 1)


class FileRunner:
    """Runs the signature of one TFLite file on single samples; tensors are bound by name.

    Args:
        path: the file.

    Raises:
        InputError: when the file cannot be loaded or has no such signature.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        try:
            self._interpreter = litert.Interpreter(str(path), num_threads=1)
            self._run = self._interpreter.get_signature_runner(SIGNATURE)
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
                raise InputError(f"{self._path.name} has the tensors {found}, not {expected}: choose another --recipe")

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
    runners: Mapping[str, FileRunner],
    batches: Iterable[Batch],
    selected: Positions,
    kept: Positions,
    report: Callable[[str], None],
) -> Scores:
    """Scores samples with Keras and every file.

    Args:
        model: maps inputs by name to logits by intent.
        runners: the files, by name.
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
    predict = _batch_function(model)
    progress = Progress("parity", len(selected), report)
    parts, kept_parts = [], []
    for positions, (inputs, labels, weights) in select(batches, selected):
        expected = {i: v.numpy() for i, v in predict({n: tf.constant(v, tf.int32) for n, v in inputs.items()}).items()}
        _check_finite(expected)
        files: dict[str, list[ByIntent]] = {name: [] for name in runners}
        for row in range(len(positions)):
            single = {name: values[row : row + 1] for name, values in inputs.items()}
            for name, run in runners.items():
                files[name].append(run(single))
            progress.advance()
        joined = {name: _concatenate(rows) for name, rows in files.items()}
        parts.append({"keras": expected, "files": joined, "labels": labels, "weights": weights})
        whole_part = {"inputs": inputs, "keras": expected, "labels": labels, "weights": weights}
        kept_parts.append(_rows(whole_part, np.flatnonzero(np.isin(positions, kept))))
    whole, kept_rows = _concatenate(parts), _concatenate(kept_parts)
    return Scores(
        keras=whole["keras"],
        files=whole["files"],
        labels=Labels(whole["labels"], whole["weights"]),
        kept_inputs=kept_rows["inputs"],
        kept_keras=kept_rows["keras"],
        kept_labels=Labels(kept_rows["labels"], kept_rows["weights"]),
    )


def _batch_function(model: keras.Model) -> Callable[[Mapping[str, tf.Tensor]], dict[str, tf.Tensor]]:
    # The last batch is smaller: with relaxed shapes it costs one more trace, not one per size.
    return tf.function(lambda inputs: probabilities(model, inputs), autograph=False, reduce_retracing=True)


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

    def advance(self) -> None:
        """Counts one thing as done."""
        self._done += 1
        now = time.monotonic()
        if now - self._last >= self.INTERVAL_S:
            self._last = now
            self._report(f"{self._step}: {self._done} of {self._total} samples after {now - self._start:.0f} s")
