"""TensorFlow's errors that are the input's or the disk's fault, as the one line a person can act on."""

import contextlib
import pathlib
import re
from collections.abc import Iterator

import tensorflow as tf

from edgedipn_tf.commands import InputError

_FULL_DISK = ("No space left on device", "Disk quota exceeded", "errno = 28", "errno = 122")


@contextlib.contextmanager
def one_line_errors(dataset: pathlib.Path, workdir: pathlib.Path) -> Iterator[None]:
    """Raises InputError for a full disk (also when HDF5 or TensorFlow reports it) and for damaged records.

    Args:
        dataset: the dataset that is read in the block.
        workdir: the folder that is written in the block.
    """
    try:
        yield
    except (tf.errors.OpError, OSError, RuntimeError, ValueError) as error:
        text = str(error)
        if any(sign in text for sign in _FULL_DISK):
            raise InputError(
                f"{workdir}: no space left on device: free some space and run the same command again; "
                "it goes on from the last checkpoint"
            ) from error
        if isinstance(error, tf.errors.DataLossError) or "DataLossError: " in text:  # also inside of a Python generator
            place = "".join(re.findall(r" at \d+", text)[:1])  # of the file, in bytes
            raise InputError(f"{dataset} has a file with a damaged record{place}: make the dataset again") from error
        raise
