"""The formulas of `discretize` as TensorFlow operations that TFLite has built in, equal bit for bit.

What a phone runs ahead of the model, so the formulas keep to what LiteRT computes exactly: it has no int64 division
(the converter refuses FLOOR_DIV, truncated division and shifts of int64), but addition, product, comparison, minimum,
maximum, remainder, lookup and conversion of int64. Times are therefore limited before they are narrowed to int32,
where division exists, and quotients of positions, whose operands need 59 bits, are found bit by bit. Equal to
`discretize` for every input, and held to it by `tests/testdata/discretize_golden.json`.

Clamps are counted where a log is discretized, not on a phone: these functions return bins alone, int32.
"""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edgedipn_tf import discretize
from edgedipn_tf.local_time import MS_PER_DAY, MS_PER_HOUR, LocalTime
from edgedipn_tf.schema import FIRST_REAL_ID, NOT_APPLICABLE_ID

Counts = int | NDArray[np.int64]
"""Numbers of bins: one, or an array that is broadcast against the values."""
_BITS_OF_MINUS_ZERO = np.iinfo(np.int32).min
_INT64_MAX = np.iinfo(np.int64).max


def to_ids(bins: tf.Tensor, is_applicable: tf.Tensor) -> tf.Tensor:
    """Returns the ids of bins: bin + 2 where the value applies, 1 elsewhere; int32."""
    return tf.where(is_applicable, bins + FIRST_REAL_ID, NOT_APPLICABLE_ID)


def quantize_position(values: tf.Tensor) -> tf.Tensor:
    """Returns coordinates (or window sizes) in sixteenths of a pixel, q = floor(16 * clamp(v)), int64.

    Args:
        values: float32; NaN stands for null, and gives 0, which the caller has to mask. Rounding a float64 to float32
            before it is limited or after gives the same, as the limit is a float32.
    """
    known = tf.where(tf.math.is_nan(values), 0.0, values)
    limited = tf.clip_by_value(known, -discretize.POSITION_LIMIT, discretize.POSITION_LIMIT)
    q = tf.cast(tf.floor(limited * float(discretize.POSITION_SCALE)), tf.int64)
    # TensorFlow and many phones take a denormal for zero, but floor(16 v) of a negative one is -1: its bits tell.
    bits = tf.bitcast(known, tf.int32)
    return tf.where((bits < 0) & (bits != _BITS_OF_MINUS_ZERO), tf.minimum(q, -1), q)


def position_bins(q: tf.Tensor, extent_q: tf.Tensor, num_bins: Counts) -> tf.Tensor:
    """Returns the bins of positions along a window, see `discretize.position_bins`.

    Args:
        q: quantized positions, int64.
        extent_q: quantized widths or heights; where one is not positive the bin is 0, and the caller has to mask it.
        num_bins: real bins of the feature; of several features an array that is broadcast against the positions.
    """
    extent = tf.maximum(extent_q, 1)
    bins = _quotient(_limited(q, 0, extent) * num_bins, extent, int(np.max(num_bins)))
    return tf.where(extent_q > 0, tf.minimum(bins, np.int32(num_bins) - 1), 0)


def displacement_bins(dq: tf.Tensor, extent_q: tf.Tensor, num_bins: Counts) -> tf.Tensor:
    """Returns the bins of signed displacements, see `discretize.displacement_bins`; arguments as in `position_bins`."""
    extent = tf.maximum(extent_q, 1)
    shifted = _limited(dq, -extent, extent) + extent
    bins = _quotient(shifted * num_bins, 2 * extent, int(np.max(num_bins)))
    return tf.where(extent_q > 0, tf.minimum(bins, np.int32(num_bins) - 1), 0)


def horizontal_direction_ids(dq_x: tf.Tensor) -> tf.Tensor:
    """Returns ids of horizontal directions: right 2, left 3, 1 without displacement."""
    backward = tf.where(dq_x < 0, FIRST_REAL_ID + 1, NOT_APPLICABLE_ID)
    return tf.where(dq_x > 0, FIRST_REAL_ID, backward)


def vertical_direction_ids(dq_y: tf.Tensor) -> tf.Tensor:
    """Returns ids of vertical directions: up (the end has the smaller y) 2, down 3, 1 without displacement."""
    return horizontal_direction_ids(-dq_y)


def time_gap_bins(gap_ms: tf.Tensor) -> tf.Tensor:
    """Returns the 20 bins of gaps between actions, int64 ms, see `discretize.time_gap_bins`."""
    return _two_step_bins(gap_ms, discretize.TIME_GAP_STEP_MS)


def duration_bins(duration_ms: tf.Tensor) -> tf.Tensor:
    """Returns the 20 bins of swipe durations, int64 ms, see `discretize.duration_bins`."""
    return _two_step_bins(duration_ms, discretize.DURATION_STEP_MS)


def page_stay_bins(stay_ms: tf.Tensor) -> tf.Tensor:
    """Returns the 179 bins of page stay times, int64 ms, see `discretize.page_stay_bins`."""
    last_ms = discretize.PAGE_STAY_LAST_SECONDS * discretize.MS_PER_SECOND
    seconds = _narrowed(stay_ms, last_ms) // discretize.MS_PER_SECOND
    fine = discretize.PAGE_STAY_FINE_SECONDS
    return tf.where(seconds < fine, seconds, fine + (seconds - fine) // discretize.PAGE_STAY_COARSE_STEP)


def elapsed_time_bins(elapsed_ms: tf.Tensor) -> tf.Tensor:
    """Returns the 25 bins of times from an action to the cut-off, int64 ms, see `discretize.elapsed_time_bins`."""
    edges_ms = discretize.MS_PER_SECOND * discretize.ELAPSED_EDGES_SECONDS
    return tf.reduce_sum(tf.cast(elapsed_ms[..., tf.newaxis] >= edges_ms, tf.int32), axis=-1)


def hour_bins(t_ms: tf.Tensor, local_time: LocalTime) -> tf.Tensor:
    """Returns the hours, 0 to 23, that the clocks of a time zone show at int64 times.

    The zone's changes of clocks are a constant of the graph: the hour is that of the zone and of the time zone database
    that the dataset was made with, wherever the phone is and whatever its own clock is set to.

    Args:
        t_ms: int64, milliseconds since the epoch, UTC; outside 1900 to 2199 the zone's first or last offset holds.
        local_time: the time zone.
    """
    local_ms = t_ms + _offset_ms(t_ms, local_time)
    return tf.cast(tf.math.floormod(local_ms, MS_PER_DAY), tf.int32) // MS_PER_HOUR


def history_bins(counts: tf.Tensor, num_bins: Counts) -> tf.Tensor:
    """Returns the bins of int32 counts: min(count, num_bins - 1); below 0 is 0."""
    return tf.minimum(tf.maximum(counts, 0), np.int32(num_bins) - 1)


def _limited(values: tf.Tensor, lowest: tf.Tensor | int, highest: tf.Tensor | int) -> tf.Tensor:
    return tf.minimum(tf.maximum(values, lowest), highest)


def _narrowed(values: tf.Tensor, highest: int) -> tf.Tensor:
    """Int64 values limited to [0, highest] as int32."""
    return tf.cast(_limited(values, 0, highest), tf.int32)


def _quotient(dividend: tf.Tensor, divisor: tf.Tensor, largest: int) -> tf.Tensor:
    """Returns dividend // divisor, int32, for int64 dividend >= 0 and divisor > 0 with a quotient of at most `largest`.

    From the highest bit down, a bit belongs to the quotient when the product with it still fits. No product exceeds
    2^bits * divisor: below 2^61 for the 6 bits of a displacement, whose divisor is at most 2^55.
    """
    quotient = tf.zeros_like(dividend)
    for bit in reversed(range(largest.bit_length())):
        candidate = quotient + (1 << bit)
        quotient = tf.where(candidate * divisor <= dividend, candidate, quotient)
    return tf.cast(quotient, tf.int32)


def _two_step_bins(values: tf.Tensor, step: int) -> tf.Tensor:
    known = _narrowed(values, 10 * step * discretize.LAST_TWO_STEP_BIN)
    long = tf.minimum(known // (10 * step) + 9, discretize.LAST_TWO_STEP_BIN)
    return tf.where(known < 10 * step, known // step, long)


def _offset_ms(t_ms: tf.Tensor, local_time: LocalTime) -> tf.Tensor:
    """Returns how far the zone's clocks are ahead of UTC, int64: a binary search among the changes of clocks."""
    starts_ms, offsets_ms = local_time.segments
    num_bits = (len(starts_ms) - 1).bit_length()
    rest = (1 << num_bits) - len(starts_ms)
    starts = tf.constant(np.pad(starts_ms, (0, rest), constant_values=_INT64_MAX))
    segment = tf.zeros_like(t_ms, tf.int32)
    for bit in reversed(range(num_bits)):
        candidate = segment + (1 << bit)
        segment = tf.where(tf.gather(starts, candidate) <= t_ms, candidate, segment)
    return tf.gather(tf.constant(np.pad(offsets_ms, (0, rest), mode="edge")), segment)
