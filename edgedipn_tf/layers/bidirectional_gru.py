"""Two recurrent networks over the steps of one view, one in each direction."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from edgedipn_tf.layers.masking import zero_padding


@keras.saving.register_keras_serializable(package="edgedipn")
class BidirectionalGRU(keras.layers.Layer):
    """Bidirectional gated recurrent units over one view.

    ```
    r_t = sigmoid(W_er e_t + W_hr h_{t-1} + b_r),  z_t = sigmoid(W_ez e_t + W_hz h_{t-1} + b_z)
    g_t = tanh(W_eh e_t + W_hh (r_t * h_{t-1}) + b_h),  h_t = z_t * h_{t-1} + (1 - z_t) * g_t       (1)
    ```

    forwards from the oldest step, backwards from the newest; the state of a step is both, side by side. Padding, which
    comes first, leaves a state as it is: the forward one is zero before the first real step, and the last backward one
    is that of the oldest real step. A sample without real steps has zeros everywhere.

    Args:
        units: width d of the state in each direction.

    Call arguments:
        actions: e, floats (B, T, D_in); padded steps may hold any number.
        mask: bool (B, T), `True` at real steps.

    Returns:
        h (B, T, 2 d), zero at padded steps; the last forward state (B, d), that of the newest step; the last backward
        state (B, d), that of the oldest.

    Raises:
        ValueError: when `units` is below 1.

    DIPN (KDD 2019), section 4.2, equation 1.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"units must be at least 1, not {units}")
        self.units = units
        # reset_after=False is the cell as printed; the other form applies the reset gate after the product.
        options = {"reset_after": False, "return_sequences": True, "return_state": True}
        self.forward = keras.layers.GRU(units, name="forward", **options)
        self.backward = keras.layers.GRU(units, go_backwards=True, name="backward", **options)

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.forward.build(input_shape)
        self.backward.build(input_shape)

    def call(self, actions: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        forward, last_forward = self.forward(actions, mask=mask)
        backward, last_backward = self.backward(actions, mask=mask)  # (B, T, d), the newest step first
        states = tf.concat([forward, tf.reverse(backward, axis=[1])], axis=-1)
        return zero_padding(states, mask), last_forward, last_backward

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
