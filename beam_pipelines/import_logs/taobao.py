"""Taobao "User Behavior" (Alibaba, Tianchi data set 649): a browse view of nine days, without touch and profile.

A row is `user,item,category,behaviour,seconds` without header, plain or gzip. The category becomes the leaf category;
pages, top categories, stay times and prices are not in the log. Rows outside the nine days are passed on: they are bad
records of the discretization, whose suggested time bounds name the nine days.
"""

import collections
import pathlib
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from beam_pipelines.import_logs.source import PublicLog, open_plain
from beam_pipelines.raw_log import LogDescription, LogWriter
from edgedipn_tf.commands import InputError

_COLUMNS = ("user", "item", "category", "behaviour", "seconds")
_ACTIONS = {b"pv": "browse", b"fav": "collect", b"cart": "cart", b"buy": "purchase"}
_BLOCK_BYTES = 16 << 20
_LOG_END_MS = 1_512_316_799_999  # 2017-12-03T23:59:59.999+08:00

CAVEATS = (
    "browse view only: no swipe, no tap, no profile, no top category, no page, no stay time",
    "nine days: the 7-day intents are never known, and the history counts see a few days at most",
    "the first days have little history before them: counts and sequences are shorter there than on the last days",
    "about 30 of 62,844 rows of the known sample lie outside the nine days and are bad records (bad_time)",
    "whole seconds: the order of actions within a second is that of the file",
)


def convert(files: Sequence[pathlib.Path], writer: LogWriter) -> LogDescription:
    """Writes the browse input.

    Raises:
        InputError: when a file cannot be read as text rows at all.
    """
    counts: collections.Counter[str] = collections.Counter()
    for file in files:
        for block in _blocks(file, counts):
            is_good = _is_good(block)
            counts["rows_read"] += block.num_rows
            rows = block.filter(is_good)
            counts["rows_malformed"] += block.num_rows - rows.num_rows
            writer.write("browse", _browse_columns(rows))
            print(f"taobao: {counts['rows_read']:,} rows read", flush=True)
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
    )


def _blocks(file: pathlib.Path, counts: collections.Counter[str]) -> Iterator[pa.RecordBatch]:
    """Yields the rows that have five columns, as bytes; counts the others."""

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        counts["rows_read"] += 1
        counts["rows_malformed"] += 1
        return "skip"

    try:
        with open_plain(file) as stream:
            yield from pyarrow.csv.open_csv(
                stream,
                pyarrow.csv.ReadOptions(column_names=_COLUMNS, block_size=_BLOCK_BYTES, use_threads=False),
                pyarrow.csv.ParseOptions(quote_char=False, invalid_row_handler=skip),
                pyarrow.csv.ConvertOptions(
                    column_types={name: pa.binary() for name in _COLUMNS}, strings_can_be_null=False
                ),
            )
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return
        raise InputError(f"{file} is not a csv file of {LOG.name} ({error}): expected {LOG.row_format}") from None


def _is_good(rows: pa.RecordBatch) -> pa.Array:
    """True where the four numbers are numbers and the behaviour is known."""
    is_good = pc.is_in(rows["behaviour"], pa.array(list(_ACTIONS), pa.binary()))
    for name, pattern in (("user", r"\A[0-9]+\z"), ("item", r"\A[0-9]+\z"), ("category", r"\A[0-9]+\z")):
        is_good = pc.and_(is_good, pc.match_substring_regex(rows[name], pattern))
    # Eleven digits reach the year 5138; negative seconds occur in the full log.
    return pc.and_(is_good, pc.match_substring_regex(rows["seconds"], r"\A-?[0-9]{1,11}\z"))


def _browse_columns(rows: pa.RecordBatch) -> dict[str, pa.Array]:
    behaviours = list(_ACTIONS)
    action_index = pc.index_in(rows["behaviour"], pa.array(behaviours, pa.binary()))
    seconds = rows["seconds"].cast(pa.string()).cast(pa.int64())
    return {
        "user_id": rows["user"].cast(pa.string()),
        "timestamp_ms": pc.multiply(seconds, 1000),
        "action": pa.array([_ACTIONS[name] for name in behaviours]).take(action_index),
        "leaf_category": rows["category"].cast(pa.string()),
        "item_id": rows["item"].cast(pa.string()),
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
