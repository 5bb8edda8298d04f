"""The discretization against the golden cases, a plain-Python formula on exact numbers, and numbers by hand."""

import itertools
import json
import pathlib
import runpy
import types
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgedipn_tf import discretize, local_time, schema

TESTS = pathlib.Path(__file__).parents[1]
FORMULA = types.SimpleNamespace(**runpy.run_path(str(TESTS / "make_discretize_golden.py")))
GOLDEN_TEXT = FORMULA.PATH.read_text(encoding="utf-8")
CASES = {
    rule: list(cases)
    for rule, cases in itertools.groupby(
        sorted(json.loads(GOLDEN_TEXT)["cases"], key=lambda case: case["rule"]), key=lambda case: case["rule"]
    )
}
FIXED_FEATURES = {schema.feature_key(v.name, f): f for v in schema.edgedipn_schema().views for f in v.features}
REPEATABLE = settings(max_examples=200, deadline=None, derandomize=True)
INT64 = st.integers(-(2**63), 2**63 - 1)
QUANTIZED = st.integers(-(2**54), 2**54)


def _column(cases, name, null=0):
    """The values of one input, and which of them are there."""
    values = [case[name] for case in cases]
    return np.array([null if v is None else v for v in values]), np.array([v is not None for v in values])


def _of_ms(bins_of_ms):
    def ids(cases):
        ms, is_known = _column(cases, "ms")
        bins, is_clamped = bins_of_ms(ms)
        return discretize.to_ids(bins, is_known), is_clamped & is_known

    return ids


def _along_window(cases, quantities, bins_along):
    """Positions have one quantity, displacements two (start, end); the number of bins differs from case to case."""
    known = np.logical_and.reduce([_column(cases, name)[1] for name in (*quantities, "extent")])
    start, end = (discretize.quantize_position(_column(cases, name, np.nan)[0]) for name in quantities)
    extent = discretize.quantize_position(_column(cases, "extent", np.nan)[0])
    results = [bins_along(*row) for row in zip(start, end, extent, (case["num_bins"] for case in cases), strict=True)]
    ids = discretize.to_ids(np.array([r.bins for r in results]), known)
    return ids, np.array([r.is_clamped for r in results]) & known


def _positions(cases):
    return _along_window(cases, ("value", "value"), lambda q, _, w, n: discretize.position_bins(q, w, n))


def _lengths(cases):
    return _along_window(cases, ("start", "end"), lambda s, e, w, n: discretize.displacement_bins(e - s, w, n))


def _directions(direction_ids):
    def ids(cases):
        start, end = (discretize.quantize_position(_column(cases, name)[0]) for name in ("start", "end"))
        return direction_ids(end - start), np.zeros(len(cases), bool)

    return ids


def _hours(cases):
    zones = {name: local_time.LocalTime(name) for name in {case["timezone"] for case in cases}}
    hours = [zones[case["timezone"]].hour(case["timestamp_ms"]) for case in cases]
    return discretize.to_ids(hours), np.zeros(len(cases), bool)


def _history(cases):
    bins = [discretize.history_bins(case["count"], case["num_bins"]) for case in cases]
    return discretize.to_ids(bins), np.zeros(len(cases), bool)


def _fixed(cases):
    names = [(FIXED_FEATURES[case["feature"]].names, case["name"]) for case in cases]
    bins = [known.index(name) if name else 0 for known, name in names]
    return discretize.to_ids(bins, [name is not None for _, name in names]), np.zeros(len(cases), bool)


IDS_OF_RULE = {
    "time_gap": _of_ms(discretize.time_gap_bins),
    "duration": _of_ms(discretize.duration_bins),
    "page_stay": _of_ms(discretize.page_stay_bins),
    "elapsed_time": _of_ms(discretize.elapsed_time_bins),
    "position": _positions,
    "length": _lengths,
    "horizontal_direction": _directions(discretize.horizontal_direction_ids),
    "vertical_direction": _directions(discretize.vertical_direction_ids),
    "hour": _hours,
    "history": _history,
    "fixed": _fixed,
}


def test_golden_file_is_what_its_command_makes():
    assert FORMULA.golden_text() == GOLDEN_TEXT


def test_golden_cases_cover_every_rule():
    assert set(CASES) == {*IDS_OF_RULE, "quantize"}
    assert sum(map(len, CASES.values())) >= 300


@pytest.mark.parametrize("rule", IDS_OF_RULE)
def test_golden_cases(rule):
    cases = CASES[rule]
    with warnings.catch_warnings(action="error"), np.errstate(all="raise"):
        ids, is_clamped = IDS_OF_RULE[rule](cases)
    assert ids.dtype == np.int64
    results = [
        {**case, "id": i, "is_clamped": c} for case, i, c in zip(cases, ids.tolist(), is_clamped.tolist(), strict=True)
    ]
    assert results == cases


def test_golden_quantization():
    cases = CASES["quantize"]
    q = discretize.quantize_position([case["value"] for case in cases])
    assert [{**case, "q": n} for case, n in zip(cases, q.tolist(), strict=True)] == cases


NUM_BINS = {
    "time_gap": 20,
    "duration": 20,
    "page_stay": 179,
    "elapsed_time": 25,
    "position": 25,
    "length": 50,
    "history": 100,
    "hour": 24,
}


@pytest.mark.parametrize("rule", NUM_BINS)
def test_golden_cases_reach_every_bin(rule):
    assert {case["id"] for case in CASES[rule]} - {1} == set(range(2, NUM_BINS[rule] + 2))


@given(st.lists(st.floats(allow_nan=False), min_size=1))
@REPEATABLE
@example([2.0**50, -(2.0**50), 2.0**-150, 1e-320, float("inf"), float("-inf")])
def test_quantization_equals_the_exact_formula(values):
    finite = [min(max(v, -1e308), 1e308) for v in values]  # infinity is the same as any number above the limit
    assert discretize.quantize_position(values).tolist() == [FORMULA.quantize(v) for v in finite]


@given(st.integers(-(2**30), 2**30), st.integers(-30, 30))
@REPEATABLE
def test_quantization_around_steps_and_ties_equals_the_exact_formula(numerator, exponent):
    value = numerator * 2.0**exponent
    values = [np.nextafter(value, -np.inf), value, np.nextafter(value, np.inf)]
    assert discretize.quantize_position(values).tolist() == [FORMULA.quantize(float(v)) for v in values]


@given(st.lists(INT64 | st.integers(-20_000, 20_000) | st.integers(0, 2**35), min_size=1))
@REPEATABLE
def test_times_equal_the_tables_of_edges(values):
    for bins_of_ms, edges in (
        (discretize.time_gap_bins, FORMULA.TIME_GAP_EDGES_MS),
        (discretize.duration_bins, FORMULA.DURATION_EDGES_MS),
        (discretize.page_stay_bins, FORMULA.PAGE_STAY_EDGES_MS),
        (discretize.elapsed_time_bins, FORMULA.ELAPSED_TIME_EDGES_MS),
    ):
        bins, is_clamped = bins_of_ms(values)
        assert list(zip(bins.tolist(), is_clamped.tolist(), strict=True)) == [
            FORMULA.edge_bin(edges, v) for v in values
        ]


@given(
    QUANTIZED | st.integers(-40_000, 40_000), st.integers(1, 2**54) | st.integers(1, 40_000), st.sampled_from([17, 25])
)
@REPEATABLE
def test_positions_equal_the_exact_formula(q, extent, num_bins):
    bins, is_clamped = discretize.position_bins(q, extent, num_bins)
    assert (bins, is_clamped) == FORMULA.position_bin(q, extent, num_bins)


@given(QUANTIZED, QUANTIZED, st.integers(1, 2**54) | st.integers(1, 40_000), st.sampled_from([34, 50]))
@REPEATABLE
@example(-(2**54), 2**54, 2**54, 50)
def test_displacements_equal_the_exact_formula(start, end, extent, num_bins):
    for dq in (end - start, (end - start) % (3 * extent) - extent):  # of any length; of lengths around the window
        bins, is_clamped = discretize.displacement_bins(dq, extent, num_bins)
        assert (bins, is_clamped) == FORMULA.displacement_bin(dq, extent, num_bins)


def test_largest_intermediate_values_fit_int64():
    # The bounds of the module's docstring, in unlimited integers.
    largest_q = FORMULA.quantize(1e308)
    assert largest_q == 2**54
    assert 25 * largest_q < 2**59
    assert 50 * (largest_q + largest_q) < 2**61


def test_null_coordinates_and_windows_give_zero_and_no_warning():
    with warnings.catch_warnings(action="error"), np.errstate(all="raise"):
        q = discretize.quantize_position([np.nan, 1.0])
        assert q.tolist() == [0, 16]
        for extent in (0, -16):
            for bins, is_clamped in (
                discretize.position_bins(q, extent, 17),
                discretize.displacement_bins(q, extent, 34),
            ):
                assert bins.tolist() == [0, 0] and not is_clamped.any()


def test_window_needs_two_positive_sizes():
    width = discretize.quantize_position([1080, 0.0624, 0, -1, 1080, 1080, np.nan])
    height = discretize.quantize_position([1920, 1920, 1920, 1920, 0.0624, -0.001, 1920])
    assert discretize.is_window(width, height).tolist() == [True, *[False] * 6]


def test_zero_displacement_is_the_middle_bin():
    # (0 + W) * 34 // (2W) = 17 and (0 + W) * 50 // (2W) = 25.
    assert discretize.displacement_bins([0], [17280], 34).bins.tolist() == [17]
    assert discretize.displacement_bins([0], [17280], 50).bins.tolist() == [25]


def test_shapes_are_kept_and_empty_arrays_work():
    for bins in (
        discretize.time_gap_bins(np.zeros((2, 3), np.int64)),
        discretize.position_bins(np.zeros((2, 3)), 16, 17),
    ):
        assert bins.bins.shape == bins.is_clamped.shape == (2, 3)
    assert discretize.elapsed_time_bins([]).bins.shape == (0,)
    assert discretize.quantize_position([]).dtype == np.int64
