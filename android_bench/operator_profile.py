"""Which operators an inference spends its time in, as the standard tool and LiteRT tell it.

Both print a table of all nodes in the order they ran, under the heading `Run Order`; its columns changed over the
years (`[start]` went and came back), so they are read by their names. Nodes of one type are put together here. The
tables below it are passed over: `Top by Computation Time` repeats rows, and `Summary by node type` gives sums in older
versions, averages in newer ones. A profiled model runs slower, so shares are told, and no latency rests on them.
"""

import dataclasses
import re
from collections.abc import Iterable

from android_bench.errors import printable

_MEASURED = "Operator-wise Profiling Info for Regular Benchmark Runs"
_PREPARATION = "Profiling Info for Benchmark Initialization"
_HEADING = re.compile(r"=+ Run Order =+")
_COLUMN = re.compile(r"\[([^\]]+)\]")
_LOGCAT = re.compile(r"^\d\d-\d\d [\d:.]+ +\d+ +\d+ [A-Z] [^:]*: ?")
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?%?"
_MAX_TYPE_LENGTH, _MAX_LINE_LENGTH = 120, 1000  # the text comes from a device


@dataclasses.dataclass(frozen=True)
class OperatorTime:
    """The nodes of one type: their number, their share of the time of all nodes, and that time in an inference."""

    operator: str
    num_nodes: int
    share_percent: float
    average_ms: float  # a sum of values that were printed to 0.001 ms


def parse(text: str) -> tuple[OperatorTime, ...] | None:
    """Returns the operators, the dearest first; None when the text holds no table of the measured runs."""
    rows = _rows(_measured_part(text))
    by_type: dict[str, list[tuple[float, float]]] = {}
    for operator, average_ms, share_percent in rows:
        by_type.setdefault(operator, []).append((average_ms, share_percent))
    found = [
        OperatorTime(
            operator,
            len(nodes),
            round(sum(share for _, share in nodes), 3),
            round(sum(average for average, _ in nodes), 3),
        )
        for operator, nodes in by_type.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.share_percent, each.operator))) or None


def _measured_part(text: str) -> list[str]:
    """Returns the lines after the first table heading of the measured runs; loading has a table of its own."""
    lines = [_LOGCAT.sub("", line) for line in text.splitlines()]
    start = next((place for place, line in enumerate(lines) if _MEASURED in line), None)
    if start is None and any(_PREPARATION in line for line in lines):
        return []
    lines = lines[start or 0 :]
    heading = next((place for place, line in enumerate(lines) if _HEADING.search(line)), len(lines))
    return lines[heading + 1 :]


def _rows(lines: Iterable[str]) -> list[tuple[str, float, float]]:
    """Returns type, average in ms and share in percent of each row, up to the first line that is no row."""
    rows = []
    row: re.Pattern[str] | None = None
    columns: list[str] = []
    for line in lines:
        if row is None:
            columns = _COLUMN.findall(line)
            if len(columns) < 3 or columns[0] != "node type" or not {"avg ms", "%"} <= set(columns):
                return []
            # Between the type and the name, which may both hold blanks, all columns are numbers.
            row = re.compile(rf"\s*(\S.*?)\s+((?:{_NUMBER}\s+){{{len(columns) - 2}}})\s*(\S.*)?$")
        elif len(line) <= _MAX_LINE_LENGTH and (match := row.fullmatch(line)):
            values = dict(zip(columns[1:-1], match[2].split(), strict=True))
            operator = printable(match[1])[:_MAX_TYPE_LENGTH]
            rows.append((operator, float(values["avg ms"]), float(values["%"].rstrip("%"))))
        else:
            break
    return rows
