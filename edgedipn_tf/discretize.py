"""From measurements to bins: the formulas that the Beam job, the model's graph and the phone agree on bit for bit.

Everything after `quantize_position` is integer arithmetic; no logarithm and no division is ever done in floating
point. A bin counts from 0; `to_ids` turns bins into the ids of the embedding tables. The cases of
`tests/testdata/discretize_golden.json` are the contract of every other implementation.

Source: DIPN (KDD 2019) Table 3 and section 3 for the features and their dictionary dimensions, EdgeDIPN (VLDB 2021)
section 3.1 for the elapsed time. The papers give sizes, not edges: the edges here are the project's own.

Room of int64, all coordinates being limited to 2^50 before they are scaled by 16: |q| <= 2^54. A position is held in
[0, extent] before it is multiplied by at most 25 bins, so the product is below 2^59; a displacement is held in
[-extent, extent] before the extent is added and the sum multiplied by at most 50 bins, so it is below 2^61. Nothing
can overflow.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgedipn_tf.schema import FIRST_REAL_ID, NOT_APPLICABLE_ID

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

POSITION_LIMIT = 2.0**50
"""Coordinates are held in [-POSITION_LIMIT, POSITION_LIMIT]."""
POSITION_SCALE = 16
"""Steps of a quantized coordinate in one pixel."""
TIME_GAP_STEP_MS = 100
DURATION_STEP_MS = 25
MS_PER_SECOND = 1000
LAST_TWO_STEP_BIN = 19
PAGE_STAY_FINE_SECONDS = 60
"""Stays below this have a bin for each second, longer ones one for every PAGE_STAY_COARSE_STEP seconds."""
PAGE_STAY_COARSE_STEP = 5
PAGE_STAY_LAST_SECONDS = 650
ELAPSED_EDGES_SECONDS = 2 ** np.arange(24, dtype=np.int64)
"""Lower edges of the elapsed time's bins 1 to 24: 1, 2, 4, ..., 2^23 seconds (97 days)."""


class Bins(NamedTuple):
    """Bins of one feature, and which of them stand for a value outside the feature's range.

    Attributes:
        bins: int64, from 0.
        is_clamped: bool, of the same shape.
    """

    bins: IntArray
    is_clamped: BoolArray


def to_ids(bins: ArrayLike, is_applicable: ArrayLike = True) -> IntArray:
    """Returns the ids of bins: bin + 2 where the value applies, 1 elsewhere."""
    return np.where(is_applicable, _int64(bins) + FIRST_REAL_ID, NOT_APPLICABLE_ID)


def quantize_position(values: ArrayLike) -> IntArray:
    """Returns coordinates (or window sizes) in sixteenths of a pixel: q = floor(16 * float32(clamp(v))).

    Args:
        values: float64; NaN stands for null.

    Returns:
        q as int64, |q| <= 2^54; 0 for null, which the caller has to mask.
    """
    numbers = np.asarray(values, dtype=np.float64)
    known = np.where(np.isnan(numbers), 0.0, numbers)
    with np.errstate(under="ignore"):
        rounded = np.clip(known, -POSITION_LIMIT, POSITION_LIMIT).astype(np.float32)
    # In float64, where a factor of 16 is exact for every float32.
    return _int64(np.floor(rounded.astype(np.float64) * POSITION_SCALE))


def is_window(width_q: ArrayLike, height_q: ArrayLike) -> BoolArray:
    """Returns whether quantized window sizes make a window: both are positive."""
    return np.asarray((_int64(width_q) > 0) & (_int64(height_q) > 0))


def position_bins(q: ArrayLike, extent_q: ArrayLike, num_bins: int) -> Bins:
    """Returns the bins of positions along a window: min(num_bins * q // extent, num_bins - 1).

    A position at the extent itself is inside the window; one outside [0, extent] is clamped.

    Args:
        q: quantized positions.
        extent_q: quantized widths or heights. Where one is not positive there is no window: the bin is 0, not clamped,
            and the caller has to mask it.
        num_bins: real bins of the feature, at most 25.
    """
    position, extent, is_valid = _along_window(q, extent_q)
    bins = np.minimum(num_bins * np.clip(position, 0, extent) // extent, num_bins - 1)
    return _masked(bins, (position < 0) | (position > extent), is_valid)


def displacement_bins(dq: ArrayLike, extent_q: ArrayLike, num_bins: int) -> Bins:
    """Returns the bins of signed displacements: clamp((dq + extent) * num_bins // (2 * extent), 0, num_bins - 1).

    Zero is the lower edge of the middle bin num_bins // 2. A displacement of a whole extent either way is inside;
    a longer one is clamped.

    Args:
        dq: differences of quantized positions, end minus start.
        extent_q: quantized widths or heights; as in `position_bins` where they are not positive.
        num_bins: real bins of the feature, at most 50.
    """
    displacement, extent, is_valid = _along_window(dq, extent_q)
    shifted = np.clip(displacement, -extent, extent) + extent
    bins = np.minimum(shifted * num_bins // (2 * extent), num_bins - 1)
    return _masked(bins, np.abs(displacement) > extent, is_valid)


def horizontal_direction_ids(dq_x: ArrayLike) -> IntArray:
    """Returns ids of horizontal directions: right 2, left 3, 1 without displacement. Needs no window."""
    return _sign_ids(_int64(dq_x))


def vertical_direction_ids(dq_y: ArrayLike) -> IntArray:
    """Returns ids of vertical directions: up (the end has the smaller y) 2, down 3, 1 without displacement."""
    return _sign_ids(-_int64(dq_y))


def time_gap_bins(gap_ms: ArrayLike) -> Bins:
    """Returns the 20 bins of gaps between actions: 100 ms steps below 1 s, 1 s steps below 10 s, one above."""
    return _two_step_bins(_int64(gap_ms), TIME_GAP_STEP_MS)


def duration_bins(duration_ms: ArrayLike) -> Bins:
    """Returns the 20 bins of swipe durations: 25 ms steps below 250 ms, 250 ms steps below 2.5 s, one above."""
    return _two_step_bins(_int64(duration_ms), DURATION_STEP_MS)


def page_stay_bins(stay_ms: ArrayLike) -> Bins:
    """Returns the 179 bins of page stay times: 60 of 1 s, 118 of 5 s to 650 s, one above. Negative: 0, clamped."""
    stay = _int64(stay_ms)
    seconds = np.clip(stay // MS_PER_SECOND, 0, PAGE_STAY_LAST_SECONDS)
    coarse = PAGE_STAY_FINE_SECONDS + (seconds - PAGE_STAY_FINE_SECONDS) // PAGE_STAY_COARSE_STEP
    return Bins(np.where(seconds < PAGE_STAY_FINE_SECONDS, seconds, coarse), stay < 0)


def elapsed_time_bins(elapsed_ms: ArrayLike) -> Bins:
    """Returns the 25 bins of times from an action to the cut-off: the bit length of whole seconds, at most 24.

    Negative: 0, clamped.
    """
    elapsed = _int64(elapsed_ms)
    bins = np.searchsorted(ELAPSED_EDGES_SECONDS, elapsed // MS_PER_SECOND, side="right")
    return Bins(_int64(bins), elapsed < 0)


def history_bins(counts: ArrayLike, num_bins: int) -> IntArray:
    """Returns the bins of counts (which are never negative): min(count, num_bins - 1). Zero is a real value."""
    return np.clip(_int64(counts), 0, num_bins - 1)


def _int64(values: ArrayLike | NDArray[Any]) -> IntArray:
    return np.asarray(values, dtype=np.int64)


def _two_step_bins(values: IntArray, step: int) -> Bins:
    """Ten bins of a step, nine of ten steps, one above. Negative: 0, clamped."""
    known = np.maximum(values, 0)
    long = np.minimum(known // (10 * step) + 9, LAST_TWO_STEP_BIN)
    return Bins(np.where(known < 10 * step, known // step, long), values < 0)


def _along_window(values: ArrayLike, extent_q: ArrayLike) -> tuple[IntArray, IntArray, BoolArray]:
    """Values, extents made positive, and where they were. One extent stays one: NumPy divides by it much faster."""
    extent = _int64(extent_q)
    return _int64(values), np.maximum(extent, 1), np.asarray(extent > 0)


def _masked(bins: IntArray, is_clamped: BoolArray, is_valid: BoolArray) -> Bins:
    return Bins(np.where(is_valid, bins, 0), np.asarray(is_clamped & is_valid))


def _sign_ids(difference: IntArray) -> IntArray:
    backward = np.where(difference < 0, FIRST_REAL_ID + 1, NOT_APPLICABLE_ID)
    return np.where(difference > 0, FIRST_REAL_ID, backward)
