"""The named variants of EdgeDIPN (VLDB 2021, section 5.1): each a configuration of the one model.

A new variant is a new entry of `VARIANTS`; nothing else may know its name.
"""

import dataclasses
import difflib
from collections.abc import Sequence

import keras

from edgedipn_tf.commands import InputError
from edgedipn_tf.models.edgedipn import EdgeDIPN
from edgedipn_tf.models.inputs import input_signature
from edgedipn_tf.schema import Schema


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """What makes a variant: arguments of `EdgeDIPN`.

    Attributes:
        description: what the variant is, in one line.
        views: the views that it looks at.
        encoder: its sequence encoder, a name of `edgedipn.ENCODERS`.
        has_inter_view: whether pairs of views are sources.
        task_attention: what a task does with the sources, a name of `edgedipn.TASK_ATTENTIONS`.
    """

    description: str
    views: tuple[str, ...] = ("swipe", "tap", "browse")
    encoder: str = "attention"
    has_inter_view: bool = True
    task_attention: str = "full"


VARIANTS: dict[str, Variant] = {
    "edgedipn": Variant(description="the complete model"),
    "edgedipn_v0": Variant(
        description="a GRU in place of multi-level attention; no inter-view, no task attention",
        encoder="gru",
        has_inter_view=False,
        task_attention="none",
    ),
    "edgedipn_fastgrnn": Variant(
        description="v0 with FastGRNN: a third of the GRU's weights",
        encoder="fastgrnn",
        has_inter_view=False,
        task_attention="none",
    ),
    "edgedipn_fastgrnnlr": Variant(
        description="v0 with low-rank FastGRNN",
        encoder="fastgrnn_lowrank",
        has_inter_view=False,
        task_attention="none",
    ),
    "edgedipn_v1": Variant(
        description="multi-level attention; no inter-view, no task attention",
        has_inter_view=False,
        task_attention="none",
    ),
    "edgedipn_v2": Variant(description="v1 with inter-view attention", task_attention="none"),
    "edgedipn_v3": Variant(description="v2 with data-level attention", task_attention="data"),
    "edgedipn_v4": Variant(
        description="v3 with feature-level attention from the sources as they are, fused", task_attention="parallel"
    ),
    "edgedipn_tradition": Variant(
        description="browse view, history and profile only: no swipe, no tap view, no pairs", views=("browse",)
    ),
    "edgedipn_with_gru": Variant(description="the complete model with a GRU (Table 3)", encoder="gru"),
    "edgedipn_with_fastgrnn": Variant(description="the complete model with FastGRNN (Table 3)", encoder="fastgrnn"),
    "edgedipn_with_fastgrnnlr": Variant(
        description="the complete model with low-rank FastGRNN (Table 3)", encoder="fastgrnn_lowrank"
    ),
}
"""Variants by name."""


def build_model(
    name: str,
    schema: Schema,
    *,
    num_hops: int = 10,
    penalty_weight: float = 0.01,
    units: int = 64,
    hidden_units: Sequence[int] = (128, 64),
    seed: int = 0,
) -> EdgeDIPN:
    """Returns a variant with fresh weights.

    Sets the global seeds of Python, NumPy and TensorFlow (`keras.utils.set_random_seed`), from which weights are drawn.

    Args:
        name: a name of `VARIANTS`.
        schema: what the inputs hold and what is predicted.
        num_hops: H, hops of the multi-level attention.
        penalty_weight: lambda of equation 9.
        units: model width D.
        hidden_units: widths of the heads' hidden layers.
        seed: equal seeds give equal weights.

    Raises:
        InputError: when no variant has that name.
    """
    if name not in VARIANTS:
        nearest = difflib.get_close_matches(name, VARIANTS, n=1, cutoff=0.0)[0]
        raise InputError(f"unknown model {name!r}: did you mean {nearest!r}? Models: {', '.join(VARIANTS)}")
    variant = VARIANTS[name]
    keras.utils.set_random_seed(seed)
    model = EdgeDIPN(
        schema,
        views=variant.views,
        encoder=variant.encoder,
        has_inter_view=variant.has_inter_view,
        task_attention=variant.task_attention,
        units=units,
        num_hops=num_hops,
        hidden_units=hidden_units,
        penalty_weight=penalty_weight,
        name=name,
    )
    model.build({key: spec.shape.as_list() for key, spec in input_signature(schema, schema.max_length).items()})
    return model
