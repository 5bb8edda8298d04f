"""What a record holds: bits of words, codes of candidates and labels, by hand; and what is refused."""

import dataclasses

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf import records
from edgedipn_tf.records import UNKNOWN_LABEL, UserDay
from edgedipn_tf.schema import BROWSE_VIEW, SWIPE_VIEW, TAP_VIEW, edgedipn_schema

SCHEMA = edgedipn_schema("UTC", "test")
NUM_LABELS = sum(SCHEMA.num_places(intent) for intent in SCHEMA.intents)


def one_action_each() -> UserDay:
    """One tap on the screen, one button, one browsed page; two cut-offs, the stay ends at the second."""
    swipe_view = dict.fromkeys([feature.name for feature in records.stored_features(SWIPE_VIEW)], 1)
    swipe_view |= {"action": 5, "page": 225, "time_gap": 21, "tap_x": 18, "tap_y": 26}
    ids = {
        "swipe": list(swipe_view.values()),
        "tap": [3, 201, 501],
        "browse": [6, 19012, 103, 182, 180, 25],
    }
    return UserDay(
        user_id="ü".encode(),
        t0_ms=np.array([5000, 7000]),
        times_ms={view: np.array([4000]) for view in ids},
        ids={view: [np.array([value]) for value in values] for view, values in ids.items()},
        stay_ms=np.array([3000]),
        history=np.arange(2, 20),
        profile=np.arange(1, 7),
        pair_names=[(b"known", b"rare"), (b"seldom", b"")],
        pair_ids=np.array([[2, 1], [1, 1]]),
        candidates=np.array([[0, 1, -1, -1, -1, -1, -1, -1], [1, -1, -1, -1, -1, -1, -1, -1]]),
        labels=np.array([[0, 1, UNKNOWN_LABEL, 1, *[0] * 32], [UNKNOWN_LABEL] * 36], np.uint8),
    )


def stored(day: UserDay) -> tf.train.Features:
    return tf.train.Example.FromString(records.serialize(day, SCHEMA)).features.feature


def test_a_record_by_hand() -> None:
    feature = stored(one_action_each())
    assert feature["user_id"].bytes_list.value[:] == ["ü".encode()]
    assert feature["t0_ms"].int64_list.value[:] == [5000, 2000]
    assert feature["swipe_time_ms"].int64_list.value[:] == [4000]
    # Ids from the lowest bit on: action 3 bits, page 8, time gap 5; of a tap: x 5 bits, y 5.
    assert feature["swipe_word_0"].bytes_list.value[0] == (5 | 225 << 3 | 21 << 11).to_bytes(2, "little")
    assert feature["swipe_tap_word_0"].bytes_list.value[0] == (18 | 26 << 5).to_bytes(2, "little")
    assert feature["swipe_swipe_word_0"].bytes_list.value[0] == b""
    assert feature["tap_word_0"].bytes_list.value[0] == (3 | 201 << 2).to_bytes(2, "little")
    assert feature["tap_button_word_0"].bytes_list.value[0] == (501).to_bytes(2, "little")
    assert feature["browse_word_0"].bytes_list.value[0] == (6 | 19012 << 3 | 103 << 18).to_bytes(4, "little")
    assert feature["browse_word_1"].bytes_list.value[0] == (182 | 180 << 8 | 25 << 16).to_bytes(4, "little")
    # 4000 + 3000: the stay is known at the cut-off of 7000, not at that of 5000, which is before it.
    assert feature["browse_stay_known_from"].int64_list.value[:] == [1]
    assert feature["history"].int64_list.value[:] == list(range(2, 20))
    assert feature["profile"].int64_list.value[:] == [1, 2, 3, 4, 5, 6]
    # "seldom" is the first unlisted name: 19013 leaves + 0; "rare" the second: 104 tops + 1.
    seldom = [19013, 1]
    assert feature["candidates"].int64_list.value[:] == [2, 105, *seldom, *[0] * 12, *seldom, *[0] * 14]
    assert feature["unlisted_names"].bytes_list.value[:] == [b"seldom", b"rare"]
    labels = feature["labels"].bytes_list.value[0]
    assert labels == bytes([0 | 1 << 2 | 2 << 4 | 1 << 6, *[0] * 8, *[0b10101010] * 9])


@pytest.mark.parametrize("view", [SWIPE_VIEW, TAP_VIEW, BROWSE_VIEW])
def test_words_hold_every_stored_feature_once(view: records.View) -> None:
    held = [feature.name for word in records.words(view) for feature in word.features]
    assert sorted(held) == sorted(feature.name for feature in records.stored_features(view))
    for word in records.words(view):
        ends = [shift + records.num_bits(f) for shift, f in zip(word.shifts, word.features, strict=True)]
        assert list(word.shifts) == [0, *ends[:-1]]
        assert ends[-1] <= 8 * np.dtype(word.dtype).itemsize
        assert all(2 ** records.num_bits(feature) >= feature.table_size for feature in word.features)


@pytest.mark.parametrize(("view", "feature"), [("swipe", "duration"), ("tap", "button")])
def test_an_id_that_would_be_lost_is_refused(view: str, feature: str) -> None:
    day = one_action_each()
    names = [f.name for f in records.stored_features(SCHEMA.view(view))]
    day.ids[view][0][:] = 2  # of the swipe view: a page is opened; of the tap view: a page
    day.ids[view][names.index(feature)][:] = 7
    with pytest.raises(ValueError, match=f"{view} view: .*{feature}.* at an action other than"):
        records.serialize(day, SCHEMA)


def test_more_pairs_than_a_byte_counts() -> None:
    names = [(f"leaf {i}".encode(), b"") for i in range(1000)]
    places = np.full((125, 8), -1)
    places.ravel()[:] = np.arange(1000)
    day = dataclasses.replace(
        one_action_each(),
        t0_ms=np.arange(5000, 5125),
        pair_names=names,
        pair_ids=np.ones((1000, 2), np.int64),
        candidates=places,
        labels=np.zeros((125, NUM_LABELS), np.uint8),
    )
    feature = stored(day)
    assert feature["candidates"].int64_list.value[::2] == list(range(19013, 20013))
    assert feature["unlisted_names"].bytes_list.value[:] == [leaf for leaf, _ in names]


@hypothesis.given(st.lists(st.lists(st.sampled_from([0, 1, UNKNOWN_LABEL]), min_size=5, max_size=5), max_size=6))
def test_labels_are_those_packed(labels: list[list[int]]) -> None:
    rows = np.array(labels, np.uint8).reshape(-1, 5)
    day = dataclasses.replace(one_action_each(), labels=rows)
    packed = np.frombuffer(stored(day)["labels"].bytes_list.value[0], np.uint8)
    codes = records.unpack_labels(packed, 5)
    assert codes.tolist() == [[2 if value == UNKNOWN_LABEL else value for value in row] for row in labels]
