"""Benchmark peer: the discretization as a polars program, the measure of what the job may cost.

Read, validate, order, drop duplicates, encode, draw cut-offs, label and, if asked, cut windows: the same rules on the
same Parquet files, to the same ids. Tables are expressions; splitmix64 and the windows are NumPy. It does less than the
job: time zone UTC and the random sampler only; no rejects, candidates, category intents, history, profile or files.
"""

import fractions
import json
import pathlib
import sys
from typing import Any

import numpy as np
import polars as pl
from absl import flags

from benchmarks.polars_tables import USER_TIME, VIEWS, encoded, user_type
from edgedipn_tf import commands
from edgedipn_tf.discretize import elapsed_time_bins
from edgedipn_tf.local_time import MS_PER_DAY, MS_PER_HOUR, LocalTime
from edgedipn_tf.random_keys import key, mix
from edgedipn_tf.schema import ELAPSED_TIME, FIRST_REAL_ID, NOT_APPLICABLE_ID

DESCRIPTION = """
Discretizes a log with polars; prints the numbers of samples and of positive labels, and sums of ids, as JSON.

  python -m benchmarks.polars_job --logs=logs/reference --evaluation_date=2021-03-13
"""
_RATE = fractions.Fraction(400, 14)
_SEED = 0
_MAX_LENGTH = 256
_SAMPLES_AT_A_TIME = 1000


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_string("logs", None, "Folder with the tables of a log.", flag_values=values, required=True)
    flags.DEFINE_string("evaluation_date", None, "First evaluation day (UTC).", flag_values=values, required=True)
    flags.DEFINE_bool("windows", False, "Whether the windows of the samples are cut, too.", flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Runs the program."""
    logs = pathlib.Path(values.logs)
    split_ms = LocalTime.parse_date(values.evaluation_date) * MS_PER_DAY
    users = user_type(logs)
    tables = {view.name: encoded(logs, view, users, split_ms) for view in VIEWS}
    samples = _labelled(_cutoffs(tables, users), tables, split_ms)
    results: dict[str, Any] = {"samples": {}, "labels": {}}
    for split, is_split in (("train", pl.col("t0_ms") < split_ms), ("eval", pl.col("t0_ms") >= split_ms)):
        rows = samples.filter(is_split)
        results["samples"][split] = len(rows)
        results["labels"][split] = {
            name.removeprefix("label_"): int(rows[name].sum()) for name in rows.columns if name.startswith("label_")
        }
    if values.windows:
        results["sums"] = _window_sums(tables, samples)
    print(json.dumps(results))


def _cutoffs(tables: dict[str, pl.DataFrame], users: pl.Enum) -> pl.DataFrame:
    """Draws the cut-offs: of each user and day the times with the smallest mix(key ^ time)."""
    times = pl.concat(table.select(USER_TIME) for table in tables.values()).unique()
    times = times.with_columns((pl.col("timestamp_ms") // MS_PER_DAY).cast(pl.Int32).alias("day"))
    days = times.select("user", "day").unique()
    dates = days["day"].cast(pl.Date).dt.to_string("%Y-%m-%d")
    keys = np.array([key(str(_SEED), *user_date) for user_date in zip(days["user"], dates, strict=True)], np.uint64)
    whole, remainder = divmod(_RATE, 1)
    has_extra = [int(drawn) * remainder.denominator < remainder.numerator << 64 for drawn in mix(keys)]
    days = days.with_columns(key=keys, count=np.array(has_extra) + int(whole))
    times = times.join(days, on=["user", "day"])
    drawn = mix(times["timestamp_ms"].to_numpy().astype(np.uint64) ^ times["key"].to_numpy())
    return (
        times.select("user", "day", "count", t0_ms="timestamp_ms", drawn=drawn)
        .group_by("user", "day")
        .agg(pl.col("t0_ms").bottom_k_by(["drawn", "t0_ms"], k=pl.col("count").first()))
        .explode("t0_ms")
        .sort("user", "t0_ms")
    )


def _labelled(samples: pl.DataFrame, tables: dict[str, pl.DataFrame], split_ms: int) -> pl.DataFrame:
    """Adds the labels of the four intents without category, null where unknown; drops samples that have none."""
    log_end_ms = (int(samples["day"].max()) + 1) * MS_PER_DAY - 1  # type: ignore[arg-type]
    active = pl.concat(
        table.select("user", day=(pl.col("timestamp_ms") // MS_PER_DAY).cast(pl.Int32)) for table in tables.values()
    )
    next_day = active.unique().select("user", pl.col("day") - 1, is_back=True)
    samples = samples.join(next_day, on=["user", "day"], how="left", maintain_order="left")
    for action in ("purchase", "cart"):
        done = tables["browse"].filter(action).select("user", pl.col("timestamp_ms").alias(action))
        samples = samples.join_asof(
            done,
            left_on="t0_ms",
            right_on=action,
            by="user",
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
    hour_ms, day_ms = pl.col("t0_ms") + MS_PER_HOUR, (pl.col("day").cast(pl.Int64) + 1) * MS_PER_DAY - 1

    def is_known(last_ms: pl.Expr) -> pl.Expr:
        is_embargoed = (pl.col("t0_ms") < split_ms) & (last_ms >= split_ms)
        return (last_ms <= log_end_ms) & ~is_embargoed

    return samples.with_columns(
        pl.when(is_known(last_ms)).then(happened.fill_null(False)).alias(f"label_{name}")
        for name, last_ms, happened in (
            ("realtime_purchase", hour_ms, pl.col("purchase") <= hour_ms),
            ("longtime_purchase", day_ms, pl.col("purchase") <= day_ms),
            ("realtime_cart", hour_ms, pl.col("cart") <= hour_ms),
            ("retention", day_ms + MS_PER_DAY, pl.col("is_back")),
        )
    ).filter(pl.any_horizontal(pl.col("^label_.*$").is_not_null()))


def _window_sums(tables: dict[str, pl.DataFrame], samples: pl.DataFrame) -> dict[str, int]:
    """Cuts the windows of all samples, each the newest 256 actions at or before t0; returns the sums of their ids."""
    t0_ms, users = samples["t0_ms"].to_numpy(), samples["user"].to_physical().to_numpy()
    sums: dict[str, int] = {}
    for view in VIEWS:
        table = tables[view.name]
        times = table["timestamp_ms"].to_numpy()
        columns = {f.name: table[f.name].to_numpy() for f in view.features if f is not ELAPSED_TIME}
        stays = table["stay_ms"].fill_null(0).to_numpy() if view.name == "browse" else None
        first = np.searchsorted(table["user"].to_physical().to_numpy(), np.arange(users.max() + 2))
        for start in range(0, len(samples), _SAMPLES_AT_A_TIME):
            part = slice(start, start + _SAMPLES_AT_A_TIME)
            ends = np.array(
                [
                    begin + np.searchsorted(times[begin:end], t0, side="right")
                    for t0, begin, end in zip(t0_ms[part], first[users[part]], first[users[part] + 1], strict=True)
                ]
            )
            rows = ends[:, np.newaxis] + np.arange(-_MAX_LENGTH, 0)
            is_real = rows >= first[users[part]][:, np.newaxis]
            rows = np.where(is_real, rows, 0)
            elapsed = t0_ms[part, np.newaxis] - times[rows]
            windows = {name: np.where(is_real, ids[rows], 0) for name, ids in columns.items()}
            windows["elapsed_time"] = np.where(is_real, elapsed_time_bins(elapsed).bins + FIRST_REAL_ID, 0)
            if stays is not None:
                is_unfinished = is_real & (stays[rows] > elapsed)
                windows["page_stay"] = np.where(is_unfinished, NOT_APPLICABLE_ID, windows["page_stay"])
            for name, ids in windows.items():
                sums[f"{view.name}_{name}"] = sums.get(f"{view.name}_{name}", 0) + int(ids.sum(dtype=np.int64))
    return sums


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
