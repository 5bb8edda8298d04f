"""Operators of float32, dynamic_int8 and static_int8 files are none newer than tflite-runtime 2.14.0 has.

It is the runtime of many shipped apps. Nothing is promised of float16 files there: their DEQUANTIZE is of version 3.
What it computes is tested by `make test-tflite-runtime`.
"""

import pytest

from edgedipn_tf.conversion.tflite_file import Operator, read_content
from tests.edgedipn_tf.conversion.conftest import Published

# What our files use, at the versions that they use. tflite-runtime 2.14.0 refuses FULLY_CONNECTED 12 (one scale a
# column), and DIV of int8 at any version (google-ai-edge/LiteRT#469 is what users see of it).
RUN_BY_2_14 = {
    "ADD": 1,
    "BATCH_MATMUL": 1,
    "CAST": 1,
    "CONCATENATION": 2,
    "DEQUANTIZE": 2,
    "DIV": 1,
    "EXP": 1,
    "FULLY_CONNECTED": 9,
    "GATHER": 2,
    "LOGICAL_AND": 1,
    "LOGISTIC": 1,
    "MAXIMUM": 1,
    "MINIMUM": 1,
    "MUL": 1,
    "NOT_EQUAL": 1,
    "PACK": 1,
    "QUANTIZE": 1,
    "REDUCE_MAX": 1,
    "RESHAPE": 1,
    "SOFTMAX": 1,
    "STRIDED_SLICE": 1,
    "SUB": 1,
    "SUM": 1,
    "TANH": 2,
    "TRANSPOSE": 1,
}


@pytest.mark.parametrize("recipe", ["float32", "dynamic_int8", "static_int8"])
def test_no_operator_is_newer_than_the_old_runtime(published: Published, recipe: str) -> None:
    paths = sorted(published.bundle.glob(f"*_{recipe}*.tflite"))
    assert paths
    for path in paths:
        content = read_content(path.read_bytes())
        assert [each for each in content.operators if each.version > RUN_BY_2_14.get(each.name, 0)] == [], path.name
    if recipe == "dynamic_int8":  # the version that one scale a matrix needs
        assert Operator("FULLY_CONNECTED", 9) in content.operators
