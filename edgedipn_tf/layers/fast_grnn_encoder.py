"""FastGRNN over the steps of one view: a recurrent network of a third of a GRU's weights, or less."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from edgedipn_tf.layers.fast_grnn_cell import FastGRNNCell
from edgedipn_tf.layers.masking import zero_padding


@keras.saving.register_keras_serializable(package="edgedipn")
class FastGRNNEncoder(keras.layers.Layer):
    """FastGRNN over one view, one direction, a sequence encoder. The equations are those of `FastGRNNCell`.

    W x_t is one product for all steps, before the recurrence. Low rank: W = W_1 W_2^T beside the cell's U. A padded
    step leaves the state as it is: the state is zero until the first real step, whatever the padding. A sample without
    real steps has r_f = 0 and V = 0.

    Args:
        units: width D of the state.
        rank: columns of the factors of W and of U; both are one matrix when None.

    Call arguments:
        actions: floats (B, T, D_in); padded steps may hold any number.
        mask: bool (B, T), `True` at real steps.

    Returns:
        r_f (B, D), the state after the last real step; V (B, T, D), the states, zero at padded steps;
        penalty float32 (B,), zeros: there are no hops.

    Raises:
        ValueError: when `units` or `rank` is below 1.

    Kusupati et al., FastGRNN (NIPS 2018), section 3.2; EdgeDIPN (VLDB 2021), section 5.1 (fastgrnn, fastgrnnlr). The
    rank is not in either paper's setting; `models.edgedipn.ENCODERS` decides it.
    """

    def __init__(self, units: int, rank: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        cell = FastGRNNCell(units, rank, name="cell")
        self.units = units
        self.rank = rank
        widths = [units] if rank is None else [rank, units]
        self.w = [keras.layers.Dense(width, use_bias=False, name=f"w_{i}") for i, width in enumerate(widths)]
        self.recurrence = keras.layers.RNN(cell, return_sequences=True, return_state=True, name="recurrence")

    def build(self, input_shape: Sequence[int | None]) -> None:
        size = input_shape[-1]
        for factor in self.w:
            factor.build((None, None, size))
            size = factor.units
        self.recurrence.build((None, None, self.units))

    def call(self, actions: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        projected = actions
        for factor in self.w:
            projected = factor(projected)
        states, last_state = self.recurrence(projected, mask=mask)
        no_penalty = tf.zeros_like(last_state[:, 0], tf.float32)
        return last_state, zero_padding(states, mask), no_penalty

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "rank": self.rank}
