"""Samples scored by Keras and by files: which, in which order, and what is kept."""

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion import scoring
from edgedipn_tf.conversion.scoring import Progress, score, spread

# One feature, two steps: sample i has the id i in its newest one, and from sample 5 on 20 in the one before.
INPUTS = {"x": np.stack([20 * (np.arange(10) >= 5), np.arange(10)], axis=1)[:, :, None].astype(np.int32)}
ONES = {"buy": np.ones((10, 1), np.float32)}


def batches(size: int) -> list[scoring.Batch]:
    def cut(arrays: dict[str, np.ndarray], start: int) -> dict[str, np.ndarray]:
        return {name: values[start : start + size] for name, values in arrays.items()}

    return [
        (cut(INPUTS, i), cut({"buy": ONES["buy"] * (INPUTS["x"][:, 1] % 2)}, i), cut(ONES, i))
        for i in range(0, 10, size)
    ]


def model(inputs: dict[str, tf.Tensor], training: bool = False) -> dict[str, tf.Tensor]:
    """The logit is a tenth of the sum of the ids, so that the probability tells the sample and its steps."""
    assert not training
    return {"buy": tf.reduce_sum(tf.cast(inputs["x"], tf.float32), axis=1) / 10}


def runner(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    assert inputs["x"].shape in ((1, 1, 1), (1, 2, 1))
    return {"buy": inputs["x"].sum(axis=1).astype(np.float32) / 100}


RUNNERS = {1: {"m.tflite": runner}, 2: {"m.tflite": runner}}


@pytest.mark.parametrize(
    ("total", "limit", "positions"),
    [(5, 0, [0, 1, 2, 3, 4]), (10, 5, [0, 2, 4, 6, 8]), (10, 3, [0, 3, 6]), (3, 9, [0, 1, 2]), (0, 4, []), (0, 0, [])],
)
def test_positions_are_spread(total: int, limit: int, positions: list[int]) -> None:
    assert spread(total, limit).tolist() == positions


@pytest.mark.parametrize("size", [3, 10])
def test_selected_samples_are_scored_in_order_whatever_the_batches(size: int) -> None:
    scores = score(model, ["x"], RUNNERS, batches(size), np.array([0, 4, 5, 9]), np.array([4, 9]), print)
    assert scores.num_samples == 4
    sums = {1: [0.0, 4.0, 5.0, 9.0], 2: [0.0, 4.0, 25.0, 29.0]}  # of the newest step, of both
    for length, expected in sums.items():
        logits = np.array(expected) / 10
        np.testing.assert_allclose(scores.keras[length]["buy"][:, 0], 1 / (1 + np.exp(-logits)), rtol=1e-6)
        np.testing.assert_allclose(scores.files[length]["m.tflite"]["buy"][:, 0], logits / 10, rtol=1e-6)
        np.testing.assert_array_equal(scores.kept_keras(length)["buy"], scores.keras[length]["buy"][[1, 3]])
    assert scores.num_steps.tolist() == [0, 1, 2, 2]
    assert scores.labels.labels["buy"][:, 0].tolist() == [0, 0, 1, 1]
    assert scores.labels.weights["buy"][:, 0].tolist() == [1, 1, 1, 1]
    assert scores.kept_labels.labels["buy"][:, 0].tolist() == [0, 1]
    assert scores.kept_inputs["x"][:, 1, 0].tolist() == [4, 9]


def test_no_evaluation_samples_are_refused() -> None:
    with pytest.raises(InputError, match="no evaluation samples"):
        score(model, ["x"], {}, [], spread(0, 0), spread(0, 0), print)


def test_a_model_that_gives_nan_is_named() -> None:
    def broken(inputs: dict[str, tf.Tensor], training: bool = False) -> dict[str, tf.Tensor]:
        return {"buy": tf.reduce_sum(tf.cast(inputs["x"], tf.float32), axis=1) * float("nan")}

    with pytest.raises(InputError, match="the trained model itself gives NaN for buy"):
        score(broken, ["x"], RUNNERS, batches(10), spread(10, 0), spread(10, 1), print)


def test_progress_is_reported_at_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(scoring.time, "monotonic", lambda: now[0])
    lines: list[str] = []
    progress = Progress("parity", 40, lines.append)
    for seconds in (2, 6, 7, 12):
        now[0] = seconds
        progress.advance(10)
    assert lines == ["parity: 20 of 40 samples after 6 s", "parity: 40 of 40 samples after 12 s"]
