"""The graph that a phone runs: the trained EdgeDIPN for one sample, rewritten exactly so that it takes less time.

It computes the logits of `EdgeDIPN.logits_and_penalty`, from the same trained layers. Four rewrites:

- one table a view: the rows of feature f start at the sum of the sizes before it, and one lookup replaces F;
- one exponential a pair of views for both directions of equation 4, with the padding folded into the product;
- products with weights have rank 2 (the batch is 1), which the converter makes FULLY_CONNECTED in every recipe;
- a mean over real steps is a product with the reciprocal of their number, from a constant table.

An exponential without the usual subtraction of the largest score overflows beyond 88; `largest_score` says how far real
samples are from that, and who exports keeps the plain graph when it is more than `MAX_SCORE`.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from edgedipn_tf.conversion import inference_tasks
from edgedipn_tf.conversion.pair_attention import (
    INTEGER_MASKED_SCORE,
    EncodedView,
    attend_pair,
    attend_pair_in_integers,
)
from edgedipn_tf.layers.feature_embedding import FeatureEmbedding
from edgedipn_tf.layers.masking import MASKED_SCORE, step_mask
from edgedipn_tf.layers.multi_level_attention import MultiLevelAttention, most_attended
from edgedipn_tf.models.edgedipn import EdgeDIPN
from edgedipn_tf.models.inputs import CANDIDATE_LEVELS, CANDIDATE_VIEW
from edgedipn_tf.schema import Level

MAX_SCORE = 60.0
"""Largest |score| of real samples that the one exponential is used for: float32 holds exp(88) and exp(-87)."""


def why_not(model: keras.Model) -> str | None:
    """Returns why a model keeps the plain graph, None when `InferenceGraph` can take its place."""
    if not isinstance(model, EdgeDIPN):
        return f"{model.name} is not an EdgeDIPN"
    if not all(isinstance(encoder, MultiLevelAttention) for encoder in model.encoders.values()):
        return f"its encoder is {model.encoder}, not attention"
    if any(encoder.reweighting != "channel" for encoder in model.encoders.values()):
        return "its steps are not re-weighted by channel"
    if not model.pairs:
        return "it has no inter-view attention"
    if model.inter_view.product != "rows":
        return "its attended views are not multiplied row by row"
    if any(len(set(embedding.widths)) > 1 for embedding in _embeddings(model).values()):
        return "its embedding widths differ within a view"
    return None


def _embeddings(model: EdgeDIPN) -> dict[str, FeatureEmbedding]:
    return {**model.embeddings, "history": model.history_embedding, "profile": model.profile_embedding}


@dataclasses.dataclass(frozen=True)
class _FusedTable:
    """The tables of one FeatureEmbedding as one: `offsets` are where each feature's rows start."""

    embedding: FeatureEmbedding
    table: tf.Variable
    offsets: np.ndarray

    @classmethod
    def of(cls, embedding: FeatureEmbedding) -> "_FusedTable":
        rows = np.concatenate([keras.ops.convert_to_numpy(table) for table in embedding.tables])
        offsets = np.cumsum([0, *embedding.table_sizes[:-1]]).astype(np.int32)
        return cls(embedding, tf.Variable(rows, trainable=False, name=f"{embedding.name}_table"), offsets)

    def lookup(self, ids: tf.Tensor, features: Sequence[int]) -> tf.Tensor:
        """Returns (N, len(features) * width), the embeddings side by side, of ids (..., len(features))."""
        last_rows = np.array([self.embedding.table_sizes[f] - 1 for f in features], np.int32)
        rows = tf.minimum(tf.maximum(ids, 0), last_rows) + self.offsets[list(features)]
        return tf.reshape(tf.gather(self.table, tf.reshape(rows, [-1])), (-1, len(features) * self.table.shape[1]))

    def embed(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns (N, D) of ids (..., F)."""
        return self.embedding.projection(self.lookup(ids, range(len(self.offsets))))


class InferenceGraph:
    """The logits of an EdgeDIPN for one sample.

    Args:
        model: the trained model, one that `why_not` has nothing against.
        in_integers: whether every operator is to be one that TFLite has in int8; padding then keeps a little weight.

    Call arguments:
        inputs: by name, int32, batch 1: views (1, T, F), `history` and `profile` (1, F), `candidates` (1, K, 2).

    Returns:
        Logits by intent, float32: (1, 1), or (1, K) for category intents.

    Raises:
        ValueError: when the model keeps the plain graph.

    EdgeDIPN (VLDB 2021), section 3, equations 2 to 7.
    """

    def __init__(self, model: EdgeDIPN, in_integers: bool = False) -> None:
        reason = why_not(model)
        if reason is not None:
            raise ValueError(f"{model.name} keeps the plain graph: {reason}")
        self._model = model
        self._attend_pair = attend_pair_in_integers if in_integers else attend_pair
        self._masked_score = INTEGER_MASKED_SCORE if in_integers else MASKED_SCORE
        self._tables = {name: _FusedTable.of(embedding) for name, embedding in _embeddings(model).items()}

    def in_integers(self) -> "InferenceGraph":
        """Returns the graph of the same model with operators only that TFLite has in int8."""
        return InferenceGraph(self._model, in_integers=True)

    @property
    def variables(self) -> list[tf.Variable]:
        """What it reads: the variables of the model, and the fused tables."""
        own = [fused.table for fused in self._tables.values()]
        return [variable.value for variable in self._model.variables] + own

    def __call__(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        user_logits, of_user = self.encode(inputs)
        logits = {**user_logits, **self.score_categories(of_user, inputs["candidates"])}
        return {intent.name: logits[intent.name] for intent in self._model.schema.intents}

    def encode(self, inputs: Mapping[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """Returns what does not depend on candidates.

        Args:
            inputs: as of the call; `candidates` are not looked at.

        Returns:
            The logits (1, 1) of user intents; by category intent what the user adds to its first hidden layer, (1, U).
        """
        sources = self._sources(inputs)
        flat = {
            name: tf.reshape(inference_tasks.attend(attention, sources), (1, -1))
            for name, attention in self._model.task_attentions.items()
        }
        user_heads, category_heads = self._model.user_heads, self._model.category_heads
        user_logits = {name: inference_tasks.user_logit(head, flat[name]) for name, head in user_heads.items()}
        return user_logits, {name: head.hidden_1(flat[name]) for name, head in category_heads.items()}

    def score_categories(self, of_user: Mapping[str, tf.Tensor], candidates: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the logits (1, K) of category intents.

        Args:
            of_user: (1, U) by category intent, as `encode` gives it.
            candidates: ids (1, K, 2) of leaf and top category; any K.
        """
        return {
            name: inference_tasks.category_logits(
                head, of_user[name], self._candidates(candidates, self._model.category_levels[name])
            )
            for name, head in self._model.category_heads.items()
        }

    @property
    def category_intents(self) -> tuple[str, ...]:
        """Names of the intents that are asked about candidates."""
        return tuple(self._model.category_heads)

    @property
    def num_user_units(self) -> int:
        """U, the width of the category heads' first hidden layer."""
        return next(iter(self._model.category_heads.values())).hidden_units[0]

    def _sources(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        sources, views = [], {}
        for name in self._model.views:
            r_f, views[name] = self._encode(name, inputs[name])
            sources.append(r_f)
        sources += [self._attend_pair(views[s], views[b]) for s, b in self._model.pairs]
        sources += [self._tables[name].embed(inputs[name]) for name in ("history", "profile")]
        return tf.concat(sources, axis=0)  # (S, D)

    def _encode(self, name: str, ids: tf.Tensor) -> tuple[tf.Tensor, EncodedView]:
        """Equations 2 and 3 of one view: r_f (1, D) and the re-weighted steps."""
        encoder = self._model.encoders[name]
        is_real = step_mask(ids)  # (1, T)
        mask = tf.cast(is_real, tf.float32)[:, :, tf.newaxis]  # (1, T, 1)
        actions = self._tables[name].embed(ids)  # (T, D)
        scores = tf.transpose(encoder.w_s2(encoder.w_s1(actions)))[tf.newaxis]  # (1, H, T)
        weights = tf.nn.softmax(scores + self._masked_score * (1.0 - tf.reshape(mask, (1, 1, -1))), axis=-1)
        steps = actions[tf.newaxis]  # (1, T, D)
        hops = tf.matmul(weights, steps)  # (1, H, D)
        r_f = encoder.w_f(tf.reshape(hops, (1, -1))) * tf.reduce_max(mask, axis=1)
        r_m = tf.reduce_sum(hops, axis=1, keepdims=True) * (1.0 / encoder.num_hops)
        reweighted = steps * r_m * mask
        if encoder.num_kept is not None and encoder.num_kept < reweighted.shape[1]:
            kept = most_attended(weights, is_real, encoder.num_kept)
            reweighted = tf.gather(reweighted, kept[0], axis=1)
            # What is kept is right-aligned, like the steps that it is chosen from.
            mask, is_real = mask[:, -encoder.num_kept :], is_real[:, -encoder.num_kept :]
        return r_f, EncodedView(reweighted, mask, is_real)

    def _candidates(self, candidates: tf.Tensor, level: Level) -> tf.Tensor:
        levels = CANDIDATE_LEVELS[CANDIDATE_LEVELS.index(level) :]  # a level and what is above it: the last ids
        features = [self._model.schema.view(CANDIDATE_VIEW).index(above.value) for above in levels]
        return self._tables[CANDIDATE_VIEW].lookup(candidates[..., -len(features) :], features)


def largest_score(model: EdgeDIPN, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Returns the largest |V_b V_s^T / sqrt(D)| of any pair of views over a batch: what the one exponential is of."""
    steps = {}
    for view in model.views:
        _, steps[view], _ = model.encoders[view](model.embeddings[view](inputs[view]), step_mask(inputs[view]))
    scale = 1.0 / math.sqrt(model.units)
    products = (tf.matmul(steps[b] * scale, steps[s], transpose_b=True) for s, b in model.pairs)
    return tf.reduce_max(tf.stack([tf.reduce_max(tf.abs(scores)) for scores in products]))
