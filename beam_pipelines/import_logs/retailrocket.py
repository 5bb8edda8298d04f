"""RetailRocket: a browse view of 138 days, with categories that change over time, without touch and profile.

`events.csv` has `timestamp,visitorid,event,itemid,transactionid`, times in ms. The category of an item is a property of
it with a time (`item_properties_part1.csv` and `_part2.csv`: `timestamp,itemid,property,value`): the leaf category of
an event is the newest `categoryid` of its item at or before the event, never a later one, which nobody knew yet. The
top category is the root above it in `category_tree.csv` (`categoryid,parentid`; a root has no parent).
"""

import collections
import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from beam_pipelines.import_logs.rows import Counts, Form, keep, read_rows
from beam_pipelines.import_logs.source import PublicLog, the_file
from beam_pipelines.raw_log import LogDescription, LogWriter
from edgedipn_tf.commands import InputError

IntArray = NDArray[np.int64]

_ACTIONS = {"view": "browse", "addtocart": "cart", "transaction": "purchase"}
_NUMBER = "[0-9]{1,18}"
_OPTIONAL = f"(?:{_NUMBER})?"
_EVENTS = Form(
    "events",
    {
        "timestamp": _NUMBER,
        "visitorid": _NUMBER,
        "event": "|".join(_ACTIONS),
        "itemid": _NUMBER,
        "transactionid": _OPTIONAL,
    },
    has_header=True,
)
_PROPERTIES = Form(
    "properties",
    {"timestamp": _NUMBER, "itemid": _NUMBER, "property": "categoryid|available|[0-9]+", "value": "[^,]*"},
    has_header=True,
)
_TREE = Form("categories", {"categoryid": _NUMBER, "parentid": _OPTIONAL}, has_header=True)
_TIMEZONE = "Etc/GMT+3"  # POSIX signs: three hours behind UTC
_LOG_END_MS = 1_442_545_199_999  # 2015-09-17T23:59:59.999-03:00

CAVEATS = (
    "browse view only: no swipe, no tap, no profile, no page, no stay time, no price (names of properties are hashed)",
    "categories are weekly snapshots: an event before its item's first one has none; a property that never changes is "
    "published once, and whether at its first snapshot is not said",
    "the shop's time zone is not published; the log's 138 whole days run from 03:00 to 03:00 UTC and are taken as days "
    "of UTC-3, so the hour of day may not be that of the shop",
    "a visitor is a browser, not a person: 1,407,580 visitors with 2,756,101 events, 22,457 of them purchases",
    "a purchase of several products is several rows with one transaction id, which is not used",
)


@dataclasses.dataclass(frozen=True)
class ItemCategories:
    """Which category an item is known to have from when on.

    Attributes:
        items: [N], ascending.
        times_ms: [N], ascending for each item; of equal ones the last counts.
        categories: [N].
    """

    items: IntArray
    times_ms: IntArray
    categories: IntArray

    @classmethod
    def of(cls, items: IntArray, times_ms: IntArray, categories: IntArray) -> "ItemCategories":
        """Orders rows that come in any order."""
        order = np.lexsort((times_ms, items))
        return cls(items[order], times_ms[order], categories[order])

    def at(self, items: IntArray, times_ms: IntArray) -> IntArray:
        """Returns the newest category of each item at or before its time, [M]; -1 where none is known."""
        if not len(self.items):
            return np.full(len(items), -1, dtype=np.int64)
        # A place in the order of (item, time) as one number: items and times by their ranks.
        distinct_items, distinct_times = np.unique(self.items), np.unique(self.times_ms)
        width = len(distinct_times) + 1

        def place(items: IntArray, times_ms: IntArray) -> IntArray:
            rank = np.searchsorted(distinct_items, items) * width
            return rank + np.searchsorted(distinct_times, times_ms, side="right")

        found = np.searchsorted(place(self.items, self.times_ms), place(items, times_ms), side="right") - 1
        is_known = (found >= 0) & (self.items[found] == items)
        return np.where(is_known, self.categories[found], -1)


def convert(files: Sequence[pathlib.Path], writer: LogWriter) -> LogDescription:
    """Writes the browse input; rows that are not of the published form are counted and left out."""
    counts: Counts = collections.Counter()
    events = the_file(files, "retailrocket", "events.csv")
    roots = _roots(the_file(files, "retailrocket", "category_tree.csv"), counts)
    categories = _item_categories([file for file in files if file.name.startswith("item_properties")], counts)
    for rows in read_rows(events, _EVENTS, counts):
        writer.write("browse", _browse_columns(rows, categories, roots, counts))
    return LogDescription(
        name="retailrocket",
        is_simulated=False,
        timezone=_TIMEZONE,
        log_end_ms=_LOG_END_MS,
        suggested_flags={
            "timezone": _TIMEZONE,
            "min_time": "2015-05-03T00:00:00-03:00",
            "max_time": "2015-09-18T00:00:00-03:00",
            "log_end": "2015-09-17T23:59:59.999-03:00",
            # A week of evaluation that ends seven days before the log does, so that the 7-day intents are known.
            "evaluation_date": "2015-09-04",
            "last_cutoff_date": "2015-09-10",
            "warmup_days": 28,
            "samples_per_user_day": 2,
        },
        caveats=CAVEATS,
        counts=dict(counts),
    )


def root_of(category: int, parents: Mapping[int, int | None]) -> int | None:
    """Returns the root above a category; None when the category is not in the tree or the tree has a circle there."""
    for _ in parents:
        if category not in parents:
            return None
        parent = parents[category]
        if parent is None:
            return category
        category = parent
    return None


def _roots(file: pathlib.Path, counts: Counts) -> dict[int, int | None]:
    """Returns the root of every category of the tree."""
    parents: dict[int, int | None] = {}
    for rows in read_rows(file, _TREE, counts):
        pairs = zip(rows["categoryid"].to_pylist(), rows["parentid"].to_pylist(), strict=True)
        parents |= {int(category): int(parent) if parent else None for category, parent in pairs}
    return {category: root_of(category, parents) for category in parents}


def _item_categories(files: Sequence[pathlib.Path], counts: Counts) -> ItemCategories:
    if not files:
        raise InputError(
            "retailrocket needs the files item_properties_part1.csv and _part2.csv: give the folder of all"
        )
    columns = [np.concatenate(parts) for parts in zip(*_category_rows(files, counts), strict=True)]
    return ItemCategories.of(*columns) if columns else ItemCategories(*[np.zeros(0, dtype=np.int64)] * 3)


def _category_rows(files: Sequence[pathlib.Path], counts: Counts) -> Iterator[tuple[IntArray, IntArray, IntArray]]:
    for file in files:
        for rows in read_rows(file, _PROPERTIES, counts):
            of_category = rows.filter(pc.equal(rows["property"], "categoryid"))
            is_number = pc.match_substring_regex(of_category["value"], rf"\A{_NUMBER}\z")
            good = keep(of_category, is_number, _PROPERTIES, counts)
            yield _integers(good["itemid"]), _integers(good["timestamp"]), _integers(good["value"])


def _integers(texts: pa.Array) -> IntArray:
    integers: IntArray = texts.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return integers


def _browse_columns(
    rows: pa.RecordBatch, categories: ItemCategories, roots: Mapping[int, int | None], counts: Counts
) -> dict[str, pa.Array]:
    times_ms = _integers(rows["timestamp"])
    leaf = categories.at(_integers(rows["itemid"]), times_ms)
    counts["events_without_category"] += int((leaf < 0).sum())
    distinct, codes = np.unique(leaf, return_inverse=True)
    leaf_names = pa.array([None if category < 0 else str(category) for category in distinct.tolist()], pa.string())
    tops = [roots.get(category) for category in distinct.tolist()]
    top_names = pa.array([None if top is None else str(top) for top in tops], pa.string())
    return {
        "user_id": rows["visitorid"],
        "timestamp_ms": times_ms,
        "action": pa.array(list(_ACTIONS.values())).take(pc.index_in(rows["event"], pa.array(list(_ACTIONS)))),
        "leaf_category": leaf_names.take(pa.array(codes)),
        "top_category": top_names.take(pa.array(codes)),
        "item_id": rows["itemid"],
    }


LOG = PublicLog(
    name="retailrocket",
    where_to_get=(
        '"Retailrocket recommender system dataset", https://www.kaggle.com/datasets/retailrocket/ecommerce-dataset',
        "(events.csv, item_properties_part1.csv, item_properties_part2.csv, category_tree.csv;",
        "needs an account; terms of that page apply, research use; no checksums are published)",
    ),
    row_format="timestamp,visitorid,event,itemid,transactionid",
    patterns=tuple(
        name + suffix for name in ("events.csv", "item_properties*.csv", "category_tree.csv") for suffix in ("", ".gz")
    ),
    known_sha256={},
    convert=convert,
)
