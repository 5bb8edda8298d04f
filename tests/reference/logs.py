"""Small builders of raw records for the tests of the reference."""

import datetime
from fractions import Fraction
from typing import Any

from tests.reference.brute_force import Options, Sample, samples

HOUR = 3_600_000
DAY = 24 * HOUR
D0 = 1_709_251_200_000  # 2024-03-01T00:00Z
NEVER = datetime.date(2024, 6, 1)
MANY = Fraction(1000)


def ms(text: str) -> int:
    return round(datetime.datetime.fromisoformat(text).timestamp() * 1000)


def act(timestamp: int, action: str = "browse", user: str = "u", **columns: Any) -> dict[str, Any]:
    return {"user_id": user, "timestamp_ms": timestamp, "action": action, **columns}


def options(**values: Any) -> Options:
    return Options(**{"evaluation_date": NEVER, "samples_per_user_day": MANY, "min_count": 1, **values})


def one(browse: list[dict[str, Any]], t0: int, wanted: Options | None = None, **records: Any) -> Sample:
    return samples({"browse": browse, **records}, wanted or options())["u", t0]
