"""A user's whole log, packed for the way from the step that puts it together to the one that cuts samples out of it.

Between the two stand the vocabularies, which need every user. Packed it has half the bytes of its chunks: it is in
order and without duplicates, so that neither hashes nor places are needed any more.
"""

from collections import Counter
from typing import Any

import numpy as np

from beam_pipelines import chunks
from beam_pipelines.chunks import Chunk
from beam_pipelines.encoding import DTYPES, VOCABULARY_FEATURES, decode_name, encode_name
from beam_pipelines.tracks import Rows, Table, UserLog, time_gap_ids

PackedLog = tuple[bytes, tuple[tuple[Any, ...], ...]]
"""(user id in UTF-8, chunk of each table with rows as a tuple): plain values, so that Beam's coders are quick."""


def pack(log: UserLog) -> PackedLog:
    """Packs a log; what was counted while it was put together stays behind."""
    tables = {name: table for name, table in log.tables.items() if len(table.rows)}
    packed = (chunks.pack_table(name, table.rows.columns, table.names) for name, table in tables.items())
    return encode_name(log.user_id), tuple(map(tuple, packed))


def num_bytes(packed: PackedLog) -> int:
    """Returns the bytes that a packed log is sent as, but for a few dozen."""
    return len(packed[0]) + sum(len(Chunk(*chunk).body) for chunk in packed[1])


def unpack(packed: PackedLog) -> UserLog:
    """Returns the log; of unused names, none is left."""
    tables = {name: _empty_table(name) for name in DTYPES}
    for part in packed[1]:
        chunk = Chunk(*part)
        columns, names = chunks.unpack(chunk)
        tables[chunk.input_name] = Table(Rows(columns), names)
    times_ms = tables["swipe"].rows["timestamp_ms"]
    return UserLog(decode_name(packed[0]), tables, time_gap_ids(times_ms), Counter())


def _empty_table(input_name: str) -> Table:
    columns = {name: np.zeros(0, dtype) for name, dtype in DTYPES[input_name].items()}
    return Table(Rows(columns), {feature: [] for feature in VOCABULARY_FEATURES[input_name]})
