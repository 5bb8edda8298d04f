"""Makes tests/testdata/discretize_golden.json: the contract of every implementation of the discretization.

Run `python tests/make_discretize_golden.py` from the root of the project; a changed file is a changed contract.

The formulas are plain Python on exact numbers (int, Fraction) and tables of bin edges, written apart from
`edgedipn_tf.discretize` and importing nothing of it. Every edge of every rule gives three cases: just below, at, and
just above.
"""

import bisect
import json
import math
import pathlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

PATH = pathlib.Path(__file__).parent / "testdata" / "discretize_golden.json"
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

# Lower edges of bins 1, 2, ...
TIME_GAP_EDGES_MS = [*range(100, 1001, 100), *range(2000, 10_001, 1000)]
DURATION_EDGES_MS = [*range(25, 251, 25), *range(500, 2501, 250)]
PAGE_STAY_EDGES_MS = [1000 * s for s in (*range(1, 61), *range(65, 651, 5))]
ELAPSED_TIME_EDGES_MS = [1000 * 2**k for k in range(24)]
HISTORY_BINS = (20, 30, 40, 60, 80, 100)
FIXED_LISTS = {
    "swipe_action": ("open_page", "leave_page", "swipe", "tap"),
    "tap_event": ("page", "button"),
    "browse_action": ("browse", "search", "collect", "cart", "purchase"),
    "swipe_horizontal_direction": ("right", "left"),
    "swipe_vertical_direction": ("up", "down"),
}


def edge_bin(edges: Sequence[int], value: int) -> tuple[int, bool]:
    """Returns how many edges a value has reached, and whether it is negative (then bin 0)."""
    return (0, True) if value < 0 else (bisect.bisect_right(edges, value), False)


def round_float32(value: Fraction) -> Fraction:
    """Returns the nearest number of 24 significant bits (of at least 2^-149), ties to even."""
    if value == 0:
        return value
    exponent = 0  # 2^(exponent - 1) <= |value| < 2^exponent
    while abs(value) >= Fraction(2) ** exponent:
        exponent += 1
    while abs(value) < Fraction(2) ** (exponent - 1) and exponent > -125:
        exponent -= 1
    unit = Fraction(2) ** (exponent - 24)
    return round(value / unit) * unit


def quantize(value: float) -> int:
    """Returns floor(16 * float32(value)), the value limited to 2^50 either way."""
    limited = min(max(Fraction(value), Fraction(-(2**50))), Fraction(2**50))
    return math.floor(16 * round_float32(limited))


def position_bin(q: int, extent_q: int, num_bins: int) -> tuple[int, bool]:
    """Returns the bin of a position along a window, and whether it lies outside."""
    if q < 0:
        return 0, True
    return min(math.floor(Fraction(q, extent_q) * num_bins), num_bins - 1), q > extent_q


def displacement_bin(dq: int, extent_q: int, num_bins: int) -> tuple[int, bool]:
    """Returns the bin of a displacement, and whether it is longer than the window."""
    share = (Fraction(dq, extent_q) + 1) / 2
    return min(max(math.floor(share * num_bins), 0), num_bins - 1), abs(dq) > extent_q


def history_bin(count: int, num_bins: int) -> int:
    """Returns the bin of a count."""
    return count if count < num_bins else num_bins - 1


def _case(rule: str, inputs: dict[str, Any], bin_and_clamp: tuple[int, bool] | None) -> dict[str, Any]:
    """One case; without a bin the value does not apply: id 1."""
    bin_, is_clamped = (-1, False) if bin_and_clamp is None else bin_and_clamp
    return {"rule": rule, **inputs, "id": bin_ + 2, "is_clamped": is_clamped}


def _around(edges: Sequence[int]) -> list[int]:
    return sorted({e + d for e in edges for d in (-1, 0, 1)})


def _durations() -> Iterator[dict[str, Any]]:
    rules = {
        "time_gap": TIME_GAP_EDGES_MS,
        "duration": DURATION_EDGES_MS,
        "page_stay": PAGE_STAY_EDGES_MS,
        "elapsed_time": ELAPSED_TIME_EDGES_MS,
    }
    for rule, edges in rules.items():
        yield _case(rule, {"ms": None}, None)
        for ms in [INT64_MIN, -10_000, -1000, *_around([0, *edges]), 2 * edges[-1], INT64_MAX]:
            yield _case(rule, {"ms": ms}, edge_bin(edges, ms))


def _quantized() -> Iterator[dict[str, Any]]:
    ties = [1 + 2.0**-24, 1 + 3 * 2.0**-24, 1 + 5 * 2.0**-24, -1 - 2.0**-24, 16777217.0, 16777219.0, 2.0**26 + 4]
    near = [v for e in (0.0625, 0.125, 1.0, 1080.0) for v in (math.nextafter(e, 0), e, math.nextafter(e, 2 * e))]
    steps = [1.9375, 1.99999, 359.99998, 1079.9375, 1079.99994, 1079.99999, 1080.00001, 1080.0001, 1080.0625]
    tiny = [0.0, -0.0, 1e-46, -1e-46, 2.0**-149, -(2.0**-149), -(2.0**-150), -1.0000001 * 2.0**-150, 1e-300, -1e-300]
    huge = [2.0**49, 2.0**50 - 2.0**26, 2.0**50 - 2.0**25, 2.0**50, 2.0**50 + 2.0**27, 1e30, 1e300]
    for value in [*ties, *near, *[-v for v in near], *steps, *[-v for v in steps], *tiny, *huge, *[-v for v in huge]]:
        yield {"rule": "quantize", "value": value, "q": quantize(value)}


def _positions() -> Iterator[dict[str, Any]]:
    edges = [(w, -(-k * 16 * w // n), n) for w, n in ((1080, 17), (1920, 25)) for k in range(1, n)]
    values = [(float(w), (edge + d) / 16, n) for w, edge, n in edges for d in (-1, 0, 1)]
    for n, extents in ((17, (1080.0, 360.5, 0.0625, 2.0**50, 1e300)), (25, (1920.0, 640.25, 0.0625, 2.0**50, 1e300))):
        values += [(w, v, n) for w in extents for v in (-1e300, -1.0, -0.0625, -1e-3, -0.0, 0.0, 0.0625, w / 2, w)]
        values += [(w, v, n) for w in extents for v in (math.nextafter(w, 0), w - 0.0625, w + 0.0625, w + 1e-9, 2 * w)]
    for extent, value, n in values:
        inputs = {"value": value, "extent": extent, "num_bins": n}
        yield _case("position", inputs, position_bin(quantize(value), quantize(extent), n))
    yield _case("position", {"value": None, "extent": 1080.0, "num_bins": 17}, None)
    yield _case("position", {"value": 1.0, "extent": None, "num_bins": 25}, None)


def _displacements() -> Iterator[dict[str, Any]]:
    edges = [(w, -(-k * 32 * w // n) - 16 * w, n) for w, n in ((1080, 34), (1920, 50)) for k in range(n + 1)]
    values = [(float(w), max(-dq, 0) / 16, max(dq, 0) / 16, n) for w, e, n in edges for dq in (e - 1, e, e + 1)]
    for n, w in ((34, 360.5), (50, 640.25), (34, 0.0625), (50, 2.0**50)):
        values += [(w, s, e, n) for s, e in ((0.0, 0.0), (0.0, w), (w, 0.0), (-w, w), (w, -w), (w, w - 0.0625))]
        values += [
            (w, s, e, n) for s, e in ((0.0625, 0.0), (0.0, 0.0625), (0.01, 0.07), (-1e300, 1e300), (1e300, -1e300))
        ]
    for extent, start, end, n in values:
        dq = quantize(end) - quantize(start)
        inputs = {"start": start, "end": end, "extent": extent, "num_bins": n}
        yield _case("length", inputs, displacement_bin(dq, quantize(extent), n))
    yield _case("length", {"start": None, "end": 1.0, "extent": 1080.0, "num_bins": 34}, None)
    yield _case("length", {"start": 1.0, "end": 1.0, "extent": None, "num_bins": 50}, None)


def _directions() -> Iterator[dict[str, Any]]:
    pairs = [(5.0, 5.0), (5.0, 5.0625), (5.0625, 5.0), (5.0, 5.06), (0.0, -1e-3), (-1e-3, 0.0), (-1e300, 1e300)]
    for start, end in [*pairs, (1e300, -1e300), (1e300, 2e300), (5.0, 5.0 + 1e-9), (100.0, 900.0), (900.0, 100.0)]:
        dq = quantize(end) - quantize(start)
        horizontal = None if dq == 0 else (0 if dq > 0 else 1, False)
        vertical = None if dq == 0 else (0 if dq < 0 else 1, False)
        yield _case("horizontal_direction", {"start": start, "end": end}, horizontal)
        yield _case("vertical_direction", {"start": start, "end": end}, vertical)


def _hours() -> Iterator[dict[str, Any]]:
    midnight_utc_ms = 1_512_259_200_000  # 2017-12-03
    for zone, offset_minutes in (("UTC", 0), ("Asia/Kathmandu", 345), ("America/St_Johns", -210)):
        for hour in range(24):
            start = midnight_utc_ms + (60 * hour - offset_minutes) * 60_000
            for ms, shown in ((start - 1, (hour - 1) % 24), (start, hour), (start + 1, hour)):
                yield _case("hour", {"timezone": zone, "timestamp_ms": ms}, (shown, False))
    # New York: 2021-03-14 07:00 UTC, 2 o'clock becomes 3; 2021-11-07 06:00 UTC, 2 o'clock becomes 1.
    for ms, shown in (
        (1615705199999, 1),
        (1615705200000, 3),
        (1636264799999, 1),
        (1636264800000, 1),
        (1636268400000, 2),
    ):
        yield _case("hour", {"timezone": "America/New_York", "timestamp_ms": ms}, (shown, False))


def _counts_and_lists() -> Iterator[dict[str, Any]]:
    for n in HISTORY_BINS:
        for count in [*range(n + 2), 10 * n, INT64_MAX]:
            yield _case("history", {"count": count, "num_bins": n}, (history_bin(count, n), False))
    for feature, names in FIXED_LISTS.items():
        yield _case("fixed", {"feature": feature, "name": None}, None)
        for bin_, name in enumerate(names):
            yield _case("fixed", {"feature": feature, "name": name}, (bin_, False))


def golden_text() -> str:
    """Returns the content of the file: one case a line."""
    makers = (_durations, _quantized, _positions, _displacements, _directions, _hours, _counts_and_lists)
    lines = ",\n".join(json.dumps(case) for maker in makers for case in maker())
    return f'{{"made_by": "python tests/make_discretize_golden.py", "cases": [\n{lines}\n]}}\n'


if __name__ == "__main__":
    PATH.write_text(golden_text(), encoding="utf-8")
