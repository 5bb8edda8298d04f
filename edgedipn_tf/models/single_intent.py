"""EdgeDIPN-single (VLDB 2021, section 5.1): one EdgeDIPN an intent, nothing shared, side by side as one model."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from edgedipn_tf.models.edgedipn import EdgeDIPN
from edgedipn_tf.schema import Schema


@keras.saving.register_keras_serializable(package="edgedipn")
class SingleIntentEdgeDIPNs(keras.Model):
    """As many models as intents, each of which predicts one.

    No weight is in two of them, Adam treats each weight alone and the loss is a sum: trained together they end as they
    would one by one, but for the epoch of the best weights, which is one for all.

    Args:
        schema: what goes in and comes out.
        name, trainable, dtype: of a Keras model.
        options: arguments of each `EdgeDIPN`, besides the schema.

    Call arguments:
        inputs: those of `EdgeDIPN`.

    Returns:
        Logits by intent, float32: (B, 1), or (B, K) for category intents. The penalties of equation 9 are each
        an `add_loss`.
    """

    def __init__(
        self, schema: Schema, *, name: str | None = None, trainable: bool = True, dtype: Any = None, **options: Any
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.schema = schema
        self.options = options
        self.models = {
            intent.name: EdgeDIPN(dataclasses.replace(schema, intents=(intent,)), **options, name=intent.name)
            for intent in schema.intents
        }

    def build(self, input_shape: Mapping[str, Sequence[int | None]]) -> None:
        for model in self.models.values():
            model.build(input_shape)

    def call(self, inputs: Mapping[str, tf.Tensor], training: bool = False) -> dict[str, tf.Tensor]:
        logits: dict[str, tf.Tensor] = {}
        for model in self.models.values():
            own, penalty = model.logits_and_penalty(inputs, training)
            self.add_loss(model.penalty_weight * penalty)
            logits.update(own)
        return logits

    def scale_category_heads(self, inputs: Mapping[str, tf.Tensor]) -> None:
        """Scales the fresh heads of the category intents, see `EdgeDIPN`."""
        for model in self.models.values():
            model.scale_category_heads(inputs)

    def get_config(self) -> dict[str, Any]:
        own = json.loads(json.dumps({"schema": self.schema.to_json(), **self.options}))  # lists for tuples: plain JSON
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Builds the model from `get_config` values."""
        return cls(**{**config, "schema": Schema.from_json(config["schema"])})
