"""A store of objects in memory, known to Beam as mem://: whole objects, no folders, no rename; tells what was done."""

import io
from collections.abc import Iterator
from typing import Any

from apache_beam.io.filesystem import BeamIOError, FileMetadata, FileSystem

OBJECTS: dict[str, bytes] = {}
DONE: list[tuple[str, str]] = []
"""What was done, in order: ("create" or "delete", URL)."""


class _Object(io.BytesIO):
    """An object in the making: it is there when it is closed."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def close(self) -> None:
        if not self.closed:
            OBJECTS[self._url] = self.getvalue()
            DONE.append(("create", self._url))
        super().close()


class ObjectStore(FileSystem):
    """What a job needs of a store; anything else is an error."""

    @classmethod
    def scheme(cls) -> str:
        return "mem"

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path: str) -> tuple[str, str]:
        head, _, tail = path.rpartition("/")
        return head, tail

    def has_dirs(self) -> bool:
        return False

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        for url, content in sorted(OBJECTS.items()):
            if url.startswith(dir_or_prefix):
                yield FileMetadata(url, len(content))

    def create(self, path: str, mime_type: str = "", compression_type: str = "") -> Any:
        return _Object(path)

    def open(self, path: str, mime_type: str = "", compression_type: str = "") -> Any:
        if path not in OBJECTS:
            raise BeamIOError("Open operation failed", {path: FileNotFoundError("no such object")})
        return io.BytesIO(OBJECTS[path])

    def delete(self, paths: list[str]) -> None:
        for path in paths:
            del OBJECTS[path]
            DONE.append(("delete", path))

    def exists(self, path: str) -> bool:
        return path in OBJECTS

    def metadata(self, path: str) -> FileMetadata:
        return FileMetadata(path, len(OBJECTS[path]))

    def _refuse(self, *_: Any) -> Any:
        raise AssertionError("a store has no such operation")

    mkdirs = copy = rename = size = last_updated = checksum = _refuse
