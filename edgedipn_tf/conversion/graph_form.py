"""Which graph a bundle's files are made of: the inference graph, unless the model or the samples forbid it."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgedipn_tf.conversion import inference_graph
from edgedipn_tf.conversion.bundle import INFERENCE_GRAPH, PLAIN_GRAPH
from edgedipn_tf.conversion.inference_graph import InferenceGraph
from edgedipn_tf.conversion.scaled_model import ScaledModel, Scalings


@dataclasses.dataclass(frozen=True)
class GraphForm:
    """The graph that is exported.

    Attributes:
        model: what is exported: the Keras model, or its inference graph.
        form: `inference` or `plain`.
        reason: why it is the plain one, in a few words; None for the inference graph.
        largest_score: largest |score| of a pair of views over the samples; None where it was not asked.
    """

    model: keras.Model | InferenceGraph | ScaledModel
    form: str
    reason: str | None
    largest_score: float | None

    def scaled(self, scalings: Scalings) -> "GraphForm":
        """Returns the same graph with calibrated probabilities."""
        return dataclasses.replace(self, model=ScaledModel(self.model, scalings))

    def in_integers(self) -> "GraphForm":
        """Returns the same graph with operators only that TFLite has in int8; a plain graph stays as it is."""
        if self.form == PLAIN_GRAPH or isinstance(self.model, keras.Model):
            return self
        return dataclasses.replace(self, model=self.model.in_integers())

    def to_json(self) -> dict[str, Any]:
        """Returns what the manifest says of it."""
        return {"form": self.form, "reason": self.reason, "largest_score": self.largest_score}


def choose_graph(model: keras.Model, batches: Iterable[Mapping[str, np.ndarray]]) -> GraphForm:
    """Returns the graph to export.

    Args:
        model: the trained model.
        batches: inputs by name of the samples that files are compared with Keras on; read only for a model that the
            inference graph covers.
    """
    reason = inference_graph.why_not(model)
    if reason is not None:
        return GraphForm(model, PLAIN_GRAPH, reason, None)
    of_batch = tf.function(lambda inputs: inference_graph.largest_score(model, inputs), reduce_retracing=True)
    scores = [float(of_batch({n: tf.constant(v, tf.int32) for n, v in inputs.items()})) for inputs in batches]
    largest = max(scores, default=0.0)
    if not largest <= inference_graph.MAX_SCORE:
        reason = (
            f"a score of {largest:.3g} is beyond {inference_graph.MAX_SCORE:g}, near the overflow of its exponential"
        )
        return GraphForm(model, PLAIN_GRAPH, reason, largest if np.isfinite(largest) else None)
    return GraphForm(InferenceGraph(model), INFERENCE_GRAPH, None, largest)
