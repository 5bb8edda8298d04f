"""DIPN (KDD 2019): recurrent views, attention within and between them, one branch a task.

Legend: `B` batch, `T` time steps, `D` model width (2 d of the paper), `N` width of what the branches see. A sequence is
a view or, with early fusion, all views merged.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from edgedipn_tf.layers.bidirectional_gru import BidirectionalGRU
from edgedipn_tf.layers.feature_embedding import FeatureEmbedding, embedding_of
from edgedipn_tf.layers.intent_head import IntentHead
from edgedipn_tf.layers.inter_view_attention import InterViewAttention
from edgedipn_tf.layers.intra_view_attention import IntraViewAttention
from edgedipn_tf.layers.masking import masked_mean, step_mask, zero_padding
from edgedipn_tf.layers.merged_view import MergedView
from edgedipn_tf.models.inputs import PAIRS
from edgedipn_tf.schema import VIEW_ORDER, Feature, Level, Schema, feature_key

STATIC_SOURCES = ("history", "profile")
"""Sources without time steps, in the order in which they join; the other sources are the views."""
FUSIONS = ("late", "early")
"""Each view is a sequence of its own, or all views are merged into one by time."""
MERGED = "merged"
"""Name of that one sequence."""


def _flatten(steps: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    return tf.reshape(zero_padding(steps, mask), (-1, steps.shape[1] * steps.shape[2]))


READOUTS: dict[str, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {"flatten": _flatten, "mean": masked_mean}
"""What becomes of the steps (B, T, D) with their mask (B, T), by name: all of them (B, T * D), or their mean (B, D)."""


@keras.saving.register_keras_serializable(package="edgedipn")
class DIPN(keras.Model):
    """Embedding, bidirectional GRU, intra-view and inter-view attention, one fully connected branch a task.

    ```
    h, f, b = BiGRU(embedding)  (1),  v = h * a  (2, 3),  r_sb = A_s * A_b, r_st, r_tb  (4)
    x = [readout(r_sb); readout(r_st); readout(r_tb); history; profile; f_s; b_s; f_t; b_t; f_b; b_b]
    logit of a task = MLP(x)
    ```

    Without inter-view attention, or with a single view, v stands in for the pairs; without intra-view attention h for
    v. A view that a sample lacks is zero in all of them. Features and their embedding widths are those of the schema.

    Args:
        schema: what goes in and comes out; its intents are the tasks.
        sources: what the model looks at: views in the order of the schema, then `history` and `profile`.
        has_intra_view: whether actions are weighted within a view (equations 2 and 3).
        has_inter_view: whether pairs of views are represented (equation 4).
        readout: a name of `READOUTS`; `flatten` is the paper's, and its weights depend on T.
        max_length: T, the only length that a model with the readout `flatten` takes.
        fusion: a name of `FUSIONS`; early fusion needs all views of the schema.
        rescale_intra_view: see `IntraViewAttention.is_rescaled`.
        units: model width D, 64 in the paper; each direction of the GRU has half of it.
        hidden_units: widths of the branches' hidden layers.

    Call arguments:
        inputs: by name, integers: views (B, T, F), `history` and `profile` (B, F); for early fusion `view_order`
            (B, T), see `MergedView`. Others are ignored.

    Returns:
        Logits by intent, float32 (B, 1).

    Raises:
        ValueError: when a name is unknown or out of order, `units` is odd, or an intent asks about candidates.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        sources: Sequence[str],
        has_intra_view: bool,
        has_inter_view: bool,
        readout: str,
        max_length: int,
        fusion: str = "late",
        rescale_intra_view: bool = False,
        units: int = 64,
        hidden_units: Sequence[int] = (128, 64),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _check(schema, sources, fusion, readout, units)
        self.schema = schema
        self.sources = list(sources)
        self.has_intra_view = has_intra_view
        self.has_inter_view = has_inter_view
        self.fusion = fusion
        self.readout = readout
        self.max_length = max_length
        self.rescale_intra_view = rescale_intra_view
        self.units = units
        self.hidden_units = list(hidden_units)

        self.views = [view.name for view in schema.views if view.name in sources]
        self.merged = {MERGED: MergedView(name=MERGED)} if fusion == "early" else {}
        features = _merged_features(schema) if self.merged else {v: schema.view(v).features for v in self.views}
        self.sequences = list(features)
        self.embeddings = {s: embedding_of(s, features[s], units) for s in self.sequences}
        self.grus = {s: BidirectionalGRU(units // 2, name=f"{s}_gru") for s in self.sequences}
        attended = self.sequences if has_intra_view else []
        self.intra_views = {s: IntraViewAttention(rescale_intra_view, name=f"{s}_intra_view") for s in attended}
        self.pairs = [pair for pair in PAIRS if has_inter_view and set(pair) <= set(self.sequences)]
        self.alone = [] if self.pairs else self.sequences
        self.inter_view = InterViewAttention(name="inter_view")
        static_features = {"history": schema.history, "profile": schema.profile}
        self.static_embeddings: dict[str, FeatureEmbedding] = {
            s: embedding_of(s, static_features[s], units) for s in STATIC_SOURCES if s in sources
        }
        self.branches = {i.name: IntentHead(hidden_units, name=f"{i.name}_branch") for i in schema.intents}

    def build(self, input_shape: Mapping[str, Sequence[int | None]]) -> None:
        for sequence in self.sequences:
            self.embeddings[sequence].build((None, None, len(self.embeddings[sequence].names)))
            self.grus[sequence].build((None, None, self.units))
        for attention in self.intra_views.values():
            attention.build((None, None, self.units), (None, self.units // 2))
        for embedding in self.static_embeddings.values():
            embedding.build((None, len(embedding.names)))
        num_read = len(self.pairs) + len(self.alone)
        widths = {"flatten": self.max_length * self.units, "mean": self.units}
        width = num_read * widths[self.readout] + (len(self.static_embeddings) + len(self.sequences)) * self.units
        for branch in self.branches.values():
            branch.build((None, 1, width))

    def call(self, inputs: Mapping[str, tf.Tensor], training: bool = False) -> dict[str, tf.Tensor]:
        steps, masks, last_states = self._recur(inputs)
        for sequence, attention in self.intra_views.items():
            steps[sequence] = attention(steps[sequence], last_states[sequence][0], masks[sequence])
        read = [self.inter_view.by_step(steps[s], steps[b], masks[s], masks[b], training) for s, b in self.pairs]
        read += [(steps[sequence], masks[sequence]) for sequence in self.alone]
        static = [embedding(inputs[source]) for source, embedding in self.static_embeddings.items()]
        last = [state for sequence in self.sequences for state in last_states[sequence]]
        known = tf.concat([*(READOUTS[self.readout](*r) for r in read), *static, *last], axis=-1)  # (B, N)
        known = known[:, tf.newaxis, :]  # one source, in the terms of IntentHead
        return {name: tf.cast(branch(known), tf.float32) for name, branch in self.branches.items()}

    def attention_weights(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns the intra-view weights (equation 2) of the real actions of each sequence, (actions of the batch,)."""
        steps, masks, last = self._recur(inputs)
        layers = self.intra_views.items()
        weights = {name: layer.attention(steps[name], last[name][0], masks[name])[:, 0] for name, layer in layers}
        return {name: tf.boolean_mask(of_actions, masks[name]) for name, of_actions in weights.items()}

    def _recur(
        self, inputs: Mapping[str, tf.Tensor]
    ) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor], dict[str, tuple[tf.Tensor, tf.Tensor]]]:
        """Returns by sequence: h (B, T, D), the mask (B, T), and the last forward and backward states (B, D / 2)."""
        merged = {n: m([inputs[v] for v in self.views], inputs[VIEW_ORDER]) for n, m in self.merged.items()}
        sequences = {**inputs, **merged}
        steps, masks, last_states = {}, {}, {}
        length = self.max_length if self.readout == "flatten" else None
        for name in self.sequences:
            masks[name] = tf.ensure_shape(step_mask(sequences[name]), (None, length))
            actions = self.embeddings[name](sequences[name])  # (B, T, D); the GRU masks padding
            steps[name], *ends = self.grus[name](actions, masks[name])
            last_states[name] = tuple(ends)
        return steps, masks, last_states

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "schema": json.loads(json.dumps(self.schema.to_json())),  # lists for tuples: plain JSON values
            "sources": list(self.sources),
            "has_intra_view": self.has_intra_view,
            "has_inter_view": self.has_inter_view,
            "fusion": self.fusion,
            "readout": self.readout,
            "max_length": self.max_length,
            "rescale_intra_view": self.rescale_intra_view,
            "units": self.units,
            "hidden_units": list(self.hidden_units),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Builds the model from `get_config` values."""
        return cls(**{**config, "schema": Schema.from_json(config["schema"])})


def _merged_features(schema: Schema) -> dict[str, tuple[Feature, ...]]:
    """The features of all views side by side, each named by its key."""
    features = [(feature_key(view.name, f), f) for view in schema.views for f in view.features]
    return {MERGED: tuple(dataclasses.replace(f, name=key) for key, f in features)}


def _check(schema: Schema, sources: Sequence[str], fusion: str, readout: str, units: int) -> None:
    known = [*(view.name for view in schema.views), *STATIC_SOURCES]
    if not sources or [name for name in known if name in sources] != list(sources):
        raise ValueError(f"sources must be some of {known}, in this order, not {list(sources)}")
    if fusion not in FUSIONS:
        raise ValueError(f"fusion must be one of {list(FUSIONS)}, not {fusion!r}")
    if fusion == "early" and not {view.name for view in schema.views} <= set(sources):
        raise ValueError(f"early fusion merges all views of the schema, not those of {list(sources)} alone")
    if readout not in READOUTS:
        raise ValueError(f"readout must be one of {list(READOUTS)}, not {readout!r}")
    if units < 2 or units % 2:
        raise ValueError(f"units must be even, half of them for each direction, not {units}")
    asking = [i.name for i in schema.intents if i.level is not Level.NONE]
    if asking or not schema.intents:
        raise ValueError(f"DIPN predicts one or more user intents, no category intents such as {asking}")
