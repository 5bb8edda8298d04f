"""The functions that a bundle's files hold, by name, and the lengths that they are made for.

A file has `predict` once for every length of a ladder, `predict_32`, `predict_64` and so on: TFLite has no good way to
run a graph at an open length, and most users need few steps. A phone runs the shortest that holds its longest view.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edgedipn_tf.commands import InputError
from edgedipn_tf.schema import PAD_ID

LADDER = (32, 64, 128, 256, 512)
PREDICT, ENCODE, SCORE_CATEGORIES = "predict", "encode", "score_categories"
"""Kinds: ids to the probability of every intent; the same in two steps, for more candidates than one call takes."""
PREDICT_RAW = "predict_raw"
"""Kind of a signature that maps what an app logs to the probabilities; its inputs have units of their own."""
USER = "user"
"""What `encode` hands to `score_categories`: (1, C, U), a row a category intent."""
INPUT_UNIT, OUTPUT_UNIT = "id", "probability"
UNITS = {USER: "activation"}
"""What the numbers of a tensor are, by its name, where they are neither of the two."""

Ids = npt.NDArray[np.int32]


@dataclasses.dataclass(frozen=True)
class SignatureKey:
    """Which function of a file: its kind, and the steps of each view it takes; None where it takes no views."""

    kind: str
    length: int | None = None

    @property
    def name(self) -> str:
        """The signature's name in the file."""
        return self.kind if self.length is None else f"{self.kind}_{self.length}"

    @property
    def steps(self) -> int:
        """The length of a signature that has one."""
        if self.length is None:
            raise ValueError(f"{self.name} takes no views")
        return self.length


def default_lengths(max_length: int) -> tuple[int, ...]:
    """Returns the lengths of the ladder below `max_length`, and `max_length`."""
    return (*(length for length in LADDER if length < max_length), max_length)


def parse_lengths(texts: Sequence[str]) -> tuple[int, ...]:
    """Returns the lengths that a flag names, rising.

    Raises:
        InputError: when one is no positive number, or is given twice.
    """
    lengths = sorted(int(text) for text in texts if text.isascii() and text.isdigit() and int(text) > 0)
    if not lengths or len(lengths) < len(texts) or len(set(lengths)) < len(lengths):
        raise InputError(f"--lengths={','.join(texts)}: name each length once, e.g. --lengths=64,128,256")
    return tuple(lengths)


def check_lengths(lengths: Sequence[int], max_length: int, is_fixed: bool) -> None:
    """Refuses lengths that a model cannot be converted for.

    Args:
        lengths: rising.
        max_length: the steps that the model was trained on.
        is_fixed: whether its weights depend on them.

    Raises:
        InputError: when the longest is not `max_length`: what is trained on 256 steps is judged on 256 steps.
    """
    asked = ",".join(map(str, lengths))
    if lengths[-1] != max_length:
        raise InputError(f"--lengths={asked}: the longest has to be {max_length}, what the model was trained on")
    if is_fixed and len(lengths) > 1:
        raise InputError(f"--lengths={asked}: this model takes {max_length} steps only")


def newest_steps(inputs: Mapping[str, Ids], views: Sequence[str], length: int) -> dict[str, Ids]:
    """Returns inputs by name with the newest `length` steps of each view (N, T, F), whose last step is the newest."""
    return {name: values[:, -length:] if name in views else values for name, values in inputs.items()}


def num_steps(inputs: Mapping[str, Ids], views: Sequence[str]) -> npt.NDArray[np.int64]:
    """Returns (N,), the number of real steps of each sample's longest view."""
    return np.max([np.count_nonzero(inputs[view][..., 0] != PAD_ID, axis=1) for view in views], axis=0)
