"""Random numbers that depend on names, not on order: the same for any runner, number of workers and retry.

A key is drawn from text (seed, user, date); `mix` turns it, or it combined with a number, into 64 random bits.
"""

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_FACTOR = np.uint64(0x94D049BB133111EB)


def mix(states: ArrayLike) -> NDArray[np.uint64]:
    """Returns the output of splitmix64 for states, e.g. 6457827717110365317 for 1234567.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014), with the constants
    of Vigna's public implementation.

    Args:
        states: uint64, any shape; int64 arrays are taken modulo 2^64.
    """
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64 is meant
        bits = np.asarray(states, dtype=np.uint64) + _INCREMENT
        bits = (bits ^ (bits >> np.uint64(30))) * _FIRST_FACTOR
        bits = (bits ^ (bits >> np.uint64(27))) * _SECOND_FACTOR
    return np.asarray(bits ^ (bits >> np.uint64(31)))


def key(*parts: str | int) -> int:
    """Returns the first 8 bytes, big-endian, of the SHA-256 of the parts joined by "|", in UTF-8.

    Args:
        parts: e.g. seed, user and date; numbers are written in decimal, lone surrogates keep their own three bytes.
    """
    text = "|".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
