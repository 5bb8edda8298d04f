"""From the name of a model to the model, with fresh weights."""

from collections.abc import Sequence

import keras

from edgedipn_tf.layers.feature_embedding import INITIAL_RANGE, spread_tables
from edgedipn_tf.models.catalog import find_variant, predicted_schema
from edgedipn_tf.models.dipn import DIPN
from edgedipn_tf.models.edgedipn import EdgeDIPN
from edgedipn_tf.models.inputs import input_signature
from edgedipn_tf.models.single_intent import SingleIntentEdgeDIPNs
from edgedipn_tf.schema import Schema

FAMILIES: dict[str, type[keras.Model]] = {
    "edgedipn": EdgeDIPN,
    "edgedipn_single": SingleIntentEdgeDIPNs,
    "dipn": DIPN,
}
"""The models that variants are configurations of."""


def build_model(
    name: str,
    schema: Schema,
    *,
    sources: str = "",
    max_length: int | None = None,
    num_hops: int = 10,
    penalty_weight: float = 0.01,
    units: int = 64,
    hidden_units: Sequence[int] = (128, 64),
    embedding_range: float = INITIAL_RANGE,
    seed: int = 0,
) -> keras.Model:
    """Returns a variant with fresh weights; it predicts those intents of the schema that the variant can.

    Sets the global seeds of Python, NumPy and TensorFlow (`keras.utils.set_random_seed`), from which weights are drawn.

    Args:
        name: a name of `catalog.VARIANTS`.
        schema: what the inputs hold and what may be predicted.
        sources: what the model looks at instead of the variant's own sources, see `catalog.find_variant`.
        max_length: T of the inputs, by default the schema's; models that flatten their steps take no other.
        num_hops: H, hops of the multi-level attention; models without it have none.
        penalty_weight: lambda of EdgeDIPN's equation 9; models without hops have no penalty.
        units: model width D.
        hidden_units: widths of the heads' hidden layers.
        embedding_range: the tables of the features start between minus and plus this.
        seed: equal seeds give equal weights.

    Raises:
        InputError: when no variant has that name, it cannot do with the sources, or the schema has none of its intents.
    """
    variant = find_variant(name, sources)
    length = schema.max_length if max_length is None else max_length
    of_hops = {"num_hops": num_hops, "penalty_weight": penalty_weight}
    own = {"edgedipn": of_hops, "edgedipn_single": of_hops, "dipn": {"max_length": length}}
    keras.utils.set_random_seed(seed)
    model = FAMILIES[variant.family](
        predicted_schema(name, schema, sources),
        **variant.arguments,
        **own[variant.family],
        units=units,
        hidden_units=hidden_units,
        name=name,
    )
    model.build({key: spec.shape.as_list() for key, spec in input_signature(schema, length).items()})
    if embedding_range != INITIAL_RANGE:
        spread_tables(model, embedding_range)
    return model
