"""Draws, local days and formulas of the reference, on numbers worked out by hand."""

import datetime

import pytest

from tests.reference import formulas
from tests.reference.local_days import LocalDays

HOUR = 3_600_000


def ms(text: str) -> int:
    return round(datetime.datetime.fromisoformat(text).timestamp() * 1000)


# Draws.


def test_mix_is_splitmix64() -> None:
    assert formulas.mix(1234567) == 6457827717110365317


def test_key_is_the_head_of_the_sha256_of_the_text() -> None:
    # printf '7|u1|2024-03-31' | sha256sum
    assert formulas.key_of(7, "u1", "2024-03-31") == 0x8D194A259340003F
    assert formulas.key_of(3, "Zoë") == 0x04E28CAA585FC507


# Local days.


@pytest.mark.parametrize(
    ("timezone", "date", "first", "hours"),
    [
        ("UTC", "2024-03-31", "2024-03-31T00:00+00:00", 24),
        ("Europe/Berlin", "2024-03-31", "2024-03-30T23:00+00:00", 23),
        ("Europe/Berlin", "2024-10-27", "2024-10-26T22:00+00:00", 25),
        ("Asia/Kathmandu", "2024-01-01", "2023-12-31T18:15+00:00", 24),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00+00:00", 23),  # no midnight: the day begins at 01:00
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00+00:00", 25),  # 23:00 to midnight twice
    ],
)
def test_a_local_day_is_a_range_of_milliseconds(timezone: str, date: str, first: str, hours: int) -> None:
    days, day = LocalDays(timezone), datetime.date.fromisoformat(date)
    assert days.first_ms(day) == ms(first)
    assert days.last_ms(day) == ms(first) + hours * HOUR - 1
    assert days.date(ms(first)) == day and days.date(ms(first) - 1) == day - datetime.timedelta(days=1)


# Formulas.


@pytest.mark.parametrize(
    ("value", "expected"),
    [(-5, 0), (0, 0), (99, 0), (100, 1), (999, 9), (1000, 10), (1999, 10), (2000, 11), (9999, 18), (10000, 19)],
)
def test_time_gap(value: int, expected: int) -> None:
    assert formulas.stepped_id(value, 100) == expected + 2


@pytest.mark.parametrize(("value", "expected"), [(24, 0), (249, 9), (250, 10), (2499, 18), (2500, 19), (1 << 60, 19)])
def test_duration(value: int, expected: int) -> None:
    assert formulas.stepped_id(value, 25) == expected + 2


@pytest.mark.parametrize(
    ("stay", "expected"),
    [
        (-1, 0),
        (999, 0),
        (1000, 1),
        (59_999, 59),
        (60_000, 60),
        (64_999, 60),
        (65_000, 61),
        (649_999, 177),
        (650_000, 178),
    ],
)
def test_page_stay(stay: int, expected: int) -> None:
    assert formulas.stay_bin(stay) == expected


@pytest.mark.parametrize(
    ("elapsed", "expected"),
    [(0, 0), (999, 0), (1000, 1), (1999, 1), (2000, 2), (3999, 2), (4000, 3), ((1 << 23) * 1000 - 1, 23)]
    + [((1 << 23) * 1000, 24), ((1 << 24) * 1000, 24), (1 << 60, 24)],
)
def test_elapsed(elapsed: int, expected: int) -> None:
    assert formulas.elapsed_bin(elapsed) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, 0), (99.9, 0), (100, 1), (1699.9, 16), (1700, 16), (1700.1, 16), (1e18, 16), (-0.01, 0), (-1e18, 0)],
)
def test_position_in_a_window_of_1700(value: float, expected: int) -> None:
    assert formulas.position_id(value, 1700, 17) == expected + 2


@pytest.mark.parametrize(
    ("end", "expected"), [(500, 17), (500.0625, 17), (499.9375, 16), (600, 18), (-500, 0), (1500, 33), (1e9, 33)]
)
def test_length_across_a_window_of_1000(end: float, expected: int) -> None:
    assert formulas.length_id(500, end, 1000, 34) == expected + 2


def test_length_is_of_the_raw_displacement_not_of_the_clamped_positions() -> None:
    assert formulas.length_id(2000, 2100, 1000, 34) == 18 + 2
    assert formulas.length_id(None, 5, 1000, 34) == formulas.length_id(5, 5, None, 34) == 1


def test_direction_is_decided_on_sixteenths() -> None:
    assert formulas.direction_id(5, 5.05, 2, 3) == 1
    assert formulas.direction_id(5, 5.07, 2, 3) == 2
    assert formulas.direction_id(5, 4.99, 2, 3) == 3
    assert formulas.direction_id(0, -0.01, 2, 3) == 3
