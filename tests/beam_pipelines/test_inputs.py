"""The inputs of the schema, and the endings of files."""

import pickle

from beam_pipelines import log_files
from beam_pipelines.inputs import inputs_of
from beam_pipelines.reading import FileFormat
from edgedipn_tf.schema import edgedipn_schema


def test_inputs_of_the_schema() -> None:
    inputs = inputs_of(edgedipn_schema())
    assert list(inputs) == ["swipe", "tap", "browse", "profile", "history"]
    profile = ["user_id", "age_level", "gender", "buyer_star", "tm_level", "vip_level", "phone_price"]
    assert [c.name for c in inputs["profile"].columns] == profile
    assert [c.name for c in inputs["history"].columns if c.is_required] == ["user_id", "date", "action"]
    assert inputs["swipe"].actions == ("open_page", "leave_page", "swipe", "tap")
    assert pickle.loads(pickle.dumps(inputs)) == inputs


def test_endings() -> None:
    assert log_files.format_of("x/part-0.snappy.PARQUET") == (FileFormat.PARQUET, None)
    assert log_files.format_of("a.ndjson.gz") == (FileFormat.JSON_LINES, "gzip")
    assert log_files.format_of("a.parquet.gz") is None
