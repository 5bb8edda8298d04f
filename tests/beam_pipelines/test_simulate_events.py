"""The simulated world: reproducible, in the format, modest in volume, and with signal where it is said to be."""

import dataclasses
import hashlib
import json
import pathlib
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet
import pytest

from beam_pipelines import raw_log, simulate_events
from edgedipn_tf import commands
from edgedipn_tf.schema import BROWSE_VIEW, SWIPE_VIEW, TAP_VIEW
from edgedipn_tf.simulation import pages, world
from edgedipn_tf.simulation.simulate import UserLog, simulate_user
from edgedipn_tf.simulation.views import NAMES

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
START_MS = 18_000 * DAY_MS
DAYS_MS = START_MS + DAY_MS * np.arange(22)
NUM_USERS = 100
INPUT_NAMES = ("swipe", "tap", "browse", "profile")
SHOP = world.make_world(1)


def run(*argv: str) -> int:
    return commands.run(simulate_events.DESCRIPTION, simulate_events.define_flags, simulate_events.main, argv)


def digests(folder: pathlib.Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows(folder: pathlib.Path, name: str) -> list[dict[str, Any]]:
    return [row for path in sorted((folder / name).iterdir()) for row in pyarrow.parquet.read_table(path).to_pylist()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    output = tmp_path_factory.mktemp("simulated") / "log"
    assert run(f"--output={output}", "--num_users=3", "--num_days=4", "--seed=7") == 0
    return output


@pytest.fixture(scope="module")
def logs() -> list[UserLog]:
    return [simulate_user(SHOP, 1, user, DAYS_MS) for user in range(NUM_USERS)]


# The command and its files.


def test_the_same_seed_gives_the_same_bytes(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert run(f"--output={tmp_path / 'again'}", "--num_users=3", "--num_days=4", "--seed=7") == 0
    assert run(f"--output={tmp_path / 'other'}", "--num_users=3", "--num_days=4", "--seed=8") == 0
    assert digests(tmp_path / "again") == digests(folder)
    assert digests(tmp_path / "other")["swipe/part-00000.parquet"] != digests(folder)["swipe/part-00000.parquet"]


def test_a_user_does_not_depend_on_the_number_of_users(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert run(f"--output={tmp_path / 'log'}", "--num_users=66", "--num_days=4", "--seed=7") == 0
    for name in INPUT_NAMES:
        first_users = [row for row in rows(tmp_path / "log", name) if row["user_id"] < "user-000003"]
        assert first_users == rows(folder, name)


def test_columns_are_those_of_the_raw_log_format(folder: pathlib.Path) -> None:
    times = {"user_id": "string", "timestamp_ms": "int64"}
    places = dict.fromkeys(("x", "y", "start_x", "start_y", "end_x", "end_y"), "double")
    windows = {"window_width": "double", "window_height": "double"}
    categories = dict.fromkeys(("page", "leaf_category", "top_category", "item_id"), "string")
    profile = ("age_level", "gender", "buyer_star", "tm_level", "vip_level", "phone_price")
    expected = {
        "swipe": {**times, "action": "string", "page": "string", **places, "duration_ms": "int64", **windows},
        "tap": {**times, "event": "string", "page": "string", "button": "string"},
        "browse": {**times, "action": "string", **categories, "stay_ms": "int64", "price": "double"},
        "profile": {"user_id": "string", **dict.fromkeys(profile, "string")},
    }
    assert {path.name for path in folder.iterdir()} == {*expected, "log.json"}
    for name, columns in expected.items():
        schema = pyarrow.parquet.read_schema(folder / name / "part-00000.parquet")
        assert {field.name: str(field.type) for field in schema} == columns


def test_json_lines_hold_the_same_rows(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert run(f"--output={tmp_path / 'log'}", "--num_users=3", "--num_days=4", "--seed=7", "--format=jsonl") == 0
    for name in INPUT_NAMES:
        lines = (tmp_path / "log" / name / "part-00000.jsonl").read_text(encoding="utf-8").splitlines()
        present = [{key: value for key, value in row.items() if value is not None} for row in rows(folder, name)]
        assert [json.loads(line) for line in lines] == present


def test_names_are_escaped_in_json_lines(tmp_path: pathlib.Path) -> None:
    names = ['say "hi"', "back\\slash", "line\nbreak", "猫"]
    raw_log.LogWriter(tmp_path, "jsonl").write("tap", {"user_id": names, "button": names, "timestamp_ms": [1] * 4})
    lines = (tmp_path / "tap" / "part-00000.jsonl").read_bytes().splitlines()
    assert [json.loads(line) for line in lines] == [{"user_id": n, "timestamp_ms": 1, "button": n} for n in names]


def test_suggested_flags_of_a_log_of_21_days(tmp_path: pathlib.Path) -> None:
    argv = ("--num_users=1", "--start_date=2021-03-01", "--timezone=America/New_York")
    assert run(f"--output={tmp_path / 'log'}", *argv) == 0
    description = json.loads((tmp_path / "log" / "log.json").read_text())
    assert description["is_simulated"] is True and description["name"] == "simulated"
    assert any("simulated" in caveat for caveat in description["caveats"])
    flags = description["suggested_flags"]
    # Day 14 of 21, so that the seven days after each cut-off lie before the end: the end of March 21.
    assert (flags["evaluation_date"], flags["last_cutoff_date"]) == ("2021-03-14", "2021-03-14")
    assert flags["timezone"] == "America/New_York" and flags["warmup_days"] == 2
    # Clocks went to summer time on March 14: the log ends at 04:00 UTC, not at 05:00.
    assert flags["log_end"] == "2021-03-22T03:59:59.999+00:00"
    assert description["log_end_ms"] == 1_616_385_599_999


@pytest.mark.parametrize(
    ("num_days", "evaluation_date", "warmup_days"),
    [(2, "2021-03-02", 0), (3, "2021-03-02", 0), (9, "2021-03-08", 2), (18, "2021-03-11", 2)],
)
def test_suggested_flags_of_other_lengths(
    tmp_path: pathlib.Path, num_days: int, evaluation_date: str, warmup_days: int
) -> None:
    assert run(f"--output={tmp_path / 'log'}", "--num_users=1", f"--num_days={num_days}") == 0
    flags = json.loads((tmp_path / "log" / "log.json").read_text())["suggested_flags"]
    assert flags["evaluation_date"] == flags["last_cutoff_date"] == evaluation_date
    assert flags["warmup_days"] == warmup_days


def test_the_printed_summary_says_simulated(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"--output={tmp_path / 'log'}", "--num_users=2", "--num_days=2") == 0
    assert "simulated log: 2 users, 2 days" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["--start_date=2021-02-30"], "2021-02-30"),
        (["--timezone=Asia/Shangai"], "Asia/Shanghai"),
        (["--num_days=1"], "num_days"),
        (["--num_users=0"], "num_users"),
        (["--format=csv"], "format"),
        (["--actions_scale=0"], "actions_scale"),
    ],
)
def test_a_wrong_flag_is_one_line_and_publishes_nothing(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], argv: list[str], named: str
) -> None:
    assert run(f"--output={tmp_path / 'log'}", *argv) == 2
    message = capsys.readouterr().err
    assert named in message and message.count("\n") == 1
    assert not (tmp_path / "log").exists()


def test_an_output_that_is_there_is_kept(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = digests(folder)
    assert run(f"--output={folder}", "--num_users=1") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert digests(folder) == before


def test_help_teaches() -> None:
    command = [sys.executable, "-m", "beam_pipelines.simulate_events", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "--num_users" in text and "python -m beam_pipelines.simulate_events" in text


# The world.


def pooled(logs: list[UserLog], view: str, column: str) -> npt.NDArray[Any]:
    return np.concatenate([log.views[view][column] for log in logs if view in log.views])


@pytest.mark.parametrize(
    ("view", "low", "high"),
    [("swipe", 85, 150), ("tap", 22, 35), ("browse", 8, 13)],
)
def test_volume_of_a_user_and_day(logs: list[UserLog], view: str, low: float, high: float) -> None:
    assert low < len(pooled(logs, view, "timestamp_ms")) / (NUM_USERS * 21) < high


def test_the_scale_multiplies_every_view(logs: list[UserLog]) -> None:
    scaled = [simulate_user(SHOP, 1, user, DAYS_MS, scale=4.0) for user in range(20)]
    for view in NAMES:
        plain = len(pooled(logs[:20], view, "action" if view != "tap" else "event"))
        assert 2.5 < len(pooled(scaled, view, "timestamp_ms")) / plain < 4.5


def test_times_are_ordered_and_within_the_days(logs: list[UserLog]) -> None:
    for log in logs:
        for columns in log.views.values():
            times = columns["timestamp_ms"]
            # A record that was sent twice stands again at the end.
            is_duplicated = len(times) > 1 and times[-1] == times[0]
            assert (np.diff(times[:-1] if is_duplicated else times) >= 0).all()
            assert ((times >= START_MS) & (times < DAYS_MS[-1])).all()


def test_nothing_is_logged_at_once_in_two_places() -> None:
    starts = np.array([0, 1000, 2000, 10_000_000])
    lengths = np.array([5000, 100, 100, 100])
    # The second begins a minute after the first ends, the third a minute after the second.
    moved = pages.start_after_each_other(starts, lengths)
    assert moved.tolist() == [0, 65_000, 125_100, 10_000_000]


def test_swipe_rows_hold_what_their_action_has(logs: list[UserLog]) -> None:
    action = pooled(logs, "swipe", "action")
    names = np.array(SWIPE_VIEW.feature("action").names)[action]
    for column in ("start_x", "end_y", "duration_ms"):
        assert np.array_equal(~np.isnan(pooled(logs, "swipe", column)), names == "swipe")
    for column in ("x", "y"):
        assert np.array_equal(~np.isnan(pooled(logs, "swipe", column)), names == "tap")
    assert set(names) == {"open_page", "leave_page", "swipe", "tap"}


def test_a_few_swipes_end_slightly_outside_the_window(logs: list[UserLog]) -> None:
    share = pooled(logs, "swipe", "end_y") / pooled(logs, "swipe", "window_height")
    is_outside = (share < 0) | (share > 1)
    assert 0 < is_outside.sum() < 0.05 * len(share)
    assert np.nanmin(share) > -0.03 and np.nanmax(share) < 1.03


def test_taps_of_the_two_touch_views_are_the_same(logs: list[UserLog]) -> None:
    both = [log for log in logs if {"swipe", "tap"} <= set(log.views)]
    is_tap = pooled(both, "swipe", "action") == SWIPE_VIEW.feature("action").names.index("tap")
    is_button = pooled(both, "tap", "event") == TAP_VIEW.feature("event").names.index("button")
    tapped, buttons = pooled(both, "swipe", "timestamp_ms")[is_tap], pooled(both, "tap", "timestamp_ms")[is_button]
    assert len(tapped) == len(buttons) > 1000 and set(tapped) == set(buttons)


def test_a_purchase_is_a_tap_on_pay(logs: list[UserLog]) -> None:
    both = [log for log in logs if {"browse", "tap"} <= set(log.views)]
    is_purchase = pooled(both, "browse", "action") == BROWSE_VIEW.feature("action").names.index("purchase")
    is_pay = pooled(both, "tap", "button") == world.BUTTON_NAMES.index("pay")
    bought, paid = pooled(both, "browse", "timestamp_ms")[is_purchase], pooled(both, "tap", "timestamp_ms")[is_pay]
    assert len(bought) > 100 and set(bought) == set(paid)


def test_a_purchase_ends_its_page(logs: list[UserLog]) -> None:
    both = [log for log in logs if {"browse", "swipe"} <= set(log.views)]
    is_purchase = pooled(both, "browse", "action") == BROWSE_VIEW.feature("action").names.index("purchase")
    is_left = pooled(both, "swipe", "action") == SWIPE_VIEW.feature("action").names.index("leave_page")
    left = set(pooled(both, "swipe", "timestamp_ms")[is_left])
    bought = pooled(both, "browse", "timestamp_ms")[is_purchase]
    # Paid 100 ms before the next page opens; the page is left 1 ms before that. A log may end in between.
    assert np.mean([t + 99 in left for t in bought]) > 0.99


def test_a_leaf_has_one_top_and_searches_have_no_leaf(logs: list[UserLog]) -> None:
    leaf, top = pooled(logs, "browse", "leaf_category"), pooled(logs, "browse", "top_category")
    is_search = pooled(logs, "browse", "action") == BROWSE_VIEW.feature("action").names.index("search")
    assert np.array_equal(leaf < 0, is_search) and (top >= 0).all()
    assert np.array_equal(SHOP.top_of_leaf[leaf[~is_search]], top[~is_search])


def test_oddities_of_real_logs_occur() -> None:
    logs = [simulate_user(SHOP, 1, user, DAYS_MS[:4]) for user in range(300)]
    for view in NAMES:
        assert 0 < sum(view not in log.views for log in logs) < 30
    assert 0 < sum(not log.profile for log in logs) < 30
    assert any(None in log.profile.values() for log in logs)
    repeats = [
        len(columns["timestamp_ms"]) - len(np.unique(np.stack(list(columns.values())), axis=1).T)
        for log in logs
        for columns in log.views.values()
    ]
    assert 0 < sum(repeats) < 200


def test_a_user_who_never_comes_leaves_an_empty_log() -> None:
    logs = [simulate_user(SHOP, 1, user, DAYS_MS[:2]) for user in range(40)]
    empty = [log for log in logs if log.views and all(not len(v["timestamp_ms"]) for v in log.views.values())]
    assert empty


# What the views tell of the intents.


@dataclasses.dataclass(frozen=True)
class Cutoffs:
    """Labels, and simple counts of the hour before, at some cut-offs of days 3 to 13; arrays (cut-offs,)."""

    purchase: npt.NDArray[np.bool_]
    purchase_today: npt.NDArray[np.bool_]
    cart: npt.NDArray[np.bool_]
    retention: npt.NDArray[np.bool_]
    browsed: npt.NDArray[np.float64]
    decisive_taps: npt.NDArray[np.float64]
    swipe_duration: npt.NDArray[np.float64]
    active_days: npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def cutoffs(logs: list[UserLog]) -> Cutoffs:
    table = [row for log in logs if len(log.views) == 3 for row in cutoff_rows(log)]
    return Cutoffs(*(np.array(column) for column in zip(*table, strict=True)))


def cutoff_rows(log: UserLog) -> list[tuple[Any, ...]]:
    browse, tap, swipe = (log.views[name] for name in ("browse", "tap", "swipe"))
    actions = np.array(BROWSE_VIEW.feature("action").names)[browse["action"].astype(np.int64)]
    bought = browse["timestamp_ms"][actions == "purchase"]
    carted = browse["timestamp_ms"][actions == "cart"]
    decisive = tap["timestamp_ms"][np.isin(tap["button"], [world.BUTTON_NAMES.index(n) for n in ("sku", "coupon")])]
    is_swipe = ~np.isnan(swipe["duration_ms"])
    times = np.concatenate([columns["timestamp_ms"] for columns in log.views.values()])
    active = np.unique(times // DAY_MS)
    result = []
    for t0 in np.sort(times)[5::60].tolist():
        day = t0 // DAY_MS
        if not 18_002 <= day <= 18_012:
            continue

        def last_hour(moments: npt.NDArray[Any], t0: int = t0) -> npt.NDArray[np.bool_]:
            return (moments <= t0) & (moments > t0 - HOUR_MS)

        durations = swipe["duration_ms"][last_hour(swipe["timestamp_ms"]) & is_swipe]
        result.append(
            (
                ((bought > t0) & (bought <= t0 + HOUR_MS)).any(),
                ((bought > t0) & (bought // DAY_MS == day)).any(),
                ((carted > t0) & (carted <= t0 + HOUR_MS)).any(),
                day + 1 in active,
                last_hour(browse["timestamp_ms"]).sum(),
                last_hour(decisive).sum(),
                durations.mean() if len(durations) else 0.0,
                ((active < day) & (active >= day - 7)).sum() / min(7, day - 18_000),
            )
        )
    return result


def auc(label: npt.NDArray[np.bool_], score: npt.NDArray[np.float64]) -> float:
    """Share of (positive, negative) pairs in the right order, ties as one half."""
    differences = score[label][:, None] - score[~label][None, :]
    return float((differences > 0).mean() + 0.5 * (differences == 0).mean())


@pytest.mark.parametrize(
    ("intent", "low", "high"),
    [("purchase", 0.05, 0.16), ("purchase_today", 0.1, 0.3), ("cart", 0.08, 0.25), ("retention", 0.5, 0.9)],
)
def test_base_rates(cutoffs: Cutoffs, intent: str, low: float, high: float) -> None:
    labels = getattr(cutoffs, intent)
    assert len(labels) > 1500 and low < labels.mean() < high


def test_touch_tells_purchases_beyond_browse(cutoffs: Cutoffs) -> None:
    by_browse = auc(cutoffs.purchase, cutoffs.browsed)
    assert auc(cutoffs.purchase, cutoffs.decisive_taps) > max(0.65, by_browse)
    assert auc(cutoffs.purchase, cutoffs.swipe_duration) > 0.67


def test_habit_tells_the_return(cutoffs: Cutoffs) -> None:
    assert auc(cutoffs.retention, cutoffs.active_days) > 0.62


def test_purchases_follow_what_was_browsed(logs: list[UserLog]) -> None:
    is_bought: list[bool] = []
    counts: list[float] = []
    for log in logs:
        if "browse" not in log.views:
            continue
        browse = log.views["browse"]
        is_purchase = browse["action"] == BROWSE_VIEW.feature("action").names.index("purchase")
        before = browse["timestamp_ms"] < DAYS_MS[10]
        is_after = ~before & (browse["timestamp_ms"] < DAYS_MS[17])
        bought = set(browse["leaf_category"][is_purchase & is_after].tolist())
        leaves, browsed = np.unique(browse["leaf_category"][before], return_counts=True)
        is_bought += [leaf in bought for leaf in leaves.tolist() if leaf >= 0]
        counts += browsed[leaves >= 0].tolist()
    assert 0.02 < np.mean(is_bought) < 0.5
    assert auc(np.array(is_bought), np.array(counts, dtype=float)) > 0.65
