"""The memory that a process frees stays with it: reading and training take and free the same megabytes at every step.

The GNU C library gives large freed blocks back to the kernel, which hands them out anew page by page, each page at the
cost of a fault. By itself it learns what a process frees and keeps that; but TensorFlow 2.21 stops the learning for the
whole process when it makes a dataset of a generator ("Memory patch applied: M_TRIM_THRESHOLD=128 kb").
"""

import ctypes
from collections.abc import Callable
from typing import Any

# Parameters of the GNU C library's `mallopt`, see malloc.h and `man mallopt`.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_HEAP_BLOCK_BYTES = 32 << 20
"""Blocks up to it come from the heap, not each from the kernel: the largest value that the library learns itself."""
_FREE_BYTES = 256 << 20
"""So much free memory stays at the end of the heap."""
_SPARE_BYTES = 64 << 20
"""The heap grows by so much; and threads keep their last part of it, which has this size at most."""


def keep_freed_memory() -> bool:
    """Lets the allocator keep freed memory, in all threads; does nothing where there is no GNU C library.

    Returns:
        Whether it does.
    """
    mallopt: Callable[[int, int], int] | None = getattr(_c_library(), "mallopt", None)
    if mallopt is None:
        return False
    wanted = {_MMAP_THRESHOLD: _HEAP_BLOCK_BYTES, _TRIM_THRESHOLD: _FREE_BYTES, _TOP_PAD: _SPARE_BYTES}
    return all([mallopt(parameter, value) == 1 for parameter, value in wanted.items()])


def _c_library() -> Any:
    return ctypes.CDLL(None)
