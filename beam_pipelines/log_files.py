"""Which files a pattern means, on this machine or in a store; how each is written: by its ending, checked against its
first bytes; how it is opened."""

import enum
import glob
import os
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa

from beam_pipelines import remote_files
from edgedipn_tf.commands import InputError


class FileFormat(enum.StrEnum):
    """How a file holds its records."""

    PARQUET = "parquet"
    JSON_LINES = "json_lines"
    CSV = "csv"
    AVRO = "avro"
    TABLE = "table"  # no file: a table of BigQuery


_TEXT_ENDINGS = {
    ".json": FileFormat.JSON_LINES,
    ".jsonl": FileFormat.JSON_LINES,
    ".ndjson": FileFormat.JSON_LINES,
    ".csv": FileFormat.CSV,
}
_COMPRESSIONS = {"": None, ".gz": "gzip", ".zst": "zstd"}
_FORMATS: dict[str, tuple[FileFormat, str | None]] = {
    ".parquet": (FileFormat.PARQUET, None),
    ".avro": (FileFormat.AVRO, None),
} | {
    ending + suffix: (file_format, codec)
    for ending, file_format in _TEXT_ENDINGS.items()
    for suffix, codec in _COMPRESSIONS.items()
}
_SUPPORTED = ".parquet, .avro, .json, .jsonl, .ndjson, .csv, and the last four with .gz or .zst"
_HIDDEN = (".", "_")
"""First characters of names that are passed over: Spark and Beam write `_SUCCESS`, `_temporary`, `.part.crc`."""


def format_of(path: str) -> tuple[FileFormat, str | None] | None:
    """Returns the format and the compression ("gzip", "zstd", None) that a file's ending names; None: unknown."""
    name = os.path.basename(path).lower()
    return next((known for ending, known in _FORMATS.items() if name.endswith(ending)), None)


def find_files(input_name: str, patterns: Sequence[str]) -> list[str]:
    """Returns the absolute paths and URLs that the patterns mean, each once, sorted by their bytes.

    Args:
        input_name: the input, for messages.
        patterns: files, folders or globs. Of a folder all files of a known ending count, recursively. Names that start
            with a dot or an underscore are passed over unless the pattern itself names them.

    Raises:
        InputError: nothing matches, a folder holds no known file, or a named file has an unknown ending.
    """
    if not patterns:
        raise InputError(f"input {input_name}: no file is given")
    found = {path for pattern in patterns for path in _files_of(input_name, pattern)}
    return sorted(found, key=os.fsencode)


def folder_of(logs: str, input_name: str) -> str | None:
    """Returns the folder of an input in a folder of logs; None if there is none."""
    folder = os.path.join(logs, input_name)
    if remote_files.is_remote(logs):
        return folder if remote_files.files_below(folder) else None
    return folder if os.path.exists(folder) else None


def open_file(path: str) -> BinaryIO:
    """Opens a file for reading, wherever it lies."""
    return remote_files.open_file(path) if remote_files.is_remote(path) else open(path, "rb")


def arrow_file(path: str) -> Any:
    """Opens a file for reading by pyarrow, which has an own and quicker way to files of this machine."""
    return pa.PythonFile(remote_files.open_file(path), "r") if remote_files.is_remote(path) else pa.OSFile(path)


def _files_of(input_name: str, pattern: str) -> list[str]:
    if remote_files.is_remote(pattern):
        return _remote_files_of(input_name, pattern)
    return [os.path.abspath(path) for path in _local_files_of(input_name, pattern)]


def _remote_files_of(input_name: str, pattern: str) -> list[str]:
    """What `_local_files_of` finds, where folders are but the beginning of names."""
    matches = _without_hidden(remote_files.match(pattern), pattern)
    for path in matches:
        if format_of(path) is None:
            raise InputError(_unknown_ending(input_name, path))
    if matches:
        return matches
    below = [path for path in remote_files.files_below(pattern) if format_of(path) is not None]
    if not below:
        raise InputError(f"input {input_name}: nothing matches {pattern!r}, nor has it files of {_SUPPORTED}")
    return _without_hidden(below, pattern)


def _unknown_ending(input_name: str, path: str) -> str:
    return f"input {input_name}: {path} has an unknown ending: supported are {_SUPPORTED}"


def _local_files_of(input_name: str, pattern: str) -> list[str]:
    matches = [pattern] if os.path.exists(pattern) else _glob(pattern)
    if not matches:
        raise InputError(f"input {input_name}: nothing matches {pattern!r}: check the path")
    files: list[str] = []
    for path in matches:
        if os.path.isdir(path):
            files.extend(_walk(path))
        elif format_of(path) is None:
            raise InputError(_unknown_ending(input_name, path))
        else:
            files.append(path)
    if not files:
        raise InputError(f"input {input_name}: no log file in folder {pattern}: looked for {_SUPPORTED}")
    return files


def _glob(pattern: str) -> list[str]:
    return _without_hidden(glob.glob(pattern, recursive=True), pattern)


def _without_hidden(paths: Sequence[str], pattern: str) -> list[str]:
    """Returns the paths without those that are hidden by a part that the pattern does not name."""
    parts = pattern.split(os.sep)
    num_literal = next((i for i, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return [path for path in paths if not any(part.startswith(_HIDDEN) for part in path.split(os.sep)[num_literal:])]


def _walk(folder: str) -> Iterator[str]:
    seen: set[str] = set()  # links may form a circle
    for root, folders, files in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(root))
        folders[:] = [
            name
            for name in folders
            if not name.startswith(_HIDDEN) and os.path.realpath(os.path.join(root, name)) not in seen
        ]
        yield from (
            os.path.join(root, name) for name in files if not name.startswith(_HIDDEN) and format_of(name) is not None
        )


def check_compression(path: str, compression: str | None) -> None:
    """Checks that a text file is compressed as its ending says.

    Raises:
        InputError: naming the file, when it is not, or cannot be opened.
    """
    try:
        with open_file(path) as file:
            start = file.read(4)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: check the file and its permissions") from None
    actual = None
    if start[:2] == b"\x1f\x8b":
        actual = "gzip"
    elif start == b"\x28\xb5\x2f\xfd" or start[1:] == b"\x2a\x4d\x18":  # a frame, or a skippable one
        actual = "zstd"
    if actual == compression:
        return
    if compression is None:
        raise InputError(f"{path} is {actual} data: give its name the ending .{'gz' if actual == 'gzip' else 'zst'}")
    raise InputError(f"{path} is not {compression} data, as its ending says: rename it or copy it again")
