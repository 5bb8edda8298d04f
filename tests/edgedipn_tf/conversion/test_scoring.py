"""Samples scored by Keras and by files: which, in which order, and what is kept."""

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion import scoring
from edgedipn_tf.conversion.scoring import Progress, score, spread

INPUTS = {"x": np.arange(10, dtype=np.int32)[:, None]}
ONES = {"buy": np.ones((10, 1), np.float32)}


def batches(size: int) -> list[scoring.Batch]:
    def cut(arrays: dict[str, np.ndarray], start: int) -> dict[str, np.ndarray]:
        return {name: values[start : start + size] for name, values in arrays.items()}

    return [
        (cut(INPUTS, i), cut({"buy": ONES["buy"] * (INPUTS["x"] % 2)}, i), cut(ONES, i)) for i in range(0, 10, size)
    ]


def model(inputs: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
    """Logits 0 to 9, so that the probability tells the sample."""
    assert not training
    return {"buy": tf.cast(inputs["x"], tf.float32)}


def runner(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    assert inputs["x"].shape == (1, 1)
    return {"buy": inputs["x"].astype(np.float32) / 100}


@pytest.mark.parametrize(
    ("total", "limit", "positions"),
    [(5, 0, [0, 1, 2, 3, 4]), (10, 5, [0, 2, 4, 6, 8]), (10, 3, [0, 3, 6]), (3, 9, [0, 1, 2]), (0, 4, []), (0, 0, [])],
)
def test_positions_are_spread(total: int, limit: int, positions: list[int]) -> None:
    assert spread(total, limit).tolist() == positions


@pytest.mark.parametrize("size", [3, 10])
def test_selected_samples_are_scored_in_order_whatever_the_batches(size: int) -> None:
    scores = score(model, {"m.tflite": runner}, batches(size), np.array([0, 4, 5, 9]), np.array([4, 9]), print)
    assert scores.num_samples == 4
    np.testing.assert_allclose(scores.keras["buy"][:, 0], 1 / (1 + np.exp(-np.array([0.0, 4, 5, 9]))), rtol=1e-6)
    np.testing.assert_allclose(scores.files["m.tflite"]["buy"][:, 0], [0, 0.04, 0.05, 0.09], rtol=1e-6)
    assert scores.labels.labels["buy"][:, 0].tolist() == [0, 0, 1, 1]
    assert scores.labels.weights["buy"][:, 0].tolist() == [1, 1, 1, 1]
    assert scores.kept_inputs["x"][:, 0].tolist() == [4, 9]
    np.testing.assert_array_equal(scores.kept_keras["buy"], scores.keras["buy"][[1, 3]])


def test_no_evaluation_samples_are_refused() -> None:
    with pytest.raises(InputError, match="no evaluation samples"):
        score(model, {}, [], spread(0, 0), spread(0, 0), print)


def test_a_model_that_gives_nan_is_named() -> None:
    def broken(inputs: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
        return {"buy": tf.cast(inputs["x"], tf.float32) * float("nan")}

    with pytest.raises(InputError, match="the trained model itself gives NaN for buy"):
        score(broken, {"m.tflite": runner}, batches(10), spread(10, 0), spread(10, 1), print)


def test_progress_is_reported_at_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(scoring.time, "monotonic", lambda: now[0])
    lines: list[str] = []
    progress = Progress("parity", 4, lines.append)
    for seconds in (2, 6, 7, 12):
        now[0] = seconds
        progress.advance()
    assert lines == ["parity: 2 of 4 samples after 6 s", "parity: 4 of 4 samples after 12 s"]
