"""Gradients of every layer of our own against finite differences, and its permutations, in float64."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.layers.bidirectional_gru import BidirectionalGRU
from edgedipn_tf.layers.category_intent_head import CategoryIntentHead
from edgedipn_tf.layers.data_level_attention import DataLevelAttention
from edgedipn_tf.layers.fast_grnn_encoder import FastGRNNEncoder
from edgedipn_tf.layers.feature_embedding import FeatureEmbedding
from edgedipn_tf.layers.feature_level_attention import FeatureLevelAttention
from edgedipn_tf.layers.fusion_gate import FusionGate
from edgedipn_tf.layers.gru_encoder import GRUEncoder
from edgedipn_tf.layers.intent_head import IntentHead
from edgedipn_tf.layers.inter_view_attention import InterViewAttention
from edgedipn_tf.layers.intra_view_attention import IntraViewAttention
from edgedipn_tf.layers.multi_level_attention import MultiLevelAttention
from edgedipn_tf.layers.parallel_task_attention import ParallelTaskAttention
from edgedipn_tf.layers.task_attention import TaskAttention

B, T, D, S, HOPS = 5, 6, 4, 3, 3
LENGTHS = (0, 1, HOPS - 1, HOPS, T)
MASK = tf.sequence_mask(LENGTHS, T)[:, ::-1]
OTHER_MASK = tf.sequence_mask((3, T, 0, 2, T), T)[:, ::-1]
STEP = 1e-6


def _random(*shape: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(shape).normal(size=shape))


LAYERS: dict[str, tuple[Callable[[], keras.layers.Layer], Sequence[tuple[int, ...]], Sequence[tf.Tensor]]] = {
    # The layer, the shapes of its inputs that are floats, and what it takes besides.
    "multi_level": (lambda: MultiLevelAttention(HOPS), [(B, T, D)], [MASK]),
    "multi_level_by_step": (lambda: MultiLevelAttention(HOPS, reweighting="step"), [(B, T, D)], [MASK]),
    "inter_view": (InterViewAttention, [(B, T, D), (B, T, D)], [MASK, OTHER_MASK]),
    "inter_view_pooled": (lambda: InterViewAttention("pooled"), [(B, T, D), (B, T, D)], [MASK, OTHER_MASK]),
    "intra_view": (lambda: IntraViewAttention(is_rescaled=True), [(B, T, D), (B, D // 2)], [MASK]),
    "bidirectional_gru": (lambda: BidirectionalGRU(D // 2), [(B, T, D)], [MASK]),
    "gru": (lambda: GRUEncoder(D), [(B, T, D)], [MASK]),
    "fast_grnn": (lambda: FastGRNNEncoder(D, rank=2), [(B, T, D)], [MASK]),
    "data_level": (DataLevelAttention, [(B, S, D)], []),
    "feature_level": (FeatureLevelAttention, [(B, S, D)], []),
    "fusion_gate": (FusionGate, [(B, S, D), (B, S, D)], []),
    "task_attention": (TaskAttention, [(B, S, D)], []),
    "parallel_task_attention": (ParallelTaskAttention, [(B, S, D)], []),
    "intent_head": (lambda: IntentHead((6, 5)), [(B, S, D)], []),
    "category_intent_head": (lambda: CategoryIntentHead((6, 5)), [(B, S, D), (B, 2, 3)], []),
}


@pytest.fixture(autouse=True)
def double_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


def _built(name: str) -> tuple[keras.layers.Layer, list[tf.Variable], Sequence[tf.Tensor]]:
    """A layer with weights of ordinary size, its inputs as variables, and what it takes besides."""
    make, shapes, besides = LAYERS[name]
    layer = make()
    if name not in ("inter_view", "inter_view_pooled", "fusion_gate"):
        layer.build(*((None, *shape[1:]) for shape in shapes))
    else:
        layer.build((None, *shapes[0][1:]))
    rng = np.random.default_rng(5)
    layer.set_weights([rng.normal(scale=0.6, size=w.shape) for w in layer.weights])
    return layer, [tf.Variable(_random(*shape)) for shape in shapes], besides


def _loss(outputs: tf.Tensor | Sequence[tf.Tensor]) -> tf.Tensor:
    """A number that every output of 64 bits moves; the penalty, of 32 bits, is too coarse for so small a step."""
    exact = [output for output in tf.nest.flatten(outputs) if output.dtype == tf.float64]
    assert exact
    return tf.add_n([tf.reduce_sum(tf.sin(output) * _random(*output.shape)) for output in exact])


def _assert_gradients(variables: Sequence[tf.Variable], loss: Callable[[], tf.Tensor]) -> None:
    """Holds each gradient against the central difference along a random direction."""
    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, variables)
    for number, (variable, gradient) in enumerate(zip(variables, gradients, strict=True)):
        start = variable.numpy()
        direction = np.random.default_rng(number).normal(size=start.shape)
        found = []
        for sign in (1, -1):
            variable.assign(start + sign * STEP * direction)
            found.append(float(loss()))
        variable.assign(start)
        expected = float(np.sum(tf.convert_to_tensor(gradient) * direction))
        assert (found[0] - found[1]) / (2 * STEP) == pytest.approx(expected, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_finite_differences(name):
    layer, inputs, besides = _built(name)
    weights = [weight.value for weight in layer.trainable_weights]
    _assert_gradients([*inputs, *weights], lambda: _loss(layer(*inputs, *besides)))


def test_gradients_of_tables_are_finite_differences():
    layer = FeatureEmbedding(["a", "b"], [4, 3], [2, 3], D)
    layer.build((None, T, 2))
    ids = np.random.default_rng(0).integers(0, 3, (B, T, 2))  # many of them twice
    _assert_gradients([weight.value for weight in layer.trainable_weights], lambda: _loss(layer(ids)))


def test_gradient_of_the_penalty_is_that_of_finite_differences():
    layer, (actions,), (mask,) = _built("multi_level")
    direction = np.random.default_rng(1).normal(size=actions.shape)
    with tf.GradientTape() as tape:
        penalty = tf.reduce_sum(layer(actions, mask)[2])
    expected = float(tf.reduce_sum(tape.gradient(penalty, actions) * direction))
    found = [float(tf.reduce_sum(layer(actions + sign * 1e-3 * direction, mask)[2])) for sign in (1, -1)]
    assert (found[0] - found[1]) / 2e-3 == pytest.approx(expected, rel=1e-2)


def test_multi_level_attention_follows_a_permutation_of_the_steps():
    layer, (actions,), (mask,) = _built("multi_level")
    order = np.random.default_rng(2).permutation(T)
    r_f, reweighted, penalty = layer(actions, mask)
    permuted = layer(tf.gather(actions, order, axis=1), tf.gather(mask, order, axis=1))
    for found, expected in zip(permuted, (r_f, tf.gather(reweighted, order, axis=1), penalty), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


def test_inter_view_attention_is_blind_to_one_permutation_of_both_views():
    # Rows are paired by position: moved together they stay pairs; moved apart they do not.
    layer, views, masks = _built("inter_view")
    order = np.random.default_rng(3).permutation(T)
    before = layer(*views, *masks)
    moved = [tf.gather(tensor, order, axis=1) for tensor in (*views, *masks)]
    np.testing.assert_allclose(layer(*moved), before, rtol=1e-10)
    apart = layer(moved[0], views[1], moved[2], masks[1])
    assert np.abs(apart - before).max() > 1e-3


@pytest.mark.parametrize("name", ["data_level", "feature_level", "task_attention", "parallel_task_attention"])
def test_task_attentions_follow_a_permutation_of_the_sources(name):
    layer, (sources,), _ = _built(name)
    order = [2, 0, 1]
    np.testing.assert_allclose(
        layer(tf.gather(sources, order, axis=1)), tf.gather(layer(sources), order, axis=1), rtol=1e-10
    )
