"""Ids of the features of an action, of the history or of the profile -> one vector of the model's width."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from edgedipn_tf.schema import Feature

INITIAL_RANGE = 0.05
"""Tables start uniformly between minus and plus this; the default of the setting `embedding_range` too."""
_TABLE = "_embedding/table_"


@keras.saving.register_keras_serializable(package="edgedipn")
class FeatureEmbedding(keras.layers.Layer):
    """Embedding layer: one table a feature, concatenated, one linear Dense.

    ```
    e = W [table_1[id_1]; ...; table_F[id_F]] + b
    ```

    Ids of any numeric type are cast to int32 (Keras traces integers as floats) and clamped into their table, so that
    no input whatever can make a lookup fail on a phone. The layer knows no mask: padding (id 0) has a row like any id.
    Tables start near zero, uniformly within INITIAL_RANGE, so that an id says little before it was seen often; see
    `spread_tables` for a wider start.

    Args:
        names: names of the features, in the order of the ids' last axis.
        table_sizes: rows of each feature's table.
        widths: embedding width of each feature.
        units: width D of the result.

    Call arguments:
        ids: integers (..., F).

    Returns:
        Floats (..., D).

    Raises:
        ValueError: when the lists differ in length, are empty, or hold a size below 1.

    EdgeDIPN (VLDB 2021), section 3.1.
    """

    def __init__(
        self, names: Sequence[str], table_sizes: Sequence[int], widths: Sequence[int], units: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not names or not len(names) == len(table_sizes) == len(widths):
            raise ValueError(f"names, table_sizes and widths: {len(names)}, {len(table_sizes)}, {len(widths)} values")
        if min(*table_sizes, *widths, units) < 1:
            raise ValueError(f"sizes must be positive: tables {table_sizes}, widths {widths}, units {units}")
        self.names = list(names)
        self.table_sizes = list(table_sizes)
        self.widths = list(widths)
        self.units = units
        self.tables: list[keras.Variable] = []
        self.projection = keras.layers.Dense(units, name="projection")

    def build(self, input_shape: Sequence[int | None]) -> None:
        if input_shape[-1] != len(self.names):
            raise ValueError(f"{self.name}: {input_shape[-1]} features, but the layer has {len(self.names)}")
        for name, table_size, width in zip(self.names, self.table_sizes, self.widths, strict=True):
            near_zero = keras.initializers.RandomUniform(-INITIAL_RANGE, INITIAL_RANGE)
            self.tables.append(self.add_weight((table_size, width), initializer=near_zero, name=f"table_{name}"))
        self.projection.build((*input_shape[:-1], sum(self.widths)))

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return self.projection(self.lookup(ids, range(len(self.names))))

    def lookup(self, ids: tf.Tensor, features: Sequence[int]) -> tf.Tensor:
        """Returns the embeddings of some features side by side, before the Dense.

        Args:
            ids: integers (..., len(features)).
            features: positions of these features among the layer's.
        """
        last_rows = tf.constant([self.table_sizes[f] - 1 for f in features], tf.int32)
        # All columns are clamped at once: two operations a view instead of two a feature.
        rows = tf.minimum(tf.maximum(tf.cast(ids, tf.int32), 0), last_rows)
        return tf.concat([tf.gather(self.tables[f], rows[..., i]) for i, f in enumerate(features)], axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "names": self.names,
            "table_sizes": self.table_sizes,
            "widths": self.widths,
            "units": self.units,
        }


def embedding_of(source: str, features: Sequence[Feature], units: int) -> FeatureEmbedding:
    """Returns the embedding of a view, of the history or of the profile, from its features in the schema.

    Args:
        source: its name.
        features: its features, in the order of the ids' last axis.
        units: width D of the result.
    """
    return FeatureEmbedding(
        names=[f.name for f in features],
        table_sizes=[f.table_size for f in features],
        widths=[f.width for f in features],
        units=units,
        name=f"{source}_embedding",
    )


def spread_tables(model: keras.Model, initial_range: float) -> None:
    """Spreads the fresh tables of a model's features, so that ids differ more from the first step on.

    Args:
        model: built, with fresh weights.
        initial_range: the tables are spread to lie between minus and plus this.
    """
    for variable in model.trainable_variables:
        if _TABLE in variable.path:
            variable.assign(variable * (initial_range / INITIAL_RANGE))
