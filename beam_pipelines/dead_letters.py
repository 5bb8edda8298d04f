"""The dead-letter files: every bad record with its place and reason, as Parquet.

A worker hands the rejects of a batch over as one compressed block. Blocks are spread over files by the place where they
begin, which depends on the log alone: no file needs all rejects of an input, and their bytes do not depend on workers.
"""

import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipelines.validation import Reject
from edgedipn_tf.random_keys import key

SCHEMA = pa.schema(
    [
        ("input", pa.string()),
        ("file", pa.string()),
        ("position", pa.int64()),
        ("reason", pa.string()),
        ("raw", pa.binary()),
    ]
)
"""Columns: the input, the path, the row (Parquet, Avro) or 0-based line, the reason, and the first 4096 bytes."""
_ROWS = 4096
"""Blocks with fewer rows are written together."""


class RejectBlock(NamedTuple):
    """The rejects of a batch. Plain values only, so that Beam's coders are quick.

    Attributes:
        file_index: position of the file in the sorted path list of the input.
        first_record: number of the first of them.
        content: a table of SCHEMA in the order of their numbers, as a compressed Arrow stream.
    """

    file_index: int
    first_record: int
    content: bytes

    def shard(self, num_shards: int) -> int:
        """Returns which of an input's files it belongs to."""
        return key(self.file_index, self.first_record) % num_shards


def pack_rejects(rejects: Sequence[Reject]) -> RejectBlock:
    """Packs the rejects of one batch, one at least, in the order of their record numbers."""
    columns = {
        "input": [reject.input_name for reject in rejects],
        "file": [_printable(reject.path) for reject in rejects],
        "position": [reject.record_number for reject in rejects],
        "reason": [str(reject.reason) for reject in rejects],
        "raw": [reject.raw for reject in rejects],
    }
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_table(pa.table(columns, SCHEMA))
    return RejectBlock(rejects[0].file_index, rejects[0].record_number, sink.getvalue().to_pybytes())


def write_rejects(file: BinaryIO | pathlib.Path, blocks: Iterable[RejectBlock]) -> int:
    """Writes blocks of one input, in any order, as a Parquet file ordered by place.

    Args:
        file: where to.
        blocks: any number of them: held compressed, unpacked some at a time.

    Returns:
        How many rejects were written.
    """
    written = 0
    with pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        for table in _row_groups(sorted(blocks)):
            writer.write_table(table)
            written += table.num_rows
    return written


def _row_groups(blocks: list[RejectBlock]) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    for block in blocks:
        with pa.ipc.open_stream(block.content) as stream:
            waiting.append(stream.read_all())
        if sum(map(len, waiting)) >= _ROWS:
            yield pa.concat_tables(waiting).combine_chunks()
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def _printable(path: str) -> str:
    """Returns a path as text; a file name need not be UTF-8."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
