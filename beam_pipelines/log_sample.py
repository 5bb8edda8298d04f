"""A sample of an input, read without Beam, and what it shows: the figures of `--validate_only`."""

import dataclasses
import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from beam_pipelines import reading, validation
from beam_pipelines.inputs import Column, ColumnKind, Input
from beam_pipelines.options import DiscretizeOptions
from beam_pipelines.raw_batches import MAX_ROWS, Piece, RawBatch
from beam_pipelines.raw_values import Reason, read_name, read_number
from beam_pipelines.validation import EventBatch, Reject
from edgedipn_tf.schema import Level

_LEAST_ROWS = 2000
"""Rows of a piece that are worth opening it."""
_PARTS = 8
"""Batches that make up the rows wanted of a piece; by one of them there may be more."""
_UNITS = {"seconds": 1000.0, "microseconds": 1e-3, "nanoseconds": 1e-6}
"""Milliseconds of other units of time."""
_CATEGORIES = tuple(level.value for level in (Level.LEAF, Level.TOP))
"""Columns whose names are candidate categories."""
_POSITIONS = {"window_width": ("x", "start_x", "end_x"), "window_height": ("y", "start_y", "end_y")}


@dataclasses.dataclass
class InputSample:
    """What the rows read of an input show.

    Attributes:
        input: the input.
        num_files: files of the input.
        is_whole: whether every row was read.
        num_rows: rows read, bad ones included.
        bad: rows by reason.
        rows_by_user, rows_by_day: good rows; by local day only of inputs with a time.
        times_ms: times of the good rows by action, and of those with a name in a category column by (action, column).
        user_days: (user, local day) of the good rows of inputs with a time.
        unknown_actions: rows by a spelling that is no action.
        other_units: bad times that another unit would make good, by its name.
        num_outside: good rows with a position outside the window.
        unread_columns: columns of the files that are not read.
        absent: columns that no file has, each with the nearest unread column, if any.
        empty: optional columns that are null in every row.
    """

    input: Input
    num_files: int = 0
    is_whole: bool = True
    num_rows: int = 0
    bad: Counter[str] = dataclasses.field(default_factory=Counter)
    rows_by_user: Counter[str] = dataclasses.field(default_factory=Counter)
    rows_by_day: Counter[int] = dataclasses.field(default_factory=Counter)
    times_ms: dict[str | tuple[str, str], list[npt.NDArray[np.int64]]] = dataclasses.field(default_factory=dict)
    user_days: set[tuple[str, int]] = dataclasses.field(default_factory=set)
    unknown_actions: Counter[str] = dataclasses.field(default_factory=Counter)
    other_units: Counter[str] = dataclasses.field(default_factory=Counter)
    num_outside: int = 0
    unread_columns: tuple[str, ...] = ()
    absent: dict[str, str | None] = dataclasses.field(default_factory=dict)
    empty: list[str] = dataclasses.field(default_factory=list)

    @property
    def num_bad(self) -> int:
        """Bad rows."""
        return sum(self.bad.values())

    def times_of(self, action: str, category: str | None = None) -> npt.NDArray[np.int64]:
        """Returns the times of an action, int64 [N]; with the name of a category column, only where it has a name."""
        key = action if category is None else (action, category)
        return np.concatenate([np.zeros(0, dtype=np.int64), *self.times_ms.get(key, [])])


def read_sample(input: Input, pieces: Sequence[Piece], num_rows: int, options: DiscretizeOptions) -> InputSample:
    """Reads about `num_rows` rows of an input: the first rows of its pieces, equally many of each if they have them.

    Args:
        input: the input.
        pieces: its pieces; when they are very many, some of them are read, evenly spread.
        num_rows: how many rows, about.
        options: settings of the job: what is a good time, and the local day.

    Raises:
        InputError: in one line, when a file is damaged.
    """
    sample = InputSample(input, num_files=len({piece.path for piece in pieces}))
    chosen = _spread(pieces, max(1, num_rows // _LEAST_ROWS))
    sample.is_whole = len(chosen) == len(pieces)
    names: dict[str, None] = {}
    seen: set[str] = set()
    for index, piece in enumerate(chosen):
        names.update(dict.fromkeys(reading.column_names(piece)))
        quota = -(-(num_rows - sample.num_rows) // (len(chosen) - index))
        for raw in _first_rows(piece, input, quota, sample):
            batch, rejects = validation.validate(raw, input, options.min_time_ms, options.max_time_ms)
            _add_good(sample, batch, options)
            _add_bad(sample, raw, rejects, options)
            seen |= _columns_with_values(batch)
    used = {column.file_name for column in input.columns}
    sample.unread_columns = tuple(name for name in names if name not in used)
    for column in input.columns:
        if column.file_name not in names:
            nearest = difflib.get_close_matches(column.file_name, sample.unread_columns, n=1)
            sample.absent[column.file_name] = nearest[0] if nearest else None
        elif column.name not in seen and not column.is_required:
            sample.empty.append(column.file_name)
    return sample


def _spread(pieces: Sequence[Piece], most: int) -> list[Piece]:
    if len(pieces) <= most:
        return list(pieces)
    return [pieces[index * len(pieces) // most] for index in range(most)]


def _first_rows(piece: Piece, input: Input, quota: int, sample: InputSample) -> Iterator[RawBatch]:
    num_read = 0
    for raw in reading.read_batches(piece, input, min(MAX_ROWS, max(1, quota // _PARTS))):
        if num_read >= quota:
            sample.is_whole = False
            return
        size = len(raw.record_numbers) + len(raw.errors)
        num_read += size
        sample.num_rows += size
        yield raw


def _add_good(sample: InputSample, batch: EventBatch, options: DiscretizeOptions) -> None:
    users = batch.names["user_id"]
    for user, count in zip(users.values, np.bincount(users.codes, minlength=len(users.values)).tolist(), strict=True):
        sample.rows_by_user[user] += count
    if sample.input.columns_of(ColumnKind.TIME):
        days = options.local_time.day_index(batch.timestamp_ms)
        sample.rows_by_day.update(days.tolist())
        pairs = np.unique(np.stack([users.codes.astype(np.int64), days]), axis=1)
        sample.user_days.update((users.values[code], day) for code, day in pairs.T.tolist())
    categories = {level: batch.names[level].codes >= 0 for level in _CATEGORIES if level in batch.names}
    for index, action in enumerate(sample.input.actions):
        is_action = batch.action == index
        sample.times_ms.setdefault(action, []).append(batch.timestamp_ms[is_action])
        for level, is_named in categories.items():
            sample.times_ms.setdefault((action, level), []).append(batch.timestamp_ms[is_action & is_named])
    is_outside = np.zeros(len(batch), dtype=bool)
    for window in sample.input.window_columns:
        size = batch.numbers[window]
        for position in _POSITIONS[window]:  # null compares false; without a window positions mean nothing
            is_outside |= ((batch.numbers[position] < 0) & (size > 0)) | (batch.numbers[position] > size)
    sample.num_outside += int(is_outside.sum())


def _add_bad(sample: InputSample, raw: RawBatch, rejects: list[Reject], options: DiscretizeOptions) -> None:
    sample.bad.update(str(reject.reason) for reject in rejects)
    for column in sample.input.columns_of(ColumnKind.ACTION):
        for value in _values_of(raw, rejects, Reason.UNKNOWN_ACTION, column):
            sample.unknown_actions[str(read_name(value)[0])] += 1
    for column in sample.input.columns_of(ColumnKind.TIME):
        for value in _values_of(raw, rejects, Reason.BAD_TIME, column):
            time = read_number(value)[0] or 0.0
            for unit, ms in _UNITS.items():
                sample.other_units[unit] += options.min_time_ms <= time * ms < options.max_time_ms


def _values_of(raw: RawBatch, rejects: list[Reject], reason: Reason, column: Column) -> list[Any]:
    numbers = [reject.record_number for reject in rejects if reject.reason is reason]
    return validation.values_at(raw.values[column.name], np.searchsorted(raw.record_numbers, numbers))


def _columns_with_values(batch: EventBatch) -> set[str]:
    names = {name for name, column in batch.names.items() if (column.codes >= 0).any()}
    integers = {name for name, column in batch.integers.items() if not column.is_null.all()}
    return names | integers | {name for name, column in batch.numbers.items() if not np.isnan(column).all()}
