"""Which moments of a user's log become samples (spec: samples and labels)."""

import fractions

import numpy as np
from numpy.typing import NDArray

from beam_pipelines.encoding import Int64
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.random_keys import key, mix


def draw_cutoffs(day_times_ms: Int64, user_day_key: int, rate: fractions.Fraction) -> Int64:
    """Draws cut-offs among a user's distinct action times on one local day: the random sampler.

    Keeps the n times with the smallest mix(key ^ t), ties by t; n = floor(rate), plus one when mix(key) / 2^64 is below
    the remainder. It depends on nothing but the seed, the user, the date and the times.

    Args:
        day_times_ms: times of the user's actions on that day, any view, ascending, not necessarily distinct.
        user_day_key: `key(seed, user, date)`.
        rate: cut-offs of a user and day on average.

    Returns:
        The drawn times, ascending.
    """
    times = distinct(day_times_ms)
    whole, remainder = divmod(rate, 1)
    has_extra = int(mix(user_day_key)) * remainder.denominator < remainder.numerator << 64
    num_kept = int(whole) + has_extra
    if len(times) > num_kept:
        drawn: NDArray[np.uint64] = mix(times.astype(np.uint64) ^ np.uint64(user_day_key))
        # mix is a bijection: distinct times have distinct draws, and none needs the tie of times.
        times = np.sort(times[np.argpartition(drawn, num_kept)[:num_kept]])
    return times


def distinct(ascending: Int64) -> Int64:
    """Returns the different ones of ascending values."""
    is_new = np.ones(len(ascending), np.bool_)
    is_new[1:] = ascending[1:] != ascending[:-1]
    return ascending[is_new]


def user_day_key(seed: int, user_id: str, date: str) -> int:
    """Returns the key of the random sampler for a user and a local date."""
    return key(str(seed), user_id, date)


def interval_cutoffs(day: int, interval_ms: int, first_action_ms: int, log_end_ms: int, local_time: LocalTime) -> Int64:
    """Returns local midnight + i * interval within one local day, from the user's first action to the log's end."""
    start = int(local_time.day_start_ms(day))
    times = np.arange(start, int(local_time.day_start_ms(day + 1)), interval_ms, dtype=np.int64)
    return times[(times >= first_action_ms) & (times <= log_end_ms)]
