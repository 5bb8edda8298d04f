"""Hashes of records: equal for equal ones, the same in every process."""

import hashlib
import pathlib
import subprocess
import sys
from typing import Any

import numpy as np

from beam_pipelines.inputs import INPUTS
from tests.beam_pipelines.judged_records import GOOD, json_content, judge


def mix_one(state: int) -> int:
    """Splitmix64 in plain integers."""
    z = (state + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def blake(text: str) -> int:
    return int(hashlib.blake2b(text.encode(), digest_size=8).hexdigest(), 16)


HASH_CODE = """
import pathlib, sys
sys.path.insert(0, ".")
from beam_pipelines.inputs import INPUTS
from tests.beam_pipelines.judged_records import GOOD, json_content, judge
import tempfile
with tempfile.TemporaryDirectory() as folder:
    for name, good in GOOD.items():
        print(judge(pathlib.Path(folder), INPUTS[name], json_content(good))[0][0].row_hashes[0])
"""


def test_hashes_are_the_same_in_another_process(tmp_path: pathlib.Path) -> None:
    here = [judge(tmp_path, INPUTS[name], json_content(good))[0][0].row_hashes[0] for name, good in GOOD.items()]
    environment = {"PYTHONHASHSEED": "7"}
    output = subprocess.run([sys.executable, "-c", HASH_CODE], capture_output=True, env=environment, check=True).stdout
    assert [int(line) for line in output.split()] == [int(h) for h in here]


def test_hash_is_the_chain_of_the_columns(tmp_path: pathlib.Path) -> None:
    batches, _ = judge(tmp_path, INPUTS["history"], json_content(GOOD["history"]))
    state = blake("history")
    for bits in (blake("u"), 16_404, 1, 2):  # user, 2014-11-30, cart, count
        state = mix_one(state ^ bits)
    assert batches[0].row_hashes.tolist() == [state]


def test_equal_records_have_equal_hashes(tmp_path: pathlib.Path) -> None:
    base = {**GOOD["swipe"], "user_id": 7, "x": 0.0, "duration_ms": 300, "page": None}
    same = [{"user_id": "7"}, {"user_id": 7.0}, {"x": -0.0}, {"x": 0}, {"duration_ms": 300.0}, {"page": ""}, {"z": 1}]
    records = [base, *({**base, **change} for change in same), {k: v for k, v in base.items() if v is not None}]
    hashes = judge(tmp_path, INPUTS["swipe"], json_content(*records))[0][0].row_hashes
    assert len(hashes) == len(records)
    assert len(set(hashes.tolist())) == 1


def test_different_records_have_different_hashes(tmp_path: pathlib.Path) -> None:
    base = {**GOOD["swipe"], "x": None, "y": None, "page": None}
    changes: list[dict[str, Any]] = [{}, {"page": "0"}, {"x": 0}, {"y": 0}, {"duration_ms": None}, {"duration_ms": 0}]
    changes += [{"x": i, "y": j, "duration_ms": k} for i in range(1, 20) for j in range(20) for k in range(50)]
    changes += [{"page": str(i)} for i in range(1, 1000)]
    batches, rejects = judge(tmp_path, INPUTS["swipe"], json_content(*({**base, **change} for change in changes)))
    assert not rejects
    hashes = np.concatenate([batch.row_hashes for batch in batches])
    assert len(np.unique(hashes)) == len(changes)
