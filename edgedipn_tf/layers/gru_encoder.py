"""A recurrent network over the steps of one view."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from edgedipn_tf.layers.masking import zero_padding


@keras.saving.register_keras_serializable(package="edgedipn")
class GRUEncoder(keras.layers.Layer):
    """Gated recurrent units over one view, one direction, a sequence encoder.

    ```
    z_t = sigmoid(W_z e_t + U_z h_{t-1} + b_z),  r_t = sigmoid(W_r e_t + U_r h_{t-1} + b_r)
    g_t = tanh(W_h e_t + U_h (r_t * h_{t-1}) + b_h),  h_t = z_t * h_{t-1} + (1 - z_t) * g_t
    ```

    A padded step leaves the state as it is: the state is zero until the first real step, whatever the padding. A
    sample without real steps has r_f = 0 and V = 0.

    Args:
        units: width D of the state.

    Call arguments:
        actions: floats (B, T, D_in); padded steps may hold any number.
        mask: bool (B, T), `True` at real steps.

    Returns:
        r_f (B, D), the state after the last real step; V (B, T, D), the states, zero at padded steps;
        penalty float32 (B,), zeros: there are no hops.

    Raises:
        ValueError: when `units` is below 1.

    EdgeDIPN (VLDB 2021), section 5.1 (EdgeDIPN-v0), with the cell of DIPN (KDD 2019), equation 1.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"units must be at least 1, not {units}")
        self.units = units
        # reset_after=False is the cell as printed; the other form applies the reset gate after the product.
        self.gru = keras.layers.GRU(units, reset_after=False, return_sequences=True, return_state=True, name="gru")

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.gru.build(input_shape)

    def call(self, actions: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        states, last_state = self.gru(actions, mask=mask)
        no_penalty = tf.zeros_like(last_state[:, 0], tf.float32)
        return last_state, zero_padding(states, mask), no_penalty

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
