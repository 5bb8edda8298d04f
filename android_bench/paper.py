"""The inference times and sizes that the EdgeDIPN paper reports in its Table 3: theirs, never measured here.

The paper names neither the phone nor the runtime nor the statistic behind them, so they stand beside a measurement for
orientation and enter no verdict.
"""

from collections.abc import Iterable

SOURCE = "paper's Table 3, not measured here"

# By the model's name in a bundle: sequence length -> ms.
_TABLE_3_MS = {
    "edgedipn": {64: 13.7, 128: 22.6, 256: 31.2, 512: 48.9},
    "edgedipn_with_gru": {64: 19.5, 128: 32.9, 256: 59.8, 512: 111.6},
    "edgedipn_with_fastgrnn": {64: 15.6, 128: 24.5, 256: 41.3, 512: 81.7},
    "edgedipn_with_fastgrnnlr": {64: 14.2, 128: 23.6, 256: 35.5, 512: 59.8},
}

# The same, in MB.
_TABLE_3_MB = {
    "edgedipn": {64: 1.03, 128: 1.30, 256: 1.57, 512: 2.15},
    "edgedipn_with_gru": {64: 1.38, 128: 1.73, 256: 2.42, 512: 3.83},
    "edgedipn_with_fastgrnn": {64: 1.06, 128: 1.38, 256: 1.69, 512: 2.45},
    "edgedipn_with_fastgrnnlr": {64: 0.88, 128: 1.19, 256: 1.53, 512: 2.21},
}


def times_ms(model: str) -> dict[int, float]:
    """Returns the paper's inference times of a model by sequence length; empty where Table 3 has none."""
    return dict(_TABLE_3_MS.get(model, {}))


def sizes_mb(model: str) -> dict[int, float]:
    """Returns the paper's sizes of a model by sequence length; empty where Table 3 has none."""
    return dict(_TABLE_3_MB.get(model, {}))


def lines(models: Iterable[str]) -> list[str]:
    """Returns one line for each model that Table 3 has."""
    return [
        f"{SOURCE}: {model}: " + ", ".join(f"{ms} ms at length {length}" for length, ms in times_ms(model).items())
        for model in models
        if times_ms(model)
    ]
