"""Local days as ranges of milliseconds: the date of a moment, the first and the last millisecond of a date."""

import datetime
import functools
import zoneinfo

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
HOUR_MS = 3_600_000


class LocalDays:
    """The calendar of one time zone.

    Args:
        timezone: name in the tz database, e.g. `Europe/Berlin`.
    """

    def __init__(self, timezone: str) -> None:
        self._zone = zoneinfo.ZoneInfo(timezone)
        self.first_ms = functools.cache(self._first_ms)

    def _local(self, timestamp_ms: int) -> datetime.datetime:
        return (EPOCH + datetime.timedelta(milliseconds=timestamp_ms)).astimezone(self._zone)

    def date(self, timestamp_ms: int) -> datetime.date:
        """Returns the local date of a moment."""
        return self._local(timestamp_ms).date()

    def hour(self, timestamp_ms: int) -> int:
        """Returns the local hour of a moment, 0 to 23."""
        return self._local(timestamp_ms).hour

    def _first_ms(self, date: datetime.date) -> int:
        """Returns the first millisecond whose local date is `date`, found by halving: no rule of clock changes."""
        utc_midnight = (datetime.datetime.combine(date, datetime.time(), datetime.UTC) - EPOCH) // datetime.timedelta(
            milliseconds=1
        )
        before, reached = utc_midnight - 36 * HOUR_MS, utc_midnight + 36 * HOUR_MS
        while reached - before > 1:
            middle = (before + reached) // 2
            if self.date(middle) < date:
                before = middle
            else:
                reached = middle
        return reached

    def last_ms(self, date: datetime.date) -> int:
        """Returns the last millisecond before the next local date begins."""
        return int(self.first_ms(date + DAY)) - 1
