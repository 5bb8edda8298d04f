"""Benchmark peer, first half: the tables of the views as a polars program encodes them, to the same ids as the job."""

import pathlib

import polars as pl

from edgedipn_tf.local_time import MS_PER_HOUR
from edgedipn_tf.schema import BROWSE_VIEW, FIRST_REAL_ID, NOT_APPLICABLE_ID, SWIPE_VIEW, TAP_VIEW, Kind, View

VIEWS = (SWIPE_VIEW, TAP_VIEW, BROWSE_VIEW)
USER_TIME = ["user", "timestamp_ms"]
_MIN_COUNT = 5
_MIN_TIME_MS, _MAX_TIME_MS = 946_684_800_000, 4_102_444_800_000  # the years 2000 to 2099
_POSITIONS = ("x", "y", "start_x", "start_y", "end_x", "end_y")
_WINDOW = {"x": "window_width", "y": "window_height"}


def user_type(logs: pathlib.Path) -> pl.Enum:
    """Returns the users of a log as a type: they sort and compare as integers."""
    columns = [pl.scan_parquet(logs / view.name / "*.parquet").select("user_id") for view in VIEWS]
    names = pl.concat(columns).unique().collect()["user_id"]
    return pl.Enum(names.filter(names.is_not_null() & (names != "")).sort())


def encoded(logs: pathlib.Path, view: View, users: pl.Enum, split_ms: int) -> pl.DataFrame:
    """Returns the good records of a view, ordered, the first of equal ones, with a column of ids for each feature.

    Args:
        logs: folder with the tables.
        view: which of them.
        users: from `user_type`.
        split_ms: names are counted before this time.
    """
    records = _good_records(logs, view, users)
    actions = view.features[0]
    ids = {actions.name: pl.col(actions.name).to_physical().cast(pl.Int64) + FIRST_REAL_ID, **_ENCODINGS[view.name]()}
    for feature in view.features:
        if feature.kind is Kind.VOCABULARY:
            names = records.filter(pl.col("timestamp_ms") < split_ms).group_by(feature.name).len()
            frequent = names.filter(pl.col(feature.name).is_not_null() & (pl.col("len") >= _MIN_COUNT))
            kept = frequent.sort(["len", feature.name], descending=[True, False])[feature.name].head(feature.bins)
            known = {name: number for number, name in enumerate(kept, FIRST_REAL_ID)}
            ids[feature.name] = pl.col(feature.name).replace_strict(known, default=NOT_APPLICABLE_ID)
    other = ["purchase", "cart", "stay_ms"] if view.name == "browse" else []
    columns = [pl.col(name).cast(pl.UInt8 if view.feature(name).table_size <= 256 else pl.UInt16) for name in ids]
    is_action = [(pl.col("action") == name).alias(name) for name in other[:2]]
    quantized = [_quantized(name).alias(name) for name in records.columns if name in (*_POSITIONS, *_WINDOW.values())]
    # In two steps, for what several ids share is computed once; streaming, for it computes in the processor's cache.
    rows = records.lazy().with_columns(*is_action, *quantized).with_columns(**ids).select(*USER_TIME, *columns, *other)
    return rows.collect(engine="streaming")


def _good_records(logs: pathlib.Path, view: View, users: pl.Enum) -> pl.DataFrame:
    frame = pl.scan_parquet(sorted(logs.glob(f"{view.name}/*.parquet")))
    types = frame.collect_schema()
    numbers = [name for name, type_ in types.items() if type_ == pl.Float64]
    windows = [name for name in _WINDOW.values() if name in types]
    action = view.features[0]
    is_good = [
        pl.col("user_id").is_not_null() & (pl.col("user_id") != ""),
        pl.col("timestamp_ms").is_between(_MIN_TIME_MS, _MAX_TIME_MS, closed="left"),
        pl.col(action.name).is_in(action.names),
        *(pl.col(name).is_null() | pl.col(name).is_finite() for name in numbers),
        *(pl.col(name).is_null() | (_quantized(name) > 0) for name in windows),
    ]
    texts = [name for name, type_ in types.items() if type_ == pl.String and name not in ("user_id", action.name)]
    good = (
        frame.filter(pl.all_horizontal(is_good))
        .with_columns(
            pl.col("user_id").cast(users).alias("user"),
            pl.col(action.name).cast(pl.Enum(action.names)),
            *(pl.when(pl.col(name) != "").then(pl.col(name)) for name in texts),
        )
        .drop("user_id")
        .sort(USER_TIME, maintain_order=True)
        .collect(engine="streaming")
    )
    return _without_duplicates(good)


def _without_duplicates(ordered: pl.DataFrame) -> pl.DataFrame:
    """Keeps the first of equal records. Only neighbours of equal user and time can be equal: the rest is not hashed."""
    as_previous = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in USER_TIME)
    marks = ordered.select((as_previous | as_previous.shift(-1)).fill_null(False).alias("shared")).to_series()
    if not marks.any():
        return ordered
    shared = ordered.with_row_index().filter(marks)
    kept = shared.unique(ordered.columns, keep="first")["index"]
    dropped = shared.filter(~pl.col("index").is_in(kept.implode()))["index"]
    is_dropped = pl.Series([False]).new_from_index(0, len(ordered)).scatter(dropped, True)
    return ordered.filter(~is_dropped)


def _quantized(name: str) -> pl.Expr:
    rounded = pl.col(name).clip(-(2.0**50), 2.0**50).cast(pl.Float32).cast(pl.Float64)
    return (rounded * 16).floor().cast(pl.Int64)


def _ids(bins: pl.Expr, applies: pl.Expr | bool = True) -> pl.Expr:
    return pl.when(applies & bins.is_not_null()).then(bins + FIRST_REAL_ID).otherwise(NOT_APPLICABLE_ID)


def _two_step_bins(values: pl.Expr, step: int) -> pl.Expr:
    known = values.clip(lower_bound=0)
    return pl.when(known < 10 * step).then(known // step).otherwise((known // (10 * step) + 9).clip(upper_bound=19))


def _swipe_encodings() -> dict[str, pl.Expr]:
    is_swipe, is_tap = pl.col("action") == "swipe", pl.col("action") == "tap"
    # In the order of users and times, which `over` would have to find again.
    is_same_user = pl.col("user").to_physical() == pl.col("user").to_physical().shift()
    gap = pl.when(is_same_user).then(pl.col("timestamp_ms") - pl.col("timestamp_ms").shift())
    ids = {
        "time_gap": _ids(_two_step_bins(gap, 100)),
        "duration": _ids(_two_step_bins(pl.col("duration_ms"), 25), is_swipe),
    }
    for axis, window in _WINDOW.items():
        extent = pl.col(window)
        for feature, column, applies in (
            (f"tap_{axis}", axis, is_tap),
            (f"start_{axis}", f"start_{axis}", is_swipe),
            (f"end_{axis}", f"end_{axis}", is_swipe),
        ):
            bins = SWIPE_VIEW.feature(feature).bins
            inside = pl.min_horizontal(pl.col(column).clip(lower_bound=0), extent)
            ids[feature] = _ids((inside * bins // extent).clip(upper_bound=bins - 1), applies & extent.is_not_null())
        length = f"length_{axis}"
        bins = SWIPE_VIEW.feature(length).bins
        moved = pl.col(f"end_{axis}") - pl.col(f"start_{axis}")
        inside = pl.max_horizontal(-extent, pl.min_horizontal(moved, extent)) + extent
        ids[length] = _ids((inside * bins // (2 * extent)).clip(upper_bound=bins - 1), is_swipe & extent.is_not_null())
    for feature, axis, first_sign in (("horizontal_direction", "x", 1), ("vertical_direction", "y", -1)):
        sign = (pl.col(f"end_{axis}") - pl.col(f"start_{axis}")).sign() * first_sign
        ids[feature] = _ids(pl.when(sign == 1).then(0).when(sign == -1).then(1), is_swipe)
    return ids


def _browse_encodings() -> dict[str, pl.Expr]:
    stay = pl.col("stay_ms")
    seconds = (stay // 1000).clip(0, 650)
    return {
        "page_stay": _ids(pl.when(seconds < 60).then(seconds).otherwise(60 + (seconds - 60) // 5)),
        "hour": _ids(pl.col("timestamp_ms") // MS_PER_HOUR % 24),
    }


_ENCODINGS = {"swipe": _swipe_encodings, "tap": dict, "browse": _browse_encodings}
