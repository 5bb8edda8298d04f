"""Stable 64-bit hashes: the same in every process, on every machine, in every run (`hash` is not)."""

import hashlib

import numpy as np
import numpy.typing as npt


def hash_bytes(value: bytes) -> int:
    """Returns 64 bits of BLAKE2b."""
    return int.from_bytes(hashlib.blake2b(value, digest_size=8).digest(), "big")


def mix(states: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Returns the splitmix64 output of each state: a bijection of 64 bits whose outputs look random.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    z = states + np.uint64(0x9E3779B97F4A7C15)
    shifted = z >> np.uint64(30)
    z ^= shifted
    z *= np.uint64(0xBF58476D1CE4E5B9)
    np.right_shift(z, np.uint64(27), out=shifted)
    z ^= shifted
    z *= np.uint64(0x94D049BB133111EB)
    np.right_shift(z, np.uint64(31), out=shifted)
    z ^= shifted
    return z
