import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.chunks import Chunk, ChunkBuilder, unpack
from beam_pipelines.encoding import DTYPES, VOCABULARY_FEATURES, Encoded
from tests.beam_pipelines.user_logs import chunk_of

INT64 = st.integers(-(1 << 63), (1 << 63) - 1)


def test_a_user_gets_the_records_of_all_batches_in_their_order() -> None:
    builder = ChunkBuilder("tap", 3)
    builder.add(_taps([("u", 10, "home"), ("v", 20, None), ("u", 5, "cart")]), 100)
    builder.add(_taps([("v", 7, "cart"), ("u", 8, "home")]), 200)
    chunks = dict(builder.take())
    assert list(chunks) == [b"u", b"v"]
    assert chunks[b"u"][:5] == ("tap", 3, 100, 10, 3)
    assert _times_and_pages(chunks[b"u"]) == [(10, "home"), (5, "cart"), (8, "home")]
    assert _times_and_pages(chunks[b"v"]) == [(20, None), (7, "cart")]
    assert list(builder.take()) == []


def test_a_chunk_carries_only_the_names_of_its_user() -> None:
    builder = ChunkBuilder("tap", 0)
    builder.add(_taps([("u", 1, "home"), ("v", 2, "cart"), ("v", 3, "order")]), 0)
    names = {user: unpack(chunk)[1]["page"] for user, chunk in builder.take()}
    assert names == {b"u": ["home"], b"v": ["cart", "order"]}


def test_many_names_for_few_records() -> None:
    """Names are found by sorting when a user has fewer records than the group has names."""
    builder = ChunkBuilder("tap", 0)
    records = [(f"u{number}", number, f"page {number}") for number in range(50)]
    builder.add(_taps(records), 0)
    for (user, time, page), (key, chunk) in zip(records, builder.take(), strict=True):
        assert (key.decode(), _times_and_pages(chunk)) == (user, [(time, page)])


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("uvw"), INT64, INT64, st.integers(0, 65535), st.text(max_size=2)), min_size=1)
)
def test_every_value_of_every_column_comes_back(records: list[tuple[str, int, int, int, str]]) -> None:
    names = sorted({record[4] for record in records})
    users = sorted({record[0] for record in records})
    _, times, stays, clamps, leaves = zip(*records, strict=True)
    columns = {name: np.zeros(len(records), dtype) for name, dtype in DTYPES["browse"].items()}
    columns |= {"timestamp_ms": np.array(times), "stay_ms": np.array(stays), "clamps": np.array(clamps, np.uint16)}
    columns["row_hash"] = np.array(stays).view(np.uint64)
    columns["leaf_category_code"] = np.array([names.index(leaf) for leaf in leaves], np.int32)
    of_features = {feature: names for feature in VOCABULARY_FEATURES["browse"]}
    user_codes = np.array([users.index(record[0]) for record in records], np.int32)
    builder = ChunkBuilder("browse", 0)
    builder.add(Encoded(columns, user_codes, {"user_id": users, **of_features}), 0)
    for user, chunk in builder.take():
        of_user = np.flatnonzero(user_codes == users.index(user.decode()))
        unpacked, unpacked_names = unpack(chunk)
        assert {name: column.dtype for name, column in unpacked.items()} == DTYPES["browse"]
        for name in ("timestamp_ms", "stay_ms", "clamps"):
            assert unpacked[name].tolist() == columns[name][of_user].tolist()
        assert unpacked["row_hash"].tolist() == [value % (1 << 32) for value in columns["row_hash"][of_user].tolist()]
        read = [unpacked_names["leaf_category"][code] for code in unpacked["leaf_category_code"]]
        assert read == [leaves[row] for row in of_user]


def test_records_without_a_time_keep_their_whole_hash() -> None:
    """A user's profile and history rows are all compared with one another."""
    hashes = [(1 << 64) - 1, (1 << 63) - 1]
    for input_name, size in (("history", 8), ("profile", 8), ("browse", 4)):
        chunk = chunk_of(input_name, {"timestamp_ms": [0, 0], "row_hash": hashes})
        assert len(chunk.row_hashes) == 2 * size
        assert unpack(chunk)[0]["row_hash"].tolist() == [value % (1 << 8 * size) for value in hashes]


def _taps(records: list[tuple[str, int, str | None]]) -> Encoded:
    users, times, pages = zip(*records, strict=True)
    user_names, page_names = list(dict.fromkeys(users)), [page for page in dict.fromkeys(pages) if page is not None]
    columns = {name: np.zeros(len(records), dtype) for name, dtype in DTYPES["tap"].items()}
    columns["timestamp_ms"] = np.array(times, np.int64)
    columns["page_code"] = np.array([-1 if page is None else page_names.index(page) for page in pages], np.int32)
    columns["button_code"] -= 1
    user_codes = np.array([user_names.index(user) for user in users], np.int32)
    return Encoded(columns, user_codes, {"user_id": user_names, "page": page_names, "button": []})


def _times_and_pages(chunk: Chunk) -> list[tuple[int, str | None]]:
    columns, names = unpack(chunk)
    pages = [*names["page"], None]
    return [
        (time, pages[code]) for time, code in zip(columns["timestamp_ms"].tolist(), columns["page_code"], strict=True)
    ]
