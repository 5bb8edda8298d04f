"""The operator profile of a case: a bar for each of the dearest types of operators, the rest in one."""

from android_bench.operator_profile import OperatorTime
from android_bench.results import CaseResult
from edgedipn_tf.charts import MARGIN_RIGHT, WIDTH, figure, rectangle, text, titled

NUM_SHOWN = 8
_BARS_FROM = 460
_ROW = 22


def render(case: CaseResult) -> str:
    """Returns the chart of a case; "" when it has no profile."""
    if not case.operator_profile:
        return ""
    title = f"{case.file}, {case.machine}, {case.condition.label}"
    marks = [text(8, 16, title, "label")]
    full = WIDTH - MARGIN_RIGHT - 70 - _BARS_FROM
    bars = shown(case.operator_profile)
    for place, each in enumerate(bars):
        base = 40 + _ROW * place
        end = _BARS_FROM + full * min(1.0, max(0.0, each.share_percent / 100))
        words = f"{each.operator}: {each.num_nodes} nodes, {each.share_percent:.1f} %, {each.average_ms:.3f} ms"
        marks.append(text(8, base, f"{each.operator} ({each.num_nodes})"))
        marks.append(titled(rectangle(_BARS_FROM, base - 12, round(end, 2), base + 2, "bar"), words))
        marks.append(text(round(end, 2) + 6, base, f"{each.share_percent:.1f} %"))
    return figure(40 + _ROW * len(bars), f"Operators by time: {title}", marks)


def shown(profile: tuple[OperatorTime, ...]) -> list[OperatorTime]:
    """Returns the dearest types, and all others put together."""
    first, rest = list(profile[:NUM_SHOWN]), profile[NUM_SHOWN:]
    if not rest:
        return first
    others = OperatorTime(
        f"{len(rest)} other types",
        sum(each.num_nodes for each in rest),
        sum(each.share_percent for each in rest),
        sum(each.average_ms for each in rest),
    )
    return [*first, others]
