"""The formulas in the graph against the golden cases of the contract, in TensorFlow and in LiteRT, and at extremes."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import interpreter as litert
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedipn_tf import discretize, discretize_graph
from edgedipn_tf.local_time import FIRST_MS, LAST_MS, LocalTime
from tests.edgedipn_tf.test_discretize import CASES

Arrays = Mapping[str, np.ndarray]
Function = Callable[..., dict[str, tf.Tensor]]
REPEATABLE = settings(max_examples=25, deadline=None, derandomize=True)
INT64 = st.integers(-(2**63), 2**63 - 1)


def column(cases: list[dict], name: str, dtype: type) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore"):
        return np.array([np.nan if case[name] is None else case[name] for case in cases], dtype)


def in_litert(function: Function, inputs: Arrays) -> dict[str, np.ndarray]:
    """Converts a function of tensors by name and runs it."""
    specs = {name: tf.TensorSpec(values.shape, values.dtype, name=name) for name, values in inputs.items()}
    concrete = tf.function(lambda **tensors: function(**tensors), autograph=False).get_concrete_function(**specs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
    model = litert.Interpreter(model_content=converter.convert(), num_threads=1)
    return model.get_signature_runner()(**inputs)


def in_tensorflow(function: Function, inputs: Arrays) -> dict[str, np.ndarray]:
    return {name: ids.numpy() for name, ids in function(**{n: tf.constant(v) for n, v in inputs.items()}).items()}


def golden_inputs() -> dict[str, np.ndarray]:
    """The cases whose inputs are all there, one array an input: `rule_input`."""
    inputs = {}
    for rule in ("time_gap", "duration", "page_stay", "elapsed_time"):
        inputs[f"{rule}_ms"] = column(known(rule), "ms", np.int64)
    for rule, names in (("position", ("value", "extent")), ("length", ("start", "end", "extent"))):
        inputs |= {f"{rule}_{name}": column(known(rule), name, np.float32) for name in names}
    for rule in ("horizontal_direction", "vertical_direction"):
        inputs |= {f"{rule}_{end}": column(known(rule), end, np.float32) for end in ("start", "end")}
    inputs["quantize_value"] = column(CASES["quantize"], "value", np.float32)
    inputs["history_count"] = np.minimum(column(CASES["history"], "count", np.int64), 2**31 - 1).astype(np.int32)
    return inputs | {hour_key(zone): column(of_zone(zone), "timestamp_ms", np.int64) for zone in zones()}


def known(rule: str) -> list[dict]:
    return [case for case in CASES[rule] if None not in case.values()]


def zones() -> list[str]:
    return sorted({case["timezone"] for case in CASES["hour"]})


def hour_key(zone: str) -> str:
    return f"hour_{zone.replace('/', '_')}"


def of_zone(zone: str) -> list[dict]:
    return [case for case in CASES["hour"] if case["timezone"] == zone]


def golden_bins(**tensors: tf.Tensor) -> dict[str, tf.Tensor]:
    """What the graph makes of `golden_inputs`: bins, ids of directions, quantized values."""
    q = {
        name: discretize_graph.quantize_position(values) for name, values in tensors.items() if values.dtype.is_floating
    }
    num_bins = {rule: column(known(rule), "num_bins", np.int64) for rule in ("position", "length")}
    bins = {
        rule: getattr(discretize_graph, f"{rule}_bins")(tensors[f"{rule}_ms"])
        for rule in ("time_gap", "duration", "page_stay", "elapsed_time")
    }
    bins["position"] = discretize_graph.position_bins(q["position_value"], q["position_extent"], num_bins["position"])
    displacement = q["length_end"] - q["length_start"]
    bins["length"] = discretize_graph.displacement_bins(displacement, q["length_extent"], num_bins["length"])
    for rule in ("horizontal_direction", "vertical_direction"):
        bins[rule] = getattr(discretize_graph, f"{rule}_ids")(q[f"{rule}_end"] - q[f"{rule}_start"])
    bins["quantize"] = q["quantize_value"]
    of_history = column(CASES["history"], "num_bins", np.int64)
    bins["history"] = discretize_graph.history_bins(tensors["history_count"], of_history)
    return bins | {
        hour_key(zone): discretize_graph.hour_bins(tensors[hour_key(zone)], LocalTime(zone)) for zone in zones()
    }


@pytest.mark.parametrize("run", [in_tensorflow, in_litert])
def test_golden_cases(run: Callable[[Function, Arrays], dict[str, np.ndarray]]) -> None:
    found = run(golden_bins, golden_inputs())
    expected = {r: column(known(r), "id", np.int64) for r in CASES if r not in ("quantize", "fixed", "hour")}
    expected |= {hour_key(zone): column(of_zone(zone), "id", np.int64) for zone in zones()}
    for rule, ids in expected.items():
        are_ids = rule.endswith("direction")
        assert (found[rule] + (0 if are_ids else 2)).tolist() == ids.tolist(), rule
    assert found["quantize"].tolist() == [case["q"] for case in CASES["quantize"]]
    assert len(expected) == 9 + 4


@given(st.lists(INT64 | st.integers(-20_000, 20_000) | st.integers(0, 2**35), min_size=1))
@REPEATABLE
def test_times_of_any_size_are_those_of_the_job(values: list[int]) -> None:
    times = np.array(values, np.int64)
    for rule in ("time_gap", "duration", "page_stay", "elapsed_time"):
        expected = getattr(discretize, f"{rule}_bins")(times).bins
        assert getattr(discretize_graph, f"{rule}_bins")(tf.constant(times)).numpy().tolist() == expected.tolist()


COORDINATE = st.floats(width=32) | st.floats(-100, 3000, width=32) | st.sampled_from([0.0, -0.0, 2.0**50, 1e30, np.nan])


@given(st.lists(st.tuples(COORDINATE, COORDINATE, COORDINATE), min_size=1))
@REPEATABLE
def test_coordinates_of_any_size_are_those_of_the_job(rows: list[tuple[float, float, float]]) -> None:
    values = np.array(rows, np.float32).T
    q = discretize_graph.quantize_position(tf.constant(values))
    expected_q = discretize.quantize_position(values)
    assert q.numpy().tolist() == expected_q.tolist()
    for num_bins in (17, 25):
        bins = discretize_graph.position_bins(q[0], q[2], num_bins).numpy()
        assert bins.tolist() == discretize.position_bins(expected_q[0], expected_q[2], num_bins).bins.tolist()
    for num_bins in (34, 50):
        bins = discretize_graph.displacement_bins(q[1] - q[0], q[2], num_bins).numpy()
        expected = discretize.displacement_bins(expected_q[1] - expected_q[0], expected_q[2], num_bins)
        assert bins.tolist() == expected.bins.tolist()


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "Asia/Shanghai", "Pacific/Apia", "UTC"])
def test_hours_are_those_of_the_zone_from_1900_to_2199(zone: str) -> None:
    local_time = LocalTime(zone)
    starts_ms = local_time.segments[0][1:]
    times = np.concatenate([starts_ms - 1, starts_ms, [FIRST_MS, -1, 0, 1, LAST_MS]])
    times = np.concatenate([times, np.random.default_rng(1).integers(FIRST_MS, LAST_MS, 2000)])
    assert (
        discretize_graph.hour_bins(tf.constant(times), local_time).numpy().tolist() == local_time.hour(times).tolist()
    )


def test_hours_outside_these_years_keep_the_first_and_the_last_offset() -> None:
    local_time = LocalTime("Asia/Shanghai")  # 8:05:43 ahead until 1901, 8 hours since 1991
    hours = discretize_graph.hour_bins(tf.constant([FIRST_MS - 1, LAST_MS + 1], tf.int64), local_time)
    assert hours.numpy().tolist() == [8, 8]


# What the workarounds are for: once it converts, `_quotient` can go.
def test_litert_has_no_division_of_int64() -> None:
    with pytest.raises(Exception, match="FloorDiv|Could not translate"):
        in_litert(lambda x: {"y": x // 1000}, {"x": np.array([1], np.int64)})
