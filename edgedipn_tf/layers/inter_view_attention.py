"""What two views say together: the actions of each attended by those of the other."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from edgedipn_tf.layers.masking import masked_mean, newest_steps
from edgedipn_tf.layers.mutual_attention import attend_by_softmax, attend_for_training


def _paired_rows(attended_s: tf.Tensor, attended_b: tf.Tensor, mask_s: tf.Tensor, mask_b: tf.Tensor) -> tf.Tensor:
    return masked_mean(*_products(attended_s, attended_b, mask_s, mask_b))


def _products(
    attended_s: tf.Tensor, attended_b: tf.Tensor, mask_s: tf.Tensor, mask_b: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    product = newest_steps(attended_s, attended_b) * newest_steps(attended_b, attended_s)
    return product, tf.logical_and(newest_steps(mask_s, mask_b), newest_steps(mask_b, mask_s))


def _pooled(attended_s: tf.Tensor, attended_b: tf.Tensor, mask_s: tf.Tensor, mask_b: tf.Tensor) -> tf.Tensor:
    return masked_mean(attended_s, mask_b) * masked_mean(attended_b, mask_s)  # a row of A_s is a step of b


PRODUCTS: dict[str, Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "rows": _paired_rows,
    "pooled": _pooled,
}
"""How r_sb (B, D) is made of A_s (B, T_b, D) and A_b (B, T_s, D), by name, with the masks of s and b."""


@keras.saving.register_keras_serializable(package="edgedipn")
class InterViewAttention(keras.layers.Layer):
    """Inter-view attention of two views, without weights and symmetric in them.

    ```
    A_s = softmax(V_b V_s^T / sqrt(D)) V_s,  A_b = softmax(V_s V_b^T / sqrt(D)) V_b      (4)
    r_sb = mean over steps of A_s * A_b
    ```

    The rows of A_s (one a step of b) and of A_b (one a step of s) are paired by position, from the newest action of
    each on: views are right-aligned. They may be padded to different lengths: the oldest rows of the longer have no
    partner. A row counts where both views have a real step; r_sb is 0 for samples in which one of the views is absent.
    sqrt(D) is the paper's sqrt(2 d).

    Nothing but their position joins row i of A_s and row i of A_b. With `product="pooled"`, another reading of the
    paper, the mean over steps comes first: r_sb = mean of A_s over steps of b * mean of A_b over steps of s.

    Args:
        product: a name of `PRODUCTS`.

    Call arguments:
        view_s, view_b: floats (B, T_s, D) and (B, T_b, D).
        mask_s, mask_b: bool (B, T_s) and (B, T_b), `True` at real steps.
        training: whether gradients will be asked for; the result is the same.

    Returns:
        r_sb, floats (B, D).

    Raises:
        ValueError: when the product is unknown.

    EdgeDIPN (VLDB 2021), section 3.3, equation 4.
    """

    def __init__(self, product: str = "rows", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if product not in PRODUCTS:
            raise ValueError(f"product must be one of {list(PRODUCTS)}, not {product!r}")
        self.product = product

    def call(
        self, view_s: tf.Tensor, view_b: tf.Tensor, mask_s: tf.Tensor, mask_b: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        attended = _attend(view_s, view_b, mask_s, mask_b, training)
        return PRODUCTS[self.product](*attended, mask_s, mask_b)

    def by_step(
        self, view_s: tf.Tensor, view_b: tf.Tensor, mask_s: tf.Tensor, mask_b: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns A_s * A_b (B, T, D) before the mean, T the shorter length, and which rows of it count, bool (B, T).

        What DIPN (KDD 2019, equation 4) calls the representation of the pair; other rows hold any number.
        """
        return _products(*_attend(view_s, view_b, mask_s, mask_b, training), mask_s, mask_b)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "product": self.product}


def _attend(
    view_s: tf.Tensor, view_b: tf.Tensor, mask_s: tf.Tensor, mask_b: tf.Tensor, training: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns A_s (B, T_b, D) and A_b (B, T_s, D)."""
    attend = attend_for_training if training else attend_by_softmax
    return attend(view_s, view_b, mask_s, mask_b)
