"""A model with the inputs, outputs and penalty of EdgeDIPN, but of seven weights: it traces in a second."""

import keras
import tensorflow as tf

from edgedipn_tf.layers.feature_embedding import INITIAL_RANGE
from edgedipn_tf.models.catalog import predicted_schema
from edgedipn_tf.schema import Schema


@keras.saving.register_keras_serializable(package="tests")
class TinyModel(keras.Model):
    """Logits from the mean embedding of the browse view's actions; an `add_loss` that is a mean over the batch."""

    def __init__(self, places: dict[str, int], penalty_weight: float, dropout: float = 0.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.places, self.penalty_weight, self.dropout = dict(places), penalty_weight, dropout
        self.embedding = keras.layers.Embedding(16, 4)
        self.drop = keras.layers.Dropout(dropout, seed=7)
        self.heads = {name: keras.layers.Dense(count) for name, count in places.items()}

    def build(self, input_shape) -> None:
        self.embedding.build((None, None))
        for head in self.heads.values():
            head.build((None, 4))

    def call(self, inputs, training=False):
        actions = tf.clip_by_value(tf.cast(inputs["browse"][..., 0], tf.int32), 0, 15)
        user = self.drop(tf.reduce_mean(self.embedding(actions), axis=1), training=training)  # (B, 4)
        self.add_loss(self.penalty_weight * tf.reduce_mean(tf.reduce_sum(user**2, axis=1)))
        return {name: head(user) for name, head in self.heads.items()}

    def get_config(self):
        own = {"places": self.places, "penalty_weight": self.penalty_weight, "dropout": self.dropout}
        return {**super().get_config(), **own}


def build_tiny_model(
    name: str,
    schema: Schema,
    *,
    sources: str = "",
    max_length: int | None = None,
    num_hops: int,
    penalty_weight: float,
    embedding_range: float = INITIAL_RANGE,
    seed: int,
    dropout: float = 0.0,
) -> keras.Model:
    """Stands in for `edgedipn_tf.models.variants.build_model`."""
    keras.utils.set_random_seed(seed)
    model = TinyModel(
        {i.name: schema.num_places(i) for i in predicted_schema(name, schema).intents},
        penalty_weight,
        dropout,
        name=name,
    )
    model.build(None)
    return model
