"""The setting `--task_weights`: factors of the tasks' losses, or that they are learned. No TensorFlow."""

import difflib
import math
from collections.abc import Sequence

from edgedipn_tf.commands import InputError

UNCERTAINTY = "uncertainty"


def parse_task_weights(text: str) -> dict[str, float]:
    """Returns the factors that a setting names, by task; none when it is empty or says that they are learned.

    Raises:
        InputError: when it is neither `uncertainty` nor pairs such as `realtime_purchase=2`, with factors above 0.
    """
    if text in ("", UNCERTAINTY):
        return {}
    weights: dict[str, float] = {}
    for pair in text.split(","):
        name, _, number = pair.partition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not 0 < weight < math.inf or not name or name in weights:
            raise InputError(
                f"--task_weights={text}: {pair!r} must be a task, =, and a number above 0, each task once; "
                f"or the flag {UNCERTAINTY!r} alone"
            )
        weights[name] = weight
    return weights


def refuse_unknown_tasks(text: str, tasks: Sequence[str]) -> None:
    """Refuses factors of tasks that a model does not have.

    Args:
        text: the setting.
        tasks: of the model.

    Raises:
        InputError: naming the nearest task.
    """
    for name in parse_task_weights(text):
        if name not in tasks:
            nearest = difflib.get_close_matches(name, tasks, n=1, cutoff=0.0)[0]
            raise InputError(f"--task_weights={text}: the model has no task {name!r}, did you mean {nearest!r}?")
