"""The task layer of the inference graph: task-specific attention and heads of one sample, as products of rank 2.

The layers' own `call` works on (B, S, D); on (S, D) the same Dense layers are plain products, FULLY_CONNECTED in the
file. Sources are D (S, D), S of them; the softmax of equations 5 and 6 runs over them.
"""

import keras
import tensorflow as tf

from edgedipn_tf.layers.category_intent_head import CategoryIntentHead
from edgedipn_tf.layers.data_level_attention import DataLevelAttention
from edgedipn_tf.layers.feature_level_attention import FeatureLevelAttention
from edgedipn_tf.layers.fusion_gate import FusionGate
from edgedipn_tf.layers.intent_head import IntentHead
from edgedipn_tf.layers.parallel_task_attention import ParallelTaskAttention
from edgedipn_tf.layers.task_attention import TaskAttention


def attend(layer: keras.layers.Layer, sources: tf.Tensor) -> tf.Tensor:
    """Returns what a task takes from the sources, O (S, D): equations 5 to 7, as far as the layer has them.

    Raises:
        ValueError: when the layer is none of `edgedipn.TASK_ATTENTIONS`.
    """
    if isinstance(layer, keras.layers.Identity):
        return sources
    if isinstance(layer, DataLevelAttention):
        return _data_level(layer, sources)
    if isinstance(layer, ParallelTaskAttention | TaskAttention):
        data_weighted = _data_level(layer.data_level, sources)
        is_parallel = isinstance(layer, ParallelTaskAttention)
        feature_weighted = _feature_level(layer.feature_level, sources if is_parallel else data_weighted)
        return _fuse(layer.gate, data_weighted, feature_weighted)
    raise ValueError(f"no inference form of {type(layer).__name__}")


def user_logit(head: IntentHead, flat: tf.Tensor) -> tf.Tensor:
    """Returns the logit (1, 1) of a user intent from flatten(O) (1, S D)."""
    return head.logit(head.hidden_2(head.hidden_1(flat)))


def category_logits(head: CategoryIntentHead, of_user: tf.Tensor, candidates: tf.Tensor) -> tf.Tensor:
    """Returns the logits (1, K) of a category intent from `hidden_1` of flatten(O) (1, U) and candidates (K, C)."""
    hidden = tf.nn.relu(of_user + head.hidden_1_candidate(candidates))
    return tf.transpose(head.logit(head.hidden_2(hidden)))


def _data_level(layer: DataLevelAttention, sources: tf.Tensor) -> tf.Tensor:
    return sources * _softmax_over_sources(layer.w_r2(layer.w_r1(sources)))


def _feature_level(layer: FeatureLevelAttention, sources: tf.Tensor) -> tf.Tensor:
    return sources * _softmax_over_sources(layer.w_f2(layer.w_f1(sources)))


def _fuse(gate: FusionGate, data_weighted: tf.Tensor, feature_weighted: tf.Tensor) -> tf.Tensor:
    share = tf.sigmoid(gate.w_data(data_weighted) + gate.w_feature(feature_weighted))
    return share * data_weighted + (1.0 - share) * feature_weighted


def _softmax_over_sources(scores: tf.Tensor) -> tf.Tensor:
    return tf.nn.softmax(scores, axis=0)
