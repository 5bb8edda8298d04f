"""What goes through the shuffle: the encoded records of a user among up to `MAX_GROUP_ROWS` neighbours of a file.

The shuffle is the dearest edge of the job (on FnApiRunner it is memory, on a cluster network and disk), so a chunk is
small: integers in as few bytes as the chunks of a group need, times as differences, columns byte by byte one after
another, all of it but the hashes compressed. No record carries its place: neighbours of a file stay neighbours.

Hashes do not compress and would be half of what is left, so of the 64 bits of an event's only 32 travel: it is compared
with those of the same user, view, millisecond and bins alone. Records without a time are few and keep all.
"""

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from beam_pipelines.encoding import DTYPES, VOCABULARY_FEATURES, Columns, Encoded, decode_name, encode_name

MAX_GROUP_ROWS = 1 << 19
"""Most records that are put together before they are handed over, user by user."""
WITHOUT_ORDER = -1
"""Stands for the number of the first record of a chunk whose records have no order: rows of a table."""
Bytes = NDArray[np.uint8]

_HASH_BYTES = {"swipe": 4, "tap": 4, "browse": 4, "profile": 8, "history": 8}
"""Low bytes of the hashes that a chunk carries."""
_HEADER = struct.Struct("<qB")


class Chunk(NamedTuple):
    """Records of one user, in the order of their file. Plain values only, so that Beam's coders are quick.

    Attributes:
        input_name: which input they are from.
        file_index: position of the file in the sorted path list of the input.
        first_record: a number between the last record of the chunks before and the first of this one; `WITHOUT_ORDER`.
        first_time_ms: time of the first record.
        num_rows: how many records.
        row_hashes: their identities, the same number of bytes each; empty in a packed table.
        num_bytes: bytes of the body before compression.
        body: the other columns and the names.
    """

    input_name: str
    file_index: int
    first_record: int
    first_time_ms: int
    num_rows: int
    row_hashes: bytes
    num_bytes: int
    body: bytes


class ChunkBuilder:
    """Puts the batches of a piece of a file together, and takes them apart by user.

    Args:
        input_name: the input.
        file_index: position of the file in the sorted path list of the input.
    """

    def __init__(self, input_name: str, file_index: int) -> None:
        self._input_name = input_name
        self._file_index = file_index
        self._clear()

    def _clear(self) -> None:
        self._parts: list[Columns] = []
        self._user_codes: list[NDArray[np.int32]] = []
        self._tables: dict[str, dict[str, int]] = {
            name: {} for name in ("user_id", *VOCABULARY_FEATURES[self._input_name])
        }
        self._first_record = -1
        self.num_rows = 0

    def add(self, encoded: Encoded, first_record: int) -> None:
        """Adds records that follow those added before; the number of the first tells their place in the file."""
        if not self.num_rows:
            self._first_record = first_record
        columns = dict(encoded.columns)
        for name in VOCABULARY_FEATURES[self._input_name]:
            columns[f"{name}_code"] = self._common_codes(name, encoded.names[name], columns[f"{name}_code"])
        self._user_codes.append(self._common_codes("user_id", encoded.names["user_id"], encoded.user_codes))
        self._parts.append(columns)
        self.num_rows += len(encoded.user_codes)

    def _common_codes(self, name: str, values: list[str], codes: NDArray[np.int32]) -> NDArray[np.int32]:
        table = self._tables[name]
        targets = [table.setdefault(value, len(table)) for value in values]
        return np.array([*targets, -1], np.int32)[codes]  # null is the last

    def take(self) -> Iterator[tuple[bytes, Chunk]]:
        """Yields (user id as UTF-8, chunk) for each user of what was added, and starts anew."""
        if not self.num_rows:
            return
        columns = {name: np.concatenate([part[name] for part in self._parts]) for name in DTYPES[self._input_name]}
        users = np.concatenate(self._user_codes)
        order = _stable_order(users)
        if order is not None:
            users = users[order]
            columns = {name: column[order] for name, column in columns.items()}
        names = {name: [encode_name(value) for value in table] for name, table in self._tables.items()}
        first_record = self._first_record
        self._clear()
        starts = np.flatnonzero(np.diff(users, prepend=-1))
        group = _Group(self._input_name, columns, names, starts, _HASH_BYTES[self._input_name])
        for position, user in enumerate(users[starts].tolist()):
            yield names["user_id"][user], group.chunk(position, self._file_index, first_record)


def _stable_order(codes: NDArray[np.int32]) -> NDArray[np.intp] | None:
    """Returns the order that sorts codes, equal ones as they are; None when they are sorted."""
    if not (np.diff(codes) < 0).any():
        return None
    # NumPy sorts 16 bits by counting.
    return np.argsort(codes.astype(np.uint16) if codes.max() < 1 << 16 else codes, kind="stable")


class _Group:
    """The columns of a group of records, ordered by user, narrowed to bytes.

    Args:
        input_name: the input.
        columns: those of `DTYPES`, ordered by user; the name codes among them are changed.
        names: by feature, the names that the codes point into.
        starts: first row of each user.
        num_hash_bytes: how much of each hash is kept.
    """

    def __init__(
        self,
        input_name: str,
        columns: Columns,
        names: dict[str, list[bytes]],
        starts: NDArray[np.intp],
        num_hash_bytes: int,
    ) -> None:
        self._input_name = input_name
        hashes = columns["row_hash"].astype("<u8", copy=False)
        size = len(hashes)
        self._bounds = np.append(starts, size).tolist()
        self._hashes = hashes.view(np.uint8).reshape(size, 8)[:, :num_hash_bytes]
        self._times = columns["timestamp_ms"]
        self._names = [
            _localise(columns[f"{feature}_code"], names[feature], self._bounds)
            for feature in VOCABULARY_FEATURES[input_name]
        ]
        header, planes = [], []
        for column in _stored_columns(columns, starts).values():
            base, narrow = _narrow(column)
            header.append(_HEADER.pack(base, narrow.shape[1]))
            planes.append(narrow.T)
        self._header = b"".join(header)
        self._planes: Bytes = np.concatenate([np.zeros((0, size), np.uint8), *planes])

    def chunk(self, position: int, file_index: int, first_record: int) -> Chunk:
        """Returns the chunk of the user at a position in the group."""
        start, end = self._bounds[position : position + 2]
        names = [_join_names(of_users[position]) for of_users in self._names]
        body = b"".join([self._header, self._planes[:, start:end].tobytes(), *names])
        return Chunk(
            self._input_name,
            file_index,
            first_record,
            int(self._times[start]),
            end - start,
            self._hashes[start:end].tobytes(),
            len(body),
            pa.compress(body, codec="zstd", asbytes=True),
        )


def pack_table(input_name: str, columns: Columns, names: dict[str, list[str]]) -> Chunk:
    """Returns one user's records of an input as a chunk without hashes: there are no duplicates left.

    Args:
        input_name: the input.
        columns: those of `DTYPES`, one row at least.
        names: by feature, the names that the codes point into.
    """
    encoded = {feature: [encode_name(name) for name in of_feature] for feature, of_feature in names.items()}
    own = columns | {f"{feature}_code": columns[f"{feature}_code"].copy() for feature in names}
    return _Group(input_name, own, encoded, np.zeros(1, np.intp), num_hash_bytes=0).chunk(0, 0, 0)


def _stored_columns(columns: Columns, starts: NDArray[np.intp]) -> Columns:
    """Returns the columns of a chunk's body: all but the hashes, times as differences from record to record."""
    stored = {name: column for name, column in columns.items() if name != "row_hash"}
    differences = np.diff(columns["timestamp_ms"], prepend=0)
    differences[starts] = 0
    return {**stored, "timestamp_ms": differences}


def _narrow(column: NDArray[Any]) -> tuple[int, Bytes]:
    """Returns the least value, and what is above it as little-endian bytes, as few as it takes, [n, width]."""
    if column.dtype == np.uint8:
        return 0, column[:, np.newaxis]
    least, most = int(column.min()), int(column.max())
    width = ((most - least).bit_length() + 7) // 8
    # Differences modulo 2^64 are right also where int64 has no room for them.
    above = column.astype("<i8", copy=False).view("<u8") - np.uint64(least % (1 << 64))
    narrow: Bytes = above.view(np.uint8).reshape(-1, 8)[:, :width]
    return least, narrow


def _widen(base: int, planes: Bytes, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Undoes `_narrow`; planes are [width, n]."""
    if dtype == np.uint8 and not base and len(planes) == 1:
        only: NDArray[Any] = planes[0]
        return only
    values = np.zeros((planes.shape[1], 8), np.uint8)
    values[:, : len(planes)] = planes.T
    widened: NDArray[Any] = (values.view("<u8")[:, 0] + np.uint64(base % (1 << 64))).view("<i8").astype(dtype)
    return widened


def _localise(codes: NDArray[np.int32], names: list[bytes], bounds: list[int]) -> list[list[bytes]]:
    """Replaces the codes of each user by positions in a list of the user's own names; returns the lists."""
    lists = []
    positions = np.full(len(names) + 1, -1, np.int32)  # the last stands for null
    for start, end in zip(bounds, bounds[1:], strict=False):
        of_user = codes[start:end]
        used: NDArray[Any]
        if 4 * (end - start) < len(names):
            used = np.unique(of_user)
            used = used[used >= 0]
        else:  # quicker than sorting where records outnumber names
            is_used = np.zeros(len(names) + 1, np.bool_)
            is_used[of_user] = True
            used = np.flatnonzero(is_used[:-1])
        positions[used] = np.arange(len(used), dtype=np.int32)
        codes[start:end] = positions[of_user]
        lists.append([names[code] for code in used.tolist()])
    return lists


def _join_names(names: list[bytes]) -> bytes:
    lengths = np.array([len(names), *map(len, names)], "<u4")
    return b"".join([lengths.tobytes(), *names])


def unpack(chunk: Chunk) -> tuple[Columns, dict[str, list[str]]]:
    """Returns the columns of `DTYPES` that a chunk holds, and the names of its vocabulary features.

    Of the hashes, only the bytes that the chunk carries are set.
    """
    body = pa.decompress(chunk.body, chunk.num_bytes, codec="zstd", asbytes=True)
    dtypes = DTYPES[chunk.input_name]
    stored = [name for name in dtypes if name != "row_hash"]
    headers = [_HEADER.unpack_from(body, number * _HEADER.size) for number in range(len(stored))]
    hashes = np.zeros((chunk.num_rows, 8), np.uint8)
    carried = np.frombuffer(chunk.row_hashes, np.uint8).reshape(chunk.num_rows, -1)
    hashes[:, : carried.shape[1]] = carried
    columns: Columns = {"row_hash": hashes.view("<u8")[:, 0]}
    offset = len(stored) * _HEADER.size
    for name, (base, width) in zip(stored, headers, strict=True):
        planes = np.frombuffer(body, np.uint8, width * chunk.num_rows, offset).reshape(width, chunk.num_rows)
        columns[name] = _widen(base, planes, dtypes[name])
        offset += planes.size
    columns["timestamp_ms"] = chunk.first_time_ms + np.cumsum(columns["timestamp_ms"])
    names: dict[str, list[str]] = {}
    for feature in VOCABULARY_FEATURES[chunk.input_name]:
        names[feature], offset = _split_names(body, offset)
    return columns, names


def _split_names(body: bytes, offset: int) -> tuple[list[str], int]:
    count = int(np.frombuffer(body, "<u4", 1, offset)[0])
    lengths = np.frombuffer(body, "<u4", count, offset + 4)
    start = offset + 4 + lengths.nbytes
    bounds = [0, *np.cumsum(lengths, dtype=np.int64).tolist()]
    joined = body[start : start + bounds[-1]]
    if joined.isascii():  # each byte is a character: one decoding for all
        text = joined.decode("ascii")
        names = [text[first:end] for first, end in zip(bounds, bounds[1:], strict=False)]
    else:
        names = [decode_name(joined[first:end]) for first, end in zip(bounds, bounds[1:], strict=False)]
    return names, start + bounds[-1]
