"""The form of training against the form of the equation, in values and gradients; the limit between them."""

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.layers import mutual_attention

LENGTHS_S, LENGTHS_B = [5, 3, 0, 1, 0, 5], [5, 5, 4, 2, 0, 1]
MASKS = [tf.sequence_mask(lengths, 5)[:, ::-1] for lengths in (LENGTHS_S, LENGTHS_B)]


def views(largest_score: float) -> list[tf.Tensor]:
    """V_s and V_b (6, 5, 4), garbage at padding, with a largest |score| of real steps as given."""
    rng = np.random.default_rng(3)
    values = [rng.normal(size=(6, 5, 4)) for _ in range(2)]
    real = [value * mask.numpy()[:, :, np.newaxis] for value, mask in zip(values, MASKS, strict=True)]
    largest = np.abs(real[1] @ real[0].transpose(0, 2, 1)).max() / 2.0
    scale = np.sqrt(largest_score / largest)
    return [tf.constant(value * scale, tf.float32) for value in values]


def products_and_gradients(attend, values: list[tf.Tensor]) -> list[np.ndarray]:
    """A_s * A_b at the rows that count, and the gradients of a function of it."""
    with tf.GradientTape() as tape:
        tape.watch(values)
        attended_s, attended_b = attend(*values, *MASKS)
        products = attended_s * attended_b * tf.cast(tf.logical_and(*MASKS), tf.float32)[:, :, tf.newaxis]
        loss = tf.reduce_sum(tf.sin(products) * tf.reshape(tf.range(120.0), (6, 5, 4)))
    return [products.numpy(), *(gradient.numpy() for gradient in tape.gradient(loss, values))]


@pytest.mark.parametrize("largest_score", [0.01, 1.0, 8.0, 39.0])
def test_values_and_gradients_are_those_of_the_equation(largest_score: float) -> None:
    values = views(largest_score)
    expected = products_and_gradients(mutual_attention.attend_by_softmax, values)
    found = products_and_gradients(mutual_attention.attend_for_training, values)
    assert np.abs(expected[1]).max() > 0
    for actual, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=0, atol=3e-6 * np.abs(wanted).max())


def test_gradient_is_that_of_finite_differences() -> None:
    values = views(2.0)
    _, of_s, _ = products_and_gradients(mutual_attention.attend_for_training, values)
    step = 1e-2
    for place in [(0, 0, 1), (1, 4, 3), (3, 4, 0)]:
        losses = []
        for sign in (1, -1):
            moved = values[0].numpy()
            moved[place] += sign * step
            attended_s, attended_b = mutual_attention.attend_by_softmax(tf.constant(moved), values[1], *MASKS)
            products = attended_s * attended_b * tf.cast(tf.logical_and(*MASKS), tf.float32)[:, :, tf.newaxis]
            losses.append(float(tf.reduce_sum(tf.sin(products) * tf.reshape(tf.range(120.0), (6, 5, 4)))))
        assert of_s[place] == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=2e-2, abs=1e-2)


def test_scores_that_could_overflow_are_left_to_the_softmax() -> None:
    values = views(200.0)  # exp(200) is no float32
    expected = products_and_gradients(mutual_attention.attend_by_softmax, values)
    found = products_and_gradients(mutual_attention.attend_for_training, values)
    for actual, wanted in zip(found, expected, strict=True):
        assert np.all(np.isfinite(actual))
        np.testing.assert_allclose(actual, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())


def test_half_precision_is_left_to_the_softmax() -> None:
    values = [tf.cast(view, tf.float16) for view in views(20.0)]  # exp(20) is no float16
    for attended in mutual_attention.attend_for_training(*values, *MASKS):
        assert attended.dtype == tf.float16 and np.all(np.isfinite(attended))


def test_padding_gets_no_gradient() -> None:
    found = products_and_gradients(mutual_attention.attend_for_training, views(1.0))
    for gradient, mask in zip(found[1:], MASKS, strict=True):
        assert not gradient[~mask.numpy()].any()
