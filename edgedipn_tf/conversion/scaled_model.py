"""Calibrated probabilities: a scaling of each intent's logits, fitted on the users that training held out.

Samples that were trained on are told too well to fit it, a training day like any other, and the evaluation split has
to judge it; what is left are the held-out training users, whose samples only chose the epoch.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgedipn_tf import held_out_users, platt_scaling
from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.inference_graph import InferenceGraph
from edgedipn_tf.conversion.parity import ByIntent, Labels
from edgedipn_tf.dataset import Dataset
from edgedipn_tf.finished_run import FinishedRun
from edgedipn_tf.platt_scaling import PlattScaling
from edgedipn_tf.tensorflow_errors import one_line_errors

Scalings = Mapping[str, PlattScaling]
_BATCH_SIZE = 256


class ScaledModel:
    """A model with scaled logits, called as the model is.

    Args:
        model: maps inputs by name to logits (B, places) by intent.
        scalings: of every intent.
    """

    def __init__(self, model: keras.Model | InferenceGraph, scalings: Scalings) -> None:
        self._model, self._scalings = model, scalings

    def in_integers(self) -> "ScaledModel":
        """Returns the same with operators only that TFLite has in int8.

        Raises:
            ValueError: when it is not of an inference graph.
        """
        if not isinstance(self._model, InferenceGraph):
            raise ValueError("only an inference graph can be had in integers")
        return ScaledModel(self._model.in_integers(), self._scalings)

    @property
    def variables(self) -> list[tf.Variable]:
        """What it reads: the variables of the model."""
        if isinstance(self._model, InferenceGraph):
            return self._model.variables
        return [variable.value for variable in self._model.variables]

    def __call__(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        model = self._model
        logits = model(inputs) if isinstance(model, InferenceGraph) else model(inputs, training=False)
        return {
            intent: tf.cast(values, tf.float32) * self._scalings[intent].slope + self._scalings[intent].bias
            for intent, values in logits.items()
        }


def fit_scalings(model: keras.Model, dataset: Dataset, workdir: FinishedRun) -> dict[str, PlattScaling]:
    """Returns the scaling of each intent, fitted on the training users that the run held out.

    Args:
        model: the trained model.
        dataset: what it was trained on.
        workdir: the training run.

    Raises:
        InputError: when the run held nobody out, or a record is damaged.
    """
    share, seed = workdir.settings.get("held_out_users", 0), workdir.settings.get("seed", 0)
    if not share:
        raise InputError(
            f"--calibrate: {workdir.path} held no training users out: train with --held_out_users, or leave it out"
        )
    logits: dict[str, list[np.ndarray]] = {}
    labels: dict[str, list[np.ndarray]] = {}
    function = tf.function(lambda inputs: model(inputs, training=False), autograph=False, reduce_retracing=True)
    with one_line_errors(dataset.path, workdir.path):
        divided = held_out_users.divide(dataset, seed, share, report=lambda line: None)
        batches = divided.evaluation_batches(held_out_users.HELD_OUT_SPLIT, workdir.max_length, _BATCH_SIZE)
        for inputs, of_batch, weights in batches:
            for intent, values in function(inputs).items():
                is_known = weights[intent].numpy() > 0
                logits.setdefault(intent, []).append(values.numpy()[is_known])
                labels.setdefault(intent, []).append(of_batch[intent].numpy()[is_known].astype(np.int8))
    return {i: platt_scaling.fit(np.concatenate(logits[i]), np.concatenate(labels[i])) for i in logits}


def calibration_json(scalings: Scalings, keras: ByIntent, labels: Labels) -> dict[str, Any]:
    """Returns what parity.json says of the scalings: each, and the calibration error on the evaluation samples.

    Args:
        scalings: of every intent.
        keras: scaled probabilities of Keras, (N, places) by intent.
        labels: of the same samples.
    """
    before = {intent: _unscaled(scalings[intent], values) for intent, values in keras.items()}
    errors = labels.calibration_error(before), labels.calibration_error(keras)
    return {
        intent: {
            **dataclasses.asdict(scaling),
            "calibration_error_before": errors[0][intent],
            "calibration_error": errors[1][intent],
        }
        for intent, scaling in scalings.items()
    }


def _unscaled(scaling: PlattScaling, probabilities: np.ndarray) -> np.ndarray:
    inverse = dataclasses.replace(scaling, slope=1 / scaling.slope, bias=-scaling.bias / scaling.slope)
    return inverse.apply(probabilities)


def format_calibration(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns the scalings and the calibration errors of `calibration_json` as a table for people."""
    width = max(len(intent) for intent in found)
    lines = [f"{'calibration error':{width}}  {'before':>8}  {'after':>8}  {'slope':>7}  {'bias':>7}"]
    for intent, values in found.items():
        before, after = (
            "n/a" if values[name] is None else f"{values[name]:.4f}"
            for name in ("calibration_error_before", "calibration_error")
        )
        told = f"{values['slope']:7.3f}  {values['bias']:+7.3f}" if values["reason"] is None else values["reason"]
        lines.append(f"{intent:{width}}  {before:>8}  {after:>8}  {told}")
    return "\n".join(lines)
