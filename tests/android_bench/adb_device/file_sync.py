"""The service `sync`, as far as `adb push` and `adb pull` of a file need it: STAT, SEND and RECV."""

import dataclasses
import os
import pathlib
import struct
from collections.abc import Callable

from tests.android_bench.adb_device.connection import Stream

PUSHABLE = "/data/local/tmp/"
MAX_PART = 65536  # the longest that the protocol allows


@dataclasses.dataclass(frozen=True)
class Disk:
    """Where files go, and what goes wrong there."""

    host_path: Callable[[str], pathlib.Path]
    free_bytes: int | None = None  # a file larger than this ends in "No space left on device"
    kept_bytes: int | None = None  # no more than this of a file is stored, and nobody says so
    vanish: Callable[[], None] | None = None  # called in the middle of the first file


async def serve_sync(stream: Stream, disk: Disk) -> None:
    """Answers requests until the client quits."""
    while True:
        request, size = struct.unpack("<4sI", await stream.read(8))
        path = (await stream.read(size)).decode()
        if request == b"QUIT":
            return
        if request == b"STAT":
            await stream.write(b"STAT" + _stat(disk.host_path(path)))
        elif request == b"SEND":
            reason = await _receive(stream, path.rpartition(",")[0], disk)
            await stream.write(_failure(reason) if reason else b"OKAY" + bytes(4))
        elif request == b"RECV":
            await stream.write(_content(disk.host_path(path)))
        else:
            await stream.write(_failure(f"unknown request {request!r}"))
            return


def _stat(path: pathlib.Path) -> bytes:
    try:
        found = os.stat(path)
    except OSError:
        return bytes(12)
    return struct.pack("<3I", found.st_mode, found.st_size & 0xFFFFFFFF, int(found.st_mtime))


async def _receive(stream: Stream, path: str, disk: Disk) -> str | None:
    """Stores a file and returns None, or the reason why not."""
    content = b""
    while True:
        part, size = struct.unpack("<4sI", await stream.read(8))
        if part == b"DONE":
            break
        if disk.vanish:
            disk.vanish()
        content += await stream.read(size)
    if not path.startswith(PUSHABLE) or ".." in path.split("/"):
        return "couldn't create file: Permission denied"
    if disk.free_bytes is not None and len(content) > disk.free_bytes:
        return "couldn't write file: No space left on device"
    target = disk.host_path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content[: disk.kept_bytes])
    target.chmod(0o644)
    return None


def _content(path: pathlib.Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        return _failure(f"open failed: {error.strerror}")
    parts = [content[start : start + MAX_PART] for start in range(0, len(content), MAX_PART)]
    return b"".join(b"DATA" + struct.pack("<I", len(part)) + part for part in parts) + b"DONE" + bytes(4)


def _failure(reason: str) -> bytes:
    return b"FAIL" + struct.pack("<I", len(reason)) + reason.encode()
