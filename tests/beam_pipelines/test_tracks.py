import json

import numpy as np

from beam_pipelines import encoding, tracks
from beam_pipelines.encoding import Chunk
from beam_pipelines.inputs import INPUTS
from beam_pipelines.tracks import assemble
from tests.beam_pipelines.user_logs import browse_chunk


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


def test_a_user_without_records_of_an_input_has_an_empty_table() -> None:
    log = assemble("u", [browse_chunk([(5, "browse", "a", None)])])
    assert len(log.tables["swipe"].rows) == len(log.tables["profile"].rows) == 0
    assert len(log.time_gap_ids) == 0


def swipe_chunk(times_ms: list[int]) -> Chunk:
    rows = np.zeros(len(times_ms), encoding.ROW_DTYPES["swipe"])
    rows["timestamp_ms"] = times_ms
    rows["record_number"] = rows["row_hash"] = np.arange(len(times_ms))
    rows["page_code"] = -1
    return Chunk("swipe", rows.tobytes(), ((),))


def test_time_gap_is_to_the_previous_action_and_not_applicable_for_the_first() -> None:
    log = assemble("u", [swipe_chunk([1000, 1099, 1299, 3299, 33299, 33299])])
    # Gaps 99, 200, 2000, 30000, 0 ms: bins 0, 2, floor(2000 / 1000) + 9 = 11, 19, 0.
    assert log.time_gap_ids.tolist() == [1, 2, 4, 13, 21, 2]


def profile_chunk(age: str | None, gender: str | None, record: int) -> Chunk:
    row = np.zeros(1, encoding.ROW_DTYPES["profile"])
    names: list[tuple[bytes, ...]] = []
    for name in encoding.VOCABULARY_FEATURES["profile"]:
        value = {"age_level": age, "gender": gender}.get(name)
        row[f"{name}_code"] = -1 if value is None else 0
        names.append(() if value is None else (value.encode(),))
    row["record_number"] = row["row_hash"] = record
    return Chunk("profile", row.tobytes(), tuple(names))


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
    rows = np.zeros(3, encoding.ROW_DTYPES["swipe"])
    rows["timestamp_ms"] = [1, 1, 2]
    rows["row_hash"] = [7, 7, 8]
    rows["page_code"] = -1
    rows["clamps"] = [0b10, 0b10, 0b11]
    log = assemble("u", [Chunk("swipe", rows.tobytes(), ((),))])
    assert log.counts[("clamps", "swipe_duration")] == 1
    assert log.counts[("clamps", "swipe_tap_x")] == 2
