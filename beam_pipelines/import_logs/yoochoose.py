"""YOOCHOOSE (RecSys Challenge 2015): clicks and purchases in sessions of a shop, a browse view of 182 days.

Clicks are `session,time,item,category`, buys `session,time,item,price,quantity`, both without a header; times are
written `2014-04-07T10:51:09.277Z`. A session becomes a user: persons are not in the log.

The category of a click is the context that it came from, not what the item is: `S` a special offer, `0` unknown, 1 to
12 a category of the shop, any other number a brand. So it becomes the page (`special_offer`, `category/7`,
`brand/2088683456`), and 1 to 12 the top category as well. Of a purchase none of these is known.
"""

import collections
import pathlib
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.import_logs.rows import CLOCK, DATE, ID, PRICE, Counts, Form, keep, read_rows, utc_ms
from beam_pipelines.import_logs.source import PublicLog, the_file
from beam_pipelines.raw_log import LogDescription, LogWriter

_TIME = rf"{DATE}T{CLOCK}\.[0-9]{{3}}Z"
_CLICKS = Form("clicks", {"session": ID, "time": _TIME, "item": ID, "category": f"S|{ID}"})
_BUYS = Form("buys", {"session": ID, "time": _TIME, "item": ID, "price": PRICE, "quantity": "[0-9]{1,9}"})
_SHOP_CATEGORY = r"\A(?:[1-9]|1[0-2])\z"
_TIMEZONE = "Etc/GMT+3"  # POSIX signs: three hours behind UTC
_LOG_END_MS = 1_412_045_999_999  # 2014-09-29T23:59:59.999-03:00

CAVEATS = (
    "browse view only: no swipe, no tap, no profile, no stay time; no cart actions",
    "a session is taken for a user: there is no history and no next day; a purchase label means: in this session, as "
    "nobody knows what the person buys in another one",
    "a purchase has no category, so no category intent can be judged; the category of a click is where it came from",
    "the shop is in Europe, its time zone is not published; the log's 182 whole days run from 03:00 to 03:00 UTC and "
    "are taken as days of UTC-3, so the hour of day is not that of the shop",
    "a price of 0 is taken as unknown; the currency is not published, and the quantity is not used",
    "the challenge's test file (clicks without purchases) is not read",
)
NOT_APPLICABLE = (
    "realtime_cart",
    "retention",
    "realtime_top_category",
    "longtime_top_category",
    "realtime_leaf_category",
    "longtime_leaf_category",
)


def convert(files: Sequence[pathlib.Path], writer: LogWriter) -> LogDescription:
    """Writes the browse input, clicks first; rows that are not of the published form are counted and left out."""
    counts: Counts = collections.Counter()
    buys = the_file(files, "yoochoose", "yoochoose-buys.dat")
    for rows in read_rows(the_file(files, "yoochoose", "yoochoose-clicks.dat"), _CLICKS, counts):
        writer.write("browse", _click_columns(*_with_times(rows, _CLICKS, counts)))
    for rows in read_rows(buys, _BUYS, counts):
        writer.write("browse", _buy_columns(*_with_times(rows, _BUYS, counts)))
    return LogDescription(
        name="yoochoose",
        is_simulated=False,
        timezone=_TIMEZONE,
        log_end_ms=_LOG_END_MS,
        suggested_flags={
            "timezone": _TIMEZONE,
            "min_time": "2014-04-01T00:00:00-03:00",
            "max_time": "2014-09-30T00:00:00-03:00",
            "log_end": "2014-09-29T23:59:59.999-03:00",
            "evaluation_date": "2014-09-23",
            "last_cutoff_date": "2014-09-29",
            "samples_per_user_day": 1,
        },
        caveats=CAVEATS,
        counts=dict(counts),
        intents_not_applicable=NOT_APPLICABLE,
    )


def _with_times(rows: pa.RecordBatch, form: Form, counts: Counts) -> tuple[pa.RecordBatch, pa.Array]:
    """Returns the rows with a time that exists, and their times in ms since the epoch."""
    times = utc_ms(pc.utf8_slice_codeunits(rows["time"], 0, 19), "T")
    times = pc.add(times, pc.utf8_slice_codeunits(rows["time"], 20, 23).cast(pa.int64()))
    return keep(rows, times.is_valid(), form, counts), times.drop_null()


def _click_columns(rows: pa.RecordBatch, times: pa.Array) -> dict[str, pa.Array]:
    context = rows["category"]
    is_shop_category = pc.match_substring_regex(context, _SHOP_CATEGORY)
    kind = pc.if_else(is_shop_category, "category/", "brand/")
    page = pc.binary_join_element_wise(kind, context, "")
    page = pc.if_else(pc.equal(context, "S"), "special_offer", page)
    return {
        "user_id": rows["session"],
        "timestamp_ms": times,
        "action": _repeat("browse", len(rows)),
        "page": pc.if_else(pc.equal(context, "0"), None, page),
        "top_category": pc.if_else(is_shop_category, context, None),
        "item_id": rows["item"],
    }


def _buy_columns(rows: pa.RecordBatch, times: pa.Array) -> dict[str, pa.Array]:
    price = rows["price"].cast(pa.float64())
    return {
        "user_id": rows["session"],
        "timestamp_ms": times,
        "action": _repeat("purchase", len(rows)),
        "item_id": rows["item"],
        "price": pc.if_else(pc.equal(price, 0), None, price),
    }


def _repeat(text: str, size: int) -> pa.Array:
    return pa.repeat(pa.scalar(text), size)


LOG = PublicLog(
    name="yoochoose",
    where_to_get=(
        "YOOCHOOSE, RecSys Challenge 2015, https://www.kaggle.com/datasets/chadgostopp/recsys-challenge-2015",
        "(yoochoose-clicks.dat, yoochoose-buys.dat; the terms are in its README, research use; no published checksums)",
        "Ben-Shimon et al., RecSys Challenge 2015 and the YOOCHOOSE Dataset, RecSys 2015",
    ),
    row_format="session,time,item,category (clicks) or session,time,item,price,quantity (buys), without a header",
    patterns=("yoochoose-clicks.dat", "yoochoose-clicks.dat.gz", "yoochoose-buys.dat", "yoochoose-buys.dat.gz"),
    known_sha256={},
    convert=convert,
)
