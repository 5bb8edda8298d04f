"""The output of one category intent: one logit for every candidate category."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

FRESH_STD = 0.3
"""Standard deviation of what each part of the first Dense gives after `CategoryIntentHead.scale`."""


@keras.saving.register_keras_serializable(package="edgedipn")
class CategoryIntentHead(keras.layers.Layer):
    """Head of a category intent: the candidate's embedding joins before the first Dense.

    ```
    h_k = relu(W [flatten(O); c_k] + b) = relu(W_o flatten(O) + W_c c_k + b)
    ```

    then Dense relu and one logit, per candidate. W is kept as its two parts, so that the part of the user is computed
    once for all K candidates.

    Args:
        hidden_units: widths of the two hidden layers, 128 and 64 in the paper.

    Call arguments:
        representation: O, floats (B, S, D), flattened source by source.
        candidates: embeddings of the candidate categories, floats (B, K, C).

    Returns:
        Logits, floats (B, K).

    Raises:
        ValueError: when `hidden_units` are not two positive numbers.

    EdgeDIPN (VLDB 2021), sections 3.4 and 5.1; the paper leaves open how the candidate enters.
    """

    def __init__(self, hidden_units: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if len(hidden_units) != 2 or min(hidden_units) < 1:
            raise ValueError(f"hidden_units must be two positive numbers, not {hidden_units}")
        self.hidden_units = list(hidden_units)
        self.hidden_1 = keras.layers.Dense(hidden_units[0], name="hidden_1")
        self.hidden_1_candidate = keras.layers.Dense(hidden_units[0], use_bias=False, name="hidden_1_candidate")
        self.hidden_2 = keras.layers.Dense(hidden_units[1], activation="relu", name="hidden_2")
        self.logit = keras.layers.Dense(1, name="logit")

    def build(self, representation_shape: Sequence[int], candidates_shape: Sequence[int]) -> None:
        self.flat_size = representation_shape[1] * representation_shape[2]
        self.hidden_1.build((None, self.flat_size))
        self.hidden_1_candidate.build((None, None, candidates_shape[-1]))
        self.hidden_2.build((None, None, self.hidden_units[0]))
        self.logit.build((None, None, self.hidden_units[1]))

    def call(self, representation: tf.Tensor, candidates: tf.Tensor) -> tf.Tensor:
        flat = tf.reshape(representation, (-1, self.flat_size))
        of_user = self.hidden_1(flat)[:, tf.newaxis, :]  # (B, 1, units)
        hidden = tf.nn.relu(of_user + self.hidden_1_candidate(candidates))
        return tf.squeeze(self.logit(self.hidden_2(hidden)), axis=-1)

    def scale(self, representation: tf.Tensor, candidates: tf.Tensor) -> None:
        """Scales the fresh kernels of the first Dense, so that both parts are of ordinary size and equally large.

        Which candidate a user wants is in products of the two, so the loss is flat where they are small: fresh
        embeddings are, and what attention makes of them even more (of a complete EdgeDIPN .04 and .008 after the Dense,
        with tables within 0.2), and so many hundred steps teach a head little. Parts without any variance stay.

        Mishkin and Matas, "All you need is a good init" (ICLR 2016), scale all layers by what some samples give, too.

        Args:
            representation, candidates: of some samples, see the call.
        """
        flat = tf.reshape(representation, (-1, self.flat_size))
        for layer, inputs in ((self.hidden_1, flat), (self.hidden_1_candidate, candidates)):
            std = float(tf.math.reduce_std(layer(inputs)))
            if std > 0.0:
                layer.kernel.assign(layer.kernel * (FRESH_STD / std))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "hidden_units": self.hidden_units}
