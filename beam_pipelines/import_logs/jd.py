"""JD "Micro Behaviors" (WSDM 2020): sessions on one site's product pages, a browse and a tap view.

A line is a session; an item of it is `sku+type+category+seconds to the next item+dwell seconds`. Both durations are
known only afterwards, so they are moved to where they are known:

* The first item is at noon of a fixed day; item k is later by the intervals of the items *before* it. An item's own
  interval says when the next one happens and only places that one.
* The dwell belongs to a visit: consecutive items of one product with one dwell. Measured from the visit's first item it
  ends within the visit's intervals (in most visits; in many it is exactly their sum), so it is wall-clock time from
  there. It becomes the stay time of the visit's openings, which the discretization shows only once
  timestamp + stay_ms <= t0, never before it has passed. Where another visit begins before that (a page left open while
  another was looked at) nobody can say when the dwell was over, and it is left out. So whether a stay time shows at t0
  depends on items at or before t0 only.

The log has neither users nor clock times: a session becomes a user, known by a hash of its content.
"""

import collections
import hashlib
import pathlib
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from beam_pipelines.import_logs.source import PublicLog, open_plain
from beam_pipelines.raw_log import LogDescription, LogWriter

IntArray = NDArray[np.int64]

START_MS = 978_350_400_000
"""Noon of 2001-01-01, UTC: no session is known to have happened then."""
LOG_END_MS = 978_393_599_998
"""The day's last millisecond but one: same-day, next-day and 7-day windows end after it, so they are unknown."""

_OPENINGS = {1: "home", 2: "list", 3: "sale", 4: "cart", 5: "search"}
_BUTTONS = {6: "comments", 7: "specification", 8: "bottom"}
_CART, _ORDER = 9, 10
# At most 9 digits, so that sums of a session stay far inside int64.
_ITEM = rb"[0-9]{1,18}\+(?:10|[1-9])\+[0-9]{1,18}\+[0-9]{1,9}\+[0-9]{1,9}"
_SESSION = re.compile(_ITEM + rb"(?: " + _ITEM + rb")*")
_SESSIONS_PER_PART = 20_000

CAVEATS = (
    "a session is taken for a user: there is no history, no profile, no swipe view, and no next day",
    "the hour of the day means nothing: every session starts at noon of 2001-01-01",
    "judge it by a user-disjoint split without a split day; sessions of one person may be on both sides",
    "a session counts as complete: after its last item nothing happens (1 h intents); same-day, next-day and 7-day "
    "intents are unknown",
    "items later than 12 h after a session's start are left out and counted: they lie after the log end",
    "the interval before an item is known at that item, never earlier; the stay time of an opening appears only when "
    "it has passed, and is left out where another product was opened before that",
    "sessions of one shop category (appliances) with few orders: intervals of the purchase intents are wide",
)
NOT_APPLICABLE = (
    "longtime_purchase",
    "retention",
    "realtime_top_category",
    "longtime_top_category",
    "longtime_leaf_category",
)


def convert(files: Sequence[pathlib.Path], writer: LogWriter) -> LogDescription:
    """Writes the browse and tap inputs; a session that occurs more than once is taken once."""
    counts: collections.Counter[str] = collections.Counter()
    for sessions in _batches(files, counts):
        _write_part(sessions, writer, counts)
        print(f"jd: {counts['sessions_read']:,} sessions read", flush=True)
    return LogDescription(
        name="jd",
        is_simulated=False,
        timezone="UTC",
        log_end_ms=LOG_END_MS,
        suggested_flags={
            "timezone": "UTC",
            "log_end": "2001-01-01T23:59:59.998+00:00",
            "last_cutoff_date": "2001-01-01",
            "evaluation_users": "0.25",
            "warmup_days": 0,
            "samples_per_user_day": 12,
        },
        caveats=CAVEATS,
        counts=dict(counts),
        intents_not_applicable=NOT_APPLICABLE,
    )


def user_id(session: bytes) -> str:
    """Returns the name of a session's user: 16 hexadecimal digits of the SHA-256 of its items."""
    return hashlib.sha256(session).hexdigest()[:16]


def parse_session(session: bytes) -> IntArray:
    """Returns the items of a session, (items, 5): sku, type, category, interval and dwell in seconds.

    Raises:
        ValueError: when the line is not a session.
    """
    if not _SESSION.fullmatch(session):
        raise ValueError("not a session")
    return np.array(session.replace(b"+", b" ").split(), dtype=np.int64).reshape(-1, 5)


def item_times_ms(items: IntArray) -> IntArray:
    """Returns when the items of one session happened, (items,): after the intervals of the items before them."""
    return START_MS + 1000 * (np.cumsum(items[:, 3]) - items[:, 3])


def stays_ms(items: IntArray) -> IntArray:
    """Returns the stay times of one session's items, (items,); -1 where none can be known (see the module)."""
    sku, kind, _, interval, dwell = items.T
    is_first = np.ones(len(items), dtype=bool)
    is_first[1:] = (sku[1:] != sku[:-1]) | (dwell[1:] != dwell[:-1])
    visit = np.cumsum(is_first) - 1
    visit_seconds = np.bincount(visit, weights=interval).astype(np.int64)
    visit_seconds[-1] = np.iinfo(np.int64).max  # no visit after it: its dwell is not judged by what is not in the log
    is_known = (dwell <= visit_seconds[visit]) & np.isin(kind, list(_OPENINGS))
    return np.where(is_known, dwell * 1000, -1)


def _batches(files: Sequence[pathlib.Path], counts: collections.Counter[str]) -> Iterator[dict[str, IntArray]]:
    """Yields the items of new sessions by user."""
    seen: set[str] = set()
    batch: dict[str, IntArray] = {}
    for file in files:
        with open_plain(file) as stream:
            for line in stream:
                session = b" ".join(line.split())
                if not session:
                    continue
                counts["sessions_read"] += 1
                try:
                    items = parse_session(session)
                except ValueError:
                    counts["sessions_malformed"] += 1
                    continue
                user = user_id(session)
                if user in seen:
                    counts["sessions_repeated"] += 1
                    continue
                seen.add(user)
                batch[user] = items
                if len(batch) == _SESSIONS_PER_PART:
                    yield batch
                    batch = {}
    if batch:
        yield batch


def _write_part(sessions: dict[str, IntArray], writer: LogWriter, counts: collections.Counter[str]) -> None:
    users = pa.array(list(sessions))
    user = np.repeat(np.arange(len(sessions)), [len(items) for items in sessions.values()])
    items = np.concatenate(list(sessions.values()))
    time_ms = np.concatenate([item_times_ms(s) for s in sessions.values()])
    stay_ms = np.concatenate([stays_ms(s) for s in sessions.values()])
    is_covered = time_ms <= LOG_END_MS
    counts["items_read"] += len(items)
    counts["items_after_log_end"] += int((~is_covered).sum())
    counts["stays_left_out"] += int((is_covered & np.isin(items[:, 1], list(_OPENINGS)) & (stay_ms < 0)).sum())
    is_tap = np.isin(items[:, 1], list(_BUTTONS))

    def rows(chosen: NDArray[np.bool_]) -> tuple[dict[str, pa.Array], IntArray]:
        return {"user_id": users.take(pa.array(user[chosen])), "timestamp_ms": time_ms[chosen]}, items[chosen]

    columns, chosen = rows(is_covered & is_tap)
    columns |= {"event": _text("button", chosen), "page": _text("detail", chosen), "button": _names(_BUTTONS, chosen)}
    writer.write("tap", columns)
    columns, chosen = rows(is_covered & ~is_tap)
    stay = stay_ms[is_covered & ~is_tap]
    columns |= {
        "action": _names(dict.fromkeys(_OPENINGS, "browse") | {_CART: "cart", _ORDER: "purchase"}, chosen),
        # The page from which the product was opened; an order is not made on the product's page, its page is unknown.
        "page": _names(_OPENINGS | {_CART: "detail"}, chosen),
        "leaf_category": pa.array(chosen[:, 2]).cast(pa.string()),
        "item_id": pa.array(chosen[:, 0]).cast(pa.string()),
        "stay_ms": pa.array(stay, mask=stay < 0),
    }
    writer.write("browse", columns)


def _text(value: str, items: IntArray) -> pa.Array:
    return pa.array([value]).take(pa.array(np.zeros(len(items), dtype=np.int64)))


def _names(names: dict[int, str], items: IntArray) -> pa.Array:
    """Names of the items' types, null where a type has none."""
    by_type = pa.array([names.get(kind) for kind in range(_ORDER + 1)], pa.string())
    return by_type.take(pa.array(items[:, 1]))


LOG = PublicLog(
    name="jd",
    where_to_get=(
        '"JD Micro Behaviors", samples in https://github.com/guyulongcs/WSDM2020_HUP (JD_Applicances_sample)',
        "(research use only; for the whole data set ask its authors)",
        "Gu et al., Hierarchical User Profiling for E-commerce Recommender Systems, WSDM 2020",
    ),
    row_format="sku+type (1 to 10)+category+interval+dwell items separated by blanks, one session a line",
    patterns=("*.txt", "*.txt.gz", "JD_*_sample", "JD_*_sample.gz"),
    known_sha256={
        "332a13e8ddd2fc3500564c20c25e920563cc3c25bd9badcf5896032fc617a265": "appliances, sample A, gzip",
        "699d8313d2ad4919ec8e39cb73d96d04cab5dcac654568a61343b797c8c7c99c": "appliances, sample A, text",
        "4c7b9a72cceef99446165d7c47fbd0efe5d2290b06193cb1faa19c8e330e3375": "appliances, sample B, gzip",
        "93612ef5eb916a78b5691cc9b72260cfc752f244e24848c43aa96e78421e6d6c": "appliances, sample B, text",
    },
    convert=convert,
)
