"""EdgeDIPN (VLDB 2021): one network for all intents of a user, made of exchangeable parts.

Legend: `B` batch, `T` time steps, `D` model width, `S` sources of the task layer, `K` candidate categories.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from edgedipn_tf.layers.category_intent_head import CategoryIntentHead
from edgedipn_tf.layers.data_level_attention import DataLevelAttention
from edgedipn_tf.layers.fast_grnn_encoder import FastGRNNEncoder
from edgedipn_tf.layers.feature_embedding import embedding_of
from edgedipn_tf.layers.gru_encoder import GRUEncoder
from edgedipn_tf.layers.intent_head import IntentHead
from edgedipn_tf.layers.inter_view_attention import InterViewAttention
from edgedipn_tf.layers.masking import newest_steps, step_mask
from edgedipn_tf.layers.multi_level_attention import MultiLevelAttention
from edgedipn_tf.layers.parallel_task_attention import ParallelTaskAttention
from edgedipn_tf.layers.task_attention import TaskAttention
from edgedipn_tf.models.inputs import CANDIDATE_LEVELS, CANDIDATE_VIEW, PAIRS
from edgedipn_tf.schema import Feature, Level, Schema

ENCODERS: dict[str, Callable[[int, int, str], keras.layers.Layer]] = {
    "attention": lambda units, num_hops, name: MultiLevelAttention(num_hops, name=name),
    "attention_top64": lambda units, num_hops, name: MultiLevelAttention(num_hops, num_kept=64, name=name),
    "attention_by_step": lambda units, num_hops, name: MultiLevelAttention(num_hops, reweighting="step", name=name),
    "gru": lambda units, num_hops, name: GRUEncoder(units, name=name),
    "fastgrnn": lambda units, num_hops, name: FastGRNNEncoder(units, name=name),
    "fastgrnn_lowrank": lambda units, num_hops, name: FastGRNNEncoder(units, rank=max(1, units // 4), name=name),
}
"""Sequence encoders by name, made from model width, hops and layer name: (E, mask) -> (r_f, V, penalty by sample).

The papers do not name the rank of the low-rank form: D / 4, so that two factors hold half the weights of one matrix.
"""

TASK_ATTENTIONS: dict[str, type[keras.layers.Layer]] = {
    "none": keras.layers.Identity,
    "data": DataLevelAttention,
    "parallel": ParallelTaskAttention,
    "full": TaskAttention,
}
"""What a task does with the sources, by name: D (B, S, D) -> O (B, S, D)."""


@keras.saving.register_keras_serializable(package="edgedipn")
class EdgeDIPN(keras.Model):
    """Embedding, sequence encoders, inter-view attention, task-specific attention, one head an intent.

    The sources of the task layer are, as far as the model has them: r_f of swipe, tap and browse, the pairs
    swipe-browse, swipe-tap and tap-browse, history, profile. No weight depends on T: a model takes any
    length, also another one for each view.

    Args:
        schema: what goes in and comes out.
        views: names of the views that the model looks at, in the order of the schema.
        encoder: a name of `ENCODERS`.
        has_inter_view: whether pairs of views are sources (equation 4).
        task_attention: a name of `TASK_ATTENTIONS` (equations 5 to 7).
        units: model width D, 64 in the paper.
        num_hops: hops of the multi-level attention, 10 in the paper.
        hidden_units: widths of the heads' hidden layers, 128 and 64 in the paper.
        penalty_weight: lambda of equation 9, 0.01 in the paper.
        product: how a pair's two attended views become one vector, a name of `inter_view_attention.PRODUCTS`.

    Call arguments:
        inputs: by name, integers: views (B, T, F), `history` and `profile` (B, F), `candidates` (B, K, 2).

    Returns:
        Logits by intent, float32: (B, 1), or (B, K) for category intents. The penalty of equation 9 is an `add_loss`.

    Raises:
        ValueError: when a name is unknown, or the model has category intents but not the view that embeds candidates.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        views: Sequence[str],
        encoder: str,
        has_inter_view: bool,
        task_attention: str,
        units: int = 64,
        num_hops: int = 10,
        hidden_units: Sequence[int] = (128, 64),
        penalty_weight: float = 0.01,
        product: str = "rows",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _check(schema, views, encoder, task_attention)
        self.schema = schema
        self.views = list(views)
        self.encoder = encoder
        self.has_inter_view = has_inter_view
        self.task_attention = task_attention
        self.units = units
        self.num_hops = num_hops
        self.hidden_units = list(hidden_units)
        self.penalty_weight = penalty_weight

        self.embeddings = {v: embedding_of(v, schema.view(v).features, units) for v in views}
        self.history_embedding = embedding_of("history", schema.history, units)
        self.profile_embedding = embedding_of("profile", schema.profile, units)
        self.encoders = {v: ENCODERS[encoder](units, num_hops, f"{v}_encoder") for v in views}
        self.pairs = [pair for pair in PAIRS if has_inter_view and set(pair) <= set(views)]
        self.inter_view = InterViewAttention(product, name="inter_view")
        attention_class = TASK_ATTENTIONS[task_attention]
        self.task_attentions = {i.name: attention_class(name=f"{i.name}_attention") for i in schema.intents}
        self.category_levels = {i.name: i.level for i in schema.intents if i.level is not Level.NONE}
        self.category_heads = {n: CategoryIntentHead(hidden_units, name=f"{n}_head") for n in self.category_levels}
        user_intents = [i.name for i in schema.intents if i.level is Level.NONE]
        self.user_heads = {n: IntentHead(hidden_units, name=f"{n}_head") for n in user_intents}

    def build(self, input_shape: Mapping[str, Sequence[int | None]]) -> None:
        for view in self.views:
            self.embeddings[view].build((None, None, len(self.schema.view(view).features)))
            self.encoders[view].build((None, None, self.units))
        self.history_embedding.build((None, len(self.schema.history)))
        self.profile_embedding.build((None, len(self.schema.profile)))
        sources_shape = (None, len(self.views) + len(self.pairs) + 2, self.units)
        for attention in self.task_attentions.values():
            attention.build(sources_shape)
        for head in self.user_heads.values():
            head.build(sources_shape)
        for name, head in self.category_heads.items():
            widths = [f.width for f in self._candidate_features(self.category_levels[name])]
            head.build(sources_shape, (None, self.schema.num_candidates, sum(widths)))

    def call(self, inputs: Mapping[str, tf.Tensor], training: bool = False) -> dict[str, tf.Tensor]:
        logits, penalty = self.logits_and_penalty(inputs, training)
        self.add_loss(self.penalty_weight * penalty)
        return logits

    def logits_and_penalty(
        self, inputs: Mapping[str, tf.Tensor], training: bool = False
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Returns the logits by intent, and the penalty before its weight.

        The penalty is the second term of equation 9: the sum over views of the mean over the batch, a float32 scalar.
        What must not carry an `add_loss` (a converted model, a training loop of one's own) calls this.
        """
        sources, penalty = self.sources(inputs, training)  # (B, S, D)
        taken = {name: attention(sources) for name, attention in self.task_attentions.items()}
        logits = {name: head(taken[name]) for name, head in self.user_heads.items()}
        for name, head in self.category_heads.items():
            candidates = self._embed_candidates(inputs["candidates"], self.category_levels[name])  # (B, K, C)
            logits[name] = head(taken[name], candidates)
        return {intent.name: tf.cast(logits[intent.name], tf.float32) for intent in self.schema.intents}, penalty

    def scale_category_heads(self, inputs: Mapping[str, tf.Tensor]) -> None:
        """Scales the fresh heads of the category intents by what some samples give (`CategoryIntentHead.scale`).

        Args:
            inputs: of the samples, see the call.
        """
        sources, _ = self.sources(inputs)
        for name, head in self.category_heads.items():
            candidates = self._embed_candidates(inputs["candidates"], self.category_levels[name])
            head.scale(self.task_attentions[name](sources), candidates)

    @property
    def source_names(self) -> list[str]:
        """Names of the S sources of the task layer, in their order."""
        return [*self.views, *("-".join(pair) for pair in self.pairs), "history", "profile"]

    def sources(self, inputs: Mapping[str, tf.Tensor], training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the sources of the task layer, D (B, S, D), and the penalty before its weight."""
        masks, sources, reweighted, penalty = {}, [], {}, tf.constant(0.0)
        for view in self.views:
            masks[view] = step_mask(inputs[view])
            actions = self.embeddings[view](inputs[view])  # (B, T, D); the encoder masks padding
            r_f, reweighted[view], view_penalty = self.encoders[view](actions, masks[view])
            masks[view] = newest_steps(masks[view], reweighted[view])  # an encoder may keep fewer steps
            sources.append(r_f)
            penalty += tf.reduce_mean(view_penalty)
        for s, b in self.pairs:
            sources.append(self.inter_view(reweighted[s], reweighted[b], masks[s], masks[b], training=training))
        sources.append(self.history_embedding(inputs["history"]))
        sources.append(self.profile_embedding(inputs["profile"]))
        return tf.stack(sources, axis=1), penalty

    def _embed_candidates(self, candidates: tf.Tensor, level: Level) -> tf.Tensor:
        features = [self.schema.view(CANDIDATE_VIEW).index(f.name) for f in self._candidate_features(level)]
        # Leaf comes before top: the ids of a level and of what is above it are the last ones.
        return self.embeddings[CANDIDATE_VIEW].lookup(candidates[..., -len(features) :], features)

    def _candidate_features(self, level: Level) -> list[Feature]:
        levels = CANDIDATE_LEVELS[CANDIDATE_LEVELS.index(level) :]
        return [self.schema.view(CANDIDATE_VIEW).feature(above.value) for above in levels]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "schema": json.loads(json.dumps(self.schema.to_json())),  # lists for tuples: plain JSON values
            "views": list(self.views),
            "encoder": self.encoder,
            "has_inter_view": self.has_inter_view,
            "task_attention": self.task_attention,
            "units": self.units,
            "num_hops": self.num_hops,
            "hidden_units": list(self.hidden_units),
            "penalty_weight": self.penalty_weight,
            "product": self.inter_view.product,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Builds the model from `get_config` values."""
        return cls(**{**config, "schema": Schema.from_json(config["schema"])})


def _check(schema: Schema, views: Sequence[str], encoder: str, task_attention: str) -> None:
    known = [view.name for view in schema.views]
    if not views or [name for name in known if name in views] != list(views):
        raise ValueError(f"views must be some of {known}, in this order, not {list(views)}")
    for what, name, names in (("encoder", encoder, ENCODERS), ("task_attention", task_attention, TASK_ATTENTIONS)):
        if name not in names:
            raise ValueError(f"{what} must be one of {list(names)}, not {name!r}")
    if CANDIDATE_VIEW not in views and any(i.level is not Level.NONE for i in schema.intents):
        raise ValueError(f"category intents need the {CANDIDATE_VIEW} view, whose tables embed the candidates")
