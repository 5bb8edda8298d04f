"""A public log: where to get it, which files it comes as, whether they are the known ones, and who reads it."""

import contextlib
import dataclasses
import gzip
import pathlib
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO, cast

from beam_pipelines.raw_log import LogDescription, LogWriter
from edgedipn_tf import publishing
from edgedipn_tf.commands import InputError


@dataclasses.dataclass(frozen=True)
class PublicLog:
    """What the project knows of a public log.

    Attributes:
        name: the value of --log.
        where_to_get: public place, terms and publication, one line each.
        row_format: what a row looks like, for error messages.
        patterns: names of its files in a folder.
        known_sha256: what the file is, by the SHA-256 of the file (compressed or not).
        convert: reads the files, writes the parts and returns the description.
    """

    name: str
    where_to_get: tuple[str, ...]
    row_format: str
    patterns: tuple[str, ...]
    known_sha256: Mapping[str, str]
    convert: Callable[[Sequence[pathlib.Path], LogWriter], LogDescription]


def find_files(log: PublicLog, path: pathlib.Path) -> list[pathlib.Path]:
    """Returns the log's files: the file itself, or those of a folder whose names fit, sorted.

    Raises:
        InputError: when there is none.
    """
    if path.is_file():
        return [path]
    remedy = f"give the {log.name} file or its folder; {log.where_to_get[0]}"
    if not path.is_dir():
        raise InputError(f"--input={path} does not exist: {remedy}")
    found = {f for pattern in log.patterns for f in path.glob(pattern) if f.is_file() and not f.name.startswith(".")}
    if not found:
        raise InputError(f"--input={path} holds no file named {' or '.join(log.patterns)}: {remedy}")
    return sorted(found)


def checksums(log: PublicLog, files: Sequence[pathlib.Path], folder: pathlib.Path) -> dict[str, str]:
    """Returns the SHA-256 of each file by its path below the folder; says on standard error which are not known."""
    digests = {file.relative_to(folder).as_posix(): publishing.file_sha256(file) for file in files}
    unknown = [name for name, digest in digests.items() if digest not in log.known_sha256]
    if unknown:
        first = f"{unknown[0]} (sha256 {digests[unknown[0]][:16]}...)"
        more = f" and {len(unknown) - 1} more files are" if len(unknown) > 1 else " is"
        print(
            f"warning: {first}{more} not of {log.name} as this importer was checked with; results may not be "
            "comparable with published ones",
            file=sys.stderr,
        )
    return digests


def the_file(files: Sequence[pathlib.Path], log_name: str, *names: str) -> pathlib.Path:
    """Returns the file that has one of the names, plain or with .gz.

    Raises:
        InputError: when there is none, or more than one.
    """
    found = [file for file in files if file.name.removesuffix(".gz") in names]
    if len(found) != 1:
        here = ", ".join(file.name for file in files)
        wanted = " or ".join(names)
        raise InputError(
            f"{log_name} needs one file {wanted}, plain or .gz, but has {here}: give the folder of all files"
        )
    return found[0]


@contextlib.contextmanager
def open_plain(file: pathlib.Path) -> Iterator[BinaryIO]:
    """Opens a file, decompressed when its name ends in .gz.

    Raises:
        InputError: when the compressed file is damaged, also while it is read in the block.
    """
    try:
        with gzip.open(file, "rb") if file.suffix == ".gz" else open(file, "rb") as stream:
            yield cast(BinaryIO, stream)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{file} is damaged ({error}): download it again") from None
