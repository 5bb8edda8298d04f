"""The learning rate of each step of a run."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="edgedipn")
class PassDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Falls by a factor after each pass, and in a straight line to zero over the last steps.

    ```
    rate(s) = rate * decay ^ floor(s / steps_per_pass) * min(1, (num_steps - s) / num_cool_down_steps)
    ```

    Args:
        initial: rate of the first pass.
        decay: factor after each pass.
        steps_per_pass: steps of a pass over the training samples.
        num_steps: of the whole run.
        num_cool_down_steps: last steps, over which the rate falls to zero; 0 for none.

    The cool-down: Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations" (2024),
    section 3.
    """

    def __init__(
        self, initial: float, decay: float, steps_per_pass: int, num_steps: int, num_cool_down_steps: int = 0
    ) -> None:
        super().__init__()
        self.initial = initial
        self.decay = decay
        self.steps_per_pass = steps_per_pass
        self.num_steps = num_steps
        self.num_cool_down_steps = num_cool_down_steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        step = tf.cast(step, tf.float32)
        rate = self.initial * self.decay ** tf.floor(step / self.steps_per_pass)
        if not self.num_cool_down_steps:
            return rate
        return rate * tf.clip_by_value((self.num_steps - step) / self.num_cool_down_steps, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial": self.initial,
            "decay": self.decay,
            "steps_per_pass": self.steps_per_pass,
            "num_steps": self.num_steps,
            "num_cool_down_steps": self.num_cool_down_steps,
        }
