"""Inter-view attention (equation 4) on numbers that fit on paper."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.layers.inter_view_attention import InterViewAttention

LOG3 = math.log(3.0)
REAL = tf.constant([[True, True]])


def test_value():
    # D = 1, so the scale is 1. Rows of A_s: step 0 of b scores [0, 0] -> log3 / 2, step 1 [0, log 3] -> 3/4 log 3.
    # Rows of A_b: step 0 of s -> 1/2, step 1 -> 3/4. Products by position, then the mean of the two rows.
    view_s, view_b = tf.constant([[[0.0], [LOG3]]]), tf.constant([[[0.0], [1.0]]])
    r_sb = InterViewAttention()(view_s, view_b, REAL, REAL)
    np.testing.assert_allclose(r_sb, [[(LOG3 / 2 * 1 / 2 + 3 / 4 * LOG3 * 3 / 4) / 2]], rtol=1e-6)


def test_value_of_the_pooled_product():
    # Of the same rows: the mean of A_s is (1/2 + 3/4) / 2 log 3, the mean of A_b (1/2 + 3/4) / 2.
    view_s, view_b = tf.constant([[[0.0], [LOG3]]]), tf.constant([[[0.0], [1.0]]])
    for training in (False, True):
        r_sb = InterViewAttention("pooled")(view_s, view_b, REAL, REAL, training=training)
        np.testing.assert_allclose(r_sb, [[LOG3 * (5 / 8) ** 2]], rtol=1e-6)


def test_the_pooled_product_counts_all_real_steps_of_either_view():
    # Only step 1 of s is real: A_s is log 3 in both rows of b, A_b has one row that counts, 3/4.
    view_s, view_b = tf.constant([[[5.0], [LOG3]]]), tf.constant([[[0.0], [1.0]]])
    mask_s = tf.constant([[False, True]])
    layer = InterViewAttention("pooled")
    np.testing.assert_allclose(layer(view_s, view_b, mask_s, REAL), [[LOG3 * 3 / 4]], rtol=1e-6)
    np.testing.assert_allclose(layer(view_s[:, 1:], view_b, REAL[:, 1:], REAL), [[LOG3 * 3 / 4]], rtol=1e-6)


def test_an_unknown_product_is_refused():
    with pytest.raises(ValueError, match="product must be one of .*, not 'sum'"):
        InterViewAttention("sum")


def test_scores_are_scaled_by_the_root_of_the_width():
    # D = 4: scores are dot / 2, that is 0 and 4 * (log3 / 2) / 2 = log 3.
    view_s = tf.constant([[[0.0] * 4, [LOG3 / 2] * 4]])
    view_b = tf.ones((1, 2, 4))
    # Each row of A_s is 3/4 of log3 / 2, each row of A_b is 1.
    np.testing.assert_allclose(InterViewAttention()(view_s, view_b, REAL, REAL), [[3 / 4 * LOG3 / 2] * 4], rtol=1e-6)


def test_row_counts_where_both_views_are_real():
    # Only step 1 of s is real: A_s is log 3 in every row; row 1 alone is in both views, and A_b there is 3/4.
    view_s, view_b = tf.constant([[[5.0], [LOG3]]]), tf.constant([[[0.0], [1.0]]])
    r_sb = InterViewAttention()(view_s, view_b, tf.constant([[False, True]]), REAL)
    np.testing.assert_allclose(r_sb, [[LOG3 * 3 / 4]], rtol=1e-6)


@pytest.mark.parametrize("training", [False, True])
def test_oldest_rows_of_the_longer_view_have_no_partner(training):
    # As above, without the padding of s: A_s has a row for each step of b, and the older of them pairs with nothing.
    view_s, view_b = tf.constant([[[LOG3]]]), tf.constant([[[0.0], [1.0]]])
    for views in ((view_s, view_b, REAL[:, 1:], REAL), (view_b, view_s, REAL, REAL[:, 1:])):
        np.testing.assert_allclose(InterViewAttention()(*views, training=training), [[LOG3 * 3 / 4]], rtol=1e-6)


@pytest.fixture
def views() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Lengths 3 and 2, 0 and 2, 1 and 4, right-aligned; padding holds garbage."""
    view_s = tf.random.stateless_normal((3, 4, 5), seed=(1, 1))
    view_b = tf.random.stateless_normal((3, 4, 5), seed=(2, 2))
    masks = [tf.sequence_mask(lengths, 4)[:, ::-1] for lengths in ([3, 0, 1], [2, 2, 4])]
    return view_s, view_b, *masks


@pytest.fixture(params=["rows", "pooled"])
def layer(request) -> InterViewAttention:
    return InterViewAttention(request.param)


def test_symmetric(views, layer):
    view_s, view_b, mask_s, mask_b = views
    np.testing.assert_allclose(
        layer(view_s, view_b, mask_s, mask_b), layer(view_b, view_s, mask_b, mask_s), rtol=1e-5, atol=1e-7
    )


def test_padding_changes_nothing(views, layer):
    longer = [tf.pad(v, [[0, 0], [3, 0], [0, 0]], constant_values=9.0) for v in views[:2]]
    masks = [tf.pad(m, [[0, 0], [3, 0]]) for m in views[2:]]
    np.testing.assert_allclose(layer(*longer, *masks), layer(*views), rtol=1e-5, atol=1e-7)


def test_absent_view_gives_zero_and_finite_gradients(views, layer):
    view_s, view_b, mask_s, mask_b = views
    with tf.GradientTape() as tape:
        tape.watch([view_s, view_b])
        r_sb = layer(view_s, view_b, mask_s, mask_b)
        loss = tf.reduce_sum(tf.square(r_sb))
    np.testing.assert_array_equal(r_sb[1], np.zeros(5))
    assert np.all(np.any(r_sb.numpy() != 0, axis=1) == [True, False, True])
    for gradient in tape.gradient(loss, [view_s, view_b]):
        assert np.all(np.isfinite(gradient))
        np.testing.assert_array_equal(gradient[1], np.zeros((4, 5)))


def test_has_no_weights_and_config_round_trip(views, layer):
    layer(*views)
    assert layer.weights == []
    config = json.loads(json.dumps(layer.get_config()))
    assert InterViewAttention.from_config(config).get_config() == layer.get_config()
