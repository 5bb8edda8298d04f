"""Local days and hours, from the time zone database that is pinned with the project and never the system's.

All times are int64 milliseconds since the epoch, UTC; a day is int64 days since 1970-01-01.

The local day d is the time from the first instant whose local date is d (or later) to that of d + 1. So days follow one
another without gap or overlap also where clocks are set back over midnight (America/St_Johns until 2011: the repeated
minutes of the evening belong to the new day), a day has 23 to 25 hours, and a date that was left out (Pacific/Apia,
2011-12-30) is an empty day.
"""

import bisect
import datetime
import difflib
import importlib.resources
import io
import re
import struct
import zoneinfo
from typing import Final

import numpy as np
import tzdata
from numpy.typing import ArrayLike, NDArray

from edgedipn_tf.commands import InputError

IntArray = NDArray[np.int64]

MS_PER_HOUR: Final = 3_600_000
MS_PER_DAY: Final = 86_400_000
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2199
_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_FIRST_DAY: Final = datetime.date(FIRST_YEAR, 1, 1).toordinal() - _EPOCH.toordinal()
_LAST_DAY: Final = datetime.date(LAST_YEAR, 12, 31).toordinal() - _EPOCH.toordinal()
FIRST_MS: Final = _FIRST_DAY * MS_PER_DAY
"""The first time that is supported, 1900-01-01 UTC."""
LAST_MS: Final = (_LAST_DAY + 1) * MS_PER_DAY - 1
"""The last time that is supported, the end of 2199 UTC."""
_WEEK_SECONDS: Final = 7 * 86_400


class LocalTime:
    """A time zone, vectorised over arrays. Holds plain arrays, so that it can be sent to workers as it is.

    Args:
        timezone_name: a name of the IANA database, e.g. `Asia/Shanghai`.

    Raises:
        InputError: naming the nearest names, when the database has no such zone.
    """

    def __init__(self, timezone_name: str) -> None:
        self.name = timezone_name
        self.version: str = tzdata.IANA_VERSION
        """Version of the time zone database, e.g. 2026f."""
        starts, offsets = _segments(_read_zone(timezone_name), timezone_name)
        self._starts_ms = np.append(np.iinfo(np.int64).min, starts[1:] * 1000)
        self._offsets_ms = offsets * 1000
        # The largest local time that each segment comes to, and that was come to before it: where clocks are set back,
        # a local time is reached for the first time in an earlier segment.
        ends_ms = np.append(self._starts_ms[1:] + self._offsets_ms[:-1], np.iinfo(np.int64).max)
        self._reached_ms = np.maximum.accumulate(ends_ms)
        self._reached_before_ms = np.append(np.iinfo(np.int64).min, self._reached_ms[:-1] - 1)

    @property
    def segments(self) -> tuple[IntArray, IntArray]:
        """Where times of one offset from UTC start, ascending, the first at the least int64, and their offsets; ms."""
        return self._starts_ms, self._offsets_ms

    def day_index(self, t_ms: ArrayLike) -> IntArray:
        """Returns the local days of times.

        Raises:
            ValueError: when a time is outside the years 1900 to 2199.
        """
        times, segments = self._locate(t_ms)
        furthest = np.maximum(times + self._offsets_ms[segments], self._reached_before_ms[segments])
        return np.asarray(furthest // MS_PER_DAY)

    def hour(self, t_ms: ArrayLike) -> IntArray:
        """Returns the hours, 0 to 23, that local clocks show.

        Raises:
            ValueError: when a time is outside the years 1900 to 2199.
        """
        times, segments = self._locate(t_ms)
        return np.asarray((times + self._offsets_ms[segments]) // MS_PER_HOUR % 24)

    def day_start_ms(self, day_index: ArrayLike) -> IntArray:
        """Returns the first instants of local days: midnight, or where the clock skips it the instant of the change.

        Days outside the years 1900 to 2199 go on with the first and the last offset of those years.
        """
        midnights = np.asarray(day_index, dtype=np.int64) * MS_PER_DAY
        segments = np.searchsorted(self._reached_ms, midnights, side="right")
        return np.asarray(np.maximum(self._starts_ms[segments], midnights - self._offsets_ms[segments]))

    def _locate(self, t_ms: ArrayLike) -> tuple[IntArray, NDArray[np.intp]]:
        times = np.asarray(t_ms, dtype=np.int64)
        if times.size and not (times.min() >= FIRST_MS and times.max() <= LAST_MS):
            raise ValueError(f"a time is outside the years {FIRST_YEAR} to {LAST_YEAR}")
        return times, np.searchsorted(self._starts_ms, times, side="right") - 1

    @staticmethod
    def date_text(day_index: int) -> str:
        """Returns a day as YYYY-MM-DD."""
        return datetime.date.fromordinal(int(day_index) + _EPOCH.toordinal()).isoformat()

    @staticmethod
    def parse_date(text: str) -> int:
        """Returns the day of a date.

        Raises:
            InputError: when the text is not a date of the years 1900 to 2199, written YYYY-MM-DD.
        """
        try:
            if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
                raise ValueError
            day = datetime.date.fromisoformat(text).toordinal() - _EPOCH.toordinal()
        except ValueError:
            raise InputError(f"{text!r} is not a date: write it as YYYY-MM-DD, e.g. 2017-12-03") from None
        if not _FIRST_DAY <= day <= _LAST_DAY:
            raise InputError(f"{text!r} is outside the years {FIRST_YEAR} to {LAST_YEAR}: correct the date")
        return day


def _read_zone(name: str) -> bytes:
    """The compiled zone (RFC 8536) of the pinned database."""
    names = importlib.resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    if name not in names:
        by_folded_name = {known.casefold(): known for known in names}
        nearest = difflib.get_close_matches(name.casefold(), list(by_folded_name), n=3, cutoff=0.5)
        advice = f"did you mean {' or '.join(by_folded_name[n] for n in nearest)}?" if nearest else "e.g. Asia/Shanghai"
        raise InputError(f"time zone {name!r} is not in the IANA database {tzdata.IANA_VERSION}: {advice}")
    return importlib.resources.files("tzdata.zoneinfo").joinpath(*name.split("/")).read_bytes()


def _segments(compiled: bytes, name: str) -> tuple[IntArray, IntArray]:
    """Starts and offsets, in seconds, of the times during which a zone's offset does not change.

    The starts are the transitions that the file lists, and those that its closing rule makes until LAST_YEAR, which
    are found by bisection between weeks: no rule switches twice in a week.
    """
    zone = zoneinfo.ZoneInfo.from_file(io.BytesIO(compiled), key=name)

    def offset(seconds: int) -> int:
        shown = datetime.datetime.fromtimestamp(seconds, zone).utcoffset() or datetime.timedelta()
        return shown // datetime.timedelta(seconds=1)

    first, last = FIRST_MS // 1000, LAST_MS // 1000
    starts = [first, *(t for t in _transitions(compiled) if first < t <= last)]
    before = offset(starts[-1])
    for week in range(starts[-1], last, _WEEK_SECONDS):
        after = offset(week + _WEEK_SECONDS)
        if after != before:
            seconds = range(week, week + _WEEK_SECONDS)
            starts.append(week + bisect.bisect_left(seconds, True, key=lambda s: offset(s) == after))
        before = after
    return np.array(starts, dtype=np.int64), np.array([offset(s) for s in starts], dtype=np.int64)


def _transitions(compiled: bytes) -> tuple[int, ...]:
    """The transition times that a compiled zone lists, from its 64-bit block (RFC 8536, section 3)."""
    header = struct.Struct(">4s c 15x 6l")
    _, _, num_utc, num_standard, num_leaps, num_times, num_types, num_characters = header.unpack_from(compiled)
    old_block = num_times * 5 + num_types * 6 + num_characters + num_leaps * 8 + num_standard + num_utc
    second_header = header.size + old_block
    num_times = header.unpack_from(compiled, second_header)[5]
    return struct.unpack_from(f">{num_times}q", compiled, second_header + header.size)
