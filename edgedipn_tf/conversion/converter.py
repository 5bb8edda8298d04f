"""One conversion in one process of its own: the converter may crash or hang, and that must cost one line only.

`convert` starts this module as a program, which writes the file's bytes to its standard output: a child that
outlives a killed parent holds no file. With exit code 1 the standard output is the reason instead.
"""

import functools
import os
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

import numpy as np

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.compaction import compact
from edgedipn_tf.conversion.recipes import RECIPES, Recipe
from edgedipn_tf.conversion.tflite_file import operator_names

TIME_LIMIT_S = 600.0
_FAILED_CODE = 1


# What stays float in a calibrated file. Measured: int8 products of two activations, and int8 softmax, are what makes a
# fully quantized file both wrong and slower than float; with them in float, an int8 operator between two float ones
# gains nothing. What is left: lookups, FULLY_CONNECTED and TANH.
_FLOAT_OPERATORS = (
    *("BATCH_MATMUL", "ADD", "SUB", "MUL", "DIV", "EXP", "SOFTMAX", "LOGISTIC", "SUM", "MEAN", "REDUCE_MAX"),
    *("MAXIMUM", "MINIMUM", "CONCATENATION", "PACK", "RESHAPE", "TRANSPOSE", "TILE", "SPLIT", "SQUEEZE"),
    *("EXPAND_DIMS", "STRIDED_SLICE", "SLICE"),
)


# Layers that stay float too, by the names that they have in the model: as int8 a logit has 256 values, and none beyond
# those of the calibration samples. It costs 64 products a score.
_FLOAT_LAYERS = ("logit",)


def convert(
    saved_model: pathlib.Path,
    recipe: Recipe,
    signatures: Sequence[str],
    time_limit_s: float = TIME_LIMIT_S,
    calibration: pathlib.Path | None = None,
) -> bytes:
    """Converts signatures of a SavedModel to a TFLite file of built-in operators.

    Args:
        saved_model: the SavedModel.
        recipe: how to convert.
        signatures: names of the signatures that the file gets; one where the recipe does not share weights.
        time_limit_s: seconds after which the conversion is stopped.
        calibration: .npz of the signature's inputs by name, (N, ...), that a calibrated recipe measures ranges on.

    Returns:
        The content of the TFLite file.

    Raises:
        InputError: when the converter refuses the model, crashes, hangs, or gives nothing.
    """
    command = [sys.executable, "-m", __name__, str(saved_model), recipe.name, ",".join(signatures)]
    if recipe.is_calibrated:
        command.append(str(calibration))
    return run_conversion(command, recipe.name, time_limit_s)


def run_conversion(command: Sequence[str], recipe_name: str, time_limit_s: float) -> bytes:
    """Runs a program that writes a TFLite file to its standard output; arguments and errors as in `convert`."""
    root = str(pathlib.Path(__file__).parents[2])
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")])),
        "PYTHONHASHSEED": "0",  # same model, same bytes
        "CUDA_VISIBLE_DEVICES": "",  # the parent may hold the GPU's memory, and the converter needs none
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    try:
        done = subprocess.run(command, capture_output=True, timeout=time_limit_s, env=environment, check=False)
    except subprocess.TimeoutExpired:
        raise InputError(
            f"recipe {recipe_name}: the converter was stopped after {time_limit_s:g} s without a result: "
            "choose another --recipe, or a longer --time_limit"
        ) from None
    if done.returncode == 0 and done.stdout:
        return done.stdout
    raise InputError(f"recipe {recipe_name}: {_reason(done)}")


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        remedy = "free some memory" if name == "SIGKILL" else "choose another --recipe"
        return f"the converter crashed ({name}): {remedy}"
    if done.returncode == 0:
        return "the converter ended without a file: choose another --recipe"
    told = done.stdout if done.returncode == _FAILED_CODE and done.stdout else done.stderr
    lines = told.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"the converter ended with exit code {done.returncode} and without a word"


def explain(error: str) -> str:
    """Returns one line for an error text of the TFLite converter: the operators that a phone has not, or its start."""
    operators = set(re.findall(r"'tf\.(\w+)' op", error))
    for names in re.findall(r"(?:TF Select|Custom) ops: ([\w, ]+)", error):
        operators.update(name.strip() for name in names.split(","))
    if operators:
        return (
            f"the model needs operators that TFLite has not built in ({', '.join(sorted(operators))}), and a phone "
            "runs built-in ones only: replace the layers they come from"
        )
    return f"the converter refused the model: {' '.join(error.split())[:300]}"


def _convert_here(saved_model: str, recipe: Recipe, signatures: list[str], calibration: Sequence[str]) -> bytes:
    import tensorflow as tf  # seconds and half a gigabyte that the parent of a conversion does not need twice

    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model, signature_keys=signatures)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if recipe.weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if recipe.weights == "int8":
        # One scale a weight matrix, not one a column: FULLY_CONNECTED stays at version 9, which runtimes know since
        # TFLite 2.13, and a file of several signatures holds the scales anew for each.
        converter._experimental_disable_per_channel = True
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if recipe.weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if not recipe.is_calibrated:
        return converter.convert()
    samples = functools.partial(_representative_samples, signatures[0], calibration[0])
    converter.representative_dataset = samples
    if recipe.is_integer:
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        return converter.convert()
    # The debugger is the only public way to keep chosen operators float. Their names it knows after calibration.
    options = tf.lite.experimental.QuantizationDebugOptions
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_dataset=samples, debug_options=options(denylisted_ops=list(_FLOAT_OPERATORS))
    )
    debugger.options = options(
        denylisted_ops=list(_FLOAT_OPERATORS), denylisted_nodes=_of_float_layers(debugger.calibrated_model)
    )
    return debugger.get_nondebug_quantized_model()


def _of_float_layers(file: bytes) -> list[str]:
    """Returns the names of the operators of `_FLOAT_LAYERS`; the graph numbers layers: `logit_3/MatMul`."""
    return [name for name in operator_names(file) if re.sub(r"(_\d+)?/.*", "", name) in _FLOAT_LAYERS]


def _representative_samples(signature: str, path: str) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    with np.load(path) as arrays:
        inputs = dict(arrays)
    for row in range(len(next(iter(inputs.values())))):
        yield signature, {name: values[row : row + 1] for name, values in inputs.items()}


def _main(arguments: Sequence[str]) -> int:
    saved_model, recipe_name, signatures, *calibration = arguments
    # The converter prints as it likes; what it prints must not end up in the file.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        converted = _convert_here(saved_model, RECIPES[recipe_name], signatures.split(","), calibration)
        content, code = compact(converted), 0
    except Exception as error:  # whatever it is, the parent tells it in one line
        content, code = explain(f"{error}").encode(), _FAILED_CODE
    with output:
        output.write(content)
    return code


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
