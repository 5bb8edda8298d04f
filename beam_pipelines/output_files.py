"""The folder that a job writes: on a disk that all workers share, or in a store of objects (gs://, s3://, hdfs://).

A runner does a lost worker's work again, and the lost worker may still be writing. So a file appears only when it is
complete: the same bytes, whichever attempt is the last. A folder on a disk is published by one rename; in a store,
which has none, by its description (dataset.json): it is removed first and written last, and a folder without it is no
dataset.
"""

import abc
import contextlib
import json
import pathlib
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from typing import Any, BinaryIO

from beam_pipelines import remote_files
from edgedipn_tf import publishing
from edgedipn_tf.commands import InputError

DESCRIPTION_FILE = "dataset.json"
_ATTEMPTS = ".attempts"


class OutputFolder(abc.ABC):
    """Where files go; shipped to every worker. Names are relative, with slashes."""

    @abc.abstractmethod
    def whole_file(self, name: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """Gives a file to write; it appears under its name when the block ends without an exception."""

    @abc.abstractmethod
    def read(self, name: str) -> bytes:
        """Returns the content of a file."""

    @abc.abstractmethod
    def delete(self, name: str) -> None:
        """Removes a file."""

    @abc.abstractmethod
    def names(self, prefix: str) -> list[str]:
        """Returns the names of the files that start so, sorted; only those directly in the folder."""


def write_json(folder: OutputFolder, name: str, values: Any) -> None:
    """Writes readable JSON with sorted keys."""
    with folder.whole_file(name) as file:
        file.write((json.dumps(values, indent=2, sort_keys=True) + "\n").encode())


@contextlib.contextmanager
def publish(output: str, overwrite: bool) -> Iterator[OutputFolder]:
    """Yields a folder to write that becomes `output` when the block ends without an exception.

    Args:
        output: a path, or the URL of a folder in a store.
        overwrite: whether a dataset that is there may be replaced.

    Raises:
        InputError: when `output` exists and `overwrite` is false, or another run is writing it (on a disk only).
    """
    if remote_files.is_remote(output):
        yield _emptied(output.rstrip("/"), overwrite)
        return
    with publishing.publish_folder(pathlib.Path(output), overwrite) as path:
        (path / _ATTEMPTS).mkdir()
        yield LocalFolder(path)
        # What killed attempts left. One that still runs finds no place to write from now on.
        shutil.rmtree(path / _ATTEMPTS)


def unpublished(output: str) -> OutputFolder:
    """Returns a folder in a store as a job left it that nobody waited for.

    Raises:
        InputError: when it is no folder in a store, or published already.
    """
    if not remote_files.is_remote(output):
        raise InputError(f"--output={output}: a job that writes to a disk publishes itself; run it without the flag")
    folder = RemoteFolder(output.rstrip("/"))
    if folder.names(DESCRIPTION_FILE):
        raise InputError(f"{output} is published already")
    return folder


class LocalFolder(OutputFolder):
    """A folder on a disk that all workers see under the same path."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path

    @contextlib.contextmanager
    def whole_file(self, name: str) -> Iterator[BinaryIO]:
        """See `OutputFolder`. Every attempt writes a file of its own and renames it."""
        path = self._path / name
        attempt = self._path / _ATTEMPTS / f"{path.name}.{uuid.uuid4().hex}"
        try:
            with open(attempt, "wb") as file:
                yield file
            path.parent.mkdir(exist_ok=True)
            attempt.replace(path)
        finally:
            attempt.unlink(missing_ok=True)

    def read(self, name: str) -> bytes:
        """See `OutputFolder`."""
        return (self._path / name).read_bytes()

    def delete(self, name: str) -> None:
        """See `OutputFolder`."""
        (self._path / name).unlink()

    def names(self, prefix: str) -> list[str]:
        """See `OutputFolder`."""
        return sorted(path.name for path in self._path.glob(f"{prefix}*"))


class RemoteFolder(OutputFolder):
    """A folder in a store of objects."""

    def __init__(self, url: str) -> None:
        self._url = url

    @contextlib.contextmanager
    def whole_file(self, name: str) -> Iterator[BinaryIO]:
        """See `OutputFolder`. The object is made when its content is complete: closing one publishes what it has."""
        with tempfile.TemporaryFile() as file:
            yield file
            file.seek(0)
            remote_files.write(f"{self._url}/{name}", file)

    def read(self, name: str) -> bytes:
        """See `OutputFolder`."""
        with remote_files.open_file(f"{self._url}/{name}") as file:
            return file.read()

    def delete(self, name: str) -> None:
        """See `OutputFolder`."""
        remote_files.delete([f"{self._url}/{name}"])

    def names(self, prefix: str) -> list[str]:
        """See `OutputFolder`."""
        return [url.rpartition("/")[2] for url in remote_files.match(f"{self._url}/{prefix}*")]


def _emptied(url: str, overwrite: bool) -> RemoteFolder:
    """Returns a folder without files; of a dataset that was there, the description goes first."""
    found = remote_files.files_below(url)
    if found and not overwrite:
        raise InputError(f"{url} holds files: choose another folder, or pass --overwrite to remove all {len(found)}")
    mark = f"{url}/{DESCRIPTION_FILE}"
    if mark in found:
        remote_files.delete([mark])
    remote_files.delete([file for file in found if file != mark])
    return RemoteFolder(url)
