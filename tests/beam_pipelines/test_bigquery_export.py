"""Files in the form of BigQuery's EXPORT DATA: every field nullable, several files of a table in a store."""

import io
import json
import pathlib
from collections.abc import Iterator

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines import discretize_events
from tests.beam_pipelines import object_store
from tests.beam_pipelines.test_discretize_events import FLAGS, browse_rows, hashes, write_browse

TYPES = {"user_id": "string", "timestamp_ms": "long", "action": "string", "leaf_category": "string", "price": "double"}
SCHEMA = {
    "type": "record",
    "name": "Root",
    "fields": [{"name": name, "type": ["null", type_]} for name, type_ in TYPES.items()],
}
DATASET_FILES = ("vocabulary.json", "train.tfrecord-00000-of-00002", "eval.tfrecord-00001-of-00002")


@pytest.fixture(autouse=True)
def empty_store() -> Iterator[None]:
    object_store.OBJECTS.clear()
    yield
    object_store.OBJECTS.clear()


def avro(rows: list[dict[str, object]]) -> bytes:
    file = io.BytesIO()
    fastavro.writer(file, SCHEMA, rows, codec="deflate")
    return file.getvalue()


def parquet(rows: list[dict[str, object]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in TYPES} for row in rows]), file)
    return file.getvalue()


@pytest.mark.parametrize(("ending", "write"), [("avro", avro), ("parquet", parquet)])
def test_an_export_gives_the_dataset_of_the_same_rows(ending: str, write: object, tmp_path: pathlib.Path) -> None:
    assert callable(write)
    rows = browse_rows()
    bad = {"user_id": None, "timestamp_ms": 1, "action": "browse"}
    logs = write_browse(tmp_path / "logs", [*rows, bad])
    flags = (*FLAGS, "--max_bad_fraction=0.1")
    assert discretize_events.run([f"--logs={logs}", f"--output={tmp_path / 'expected'}", *flags]) == 0
    for index, part in enumerate((rows[:20], [*rows[20:], bad])):
        object_store.OBJECTS[f"mem://bucket/export/browse/part-{index:012d}.{ending}"] = write(part)
    output = tmp_path / "found"
    arguments = [f"--browse=mem://bucket/export/browse/*.{ending}", f"--output={output}", *flags]
    assert discretize_events.run(arguments) == 0
    expected, found = hashes(tmp_path / "expected"), hashes(output)
    assert set(found) == set(expected)
    for name in DATASET_FILES:
        assert found[name] == expected[name], name
    counts = json.loads((output / "counters.json").read_text())["inputs"]["browse"]
    assert counts["read"] == 46
    assert counts["rejected"] == {"missing_key": 1}
