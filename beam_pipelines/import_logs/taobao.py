"""Taobao "User Behavior" (Alibaba, Tianchi data set 649): a browse view of nine days, without touch and profile.

A row is `user,item,category,behaviour,seconds` without header, plain or gzip. The category becomes the leaf category;
pages, top categories, stay times and prices are not in the log. Rows outside the nine days are passed on: they are bad
records of the discretization, whose suggested time bounds name the nine days.
"""

import collections
import pathlib
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.import_logs.rows import ID, Form, read_rows
from beam_pipelines.import_logs.source import PublicLog
from beam_pipelines.raw_log import LogDescription, LogWriter

_ACTIONS = {"pv": "browse", "fav": "collect", "cart": "cart", "buy": "purchase"}
_FORM = Form(
    "rows",
    {
        "user": ID,
        "item": ID,
        "category": ID,
        "behaviour": "|".join(_ACTIONS),
        # Eleven digits of seconds reach the year 5138; times that make no sense, negative ones too, are judged later.
        "seconds": "-?[0-9]{1,11}",
    },
)
_LOG_END_MS = 1_512_316_799_999  # 2017-12-03T23:59:59.999+08:00

CAVEATS = (
    "browse view only: no swipe, no tap, no profile, no top category, no page, no stay time",
    "nine days: the 7-day intents are never known, and the history counts see a few days at most",
    "the first days have little history before them: counts and sequences are shorter there than on the last days",
    "98 % of the users of December 1 and 2 come back the next day, 79 % of the other days' users: few negatives of "
    "retention on the evaluation day; --evaluation_date=2017-11-30 --last_cutoff_date=2017-11-30 has more",
    "28 of 62,844 rows of the known sample lie outside the nine days and are bad records (bad_time)",
    "whole seconds: the order of actions within a second is that of the file",
)
NOT_APPLICABLE = ("longtime_top_category", "longtime_leaf_category", "realtime_top_category")


def convert(files: Sequence[pathlib.Path], writer: LogWriter) -> LogDescription:
    """Writes the browse input; rows that are not of the published form are counted and left out."""
    counts: collections.Counter[str] = collections.Counter()
    for file in files:
        for rows in read_rows(file, _FORM, counts):
            writer.write("browse", _browse_columns(rows))
    return LogDescription(
        name="taobao",
        is_simulated=False,
        timezone="Asia/Shanghai",
        log_end_ms=_LOG_END_MS,
        suggested_flags={
            "timezone": "Asia/Shanghai",
            "min_time": "2017-11-25T00:00:00+08:00",
            "max_time": "2017-12-04T00:00:00+08:00",
            "log_end": "2017-12-03T23:59:59.999+08:00",
            # One day before the last, so that retention (any action the day after) is known too.
            "evaluation_date": "2017-12-02",
            "last_cutoff_date": "2017-12-02",
            "warmup_days": 1,
            "samples_per_user_day": 8,
        },
        caveats=CAVEATS,
        counts=dict(counts),
        intents_not_applicable=NOT_APPLICABLE,
    )


def _browse_columns(rows: pa.RecordBatch) -> dict[str, pa.Array]:
    behaviour = pc.index_in(rows["behaviour"], pa.array(list(_ACTIONS)))
    return {
        "user_id": rows["user"],
        "timestamp_ms": pc.multiply(rows["seconds"].cast(pa.int64()), 1000),
        "action": pa.array(list(_ACTIONS.values())).take(behaviour),
        "leaf_category": rows["category"],
        "item_id": rows["item"],
    }


LOG = PublicLog(
    name="taobao",
    where_to_get=(
        '"User Behavior Data from Taobao for Recommendation", https://tianchi.aliyun.com/dataset/649',
        "(UserBehavior.csv; needs an account; terms of that page apply, research use)",
        "Zhu et al., Learning Tree-based Deep Model for Recommender Systems, KDD 2018",
    ),
    row_format="user,item,category,behaviour (pv, fav, cart or buy),seconds without a header",
    patterns=("*.csv", "*.csv.gz"),
    known_sha256={
        "19a101b291f4e1befafe9efd6fb22e1c9dcc5e8c170c4395f2fd907381e02149": "618 whole users, gzip",
        "92872af14e38b8473947188fee668c6686380e32631b248d366e26a486a1ff2e": "618 whole users, csv",
    },
    convert=convert,
)
