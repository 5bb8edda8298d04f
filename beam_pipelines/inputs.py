"""The raw inputs: what columns each has, what they hold, and which action names it knows. Frozen values.

Everything that reads, checks or writes a raw log takes its columns from here; a new column of a log is one line.
"""

import dataclasses
import difflib
import enum
from collections.abc import Iterable, Mapping

from edgedipn_tf.commands import InputError
from edgedipn_tf.schema import HISTORY_ACTIONS, Kind, Schema, View, edgedipn_schema


class ColumnKind(enum.StrEnum):
    """What a column holds."""

    NAME = "name"  # text, or an integral number that stands for its digits
    INTEGER = "integer"  # an integral number within int64
    NUMBER = "number"  # a finite number
    TIME = "time"  # integer milliseconds since the epoch, UTC
    ACTION = "action"  # a name of the input's closed list
    DATE = "date"  # YYYY-MM-DD


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of an input.

    Attributes:
        name: name of the column in the project.
        kind: what it holds.
        is_required: whether a record without it is bad; any other column may be null.
        is_non_negative: whether a negative number is of the wrong type (counts).
        source: name of the column in the files, when a config renames it; empty means `name`.
    """

    name: str
    kind: ColumnKind
    is_required: bool = False
    is_non_negative: bool = False
    source: str = ""

    @property
    def file_name(self) -> str:
        """Name of the column in the files."""
        return self.source or self.name


@dataclasses.dataclass(frozen=True)
class Input:
    """One raw log.

    Attributes:
        name: `swipe`, `tap`, `browse`, `profile` or `history`.
        columns: the columns; others that a file holds are not read.
        actions: names of the action column, in the order of their indices; empty without such a column.
        aliases: further spellings of actions, as (spelling, action).
        window_columns: columns whose value, if any, must be at least one sixteenth (a window has a size).
    """

    name: str
    columns: tuple[Column, ...]
    actions: tuple[str, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    window_columns: tuple[str, ...] = ()

    def column(self, name: str) -> Column:
        """Returns a column by name."""
        return next(c for c in self.columns if c.name == name)

    def columns_of(self, kind: ColumnKind) -> tuple[Column, ...]:
        """Returns the columns of a kind, in order."""
        return tuple(c for c in self.columns if c.kind is kind)

    def renamed(self, sources: Mapping[str, str]) -> "Input":
        """Returns the input with the files' own column names.

        Args:
            sources: name in the files by name of the column.

        Raises:
            InputError: when a name is not a column of the input, or a new name is empty.
        """
        names = [c.name for c in self.columns]
        for name, source in sources.items():
            if name not in names:
                hint = did_you_mean(name, names)
                raise InputError(f"input {self.name} has no column {name!r} to rename: {hint}it has {', '.join(names)}")
            if not source:
                raise InputError(f"input {self.name}: the new name of column {name!r} is empty")
        columns = tuple(dataclasses.replace(c, source=sources.get(c.name, c.source)) for c in self.columns)
        return dataclasses.replace(self, columns=columns)

    def with_aliases(self, spellings: Mapping[str, str]) -> "Input":
        """Returns the input with further spellings of its actions; they go before those it has.

        Args:
            spellings: action by spelling.

        Raises:
            InputError: when an action is not one of the input, or a spelling is empty (that is null).
        """
        for spelling, action in spellings.items():
            if action not in self.actions:
                has = f"{did_you_mean(action, self.actions)}it has {', '.join(self.actions) or 'none'}"
                raise InputError(f"input {self.name} has no action {action!r}: {has}")
            if not spelling:
                raise InputError(f"input {self.name}: a spelling of action {action!r} is empty")
        return dataclasses.replace(self, aliases=(*self.aliases, *spellings.items()))


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Returns a question that proposes the nearest of some names, with a space after it; nothing when none is near."""
    nearest = difflib.get_close_matches(name, list(names), n=1)
    return f"did you mean {nearest[0]!r}? " if nearest else ""


LOG_IDS = (("2001", "page"), ("2101", "button"))
"""Ids that the tap log writes for its events (DIPN section 3.1 logs ids, we also take names)."""


def inputs_of(schema: Schema) -> dict[str, Input]:
    """Returns the raw inputs of a schema by name: its views, then profile and history."""
    makers = {"swipe": _swipe, "tap": _tap, "browse": _browse}
    inputs = [makers[view.name](view) for view in schema.views]
    features = tuple(f.name for f in schema.profile if f.kind is Kind.VOCABULARY)
    inputs.append(Input("profile", (_USER, *_columns(ColumnKind.NAME, *features))))
    inputs.append(_history())
    return {i.name: i for i in inputs}


_USER = Column("user_id", ColumnKind.NAME, is_required=True)
_TIME = Column("timestamp_ms", ColumnKind.TIME, is_required=True)


def _columns(kind: ColumnKind, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name in names)


def _action(name: str) -> Column:
    return Column(name, ColumnKind.ACTION, is_required=True)


def _swipe(view: View) -> Input:
    positions = ("x", "y", "start_x", "start_y", "end_x", "end_y")
    window = ("window_width", "window_height")
    columns = (
        _USER,
        _TIME,
        _action("action"),
        *_columns(ColumnKind.NAME, "page"),
        *_columns(ColumnKind.NUMBER, *positions),
        *_columns(ColumnKind.INTEGER, "duration_ms"),
        *_columns(ColumnKind.NUMBER, *window),
    )
    return Input(view.name, columns, view.feature("action").names, window_columns=window)


def _tap(view: View) -> Input:
    columns = (_USER, _TIME, _action("event"), *_columns(ColumnKind.NAME, "page", "button"))
    return Input(view.name, columns, view.feature("event").names, aliases=LOG_IDS)


def _browse(view: View) -> Input:
    columns = (
        _USER,
        _TIME,
        _action("action"),
        *_columns(ColumnKind.NAME, "page", "leaf_category", "top_category", "item_id"),
        *_columns(ColumnKind.INTEGER, "stay_ms"),
        *_columns(ColumnKind.NUMBER, "price"),
    )
    return Input(view.name, columns, view.feature("action").names)


def _history() -> Input:
    columns = (
        _USER,
        Column("date", ColumnKind.DATE, is_required=True),
        _action("action"),
        Column("count", ColumnKind.INTEGER, is_non_negative=True),
    )
    return Input("history", columns, HISTORY_ACTIONS)


INPUTS = inputs_of(edgedipn_schema())
"""The inputs of the EdgeDIPN schema: swipe, tap, browse, profile, history."""
