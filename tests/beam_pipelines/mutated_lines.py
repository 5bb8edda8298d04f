"""Lines that were good records of an input until something happened to them; all by seed."""

import json
import random
from collections.abc import Callable
from typing import Any

from tests.beam_pipelines.judged_records import GOOD

T = 1_500_000_000_000
MIB = 1 << 20

VALUES: tuple[bytes, ...] = (
    *(b"null", b"true", b"false", b'""', b"[]", b"{}", b"[1]", b'{"a":1}', b'"u"', b'"7"', b"7", b"7.0", b"-0.0", b"0"),
    *(b"0.5", b"-1", b"1500000000", b"1500000000000", b"1500000000000.5", b"1.5e12", b'"1500000000000"', b"1e999"),
    *(b"-1e999", b"1e-999", b"NaN", b"Infinity", b"-Infinity", b"9007199254740993", b"9223372036854775807"),
    *(b"9223372036854775808", b"-9223372036854775809", b"1" * 400, b"-" + b"1" * 5000, b"1e300", b"0.0625", b"0.0624"),
    *(rb'"\ud800"', rb'"\udc00\ud800"', rb'"\ud83d\ude00"', rb'"\u0000"', '"ä"'.encode(), b'"[[{{"'),
    *(
        b'"swipe"',
        b'"page"',
        b'"cart"',
        b'"2101"',
        b"2001",
        b'"CART"',
        b'"2014-11-30"',
        b'"2014-02-30"',
        b'"1899-12-31"',
    ),
    *(b"[" * depth + b"]" * depth for depth in (99, 100, 3000)),
    b'"' + b"x" * 5000 + b'"',
)
"""What a column may hold instead, as JSON or nearly."""
TOKENS: tuple[bytes, ...] = (
    *(b"\x00", b"\r", b"\n", b"\xef\xbb\xbf", b"\xff", b"\xed\xa0\x80", b"\xf0\x9f", b"\xc3\xa4", b"\xe2\x80\xa8"),
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b"\\u", b",", b":", b" ", b"\t", b"\x0b", b"\x0c", b"-", b".", b"e", b"0"),
    *(b"NaN", b"null", b"9" * 4500, b"[" * 2000, b"//", b"'"),
)
"""What may be written anywhere."""


def _flip(line: bytes, draw: random.Random) -> bytes:
    changed = bytearray(line)
    if changed:
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _cut(line: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(line) + 1)
    return line[:start] + line[start + draw.randint(1, 9) :]


def _repeat(line: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(line) + 1)
    end = start + draw.randint(1, 30)
    return line[:end] + line[start:]


def _truncate(line: bytes, draw: random.Random) -> bytes:
    return line[: draw.randrange(len(line) + 1)]


def _insert(line: bytes, draw: random.Random) -> bytes:
    start = draw.choice((0, len(line), draw.randrange(len(line) + 1)))
    return line[:start] + draw.choice(TOKENS) + line[start:]


def _change_value(line: bytes, draw: random.Random) -> bytes:
    """Another value for a column of a line that is still JSON."""
    try:
        record = json.loads(line)
        column = draw.choice(list(record))
    except (ValueError, TypeError, IndexError, RecursionError):
        return _insert(line, draw)
    return json.dumps({**record, column: "HERE"}).encode().replace(b'"HERE"', draw.choice(VALUES))


def _repeat_key(line: bytes, draw: random.Random) -> bytes:
    """A key once more, at the end, where it counts, or at the start, where it does not."""
    column = draw.choice(("user_id", "timestamp_ms", "action", "event", "page", "x", "stay_ms", "date", "count"))
    pair = json.dumps(column).encode() + b":" + draw.choice(VALUES)
    return line[:-1] + b"," + pair + b"}" if draw.random() < 0.5 else b"{" + pair + b"," + line[1:]


def _nest(line: bytes, draw: random.Random) -> bytes:
    depth = draw.choice((1, 98, 99, 100, 2000))
    return b'{"a":' * depth + line + b"}" * depth


_MUTATIONS: tuple[tuple[Callable[[bytes, random.Random], bytes], int], ...] = (
    (_change_value, 8),
    (_repeat_key, 3),
    (_insert, 3),
    (_flip, 3),
    (_cut, 2),
    (_repeat, 2),
    (_truncate, 1),
    (_nest, 1),
)


def good_line(input_name: str, draw: random.Random) -> bytes:
    """Returns a good record; few enough users and times are there for duplicates to occur."""
    changes: dict[str, Any] = {"user_id": f"u{draw.randrange(12)}"}
    if "timestamp_ms" in GOOD[input_name]:
        changes["timestamp_ms"] = T + 1000 * draw.randrange(40)
    else:
        changes["count" if input_name == "history" else "age_level"] = draw.randrange(40)
    return json.dumps({**GOOD[input_name], **changes}).encode()


def mutated_lines(input_name: str, num_lines: int, seed: int) -> bytes:
    """Returns a file of JSON lines: a fifth good, the others changed up to three times, and a few too long.

    A change may put in a line feed, so there are a few lines more.
    """
    draw = random.Random(f"{input_name} {seed}")
    changes, weights = zip(*_MUTATIONS, strict=True)
    lines = []
    for _ in range(num_lines):
        line = good_line(input_name, draw)
        if draw.random() >= 0.2:
            for change in draw.choices(changes, weights, k=draw.choice((1, 1, 1, 2, 3))):
                line = change(line, draw)
        lines.append(line)
    for length in (MIB - 1, MIB, MIB + 1):
        filler = good_line(input_name, draw)[:-1] + b',"filler":"'
        lines[draw.randrange(num_lines)] = filler + b"x" * (length - len(filler) - 2) + b'"}'
    return b"\n".join(lines)
