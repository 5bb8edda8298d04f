"""Inputs of a model made in the graph from what an app's log holds: the signature `predict_raw`.

An app hands over the newest actions of each view as it logged them, and the moment it asks at; the graph discretizes as
the Beam job does, bit for bit, so that training and serving share one contract. Names are looked up in vocabulary.json
by the app, since TFLite has no text: they come as ids, 2 + place in the list and 1 where there is none, and so do the
fixed lists of schema.json. Coordinates are float32, as the job rounds them.

Actions are in the order of the log, the newest last; where there are fewer than T, padding comes first: steps whose
kind of action is 0, whatever else they hold. `B` batch (1 in a file), `T` steps, `K` candidate places.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edgedipn_tf import discretize_graph
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.models.inputs import input_signature
from edgedipn_tf.schema import NOT_APPLICABLE_ID, PAD_ID, Feature, Kind, Schema, View

Tensors = Mapping[str, tf.Tensor]

MISSING_MS = int(np.iinfo(np.int64).min)
"""Stands for a duration, a stay or a previous time that is not known; of a coordinate or a window size NaN does."""
MS_UNIT, TIME_UNIT, PIXEL_UNIT, ID_UNIT, COUNT_UNIT = ("ms", "ms since 1970-01-01 UTC", "pixel", "id", "count")
NOW, PREVIOUS, HISTORY_COUNTS = "now_ms", "previous_timestamp_ms", "history_counts"

_POSITIONS = {
    "tap_x": ("x", "window_width"),
    "tap_y": ("y", "window_height"),
    **{f"{end}_x": (f"{end}_x", "window_width") for end in ("start", "end")},
    **{f"{end}_y": (f"{end}_y", "window_height") for end in ("start", "end")},
}
_LENGTHS = {f"length_{axis}": (f"start_{axis}", f"end_{axis}") for axis in ("x", "y")}
_LENGTH_WINDOWS = {"length_x": "window_width", "length_y": "window_height"}
_DIRECTIONS = {"horizontal_direction": ("start_x", "end_x"), "vertical_direction": ("start_y", "end_y")}
_TIMES = {"time_gap": (), "duration": ("duration_ms",), "page_stay": ("stay_ms",), "hour": (), "elapsed_time": ()}
"""Of a feature, the columns that it is computed from besides the time."""


@dataclasses.dataclass(frozen=True)
class RawField:
    """One tensor that `predict_raw` takes.

    Attributes:
        name: name of the tensor.
        dtype: int64 for times, float32 for pixels, int32 for ids and counts.
        shape: without the batch.
        unit: what its numbers are.
    """

    name: str
    dtype: tf.DType
    shape: tuple[int, ...]
    unit: str


def why_no_raw(schema: Schema) -> str | None:
    """Returns why a schema's features cannot be made in the graph; None when they can."""
    for view in schema.views:
        for feature in view.features:
            if feature.kind is Kind.NUMERIC and feature.name not in {*_POSITIONS, *_LENGTHS, *_TIMES}:
                return f"no formula in the graph for {view.name} feature {feature.name}"
    return None


def raw_fields(schema: Schema, max_length: int) -> tuple[RawField, ...]:
    """Returns what `predict_raw` takes, views first.

    Args:
        schema: what the model's inputs hold.
        max_length: T.
    """
    fields = [field for view in schema.views for field in _fields_of(view, max_length)]
    fields.append(RawField(NOW, tf.int64, (), TIME_UNIT))
    fields.append(RawField(HISTORY_COUNTS, tf.int32, (len(schema.history),), COUNT_UNIT))
    taken = input_signature(schema, max_length)
    fields += [RawField(name, tf.int32, tuple(taken[name].shape[1:]), ID_UNIT) for name in ("profile", "candidates")]
    return tuple(fields)


def _fields_of(view: View, max_length: int) -> list[RawField]:
    def field(column: str, dtype: tf.DType, unit: str) -> RawField:
        return RawField(f"{view.name}_{column}", dtype, (max_length,), unit)

    fields = [field(name, tf.int32, ID_UNIT) for name in _given(view)]
    fields.append(field("timestamp_ms", tf.int64, TIME_UNIT))
    names = [feature.name for feature in view.features]
    fields += [field(column, tf.int64, MS_UNIT) for name in names for column in _TIMES.get(name, ())]
    fields += [field(column, tf.float32, PIXEL_UNIT) for column in _coordinates(view)]
    if "time_gap" in names:
        fields.append(RawField(f"{view.name}_{PREVIOUS}", tf.int64, (), TIME_UNIT))
    return fields


def _given(view: View) -> list[str]:
    """Features whose ids an app hands over."""
    return [f.name for f in view.features if f.kind is not Kind.NUMERIC and f.name not in _DIRECTIONS]


def _coordinates(view: View) -> list[str]:
    """Columns of pixels, each once, in the order of the features that need them."""
    needed: list[str] = []
    for feature in view.features:
        needed += _POSITIONS.get(feature.name, ())
        needed += _LENGTHS.get(feature.name, ()) + _DIRECTIONS.get(feature.name, ())
        needed += [_LENGTH_WINDOWS[feature.name]] if feature.name in _LENGTHS else []
    return list(dict.fromkeys(needed))


def model_inputs(schema: Schema, raw: Tensors, local_time: LocalTime) -> dict[str, tf.Tensor]:
    """Returns the inputs of the model by name, int32, see `models.inputs.input_signature`.

    Args:
        schema: what the inputs hold, one that `why_no_raw` has nothing against.
        raw: by name, those of `raw_fields` with a batch axis in front.
        local_time: the schema's time zone.
    """
    inputs = {view.name: _view_ids(_Actions.of(view, raw), local_time) for view in schema.views}
    num_bins = np.array([feature.bins for feature in schema.history])
    counts = discretize_graph.history_bins(raw[HISTORY_COUNTS], num_bins)
    inputs["history"] = discretize_graph.to_ids(counts, tf.ones_like(counts, tf.bool))
    return {**inputs, "profile": raw["profile"], "candidates": raw["candidates"]}


@dataclasses.dataclass(frozen=True)
class _Actions:
    """The raw columns of one view, (B, T) each, by name; `previous_ms` and `now_ms` (B, 1)."""

    view: View
    columns: Tensors
    is_real: tf.Tensor
    previous_ms: tf.Tensor | None
    now_ms: tf.Tensor

    @classmethod
    def of(cls, view: View, raw: Tensors) -> "_Actions":
        prefix = f"{view.name}_"
        columns = {name.removeprefix(prefix): values for name, values in raw.items() if name.startswith(prefix)}
        previous = columns.pop(PREVIOUS, None)
        previous_ms = None if previous is None else previous[:, tf.newaxis]
        return cls(view, columns, columns[view.action.name] != PAD_ID, previous_ms, raw[NOW][:, tf.newaxis])


def _view_ids(actions: _Actions, local_time: LocalTime) -> tf.Tensor:
    """Returns the ids of a view, (B, T, F)."""
    view = actions.view
    ids = {name: actions.columns[name] for name in _given(view)}
    ids |= {name: make(actions) for name, make in _IDS_OF_TIMES.items() if name in [f.name for f in view.features]}
    if "hour" in [f.name for f in view.features]:
        hours = discretize_graph.hour_bins(actions.columns["timestamp_ms"], local_time)
        ids["hour"] = discretize_graph.to_ids(hours, actions.is_real)
    if coordinates := _coordinates(view):
        ids |= _position_ids(view, _Quantized.of(actions, coordinates))
    return _masked(actions, [ids[feature.name] for feature in view.features])


def _masked(actions: _Actions, ids: Sequence[tf.Tensor]) -> tf.Tensor:
    """Puts the ids of all features side by side: padding where no action is, 1 where a feature belongs to another kind.

    Features come first and the axes are turned at the end, so that every operation is on whole rows of memory.
    """
    view = actions.view
    kind = actions.columns[view.action.name]
    kinds = {name: kind == view.action_id(name) for name in {f.only_for for f in view.features} if name}
    applies = tf.stack([kinds.get(feature.only_for, actions.is_real) for feature in view.features])
    is_real = tf.stack([actions.is_real] * len(view.features))
    known = tf.where(applies, tf.stack(ids), NOT_APPLICABLE_ID)
    return tf.transpose(tf.where(is_real, known, PAD_ID), (1, 2, 0))


def _time_gap_ids(actions: _Actions) -> tf.Tensor:
    times_ms, is_real = actions.columns["timestamp_ms"], actions.is_real
    before_ms = tf.concat([actions.previous_ms, times_ms[:, :-1]], axis=1)
    has_before = tf.concat([tf.zeros_like(is_real[:, :1]), is_real[:, :-1]], axis=1)
    before_ms = tf.where(has_before, before_ms, actions.previous_ms)
    return discretize_graph.to_ids(discretize_graph.time_gap_bins(times_ms - before_ms), before_ms != MISSING_MS)


def _duration_ids(actions: _Actions) -> tf.Tensor:
    duration_ms = actions.columns["duration_ms"]
    return discretize_graph.to_ids(discretize_graph.duration_bins(duration_ms), duration_ms != MISSING_MS)


def _page_stay_ids(actions: _Actions) -> tf.Tensor:
    """A stay that ends after now is not known yet."""
    stay_ms = actions.columns["stay_ms"]
    is_known = (stay_ms != MISSING_MS) & (stay_ms <= _elapsed_ms(actions))
    return discretize_graph.to_ids(discretize_graph.page_stay_bins(stay_ms), is_known)


def _elapsed_time_ids(actions: _Actions) -> tf.Tensor:
    return discretize_graph.to_ids(discretize_graph.elapsed_time_bins(_elapsed_ms(actions)), actions.is_real)


def _elapsed_ms(actions: _Actions) -> tf.Tensor:
    return actions.now_ms - actions.columns["timestamp_ms"]


_IDS_OF_TIMES = {
    "time_gap": _time_gap_ids,
    "duration": _duration_ids,
    "page_stay": _page_stay_ids,
    "elapsed_time": _elapsed_time_ids,
}


@dataclasses.dataclass(frozen=True)
class _Quantized:
    """Coordinates of all columns one after another, so that one operation serves them all: (columns, B, T)."""

    names: Sequence[str]
    q: tf.Tensor
    is_known: tf.Tensor

    @classmethod
    def of(cls, actions: _Actions, names: Sequence[str]) -> "_Quantized":
        values = tf.stack([actions.columns[name] for name in names])
        return cls(names, discretize_graph.quantize_position(values), ~tf.math.is_nan(values))

    def take(self, names: Sequence[str]) -> "_Quantized":
        """Returns some columns."""
        places = [self.names.index(name) for name in names]
        return _Quantized(names, tf.gather(self.q, places), tf.gather(self.is_known, places))


def _position_ids(view: View, coordinates: _Quantized) -> dict[str, tf.Tensor]:
    """Returns the ids of the features of a view that are made of coordinates."""
    ids: dict[str, tf.Tensor] = {}
    positions, lengths, directions = (
        [f for f in view.features if f.name in table] for table in (_POSITIONS, _LENGTHS, _DIRECTIONS)
    )
    if positions:
        values = coordinates.take([_POSITIONS[f.name][0] for f in positions])
        extents = coordinates.take([_POSITIONS[f.name][1] for f in positions])
        bins = discretize_graph.position_bins(values.q, extents.q, _bins_of(positions))
        of_all = discretize_graph.to_ids(bins, values.is_known & extents.is_known & (extents.q > 0))
        ids |= dict(zip([f.name for f in positions], tf.unstack(of_all), strict=True))
    if lengths:
        starts, ends = (coordinates.take([_LENGTHS[f.name][end] for f in lengths]) for end in (0, 1))
        extents = coordinates.take([_LENGTH_WINDOWS[f.name] for f in lengths])
        bins = discretize_graph.displacement_bins(ends.q - starts.q, extents.q, _bins_of(lengths))
        is_known = starts.is_known & ends.is_known & extents.is_known & (extents.q > 0)
        of_all = discretize_graph.to_ids(bins, is_known)
        ids |= dict(zip([f.name for f in lengths], tf.unstack(of_all), strict=True))
    for feature in directions:
        start, end = (coordinates.take([column]) for column in _DIRECTIONS[feature.name])
        direction_ids = _DIRECTION_FORMULAS[feature.name](end.q - start.q)
        known = tf.where(start.is_known & end.is_known, direction_ids, NOT_APPLICABLE_ID)
        ids[feature.name] = known[0]
    return ids


def _bins_of(features: Sequence[Feature]) -> NDArray[np.int64]:
    return np.array([feature.bins for feature in features])[:, np.newaxis, np.newaxis]


_DIRECTION_FORMULAS = {
    "horizontal_direction": discretize_graph.horizontal_direction_ids,
    "vertical_direction": discretize_graph.vertical_direction_ids,
}
