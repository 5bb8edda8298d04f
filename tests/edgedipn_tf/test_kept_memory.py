"""Freed memory stays with the process, as the kernel counts it; without a GNU C library nothing happens."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from edgedipn_tf import kept_memory

# Twenty times 30 blocks of 3 MB are taken, written and freed by a generator that TensorFlow makes a dataset of.
PROGRAM = """
import resource
import numpy as np
import tensorflow as tf
from edgedipn_tf.kept_memory import keep_freed_memory

def page_faults(is_kept):
    def batches():
        if is_kept:
            assert keep_freed_memory()
        for _ in range(20):
            blocks = [bytearray(b"x") * (3 << 20) for _ in range(30)]
            yield np.int64(len(blocks))
    dataset = tf.data.Dataset.from_generator(batches, output_signature=tf.TensorSpec([], tf.int64))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    assert sum(1 for _ in dataset) == 20
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(page_faults(False), page_faults(True))
"""


def test_what_tensorflow_sets_for_generators_is_undone() -> None:
    if not hasattr(kept_memory._c_library(), "gnu_get_libc_version"):
        pytest.skip("no GNU C library here: its allocator is not this one's")
    found = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True, text=True)
    by_default, kept = map(int, found.stdout.split())
    print(f"page faults: {by_default:,} by default, {kept:,} when memory is kept")
    assert kept < by_default / 3


def test_without_a_gnu_c_library_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_memory, "_c_library", SimpleNamespace)
    assert not kept_memory.keep_freed_memory()


def test_what_the_allocator_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def mallopt(parameter: int, value: int) -> int:
        asked.append(parameter)
        return int(parameter != -1)

    monkeypatch.setattr(kept_memory, "_c_library", lambda: SimpleNamespace(mallopt=mallopt))
    assert not kept_memory.keep_freed_memory()
    assert sorted(asked) == [-3, -2, -1]  # all are asked for all the same
