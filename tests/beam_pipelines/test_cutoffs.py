import fractions
import hashlib

import numpy as np
import pytest

from beam_pipelines import cutoffs
from edgedipn_tf.local_time import LocalTime

DAY_MS = 24 * 3600 * 1000


def plain_mix(state: int) -> int:
    """splitmix64 in plain Python, written from its published definition."""
    state = (state + 0x9E3779B97F4A7C15) % 2**64
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
    return state ^ (state >> 31)


def test_key_is_the_first_eight_bytes_of_the_hash() -> None:
    digest = hashlib.sha256(b"7|u1|2026-03-01").digest()
    assert cutoffs.user_day_key(7, "u1", "2026-03-01") == int.from_bytes(digest[:8], "big")


@pytest.mark.parametrize("rate", ["1", "3", "5/2", "400/14"])
@pytest.mark.parametrize("seed", range(5))
def test_drawn_are_those_with_the_smallest_mix(rate: str, seed: int) -> None:
    times = np.arange(50, dtype=np.int64) * 1234 + 10**12
    key = cutoffs.user_day_key(seed, "user", "2026-03-01")
    share = fractions.Fraction(rate)
    num_kept = int(share) + (fractions.Fraction(plain_mix(key), 2**64) < share - int(share))
    expected = sorted(sorted(times.tolist(), key=lambda t: (plain_mix(key ^ t), t))[:num_kept])
    drawn = cutoffs.draw_cutoffs(np.sort(np.concatenate([times, times[:7]])), key, share)
    assert drawn.tolist() == expected


def test_remainder_is_drawn_as_often_as_it_says() -> None:
    times = np.arange(10, dtype=np.int64)
    sizes = [len(cutoffs.draw_cutoffs(times, plain_mix(i), fractions.Fraction(9, 4))) for i in range(2000)]
    assert set(sizes) == {2, 3}
    # Binomial with p = 1/4: standard deviation of the mean is 0.0097.
    assert np.mean(sizes) == pytest.approx(2.25, abs=0.04)


def test_fewer_times_than_asked_are_all_kept() -> None:
    assert cutoffs.draw_cutoffs(np.array([5, 5, 9]), 1, fractions.Fraction(4)).tolist() == [5, 9]


def test_interval_restarts_at_each_local_midnight() -> None:
    local_time = LocalTime("UTC")
    ten_hours = 10 * 3600 * 1000
    times = cutoffs.interval_cutoffs(1, ten_hours, 0, 10 * DAY_MS, local_time)
    assert (times - DAY_MS).tolist() == [0, ten_hours, 2 * ten_hours]


def test_interval_cutoffs_lie_between_first_action_and_log_end_both_included() -> None:
    hour = 3600 * 1000
    times = cutoffs.interval_cutoffs(0, hour, 2 * hour, 4 * hour, LocalTime("UTC"))
    assert (times // hour).tolist() == [2, 3, 4]


def test_interval_day_of_25_hours() -> None:
    local_time = LocalTime("Europe/Berlin")
    day = LocalTime.parse_date("2026-10-25")
    times = cutoffs.interval_cutoffs(day, 3600 * 1000, 0, 2**60, local_time)
    assert len(times) == 25
