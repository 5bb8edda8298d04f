"""The formulas of the discretization and of the random draws, one value at a time, in Python integers."""

import hashlib
import math
import struct
from fractions import Fraction

MASK = (1 << 64) - 1
NOT_APPLICABLE = 1
COORDINATE_LIMIT = 1 << 50


def quantum(value: float | int) -> int:
    """Returns q = floor(16 * float32(value limited to +-2^50))."""
    limited = max(-COORDINATE_LIMIT, min(COORDINATE_LIMIT, value))
    rounded: float = struct.unpack("<f", struct.pack("<f", limited))[0]
    return math.floor(16 * rounded)


def mix(state: int) -> int:
    """Returns the output of splitmix64 for one state."""
    z = (state + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def key_of(*parts: object) -> int:
    """Returns the first 8 bytes, big-endian, of the SHA-256 of the parts joined by "|"."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:8], "big")


def below(key: int, probability: Fraction) -> bool:
    """Returns whether mix(key) / 2^64 is below a probability."""
    return Fraction(mix(key), 1 << 64) < probability


def stepped_id(value: int | None, step: int) -> int:
    """Returns the id of a duration in 20 bins: ten of one step, nine of ten steps, one above; negative: the first."""
    if value is None:
        return NOT_APPLICABLE
    if value < 10 * step:
        return 2 + max(0, value // step)
    return 2 + (value // (10 * step) + 9 if value < 100 * step else 19)


def stay_bin(stay_ms: int) -> int:
    """Returns the bin of 179: 60 of a second, 118 of five seconds, one above."""
    seconds = stay_ms // 1000
    if seconds < 60:
        return max(0, seconds)
    return 60 + (seconds - 60) // 5 if seconds < 650 else 178


def elapsed_bin(elapsed_ms: int) -> int:
    """Returns 0 for less than a second, k + 1 for [2^k, 2^(k+1)) seconds, at most 24."""
    seconds, bin_of_25 = elapsed_ms // 1000, 0
    while seconds >= 1 << bin_of_25 and bin_of_25 < 24:
        bin_of_25 += 1
    return bin_of_25


def position_id(value: float | None, side: float | None, bins: int) -> int:
    """Returns the id of a coordinate in a window; outside it the nearest bin's."""
    if value is None or side is None:
        return NOT_APPLICABLE
    q, length = quantum(value), quantum(side)
    return 2 + max(0, min(bins * q // length, bins - 1))


def length_id(start: float | None, end: float | None, side: float | None, bins: int) -> int:
    """Returns the id of a signed displacement relative to the window."""
    if start is None or end is None or side is None:
        return NOT_APPLICABLE
    dq, length = quantum(end) - quantum(start), quantum(side)
    return 2 + max(0, min((dq + length) * bins // (2 * length), bins - 1))


def direction_id(start: float | None, end: float | None, growing: int, shrinking: int) -> int:
    """Returns one of two ids by the sign of a displacement."""
    if start is None or end is None:
        return NOT_APPLICABLE
    dq = quantum(end) - quantum(start)
    return NOT_APPLICABLE if dq == 0 else growing if dq > 0 else shrinking


def utf8(text: str | None) -> bytes:
    """Returns the bytes by which names are ordered, null as empty."""
    return (text or "").encode()
