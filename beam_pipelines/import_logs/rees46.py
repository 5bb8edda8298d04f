"""REES46 "eCommerce behavior data from multi category store": a browse view of seven months, without touch.

A row is `event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session`, as the header
says; one file a month, 2019-Oct to 2020-Apr. The category id becomes the leaf category, the first part of its code
(`electronics.smartphone`) the top category; a category without a code has no top. Taking out of the cart is no action
of the project: these rows are counted and left out. Brand and session are not used.
"""

import collections
import datetime
import pathlib
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.import_logs.rows import CLOCK, DATE, ID, PRICE, Counts, Form, keep, read_rows, utc_ms
from beam_pipelines.import_logs.source import PublicLog
from beam_pipelines.raw_log import LogDescription, LogWriter

_ACTIONS = {"view": "browse", "cart": "cart", "purchase": "purchase"}
_REMOVED = "remove_from_cart"
_FORM = Form(
    "rows",
    {
        "event_time": f"{DATE} {CLOCK} UTC",
        "event_type": "|".join([*_ACTIONS, _REMOVED]),
        "product_id": ID,
        "category_id": ID,
        "category_code": "[!-+\\--~]*",  # visible ASCII but the comma
        "brand": None,
        "price": PRICE,
        "user_id": ID,
        "user_session": None,
    },
    has_header=True,
)
_MS_PER_DAY = 86_400_000
_DAYS_OF_7_DAY_LABELS = 16
"""From so many days on, the 7-day intents are known on the evaluation day and on a week of training days."""

NEED_7_DAYS = ("longtime_top_category", "longtime_leaf_category")
"""Intents that a short log cannot judge."""
CAVEATS = (
    "browse view only: no swipe, no tap, no profile, no page, no stay time",
    "days are those of UTC: times are written in UTC, the shop's time zone is not published; so the hour is not local",
    "rows without a category code have no top category: purchases of them count for no top-category intent",
    "taking out of the cart is left out and counted: a cart action does not say that the product is still there",
    "a purchase of several products is several rows of one second",
    "whole seconds: the order of actions within a second is that of the file",
    "a month has tens of millions of rows: import one at a time; the default runner of the job shuffles in memory",
)


def convert(files: Sequence[pathlib.Path], writer: LogWriter) -> LogDescription:
    """Writes the browse input; rows that are not of the published form are counted and left out."""
    counts: Counts = collections.Counter(rows_removed_from_cart=0)
    days: set[int] = set()
    for file in files:
        for rows in read_rows(file, _FORM, counts):
            columns = _browse_columns(rows, counts)
            days.update(pc.unique(pc.divide(columns["timestamp_ms"], _MS_PER_DAY)).to_pylist())
            writer.write("browse", columns)
    first_day, last_day = min(days, default=0), max(days, default=0)
    return LogDescription(
        name="rees46",
        is_simulated=False,
        timezone="UTC",
        log_end_ms=(last_day + 1) * _MS_PER_DAY - 1,
        suggested_flags=suggested_flags(first_day, last_day),
        caveats=CAVEATS,
        counts=dict(counts),
        intents_not_applicable=() if last_day - first_day + 1 >= _DAYS_OF_7_DAY_LABELS else NEED_7_DAYS,
    )


def suggested_flags(first_day: int, last_day: int) -> Mapping[str, str | int]:
    """Returns the flags that fit a log of some days of UTC (days since 1970-01-01).

    The evaluation day is the eighth from the end, so that the 7-day intents are known on it; the day before the last,
    for retention, in a log that is too short for that; a split by user in a log of one or two days.
    """
    num_days = last_day - first_day + 1
    flags: dict[str, str | int] = {"timezone": "UTC", "samples_per_user_day": 2}
    if num_days < 3:
        return {**flags, "evaluation_users": "0.2"}
    is_long = num_days >= _DAYS_OF_7_DAY_LABELS
    date = _date(last_day - (7 if is_long else 1))
    log_end = f"{_date(last_day)}T23:59:59.999+00:00"
    return {**flags, "evaluation_date": date, "last_cutoff_date": date, "log_end": log_end, "warmup_days": int(is_long)}


def _date(day: int) -> str:
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()


def _browse_columns(rows: pa.RecordBatch, counts: Counts) -> dict[str, pa.Array]:
    times = utc_ms(pc.utf8_slice_codeunits(rows["event_time"], 0, 19))
    rows, times = keep(rows, times.is_valid(), _FORM, counts), times.drop_null()
    action = pc.index_in(rows["event_type"], pa.array(list(_ACTIONS)))
    is_kept = action.is_valid()
    counts["rows_removed_from_cart"] += action.null_count
    rows = rows.filter(is_kept)
    # Of `a.b.c` the part before the first point; an empty code is null.
    top = pc.struct_field(pc.extract_regex(rows["category_code"], r"\A(?P<top>[^.]+)"), "top")
    return {
        "user_id": rows["user_id"],
        "timestamp_ms": times.filter(is_kept),
        "action": pa.array(list(_ACTIONS.values())).take(action.drop_null()),
        "leaf_category": rows["category_id"],
        "top_category": top,
        "item_id": rows["product_id"],
        "price": rows["price"].cast(pa.float64()),
    }


LOG = PublicLog(
    name="rees46",
    where_to_get=(
        '"eCommerce behavior data from multi category store", https://rees46.com/en/datasets',
        "(2019-Oct.csv.gz to 2020-Apr.csv.gz; two months also at",
        "https://www.kaggle.com/datasets/mkechinov/ecommerce-behavior-data-from-multi-category-store;",
        "free to use when REES46 is named, the pages' terms apply; no checksums are published)",
    ),
    row_format="event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session",
    patterns=("20[0-9][0-9]-*.csv", "20[0-9][0-9]-*.csv.gz"),
    known_sha256={},
    convert=convert,
)
