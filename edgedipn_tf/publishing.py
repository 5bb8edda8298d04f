"""Artefacts that are whole or absent: files and folders are written aside and published by one rename."""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

from edgedipn_tf.commands import InputError


@contextlib.contextmanager
def publish_folder(output: pathlib.Path, overwrite: bool = False) -> Iterator[pathlib.Path]:
    """Yields a fresh folder beside `output` that becomes `output` when the block ends without an exception.

    A crash at any moment leaves the last published folder, or none; what a crashed run left aside is removed by the
    next run. Two runs into one output exclude each other.

    Args:
        output: the folder to publish.
        overwrite: whether a folder that is there may be replaced.

    Raises:
        InputError: when `output` exists and `overwrite` is false, or another run is writing it.
    """
    output = output.absolute()
    partial = output.with_name(f".{output.name}.partial")
    replaced = output.with_name(f".{output.name}.replaced")
    output.parent.mkdir(parents=True, exist_ok=True)
    if replaced.exists() and not output.exists():  # a crash between the two renames below
        replaced.rename(output)
    if output.exists() and not overwrite:
        raise InputError(f"{output} exists: choose another folder, remove it, or pass --overwrite")
    with _exclusive(partial, output):
        try:
            yield partial
            _synchronize(partial)
            shutil.rmtree(replaced, ignore_errors=True)
            if output.exists():
                output.rename(replaced)
            partial.rename(output)
            shutil.rmtree(replaced, ignore_errors=True)
        except BaseException as error:
            shutil.rmtree(partial, ignore_errors=True)
            _name_place(error, output)
            raise


@contextlib.contextmanager
def _exclusive(partial: pathlib.Path, output: pathlib.Path) -> Iterator[None]:
    partial.mkdir(exist_ok=True)
    descriptor = os.open(partial, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise InputError(f"{output} is being written by another run: wait for it, or choose another folder") from None
    try:
        for leftover in partial.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        yield
    finally:
        os.close(descriptor)


def _synchronize(folder: pathlib.Path) -> None:
    """Flushes every file of a folder to the disk, so that the rename cannot outlive its content."""
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_bytes(path: pathlib.Path, content: bytes) -> None:
    """Writes a file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        _name_place(error, path)
        raise


def _name_place(error: BaseException, place: pathlib.Path) -> None:
    """A full disk is reported by `write`, which knows no name: the user needs one."""
    if isinstance(error, OSError) and error.filename is None:
        error.filename = str(place)


def write_json(path: pathlib.Path, values: Any) -> None:
    """Writes readable JSON with sorted keys, whole or not at all."""
    write_bytes(path, (json.dumps(values, indent=2, sort_keys=True) + "\n").encode())


def read_json(path: pathlib.Path, what: str, remedy: str) -> Any:
    """Reads a JSON file.

    Args:
        path: the file.
        what: what the file is, for the message.
        remedy: what to do when it cannot be read.

    Raises:
        InputError: naming the file and the remedy, when it is absent or is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path} ({what}) does not exist: {remedy}") from None
    except ValueError as error:
        raise InputError(f"{path} ({what}) is not JSON ({error}): {remedy}") from None


def file_sha256(path: pathlib.Path) -> str:
    """Returns the SHA-256 of a file's content as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
