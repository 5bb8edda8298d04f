"""Outputs of a file by different programs and machines, and how far they may lie apart.

On one computer they must agree bit for bit. On a device the instruction set differs, and with it the order of sums and
the quantized kernels, so a small difference is allowed, told in quantization steps; anything beyond is a wrong result.
"""

import math
from collections.abc import Mapping

import numpy as np

from android_bench.bundle import REMEDY, ModelFile, Samples, Tensor
from android_bench.errors import DeviceError
from android_bench.host import LoadedModel
from android_bench.results import Auc, Parity
from edgedipn_tf import ranking
from edgedipn_tf.commands import InputError

STEP = 1 / 256  # of a probability in an int8 tensor

# The same int8 file and inputs gave up to 6 steps between x86 and arm64; float32 differs only by the order of its sums.
MAX_STEPS = 6
FLOAT_TOLERANCE = 1e-3


def tolerance(recipe: str) -> float:
    """Returns how far a device's probability may lie from this computer's for a file of a recipe."""
    return FLOAT_TOLERANCE if recipe == "float32" else MAX_STEPS * STEP


def of_host(file: ModelFile, samples: Samples, num_threads: int) -> dict[str, np.ndarray]:
    """Returns the outputs [N, places] of every sample by ai-edge-litert's Python interpreter on this computer.

    Raises:
        InputError: when LiteRT cannot load or run the file.
    """
    model = LoadedModel(file, num_threads)
    try:
        by_sample = [model.run(samples.feed(place))[0] for place in range(samples.num_samples)]
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{file.path}: LiteRT cannot run it ({' '.join(str(error).split())}): {REMEDY}") from None
    return {tensor.name: np.concatenate([outputs[tensor.name] for outputs in by_sample]) for tensor in file.outputs}


def from_bytes(content: bytes, tensor: Tensor, num_samples: int, writer: str) -> np.ndarray:
    """Returns the raw values of all samples, little-endian as every Android device is, as [N, places].

    Raises:
        DeviceError: when there are more or fewer bytes.
    """
    dtype, shape = np.dtype(tensor.dtype).newbyteorder("<"), (num_samples, *tensor.shape[1:])
    if len(content) != dtype.itemsize * math.prod(shape):
        raise DeviceError(f"{writer} wrote {len(content)} bytes of output {tensor.name!r}, which is not all samples")
    return np.frombuffer(content, dtype).reshape(shape)


def difference(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], num_samples: int) -> Parity:
    """Returns the largest difference of each output over all samples."""
    largest = {name: float(np.max(np.abs(array - expected[name]))) for name, array in found.items()}
    return Parity(num_samples, {name: value if np.isfinite(value) else None for name, value in largest.items()})


def auc_by_intent(
    machine: Mapping[str, np.ndarray], host: Mapping[str, np.ndarray], samples: Samples
) -> dict[str, Auc]:
    """Returns the AUC of each intent by Keras, this computer and the machine measured, over the known labels."""

    def auc_of(outputs: np.ndarray, labels: np.ndarray, is_known: np.ndarray) -> float | None:
        scores = outputs[is_known]
        return ranking.auc(scores, labels[is_known]) if np.isfinite(scores).all() else None

    found = {}
    for name, outputs in machine.items():
        truth = samples.labels[name], samples.is_known[name]
        by = (auc_of(each, *truth) for each in (samples.expected[name], host[name], outputs))
        found[name] = Auc(int(samples.is_known[name].sum()), *by)
    return found


def problem_of_other_bits(found: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]) -> str | None:
    """Returns which output is not bit for bit the reference, or None."""
    for name, array in found.items():
        if array.tobytes() != reference[name].tobytes():
            return f"output {name!r} is not that of ai-edge-litert's Python interpreter bit for bit"
    return None


def problem_of_distance(parity: Parity, recipe: str) -> str | None:
    """Returns which output lies too far from this computer's, or None; what is no number is told elsewhere."""
    limit = tolerance(recipe)
    for name, value in parity.max_abs_difference.items():
        if value is not None and value > limit:
            return f"output {name!r} lies up to {steps(value)} from this computer's, more than {steps(limit)}: wrong"
    return None


def steps(distance: float) -> str:
    """Returns a distance of probabilities as told to a person."""
    return f"{distance:.2g} ({distance / STEP:.1f} steps of 1/256)"
