"""Local days and hours against dates worked out by hand and Python's own conversions."""

import datetime
import importlib.resources
import pickle
import time
import zoneinfo

import numpy as np
import pytest
import tzdata

from edgedipn_tf import local_time
from edgedipn_tf.commands import InputError
from edgedipn_tf.local_time import LocalTime

UTC = datetime.UTC
HOUR_MS = 3_600_000


def _ms(text):
    """Milliseconds of an ISO time, UTC unless it names an offset."""
    moment = datetime.datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime.datetime(1970, 1, 1, tzinfo=UTC)) // datetime.timedelta(milliseconds=1)


def _pinned_zone(name):
    """Python's own reading of the same compiled zone."""
    with importlib.resources.files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return zoneinfo.ZoneInfo.from_file(file, key=name)


# zone, date, its first instant, its hours
DAYS = [
    ("UTC", "2024-02-29", "2024-02-29T00:00", 24),
    ("Asia/Shanghai", "2017-12-03", "2017-12-02T16:00", 24),
    ("Asia/Kathmandu", "2024-05-01", "2024-04-30T18:15", 24),  # +5:45
    ("Europe/Berlin", "2024-03-31", "2024-03-30T23:00", 23),
    ("Europe/Berlin", "2024-10-27", "2024-10-26T22:00", 25),
    ("America/New_York", "2050-03-13", "2050-03-13T05:00", 23),  # by the zone's closing rule: the second Sunday
    ("America/New_York", "2050-11-06", "2050-11-06T04:00", 25),
    ("Australia/Lord_Howe", "2024-10-06", "2024-10-05T13:30", 23.5),  # half an hour of summer time: +10:30 to +11
    ("Australia/Lord_Howe", "2024-04-07", "2024-04-06T13:00", 24.5),
    ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00", 24),  # -10, the last day east of the date line
    ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00", 0),  # left out
    ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", 24),  # +14
    ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", 23),  # midnight does not exist: the day begins at 1:00
    ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00", 25),  # at midnight clocks go back to 23:00
    ("America/Havana", "2024-11-03", "2024-11-03T04:00", 25),  # 1:00 becomes 0:00: midnight twice, the first counts
    ("Asia/Beirut", "2024-03-31", "2024-03-30T22:00", 23),  # the day begins at 1:00
    ("America/St_Johns", "2010-11-06", "2010-11-06T02:30", 24),
    ("America/St_Johns", "2010-11-07", "2010-11-07T02:30", 25),  # 0:01 becomes 23:01 of the evening before
    ("America/St_Johns", "2010-03-14", "2010-03-14T03:30", 23),  # 0:01 becomes 1:01
]


@pytest.fixture(scope="module")
def zones():
    names = [*{zone for zone, *_ in DAYS}, "Africa/Casablanca", "Africa/Monrovia", "Antarctica/Troll", "Etc/GMT+12"]
    return {name: LocalTime(name) for name in names}


@pytest.mark.parametrize(("zone", "date", "first", "hours"), DAYS)
def test_first_instant_and_hours_of_a_day(zones, zone, date, first, hours):
    local = zones[zone]
    day = local.parse_date(date)
    start, end = local.day_start_ms([day, day + 1]).tolist()
    assert start == _ms(first)
    assert end - start == hours * HOUR_MS


@pytest.mark.parametrize(("zone", "date", "first", "hours"), DAYS)
def test_every_instant_of_a_day_has_its_index(zones, zone, date, first, hours):
    local = zones[zone]
    day = local.parse_date(date)
    start, end = local.day_start_ms([day, day + 1]).tolist()
    inside = np.arange(start, end, 60_000)
    assert (local.day_index(inside) == day).all()
    assert local.day_index(start - 1) < day
    assert local.day_index([end - 1, end]).tolist()[-1] > day or hours == 0


def test_a_repeated_evening_belongs_to_the_new_day(zones):
    # 2010-11-07 00:00:59.999 (-2:30), then 23:01 of the 6th (-3:30), then 00:00 of the 7th again.
    local = zones["America/St_Johns"]
    times = [_ms("2010-11-07T02:30:59.999"), _ms("2010-11-07T02:31"), _ms("2010-11-07T03:30")]
    assert [local.date_text(d) for d in local.day_index(times)] == ["2010-11-07"] * 3
    assert local.hour(times).tolist() == [0, 23, 0]


def test_a_date_that_was_left_out_has_no_instant(zones):
    local = zones["Pacific/Apia"]
    days = local.day_index([_ms("2011-12-30T09:59:59.999"), _ms("2011-12-30T10:00")])
    assert [local.date_text(d) for d in days] == ["2011-12-29", "2011-12-31"]


@pytest.mark.parametrize(
    ("zone", "utc", "hour"),
    [
        ("Asia/Kathmandu", "2024-05-01T18:14:59.999", 23),
        ("Asia/Kathmandu", "2024-05-01T18:15", 0),
        ("Australia/Lord_Howe", "2024-10-05T15:29:59.999", 1),  # 2:00 (+10:30) becomes 2:30 (+11)
        ("Australia/Lord_Howe", "2024-10-05T15:30", 2),
        ("Australia/Lord_Howe", "2024-04-06T15:00", 1),  # 2:00 (+11) becomes 1:30
        ("Pacific/Apia", "2011-12-30T10:00", 0),
        ("America/Sao_Paulo", "2018-11-04T03:00", 1),
        ("America/Sao_Paulo", "2018-02-18T02:00", 23),
        ("Africa/Monrovia", "1972-01-06T23:59:59.999", 23),  # -0:44:30 until 1972-01-07 00:44:30 UTC
        ("Africa/Monrovia", "1972-01-07T00:44:29.999", 23),
        ("Africa/Monrovia", "1972-01-07T00:44:30", 0),
    ],
)
def test_hour_by_hand(zones, zone, utc, hour):
    assert zones[zone].hour(_ms(utc)) == hour


def test_times_before_the_epoch_round_down(zones):
    local = zones["UTC"]
    assert local.day_index([-1, 0]).tolist() == [-1, 0]
    assert local.hour([-1, 0]).tolist() == [23, 0]
    assert local.date_text(-1) == "1969-12-31"


def test_random_times_equal_pythons_conversion(zones):
    generator = np.random.default_rng(0)
    for name, local in zones.items():
        zone = _pinned_zone(name)
        around = local._starts_ms[1:, None] + np.array([-1, 0, 1])
        times = np.append(generator.integers(local_time.FIRST_MS, local_time.LAST_MS, 1000), around)
        expected = [datetime.datetime.fromtimestamp(t // 1000, zone) for t in times.tolist()]
        assert local.hour(times).tolist() == [moment.hour for moment in expected]
        dates = np.array([moment.toordinal() for moment in expected]) - datetime.date(1970, 1, 1).toordinal()
        days = local.day_index(times)
        is_repeated_evening = (name == "America/St_Johns") & (local.hour(times) >= 22) & (days == dates + 1)
        assert ((days == dates) | is_repeated_evening).all(), name


def test_days_divide_time_without_gap_or_overlap(zones):
    for name, local in zones.items():
        days = np.arange(local.parse_date("1990-01-01"), local.parse_date("2060-01-01"))
        starts = local.day_start_ms(days)
        assert (np.diff(starts) >= 0).all()
        lasting = np.diff(starts) > 0
        assert (~lasting).sum() == (name == "Pacific/Apia")
        assert (local.day_index(starts[:-1][lasting]) == days[:-1][lasting]).all()
        assert (local.day_index(starts[1:][lasting] - 1) == days[:-1][lasting]).all()


def test_every_zone_of_the_database_can_be_read():
    names = importlib.resources.files("tzdata").joinpath("zones").read_text().split()
    for name in names[::60]:
        zone = _pinned_zone(name)
        moment = datetime.datetime(2031, 7, 1, 12, tzinfo=UTC)
        assert LocalTime(name).hour(_ms("2031-07-01T12:00")) == moment.astimezone(zone).hour, name


def test_version_is_that_of_the_pinned_database():
    assert LocalTime("UTC").version == tzdata.IANA_VERSION


def test_system_database_is_never_read(tmp_path):
    original = zoneinfo.TZPATH
    (tmp_path / "UTC").write_bytes(b"broken")
    zoneinfo.reset_tzpath([str(tmp_path)])
    try:
        assert LocalTime("UTC").hour(0) == 0
    finally:
        zoneinfo.reset_tzpath(original)


def test_pickled_zone_gives_the_same(zones):
    local = zones["America/Sao_Paulo"]
    restored = pickle.loads(pickle.dumps(local))
    times = np.arange(_ms("2017-01-01"), _ms("2019-01-01"), HOUR_MS // 2)
    assert (restored.name, restored.version) == (local.name, local.version)
    assert (restored.day_index(times) == local.day_index(times)).all()
    assert (restored.hour(times) == local.hour(times)).all()


def test_shapes_and_empty_arrays(zones):
    local = zones["UTC"]
    for convert in (local.day_index, local.hour, local.day_start_ms):
        assert convert(np.zeros((2, 3), np.int64)).shape == (2, 3)
        assert convert([]).dtype == np.int64


def test_a_million_times_take_a_moment(zones):
    local = zones["America/New_York"]
    times = np.random.default_rng(0).integers(_ms("2000-01-01"), _ms("2100-01-01"), 1_000_000)
    start = time.process_time()
    local.day_start_ms(local.day_index(times))
    local.hour(times)
    assert time.process_time() - start < 5  # measured: 0.3 s; one conversion after another takes several


@pytest.mark.parametrize("t_ms", [local_time.FIRST_MS - 1, local_time.LAST_MS + 1, -(2**63), 2**63 - 1])
def test_times_outside_the_supported_years_are_refused(zones, t_ms):
    with pytest.raises(ValueError, match="1900 to 2199"):
        zones["UTC"].day_index([0, t_ms])
    with pytest.raises(ValueError, match="1900 to 2199"):
        zones["UTC"].hour(t_ms)


def test_ends_of_the_supported_years_work(zones):
    for local in zones.values():
        days = local.day_index([local_time.FIRST_MS, local_time.LAST_MS])
        assert (local.day_start_ms(days) <= [local_time.FIRST_MS, local_time.LAST_MS]).all()
        assert (local.day_start_ms(days + 1) > [local_time.FIRST_MS, local_time.LAST_MS]).all()


def test_dates_are_read_and_written():
    assert LocalTime.parse_date("1970-01-01") == 0
    assert LocalTime.parse_date("2017-12-03") == 17503  # 1512259200 s / 86400 s
    assert LocalTime.date_text(np.int64(17503)) == "2017-12-03"
    assert LocalTime.date_text(LocalTime.parse_date("2000-02-29")) == "2000-02-29"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2017-12-3",
        "20171203",
        "2017-W48-7",
        "2017-02-29",
        "2017-12-03T00:00",
        " 2017-12-03",
        "2017-12-03\n",
        "today",
    ]
    + ["٢٠١٧-12-03", "1899-12-31", "2200-01-01"],
)
def test_text_that_is_no_date_is_refused(text):
    with pytest.raises(InputError, match="is not a date: write it as YYYY-MM-DD|outside the years"):
        LocalTime.parse_date(text)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("asia/shanghai", "did you mean Asia/Shanghai"),
        ("Europe/Berlim", "did you mean Europe/Berlin"),
        ("New_York", "America/New_York"),
        ("CST", "did you mean"),
        ("", "e.g. Asia/Shanghai"),
        ("../zones", "not in the IANA database"),
        ("Asia", "not in the IANA database"),
    ],
)
def test_unknown_zone_is_refused_with_the_nearest_names(name, advice):
    with pytest.raises(InputError, match=advice) as caught:
        LocalTime(name)
    assert repr(name) in str(caught.value) and "\n" not in str(caught.value)
