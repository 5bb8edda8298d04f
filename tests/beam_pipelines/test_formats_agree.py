"""JSON lines and Parquet give the same answers."""

import pathlib
import random
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pyarrow as pa
import pytest

from beam_pipelines.inputs import INPUTS, Input
from tests.beam_pipelines.judged_records import GOOD, INF, MAX_INT64, MAX_MS, MIN_MS, NAN, json_content, judge, rows_of

TEXTS = st.one_of(st.none(), st.sampled_from(["", "u", "7", "swipe", "page", "2001", "cart", "2014-11-30", "1.5", "ä"]))
INTEGERS = st.one_of(
    st.none(),
    st.sampled_from([0, 7, 2001, -1, MAX_INT64, -(2**63), 2**53 + 1, MIN_MS - 1, MIN_MS, MAX_MS, 1_500_000_000_000]),
)
FLOATS = st.one_of(
    st.none(),
    st.sampled_from(
        [0.0, -0.0, 7.0, 0.5, 0.06, NAN, INF, -INF, 1e300, 5e-324, 2.0**63, -(2.0**63), 1.5e12, float(MAX_MS)]
    ),
    st.floats(width=64),
)
BOOLEANS = st.sampled_from([None, True, False])
LISTS = st.sampled_from([None, [], [1]])
TYPES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (pa.string(), TEXTS),
    (pa.int64(), INTEGERS),
    (pa.float64(), FLOATS),
    (pa.bool_(), BOOLEANS),
    (pa.list_(pa.int64()), LISTS),
    (pa.dictionary(pa.int32(), pa.string()), TEXTS),
]


@st.composite
def columns_of_records(draw: st.DrawFn) -> tuple[Input, dict[str, Any]]:
    """Draws an input and a table of good rows for it, in which up to three columns hold odd values of some type."""
    name = draw(st.sampled_from(sorted(GOOD)))
    size = draw(st.integers(1, 12))
    names = [column.name for column in INPUTS[name].columns]
    odd = draw(st.sets(st.sampled_from(names), max_size=3))
    columns = {}
    for column in names:
        good = GOOD[name].get(column)
        columns[column] = pa.array([good] * size)
        if column in odd:
            type_, values = draw(st.sampled_from(TYPES))
            values = st.one_of(st.just(good), values) if columns[column].type == type_ else values
            columns[column] = pa.array([draw(values) for _ in range(size)], type_)
    return INPUTS[name], columns


@hypothesis.settings(
    max_examples=120, deadline=None, suppress_health_check=list(hypothesis.HealthCheck), derandomize=True
)
@hypothesis.given(columns_of_records(), st.integers(1, 5))
def test_parquet_and_json_lines_agree(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[Input, dict[str, Any]], max_rows: int
) -> None:
    input, columns = drawn
    folder = tmp_path_factory.mktemp("agree")
    table = pa.table(columns)
    from_parquet = judge(folder, input, table)
    from_json = judge(folder, input, json_content(*table.to_pylist()), max_rows)
    assert [(r.record_number, r.reason) for r in from_parquet[1]] == [(r.record_number, r.reason) for r in from_json[1]]
    assert rows_of(from_parquet[0]) == rows_of(from_json[0])


def test_parquet_and_json_lines_agree_on_many_rows(tmp_path: pathlib.Path) -> None:
    generator = random.Random(3)
    records = []
    for i in range(4000):
        record = {**GOOD["swipe"], "user_id": f"u{generator.randrange(300)}", "timestamp_ms": MIN_MS + i}
        record |= {"x": generator.choice([None, generator.random() * 1000]), "page": f"p{generator.randrange(20)}"}
        record |= generator.choice([{}] * 20 + [{"page": None}, {"action": "?"}, {"x": NAN}, {"window_width": -1}])
        records.append(record)
    from_parquet = judge(tmp_path, INPUTS["swipe"], pa.Table.from_pylist(records), 700)
    from_json = judge(tmp_path, INPUTS["swipe"], json_content(*records), 900)
    assert 300 < len(from_parquet[1]) < 900
    assert [(r.record_number, r.reason) for r in from_parquet[1]] == [(r.record_number, r.reason) for r in from_json[1]]
    assert rows_of(from_parquet[0]) == rows_of(from_json[0])
