"""H-MOG (touch part): a swipe view of people who read, write and look at maps on a phone. Nobody buys anything.

The archive has a zip for each of 100 subjects, in it a folder for each session, in it text files without a header:

* `Activity.csv`: id, subject, session, start and end in ms, the same since the phone was started, scenario, task (1 to
  24), content. An activity becomes a page that is opened and left; its name is what the task was (`ReadSit`).
* `TouchEvent.csv`: time in ms, the same since the phone was started, activity, number of fingers, finger, action, x, y,
  pressure, size, orientation. One finger's DOWN to UP becomes a swipe or a tap, known at its UP; see `hmog_gestures`.

The sensors and the other files, which a program of the phone derived from the same touches, are not read.
"""

import collections
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from beam_pipelines.import_logs import hmog_gestures
from beam_pipelines.import_logs.hmog_gestures import Touches
from beam_pipelines.import_logs.rows import ID, Counts, Form, read_rows
from beam_pipelines.import_logs.source import PublicLog
from beam_pipelines.raw_log import TABLES, LogDescription, LogWriter
from edgedipn_tf.commands import InputError
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.schema import INTENTS

_TIME = "[0-9]{1,15}"
_PIXELS = r"-?[0-9]{1,5}(?:\.[0-9]{1,12})?(?:[eE]-?[0-9]{1,2})?"
_ACTIVITIES = Form(
    "activities",
    {
        "id": ID,
        "subject": ID,
        "session": None,
        "start": _TIME,
        "end": _TIME,
        "start_uptime": None,
        "end_uptime": None,
        "scenario": None,
        "task": "[1-9]|1[0-9]|2[0-4]",
        "content": None,
    },
)
_TOUCHES = Form(
    "touches",
    {
        "time": _TIME,
        "uptime": _TIME,
        "activity": ID,
        "num_fingers": "[0-9]{1,2}",
        "finger": None,
        "action": "[0-9]{1,4}",
        "x": _PIXELS,
        "y": _PIXELS,
        "pressure": None,
        "size": None,
        "orientation": "[0-3]",
    },
)
_PAGES = ("ReadSit", "ReadWalk", "WriteSit", "WriteWalk", "MapSit", "MapWalk")
"""What the tasks are; after six they begin again."""
_SHORT_SIDE, _LONG_SIDE = 1080, 1920
_TIMEZONE = "America/New_York"
_ROWS_PER_PART = 100_000
_SWIPE = TABLES["swipe"]

CAVEATS = (
    "swipe view only, and nobody shops: no intent can be judged, and whether a subject comes back the next day is the "
    "study's schedule; use it for the reader, the discretization and the encoder of touch",
    "tasks in a laboratory on one kind of phone (1080 x 1920 pixels), sitting and walking",
    "gestures of one finger only; those with more are left out and counted, as are those without an end",
    "a gesture that ends less than 30 pixels from where it began is a tap, however long the finger stayed",
    "the time zone is not published; the study was at universities in the east of the United States",
    "an activity that is recorded twice is left at the later end",
)


def convert(files: Sequence[pathlib.Path], writer: LogWriter) -> LogDescription:
    """Writes the swipe input; rows that are not of the published form are counted and left out."""
    counts: Counts = collections.Counter(
        {f"gestures_{name}": 0 for name in ("with_more_fingers", "incomplete", "without_activity")}
    )
    last_ms, waiting, num_rows = 0, list[pa.Table](), 0
    for number, (activity_file, touch_file) in enumerate(_sessions(files), 1):
        for table in _session_tables(activity_file, touch_file, counts):
            last_ms = max(last_ms, pc.max(table["timestamp_ms"]).as_py() or 0)
            waiting.append(table)
            num_rows += len(table)
        if num_rows >= _ROWS_PER_PART:
            _write(waiting, writer)
            waiting, num_rows = [], 0
            print(f"hmog: {number:,} sessions read", flush=True)
    _write(waiting, writer)
    counts["sessions_read"] = number
    local_time = LocalTime(_TIMEZONE)
    log_end_ms = int(local_time.day_start_ms(local_time.day_index(last_ms) + 1)) - 1
    return LogDescription(
        name="hmog",
        is_simulated=False,
        timezone=_TIMEZONE,
        log_end_ms=log_end_ms,
        suggested_flags={
            "timezone": _TIMEZONE,
            "log_end": str(np.datetime64(log_end_ms, "ms")) + "+00:00",
            "evaluation_users": "0.3",
            "samples_per_user_day": 8,
            "allow_degenerate": True,
        },
        caveats=CAVEATS,
        counts=dict(counts),
        intents_not_applicable=tuple(intent.name for intent in INTENTS),
    )


def _sessions(files: Sequence[pathlib.Path]) -> Iterator[tuple[pathlib.Path, pathlib.Path]]:
    """Yields the two files of each session."""
    folders: dict[pathlib.Path, dict[str, pathlib.Path]] = collections.defaultdict(dict)
    for file in files:
        folders[file.parent][file.name.removesuffix(".gz")] = file
    for folder, found in folders.items():
        if len(found) < 2:
            raise InputError(
                f"{folder}: a session needs Activity.csv and TouchEvent.csv, but it has {', '.join(found)}; give the "
                "folder of the unpacked subjects"
            )
        yield found["Activity.csv"], found["TouchEvent.csv"]


def _session_tables(activity_file: pathlib.Path, touch_file: pathlib.Path, counts: Counts) -> Iterator[pa.Table]:
    activities = pa.Table.from_batches(list(read_rows(activity_file, _ACTIVITIES, counts)), _schema(_ACTIVITIES))
    if not len(activities):
        raise InputError(f"{activity_file}: no row has the form of an activity, so the subject is not known")
    yield _page_rows(activities)
    touches = pa.Table.from_batches(list(read_rows(touch_file, _TOUCHES, counts)), _schema(_TOUCHES))
    yield _gesture_rows(touches, activities, counts)


def _schema(form: Form) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name, pattern in form.fields.items() if pattern is not None])


def _page_rows(activities: pa.Table) -> pa.Table:
    """An opened and a left page for each activity."""
    rows = activities.to_pylist()
    ends = {row["id"]: max(int(r["end"]) for r in rows if r["id"] == row["id"]) for row in rows}
    opened = {row["id"]: row for row in rows}
    events = [
        {"user_id": row["subject"], "timestamp_ms": time_ms, "action": action, "page": _page(row["task"])}
        for row in opened.values()
        for action, time_ms in (("open_page", int(row["start"])), ("leave_page", ends[row["id"]]))
    ]
    return pa.Table.from_pylist(events, _SWIPE)


def _page(task: str) -> str:
    return _PAGES[(int(task) - 1) % len(_PAGES)]


def _gesture_rows(rows: pa.Table, activities: pa.Table, counts: Counts) -> pa.Table:
    """A swipe or a tap for each gesture of one finger."""
    x, y = (rows[name].cast(pa.float64()).to_numpy() for name in ("x", "y"))
    time_ms, uptime_ms, num_fingers, action = (
        _integers(rows[name]) for name in ("time", "uptime", "num_fingers", "action")
    )
    touches = Touches(time_ms, uptime_ms, num_fingers, action, x, y)
    gestures = hmog_gestures.find_gestures(touches)
    counts["gestures_with_more_fingers"] += gestures.num_with_more_fingers
    counts["gestures_incomplete"] += gestures.num_incomplete
    first, last = gestures.first, gestures.last
    is_swipe = hmog_gestures.is_swipe(touches, gestures)
    found = pc.index_in(rows["activity"].take(pa.array(first)), activities["id"].combine_chunks())
    counts["gestures_without_activity"] += found.null_count
    pages = pa.chunked_array([[_page(task) for task in activities["task"].to_pylist()]], pa.string())
    is_upright = _integers(rows["orientation"])[first] % 2 == 0
    columns: Mapping[str, object] = {
        "user_id": pa.repeat(activities["subject"][0], len(first)),
        "timestamp_ms": touches.time_ms[last],
        "action": np.where(is_swipe, "swipe", "tap"),
        "page": pages.take(found),
        "x": _where(~is_swipe, touches.x[first]),
        "y": _where(~is_swipe, touches.y[first]),
        "start_x": _where(is_swipe, touches.x[first]),
        "start_y": _where(is_swipe, touches.y[first]),
        "end_x": _where(is_swipe, touches.x[last]),
        "end_y": _where(is_swipe, touches.y[last]),
        "duration_ms": touches.uptime_ms[last] - touches.uptime_ms[first],
        "window_width": np.where(is_upright, float(_SHORT_SIDE), float(_LONG_SIDE)),
        "window_height": np.where(is_upright, float(_LONG_SIDE), float(_SHORT_SIDE)),
    }
    return pa.table(columns).cast(_SWIPE)


def _integers(texts: pa.ChunkedArray) -> NDArray[np.int64]:
    integers: NDArray[np.int64] = texts.cast(pa.int64()).to_numpy()
    return integers


def _where(applies: NDArray[np.bool_], values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, mask=~applies)


def _write(tables: Sequence[pa.Table], writer: LogWriter) -> None:
    if tables:
        table = pa.concat_tables(tables)
        writer.write("swipe", dict(zip(table.column_names, table.columns, strict=True)))


LOG = PublicLog(
    name="hmog",
    where_to_get=(
        '"H-MOG" data set, hmog_dataset.zip, linked at https://www.nyit-lamp.com/project/project1/',
        "(unpack it and the subjects' zips in it, give the folder; the page's terms apply; no checksums are published)",
        "Sitova et al., HMOG: New Behavioral Biometric Features for Continuous Authentication of Smartphone Users,",
        "IEEE Transactions on Information Forensics and Security, 2016",
    ),
    row_format="time,uptime,activity,number of fingers,finger,action,x,y,pressure,size,orientation",
    patterns=tuple(f"**/{name}{suffix}" for name in ("Activity.csv", "TouchEvent.csv") for suffix in ("", ".gz")),
    known_sha256={},
    convert=convert,
)
