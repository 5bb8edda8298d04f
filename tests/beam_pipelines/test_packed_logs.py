import numpy as np

from beam_pipelines import packed_logs
from beam_pipelines.tracks import UserLog, assemble
from tests.beam_pipelines.user_logs import BrowseAction, browse_chunk, chunk_of


def assert_comes_back(log: UserLog) -> None:
    """Holds a log against what comes back of it: every column, and every name where a row has it."""
    read = packed_logs.unpack(packed_logs.pack(log))
    assert read.user_id == log.user_id
    assert read.time_gap_ids.tolist() == log.time_gap_ids.tolist()
    assert list(read.tables) == list(log.tables)
    for input_name, table in log.tables.items():
        found = read.tables[input_name]
        for name, column in table.rows.columns.items():
            assert found.rows[name].dtype == column.dtype
            if not name.endswith("_code") and name != "row_hash":
                assert found.rows[name].tolist() == column.tolist()
        for feature, names in table.names.items():
            expected = [[*names, None][code] for code in table.codes(feature)]
            assert [[*found.names[feature], None][code] for code in found.codes(feature)] == expected


def test_a_log_of_every_input_comes_back() -> None:
    actions: list[BrowseAction] = [(1 << 40, "purchase", "shoe", None), (-5, "browse", None, "\ud800")]
    history = chunk_of("history", {"day_index": [18_000], "action": [1], "count": [(1 << 63) - 1]})
    profile = chunk_of("profile", {"gender_code": [0]}, {"gender": ["f"]})
    swipes = chunk_of("swipe", {"timestamp_ms": [5, 1, 90_000], "duration": [3, 4, 5], "clamps": [0, 511, 1]})
    taps = chunk_of("tap", {"timestamp_ms": [3], "page_code": [1]}, {"page": ["never met", "home"]})
    assert_comes_back(assemble("\udfffü", [browse_chunk(actions), history, profile, swipes, taps]))


def test_a_log_without_records_comes_back() -> None:
    assert_comes_back(assemble("u", []))


def test_packing_leaves_the_log_as_it_is() -> None:
    log = assemble("u", [chunk_of("tap", {"timestamp_ms": [3], "page_code": [1]}, {"page": ["never met", "home"]})])
    log.tables["tap"].names["page"].insert(0, "before")  # now positions move when unused names are left out
    codes = log.tables["tap"].codes("page")
    packed_logs.pack(log)
    assert np.array_equal(log.tables["tap"].codes("page"), codes)


def test_a_packed_log_has_half_the_bytes_of_its_chunks() -> None:
    times = np.cumsum(np.random.default_rng(0).integers(0, 20_000, 1000))
    chunk = chunk_of("tap", {"timestamp_ms": times, "row_hash": np.random.default_rng(1).integers(0, 1 << 62, 1000)})
    packed = packed_logs.pack(assemble("u", [chunk]))
    sent = len(chunk.row_hashes) + len(chunk.body)
    assert 2 * packed_logs.num_bytes(packed) < sent
