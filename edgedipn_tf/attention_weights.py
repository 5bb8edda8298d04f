"""What a network attends to in some samples: actions of its sequences, sources of its tasks, its fusion gates.

Attention says what the model looked at, not why it decided as it did; who reads it should know.
"""

from collections.abc import Mapping

import keras
import tensorflow as tf

from edgedipn_tf.layers.data_level_attention import DataLevelAttention
from edgedipn_tf.layers.masking import step_mask
from edgedipn_tf.layers.multi_level_attention import MultiLevelAttention
from edgedipn_tf.layers.task_attention import TaskAttention
from edgedipn_tf.models.dipn import DIPN
from edgedipn_tf.models.edgedipn import EdgeDIPN
from edgedipn_tf.models.single_intent import SingleIntentEdgeDIPNs

Tensors = Mapping[str, tf.Tensor]


def attention_weights(network: keras.Model, inputs: Tensors) -> dict[str, tf.Tensor]:
    """Returns the weights of all attentions over actions and sources, by where they are, each as one vector.

    Of actions, those of real steps (of EdgeDIPN the mean over its hops): `actions/browse`; of sources and gates those
    of each task: `sources/realtime_purchase`, `gate/realtime_purchase`. A network without attention has none.

    Args:
        network: a trained model.
        inputs: of a batch.
    """
    if isinstance(network, SingleIntentEdgeDIPNs):
        return {f"{intent}/{k}": w for intent, m in network.models.items() for k, w in _of_edgedipn(m, inputs).items()}
    if isinstance(network, EdgeDIPN):
        return _of_edgedipn(network, inputs)
    if isinstance(network, DIPN):
        return {f"actions/{name}": weights for name, weights in network.attention_weights(inputs).items()}
    return {}


def _of_edgedipn(network: EdgeDIPN, inputs: Tensors) -> dict[str, tf.Tensor]:
    found = {}
    if attends_to_actions(network):
        for view in network.views:
            weights = action_weights(network, view, inputs[view])
            found[f"actions/{view}"] = tf.boolean_mask(weights, step_mask(inputs[view]))
    if network.task_attention == "none":
        return found
    sources, _ = network.sources(inputs)
    for name, task in network.task_attentions.items():
        for what, of_task in (("sources", source_weights(task, sources)), ("gate", gate(task, sources))):
            if of_task is not None:
                found[f"{what}/{name}"] = tf.reshape(of_task, [-1])
    return found


def is_recurrent(network: keras.Model) -> bool:
    """Returns whether a network goes through its sequences step by step, which takes hundreds of operations a view."""
    return isinstance(network, DIPN) or (isinstance(network, EdgeDIPN) and not attends_to_actions(network))


def attends_to_actions(network: EdgeDIPN) -> bool:
    """Returns whether the encoders of an EdgeDIPN attend, and do not recur."""
    return all(isinstance(encoder, MultiLevelAttention) for encoder in network.encoders.values())


def action_weights(network: EdgeDIPN, view: str, ids: tf.Tensor) -> tf.Tensor:
    """Returns the mean over the hops of the weights of a view's actions, (B, T).

    Args:
        network: whose encoders attend.
        view: name of the view.
        ids: its input, (B, T, F).
    """
    hops = network.encoders[view].attention(network.embeddings[view](ids), step_mask(ids))  # (B, H, T)
    return tf.reduce_mean(hops, axis=1)


def source_weights(task: keras.layers.Layer, sources: tf.Tensor) -> tf.Tensor | None:
    """Returns the weights of the sources in the data-level attention of a task, (B, S); None without it.

    Args:
        task: one of a network's `task_attentions`.
        sources: D, (B, S, D).
    """
    level = task.data_level if isinstance(task, TaskAttention) else task
    return level.attention(sources)[:, :, 0] if isinstance(level, DataLevelAttention) else None


def gate(task: keras.layers.Layer, sources: tf.Tensor) -> tf.Tensor | None:
    """Returns the mean of a task's fusion gate over each source's width, (B, S); None without it.

    Args:
        task: one of a network's `task_attentions`.
        sources: D, (B, S, D).
    """
    if not isinstance(task, TaskAttention):
        return None
    return tf.reduce_mean(task.gate.gate(*task.weighted(sources)), axis=-1)
