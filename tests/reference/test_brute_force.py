"""The reference itself, on examples worked out by hand."""

import datetime
from fractions import Fraction
from typing import Any

import pytest

from edgedipn_tf.schema import BROWSE_VIEW, HISTORY, SWIPE_VIEW
from tests.reference import formulas
from tests.reference.brute_force import Reference, Refused, samples
from tests.reference.local_days import LocalDays
from tests.reference.logs import D0, DAY, HOUR, NEVER, act, ms, one, options

# Actions.


def test_a_swipe_a_tap_and_a_page() -> None:
    window = {"window_width": 1700, "window_height": 2500}
    everything = {"x": 850, "y": 1250, "start_x": 100, "start_y": 2400, "end_x": 100, "end_y": 100, "duration_ms": 260}
    swipe = [
        act(D0, "open_page", page="home", **window, **everything),
        act(D0 + 150, "tap", page="home", **window, **everything),
        act(D0 + 150, "swipe", page="home", **window, **everything),
        act(D0 + 1150, "swipe", page="item", start_y=10, end_y=9.9, duration_ms=None),
    ]
    ids = samples({"swipe": swipe}, options())["u", D0 + 1150].ids["swipe"]
    assert [feature.name for feature in SWIPE_VIEW.features][:4] == ["action", "page", "time_gap", "duration"]
    assert ids == [
        # action page gap duration | tap x y | start x y | end x y | length x y | directions | elapsed
        [2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3],
        [5, 2, 3, 1, 10, 14, 1, 1, 1, 1, 1, 1, 1, 1, 3],
        [4, 2, 2, 12, 1, 1, 3, 26, 3, 3, 19, 4, 1, 2, 3],
        [4, 3, 12, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2],
    ]


def test_buttons_count_for_button_events_only() -> None:
    tap = [
        {"user_id": "u", "timestamp_ms": D0, "event": 2001, "page": "p", "button": "b"},
        {"user_id": "u", "timestamp_ms": D0 + 1, "event": "2101", "page": "p", "button": "c"},
        {"user_id": "u", "timestamp_ms": D0 + 2, "event": "button", "page": None, "button": 7.0},
    ]
    reference = Reference({"tap": tap}, options())
    assert reference.vocabularies["tap_button"] == {"7": 2, "c": 3}
    sample = reference.sample("u", D0 + 2)
    assert sample and sample.ids["tap"] == [[2, 2, 1, 2], [3, 2, 3, 2], [3, 1, 2, 2]]


def test_a_stay_is_known_once_it_is_over() -> None:
    browse = [act(D0, stay_ms=5000), act(D0 + 4999), act(D0 + 5000)]
    stay = BROWSE_VIEW.index("page_stay")
    assert one(browse, D0 + 4999).ids["browse"][0][stay] == 1
    assert one(browse, D0 + 5000).ids["browse"][0][stay] == 7


def test_windows_hold_the_newest_and_the_gap_reaches_beyond_them() -> None:
    swipe = [act(D0 + 100 * i, "open_page") for i in range(5)]
    ids = samples({"swipe": swipe}, options(max_length=2))["u", D0 + 300].ids["swipe"]
    assert [action[SWIPE_VIEW.index("time_gap")] for action in ids] == [3, 3]
    assert len(ids) == 2


def test_ties_stay_in_the_order_of_the_records() -> None:
    browse = [act(D0, "cart"), act(D0, "browse"), act(D0, "collect"), act(D0, "browse")]
    assert [action[0] for action in one(browse, D0).ids["browse"]] == [5, 2, 4]


def test_the_local_hour() -> None:
    berlin = options(timezone="Europe/Berlin")
    times = [ms("2024-10-27T00:30+00:00"), ms("2024-10-27T01:30+00:00")]  # 02:30 twice
    ids = one([act(times[0]), act(times[1])], times[1], berlin).ids["browse"]
    assert [action[BROWSE_VIEW.index("hour")] for action in ids] == [4, 4]


# History and profile.


def test_history_counts_whole_days_before_the_day_of_the_cutoff() -> None:
    today = D0 + 20 * DAY
    browse = [
        act(today - 1, "cart"),
        act(today - 7 * DAY, "cart"),
        act(today - 7 * DAY - 1, "cart"),
        act(today, "cart"),
    ]
    browse += [act(today - DAY + i, "purchase") for i in range(25)]
    past = [
        {"user_id": "u", "date": "2023-03-22", "action": "collect", "count": 2},  # 365 days before 2024-03-21
        {"user_id": "u", "date": "2023-03-21", "action": "collect", "count": 50},
        {"user_id": "u", "date": "2024-03-20", "action": "collect", "count": 3},
        {"user_id": "u", "date": "2024-03-21", "action": "collect", "count": 4},
        {"user_id": "u", "date": "2024-03-20", "action": "cart", "count": None},
    ]
    ids = one(browse, today, options(log_end_ms=today + DAY), history=past).history
    assert [feature.name for feature in HISTORY][:2] == ["collect_7_days", "collect_14_days"]
    assert ids == [5, 5, 5, 5, 5, 7] + [4, 5, 5, 5, 5, 5] + [21, 27, 27, 27, 27, 27]


def test_profiles_count_users_active_on_a_training_day_once() -> None:
    browse = [act(D0, user=user) for user in "abc"] + [act(D0 + DAY, user=user) for user in "abcde"]
    profile = [{"user_id": user, "gender": gender} for user, gender in zip("abcde", "mfmff", strict=True)]
    profile += [{"user_id": "a", "gender": "m", "age_level": None}]
    wanted = options(evaluation_date=datetime.date(2024, 3, 2), min_count=1)
    reference = Reference({"browse": browse, "profile": profile}, wanted)
    assert reference.vocabularies["profile_gender"] == {"m": 2, "f": 3}
    assert reference.inputs["profile"].duplicates == 1
    sample = reference.sample("e", D0 + DAY)
    assert sample and sample.profile == [1, 3, 1, 1, 1, 1]


def test_of_two_profiles_the_smaller_by_canonical_json_stays() -> None:
    profile = [{"user_id": 7, "gender": None}, {"user_id": "7", "gender": "z"}, {"user_id": 7.0, "gender": "zz"}]
    reference = Reference({"profile": profile, "browse": [act(D0)]}, options())
    # "age_level":null in all; then "buyer_star":null; then "gender": null > "z" > "z"+quote < "zz"
    assert reference.profiles["7"]["gender"] == "z"


# Vocabularies.


def test_vocabularies_rank_by_count_then_bytes_and_hold_training_days_only() -> None:
    browse = [
        act(D0 + i, page=page) for i, page in enumerate(["b", "é", "b", "a", "é", "a", "Z", None, "", "x", "x", "x"])
    ]
    browse += [act(D0, page="b")] + [act(D0 + DAY + i, page="late") for i in range(9)]
    wanted = options(evaluation_date=datetime.date(2024, 3, 2), min_count=2)
    assert Reference({"browse": browse}, wanted).vocabularies["browse_page"] == {"x": 2, "a": 3, "b": 4, "é": 5}


def test_a_duplicate_is_counted_once() -> None:
    browse = [act(D0, page=7, stay_ms=1.0), act(D0, page="7", stay_ms=1), act(D0, page="7", stay_ms=1, item_id="i")]
    reference = Reference({"browse": browse}, options(min_count=2))
    assert reference.inputs["browse"].duplicates == 1
    assert reference.vocabularies["browse_page"] == {"7": 2}


def test_user_disjoint_vocabularies_hold_training_users_only() -> None:
    browse = [act(D0, page=f"page of {user}", user=user) for user in "abcdefgh"]
    reference = Reference({"browse": browse}, options(evaluation_users=Fraction(1, 2), evaluation_date=None))
    training = {user for user in "abcdefgh" if not reference.is_evaluation_user(user)}
    assert 0 < len(training) < 8
    assert set(reference.vocabularies["browse_page"]) == {f"page of {user}" for user in training}
    assert {reference.splits(user, D0)[0] for user in training} == {"train"}


def test_user_disjoint_with_a_day_has_two_quarters_only() -> None:
    reference = Reference({"browse": [act(D0)]}, options(evaluation_users=Fraction(1, 2)))
    split = LocalDays("UTC").first_ms(NEVER)
    for user in "abcdefgh":
        is_evaluation = reference.is_evaluation_user(user)
        assert reference.splits(user, split - 1) == ([] if is_evaluation else ["train"])
        assert reference.splits(user, split) == (["eval"] if is_evaluation else [])


# The log's end, the days with cut-offs.


def test_the_log_ends_with_the_local_day_of_the_newest_record() -> None:
    wanted = options(timezone="Europe/Berlin")
    long_day = ms("2024-10-27T00:00+02:00")
    reference = Reference({"browse": [act(long_day)]}, wanted)
    assert reference.log_end_ms == long_day + 25 * HOUR - 1


def test_two_empty_days_before_the_newest_record_are_refused() -> None:
    Reference({"browse": [act(D0), act(D0 + 2 * DAY)]}, options())
    with pytest.raises(Refused, match=r"2024-03-01.*2024-03-04"):
        Reference({"browse": [act(D0), act(D0 + 3 * DAY)]}, options())


def test_warmup_and_last_cutoff_date_bound_the_cutoffs() -> None:
    browse = [act(D0 + day * DAY) for day in range(5)]
    wanted = options(warmup_days=2, last_cutoff_date=datetime.date(2024, 3, 4))
    assert Reference({"browse": browse}, wanted).cutoffs("u") == [D0 + 2 * DAY, D0 + 3 * DAY]


def test_random_cutoffs_are_the_smallest_draws_of_distinct_timestamps() -> None:
    times = [D0 + i for i in range(6)]
    browse = [act(t) for t in times] + [act(times[0], "cart")]
    key = formulas.key_of(0, "u", "2024-03-01")
    ranked = sorted(times, key=lambda t: formulas.mix(key ^ t))
    for count in (1, 3, 6, 7):
        reference = Reference({"browse": browse}, options(samples_per_user_day=Fraction(count)))
        assert reference.cutoffs("u") == sorted(ranked[:count])


def test_the_remainder_of_the_rate_is_drawn_once_a_day() -> None:
    browse = [act(D0 + day * DAY + i) for day in range(200) for i in range(3)]
    reference = Reference({"browse": browse}, options(samples_per_user_day=Fraction(5, 4)))
    extra = len(reference.cutoffs("u")) - 200
    assert extra == sum(
        formulas.mix(formulas.key_of(0, "u", (datetime.date(2024, 3, 1) + datetime.timedelta(days=day)).isoformat()))
        < 1 << 62
        for day in range(200)
    )
    assert 30 < extra < 70


def test_interval_cutoffs_restart_at_local_midnight() -> None:
    wanted = options(timezone="Europe/Berlin", interval_ms=10 * HOUR, evaluation_date=datetime.date(2025, 1, 1))
    midnight = ms("2024-03-31T00:00+01:00")
    reference = Reference({"browse": [act(midnight + 1)]}, wanted)
    assert reference.cutoffs("u") == [midnight + 10 * HOUR, midnight + 20 * HOUR]
    wanted = options(timezone="Europe/Berlin", interval_ms=10 * HOUR, log_end_ms=midnight + 43 * HOUR)
    reference = Reference({"browse": [act(midnight)]}, wanted)
    assert [t0 - midnight for t0 in reference.cutoffs("u")] == [
        0,
        10 * HOUR,
        20 * HOUR,
        23 * HOUR,
        33 * HOUR,
        43 * HOUR,
    ]


# Candidates.


def shop(timestamp: int, action: str, top: str | None, leaf: str | None) -> dict[str, Any]:
    return act(timestamp, action, top_category=top, leaf_category=leaf)


def test_candidates_bought_then_browsed_then_popular() -> None:
    t0 = D0 + DAY
    browse = [
        shop(t0 - 40, "browse", "T", "old"),
        shop(t0 - 30, "browse", "T", "a"),
        shop(t0 - 20, "collect", "T", "a"),
        shop(t0 - 15, "search", None, None),
        shop(t0 - 10, "browse", None, "b"),
        shop(t0 - 5, "purchase", "T", "bought"),
        shop(t0, "purchase", "T", None),
        shop(t0 + 1, "cart", "T", "carted"),
        shop(t0 + 2, "purchase", None, None),
        shop(t0 + HOUR, "purchase", "T", "bought"),
        shop(t0 + HOUR + 1, "purchase", "T", "bought"),
        shop(t0 + 7 * DAY, "purchase", "U", "late"),
        shop(t0 + 7 * DAY + 1, "purchase", "U", "too late"),
    ]
    assert one([*browse, shop(t0 + 3, "purchase", None, "first")], t0, options(log_end_ms=D0 + 20 * DAY)).candidates[
        :3
    ] == [(None, "first"), ("T", "bought"), ("T", None)]
    sample = one(browse, t0, options(log_end_ms=D0 + 20 * DAY, min_count=99))
    assert sample.candidates == [("T", "bought"), ("U", "late"), ("T", None), (None, "b"), ("T", "a")]
    assert sample.weights["realtime_top_category"] == [1, 1, 0, 0, 0, 0, 0, 0]
    assert sample.labels["realtime_top_category"] == [1, 0, 0, 0, 0, 0, 0, 0]
    assert sample.labels["longtime_top_category"] == [1, 1, 0, 0, 0, 0, 0, 0]
    assert sample.weights["realtime_leaf_category"] == [1, 1, 0, 1, 1, 0, 0, 0]
    assert sample.labels["realtime_leaf_category"] == [1, 0, 0, 0, 0, 0, 0, 0]
    assert sample.labels["longtime_leaf_category"] == [1, 1, 0, 0, 0, 0, 0, 0]
    assert sample.candidate_ids == [(1, 1)] * 5


def test_training_candidates_are_bought_before_the_split() -> None:
    split_date = datetime.date(2024, 3, 2)
    browse = [
        shop(D0, "browse", "T", "a"),
        shop(D0 + DAY - 1, "purchase", "T", "b"),
        shop(D0 + DAY, "purchase", "T", "c"),
    ]
    wanted = options(evaluation_date=split_date, min_count=99)
    assert one(browse, D0, wanted).candidates == [("T", "b"), ("T", "a")]
    wanted = options(evaluation_date=split_date, min_count=99, no_embargo=True)
    assert one(browse, D0, wanted).candidates == [("T", "b"), ("T", "c"), ("T", "a")]


def test_popular_pairs_are_drawn_in_proportion_and_passed_over_when_there() -> None:
    others = [act(D0 + i, user="v", top_category="T", leaf_category=leaf) for i, leaf in enumerate("aaaabbcc")]
    others += [act(D0 + 99, user="v", top_category="T")] * 2  # a duplicate: counted once, below the minimum
    reference = Reference({"browse": [act(D0), *others]}, options(min_count=2))
    assert reference.popular == [(("T", "a"), 4), (("T", "b"), 2), (("T", "c"), 2)]
    base = formulas.mix(formulas.key_of(0, "u") ^ D0)
    order: list[str] = []
    for draw in range(64):
        leaf = "aaaabbcc"[(formulas.mix(base ^ draw) >> 32) * 8 // (1 << 32)]
        order += [leaf] if leaf not in order else []
    sample = reference.sample("u", D0)
    assert sample and sample.candidates == [("T", leaf) for leaf in order]
    assert len(order) == 3


def test_names_of_a_vocabulary_give_the_ids_of_candidates() -> None:
    browse = [shop(D0 + i, "browse", "T", leaf) for i, leaf in enumerate("aab")]
    sample = one(browse, D0 + 2, options(min_count=2))
    assert sample.candidates[:2] == [("T", "b"), ("T", "a")]
    assert sample.candidate_ids[:2] == [(1, 2), (2, 2)]
    assert sample.weights["realtime_top_category"][:2] == [1.0, 0.0]
