"""The signature `predict_raw`: from what an app logs to the probability of every intent, and its check in each file."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.converted_files import ConvertedFile
from edgedipn_tf.conversion.export import ExportedModel, Signature, Tensors, probabilities
from edgedipn_tf.conversion.raw_inputs import MS_UNIT, PIXEL_UNIT, TIME_UNIT, model_inputs, raw_fields, why_no_raw
from edgedipn_tf.conversion.scoring import FileRunner
from edgedipn_tf.conversion.signatures import PREDICT, PREDICT_RAW, SignatureKey
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.schema import Schema

NUM_CHECKED = 16
MAX_DIFFERENCE = 1e-6
"""Between `predict_raw` and `predict` of one file: they run the same operators on the same ids."""
_SEED = 1
_RECENT_MS = 1_700_000_000_000


def raw_signature(model: ExportedModel, schema: Schema, length: int) -> Signature:
    """Returns `predict_raw` at a length.

    Args:
        model: maps inputs by name to logits (B, places) by intent.
        schema: what the model's inputs hold.
        length: steps of the views.

    Raises:
        InputError: when a feature of the schema has no formula in the graph.
    """
    reason = why_no_raw(schema)
    if reason is not None:
        raise InputError(f"--predict_raw: {reason}: leave the flag out, and discretize in the app")
    local_time = LocalTime(schema.timezone)
    inputs = {f.name: tf.TensorSpec((1, *f.shape), f.dtype, name=f.name) for f in raw_fields(schema, length)}

    def function(raw: Tensors) -> Tensors:
        return probabilities(model, model_inputs(schema, raw, local_time))

    return Signature(SignatureKey(PREDICT_RAW, length), inputs, function)


def raw_units(schema: Schema, length: int) -> dict[str, str]:
    """Returns the unit of each input of `predict_raw`."""
    return {field.name: field.unit for field in raw_fields(schema, length)}


def zone_warning(schema: Schema) -> str | None:
    """Returns what to say where the hours of the dataset are of another time zone database than this program's."""
    version = LocalTime(schema.timezone).version
    if schema.timezone_version == version:
        return None
    return (
        f"predict_raw has the hours of time zone database {version}, the dataset those of {schema.timezone_version}: "
        f"where {schema.timezone} differs between them, so do the ids; install the package tzdata of that version, or "
        "make the dataset again"
    )


def check_raw(files: Sequence[ConvertedFile], schema: Schema) -> dict[str, float]:
    """Compares, in every file that has both, `predict_raw` of random raw inputs with `predict` of what they become.

    Args:
        files: the files.
        schema: what the inputs hold.

    Returns:
        The largest difference of a probability, by file name.

    Raises:
        InputError: when it is more than `MAX_DIFFERENCE`, naming the file.
    """
    found = {}
    for file in files:
        for key, run in file.runners.items():
            if key.kind == PREDICT_RAW:
                predict = SignatureKey(PREDICT, key.steps)
                difference = _largest_difference(run, file.runners[predict], schema, key.steps)
                if not difference <= MAX_DIFFERENCE:
                    raise InputError(
                        f"{file.name}: {key.name} is {difference:.2g} away from {predict.name} of the same sample: "
                        "convert without --predict_raw"
                    )
                found[file.name] = difference
    return found


def _largest_difference(raw_runner: FileRunner, predict: FileRunner, schema: Schema, length: int) -> float:
    local_time, differences = LocalTime(schema.timezone), []
    for seed in range(_SEED, _SEED + NUM_CHECKED):
        raw = example_raw(schema, length, seed)
        ids = model_inputs(schema, {name: tf.constant(values) for name, values in raw.items()}, local_time)
        expected = predict({name: values.numpy() for name, values in ids.items()})
        differences += [np.max(np.abs(values - expected[intent])) for intent, values in raw_runner(raw).items()]
    return float(np.max(differences))


def example_raw(schema: Schema, length: int, seed: int) -> dict[str, np.ndarray]:
    """Returns random raw inputs of one sample: right-aligned views of random lengths, times within a month.

    Args:
        schema: what the model's inputs hold.
        length: steps of the views.
        seed: equal seeds give equal inputs.
    """
    rng = np.random.default_rng(seed)
    raw = {}
    for field in raw_fields(schema, length):
        shape = (1, *field.shape)
        if field.unit == TIME_UNIT:
            values = np.sort(_RECENT_MS - rng.integers(0, 30 * 86_400_000, shape), axis=-1)
        elif field.unit == MS_UNIT:
            values = rng.integers(-1000, 700_000, shape)
        elif field.unit == PIXEL_UNIT:
            values = rng.uniform(-100, 2000, shape)
        else:
            values = rng.integers(1, 5, shape)
        raw[field.name] = values.astype(field.dtype.as_numpy_dtype)
    raw["now_ms"][:] = _RECENT_MS
    for view in schema.views:
        raw[f"{view.name}_{view.action.name}"][0, : rng.integers(0, length + 1)] = 0
    return raw
