"""Files in a store of objects (gs://, s3://, hdfs://, ...): what Beam's file systems reach, with one-line errors.

Which stores there are depends on the extras of Apache Beam that are installed: gs:// is of apache-beam[gcp].
"""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from edgedipn_tf.commands import InputError


def is_remote(path: str) -> bool:
    """Whether a path or pattern names a place in a store: it starts with a scheme and ://."""
    return "://" in path


def open_file(url: str) -> BinaryIO:
    """Opens an object for reading as it is stored, compressed or not; it can be sought in."""
    from apache_beam.io.filesystem import CompressionTypes

    with _errors_of(url) as systems:
        file: BinaryIO = systems.open(url, compression_type=CompressionTypes.UNCOMPRESSED)
        return file


def write(url: str, content: BinaryIO) -> None:
    """Makes an object, or replaces it."""
    from apache_beam.io.filesystem import CompressionTypes

    with _errors_of(url) as systems, systems.create(url, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        shutil.copyfileobj(content, file)


def match(pattern: str) -> list[str]:
    """Returns the URLs that a URL or glob means, sorted; `*` stays within a folder, `**` does not."""
    with _errors_of(pattern) as systems:
        return sorted(metadata.path for metadata in systems.match([pattern])[0].metadata_list)


def files_below(url: str) -> list[str]:
    """Returns the URLs of all files in a folder and those below it, sorted; none if there is no such folder."""
    return match(f"{url.rstrip('/')}/**")


def delete(urls: Sequence[str]) -> None:
    """Removes objects."""
    if urls:
        with _errors_of(urls[0]) as systems:
            systems.delete(list(urls))


@contextlib.contextmanager
def _errors_of(url: str) -> Iterator[Any]:
    """Yields Beam's file systems; what they raise becomes an InputError that names the place."""
    # Not at the top: most commands read files of this machine and start quicker without Beam.
    from apache_beam.io.filesystem import BeamIOError
    from apache_beam.io.filesystems import FileSystems

    try:
        yield FileSystems
    except BeamIOError as error:
        causes = [str(cause) for cause in (error.exception_details or {}).values()] or [str(error)]
        raise InputError(f"{url}: {' '.join(causes[0].split())}: check the place and your rights to it") from None
    except ValueError as error:
        if "Unable to get filesystem" not in str(error):
            raise
        remedy = "gs:// needs pip install 'apache-beam[gcp]', s3:// needs 'apache-beam[aws]'"
        raise InputError(f"{url}: no file system for {url.split('://')[0]}:// is installed: {remedy}") from None
