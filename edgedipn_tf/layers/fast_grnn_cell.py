"""One step of FastGRNN: a gated cell in which gate and candidate share their matrices."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="edgedipn")
class FastGRNNCell(keras.layers.Layer):
    """The recurrent half of FastGRNN, for `keras.layers.RNN`; the product W x_t of the input is made outside.

    ```
    u_t = W x_t + U h_{t-1},  z_t = sigmoid(u_t + b_z),  g_t = tanh(u_t + b_h)
    h_t = (sigmoid(zeta) (1 - z_t) + sigmoid(nu)) * g_t + z_t * h_{t-1}
    ```

    Low rank: U = U_1 U_2^T with U_1 and U_2 of `rank` columns. The numbers zeta and nu start at 1 and -4, the biases
    at 1, as in the authors' code: the state is kept more than it is replaced.

    Args:
        units: width D of the state.
        rank: columns of the two factors of U; U is one matrix when None.

    Call arguments:
        projected: W x_t, floats (B, D).
        states: a list of h_{t-1}, floats (B, D).

    Returns:
        h_t, and a list of it.

    Raises:
        ValueError: when `units` or `rank` is below 1.

    Kusupati et al., FastGRNN (NIPS 2018), section 3.2; cited by EdgeDIPN (VLDB 2021), section 5.1.
    """

    def __init__(self, units: int, rank: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if units < 1 or (rank is not None and rank < 1):
            raise ValueError(f"units and rank must be at least 1, not {units} and {rank}")
        self.units = units
        self.rank = rank
        self.state_size = units  # asked for by keras.layers.RNN
        self.output_size = units

    def build(self, input_shape: Sequence[int | None]) -> None:
        shapes = [(self.units, self.units)] if self.rank is None else [(self.units, self.rank), (self.rank, self.units)]
        self.recurrent = [
            self.add_weight(shape, initializer="orthogonal", name=f"recurrent_{i}") for i, shape in enumerate(shapes)
        ]
        self.bias_z = self.add_weight((self.units,), initializer="ones", name="bias_z")
        self.bias_h = self.add_weight((self.units,), initializer="ones", name="bias_h")
        self.zeta = self.add_weight((1,), initializer=keras.initializers.Constant(1.0), name="zeta")
        self.nu = self.add_weight((1,), initializer=keras.initializers.Constant(-4.0), name="nu")

    def call(self, projected: tf.Tensor, states: Sequence[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        state = states[0]
        product = state
        for factor in self.recurrent:
            product = tf.matmul(product, factor)
        both = projected + product
        gate = tf.sigmoid(both + self.bias_z)
        candidate = tf.tanh(both + self.bias_h)
        new_state = (tf.sigmoid(self.zeta) * (1.0 - gate) + tf.sigmoid(self.nu)) * candidate + gate * state
        return new_state, [new_state]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "rank": self.rank}
