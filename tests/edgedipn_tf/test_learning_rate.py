"""The learning rate of each step, by hand."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="tensorflow is not installed: run `make setup`")

from edgedipn_tf.learning_rate import PassDecay


def rates(schedule, steps):
    return [float(schedule(step)) for step in steps]


def test_rate_falls_once_a_pass():
    schedule = PassDecay(0.1, 0.5, steps_per_pass=3, num_steps=100)
    np.testing.assert_allclose(rates(schedule, range(8)), [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025], rtol=1e-6)


def test_rate_falls_to_zero_over_the_last_steps():
    schedule = PassDecay(0.1, 1.0, steps_per_pass=3, num_steps=10, num_cool_down_steps=4)
    wanted = [0.1, 0.1, 0.1, 0.1 * 3 / 4, 0.1 * 2 / 4, 0.1 / 4, 0.0, 0.0]
    np.testing.assert_allclose(rates(schedule, (0, 5, 6, 7, 8, 9, 10, 11)), wanted, rtol=1e-6)


def test_schedule_of_its_config_is_the_same():
    schedule = PassDecay(0.1, 0.5, steps_per_pass=3, num_steps=10, num_cool_down_steps=4)
    again = PassDecay.from_config(schedule.get_config())
    assert rates(again, range(12)) == rates(schedule, range(12))
