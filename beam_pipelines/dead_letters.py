"""The dead-letter file: every bad record with its place and reason, as Parquet."""

import pathlib
from collections.abc import Iterable

from beam_pipelines.validation import Reject


def write_rejects(path: pathlib.Path, rejects: Iterable[Reject]) -> int:
    """Writes rejects with the columns input, file, position, reason, raw; returns how many."""
    raise NotImplementedError
