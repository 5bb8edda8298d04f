import itertools
import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines import tracks
from beam_pipelines.chunks import Chunk
from beam_pipelines.inputs import INPUTS
from beam_pipelines.tracks import DayLimit, assemble
from edgedipn_tf.local_time import LocalTime
from tests.beam_pipelines.user_logs import BrowseAction, browse_chunk, chunk_of

HOUR_MS = 3600 * 1000
SHANGHAI = LocalTime("Asia/Shanghai")
UTC = LocalTime("UTC")


def times_and_leaves(log: tracks.UserLog) -> list[tuple[int, str | None]]:
    table = log.tables["browse"]
    names = [*table.names["leaf_category"], None]
    return [
        (int(time), names[code])
        for time, code in zip(table.rows["timestamp_ms"], table.codes("leaf_category"), strict=True)
    ]


def test_order_is_time_then_file_then_record_whatever_the_order_of_chunks() -> None:
    first = browse_chunk([(5, "browse", "a", None), (3, "browse", "b", None), (5, "browse", "c", None)], file_index=1)
    second = browse_chunk([(5, "browse", "d", None), (1, "browse", None, "t")], file_index=0)
    expected = [(1, None), (3, "b"), (5, "d"), (5, "a"), (5, "c")]
    assert times_and_leaves(assemble("u", [first, second])) == expected
    assert times_and_leaves(assemble("u", [second, first])) == expected


def test_duplicates_are_dropped_across_files_and_counted() -> None:
    chunk = [(5, "browse", "a", None), (5, "browse", "a", None), (6, "browse", "a", None)]
    log = assemble("u", [browse_chunk(chunk, 0), browse_chunk(chunk, 1)])
    assert times_and_leaves(log) == [(5, "a"), (6, "a")]
    assert log.counts[("duplicates", "browse")] == 4


def test_records_of_one_time_and_hash_that_differ_in_a_bin_both_stay() -> None:
    columns = {"timestamp_ms": [5, 5, 5], "row_hash": [7, 7, 7], "duration": [3, 4, 4]}
    log = assemble("u", [chunk_of("swipe", columns), chunk_of("swipe", columns, file_index=1)])
    assert log.tables["swipe"].rows["duration"].tolist() == [3, 4]
    assert log.counts[("duplicates", "swipe")] == 4


def test_a_user_without_records_of_an_input_has_an_empty_table() -> None:
    log = assemble("u", [browse_chunk([(5, "browse", "a", None)])])
    assert len(log.tables["swipe"].rows) == len(log.tables["profile"].rows) == 0
    assert len(log.time_gap_ids) == 0


def swipe_chunk(times_ms: list[int]) -> Chunk:
    return chunk_of("swipe", {"timestamp_ms": times_ms})


def test_time_gap_is_to_the_previous_action_and_not_applicable_for_the_first() -> None:
    log = assemble("u", [swipe_chunk([1000, 1099, 1299, 3299, 33299, 33299])])
    # Gaps 99, 200, 2000, 30000, 0 ms: bins 0, 2, floor(2000 / 1000) + 9 = 11, 19, 0.
    assert log.time_gap_ids.tolist() == [1, 2, 4, 13, 21, 2]


def profile_chunk(age: str | None, gender: str | None, record: int) -> Chunk:
    names = {name: [value] for name, value in (("age_level", age), ("gender", gender)) if value is not None}
    codes = {f"{name}_code": [0] for name in names}
    return chunk_of("profile", {"timestamp_ms": [0], **codes}, names, first_record=record)


def test_of_two_profiles_the_smaller_canonical_json_stays() -> None:
    chunks = [profile_chunk("9", None, 0), profile_chunk("10", "f", 1), profile_chunk("10", None, 2)]

    def canonical(age: str | None, gender: str | None) -> str:
        columns = {column.name: None for column in INPUTS["profile"].columns}
        values = {**columns, "user_id": "u", "age_level": age, "gender": gender}
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    expected = min([("9", None), ("10", "f"), ("10", None)], key=lambda pair: canonical(*pair))
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        log = assemble("u", [chunks[i] for i in order])
        table = log.tables["profile"]
        kept = tuple([*table.names[name], None][int(table.codes(name)[0])] for name in ("age_level", "gender"))
        assert kept == expected
        assert log.counts[("profile_conflicts",)] == 2


def test_clamps_are_counted_once_a_deduplicated_record() -> None:
    columns = {"timestamp_ms": [1, 1, 2], "row_hash": [7, 7, 8], "clamps": [0b10, 0b10, 0b11]}
    log = assemble("u", [chunk_of("swipe", columns)])
    assert log.counts[("clamps", "swipe_duration")] == 1
    assert log.counts[("clamps", "swipe_tap_x")] == 2


def test_beyond_the_limit_the_first_actions_of_each_view_and_local_day_stay() -> None:
    midnight = 16 * HOUR_MS  # of Shanghai, in UTC
    before, after = [midnight - 3, midnight - 2, midnight - 2, midnight - 1], [midnight, midnight + 5, midnight + 9]
    browse = browse_chunk([(time, "browse", str(number), None) for number, time in enumerate([*after, *before])])
    log = assemble("u", [browse, swipe_chunk(before[:2])], DayLimit(SHANGHAI, 2))
    # The record of number 4 is before that of number 5, at the same time.
    assert times_and_leaves(log) == [(before[0], "3"), (before[1], "4"), (after[0], "0"), (after[1], "1")]
    assert log.timestamps("swipe").tolist() == before[:2]
    assert log.counts == Counter({("surplus", "browse"): 3})


def test_the_limit_counts_actions_without_their_duplicates() -> None:
    first: list[BrowseAction] = [(1, "browse", "a", None), (2, "browse", "b", None), (3, "browse", "c", None)]
    log = assemble("u", [browse_chunk(first, 0), browse_chunk(first, 1)], DayLimit(SHANGHAI, 2))
    assert times_and_leaves(log) == [(1, "a"), (2, "b")]
    assert log.counts == Counter({("duplicates", "browse"): 2, ("surplus", "browse"): 2})


actions_of_two_days = st.lists(
    st.tuples(
        st.integers(0, 4).map(lambda half_day: half_day * 12 * HOUR_MS),
        st.just("browse"),
        st.sampled_from("abc"),
        st.none(),
    )
)


@settings(deadline=None)
@given(st.lists(actions_of_two_days.filter(bool), min_size=1, max_size=4), st.integers(1, 5), st.data())
def test_any_order_of_chunks_and_any_merging_on_the_way_gives_the_same_log(
    files: list[list[BrowseAction]], most: int, data: st.DataObject
) -> None:
    limit = DayLimit(UTC, most)
    chunks = [browse_chunk(actions, file_index) for file_index, actions in enumerate(files)]
    expected, num_kept = [], Counter[int]()
    in_order = sorted(itertools.chain(*files), key=lambda action: action[0])
    for time, _, leaf, _ in in_order:
        if (time, leaf) not in expected and num_kept[time // (24 * HOUR_MS)] < most:
            expected.append((time, leaf))
            num_kept[time // (24 * HOUR_MS)] += 1
    duplicates = sum((time, leaf) in expected for time, _, leaf, _ in in_order) - len(expected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracks, "MAX_UNMERGED_ROWS", data.draw(st.integers(1, 6)))
        log = assemble("u", data.draw(st.permutations(chunks)), limit)
    assert times_and_leaves(log) == expected
    assert log.counts[("duplicates", "browse")] == duplicates
    assert log.counts[("surplus", "browse")] == len(in_order) - len(expected) - duplicates


def test_day_bounds_are_those_of_local_days_also_without_actions() -> None:
    times = np.array([16 * HOUR_MS - 1, 16 * HOUR_MS, 64 * HOUR_MS], np.int64)
    days, bounds = tracks.day_bounds(times, SHANGHAI)
    assert days.tolist() == [0, 1, 2, 3]
    assert bounds.tolist() == [0, 1, 2, 2, 3]
    empty_days, empty_bounds = tracks.day_bounds(times[:0], SHANGHAI)
    assert (empty_days.tolist(), empty_bounds.tolist()) == ([], [0])
