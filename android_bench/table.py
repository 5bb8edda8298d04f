"""The printed table: one row a case, one verdict line a case, then what was not measured."""

from collections.abc import Sequence

from android_bench import paper
from android_bench.latency import Verdict, budget_key
from android_bench.results import CaseResult, Report

_HEADINGS = ("file", "recipe", "length", "measured on", "condition", "MB", "p50 ms", "p90 ms", "p90 95 %", "max |diff|")


def render(report: Report) -> str:
    """Returns the table of a report as text."""
    budgets = sorted({key for case in report.cases for key in case.verdicts}, key=float)
    headings = [*_HEADINGS, *(f"{budget} ms" for budget in budgets)]
    rows = [_cells(case, budgets) for case in report.cases]
    lines = _align([headings, *rows]) if rows else []
    lines += [""] if rows else []
    lines += [verdict_line(case, report.settings.budget_ms) for case in report.cases]
    lines += [auc_line(case) for case in report.cases if case.auc]
    lines += [operator_line(case) for case in report.cases if case.operator_profile]
    lines += paper.lines(sorted({bundle.model for bundle in report.bundles}))
    lines += [f"note: {note}" for note in report.notes]
    return "\n".join(lines)


def verdict_line(case: CaseResult, budget_ms: float) -> str:
    """Returns one line such as `verdict (host, not a phone): PASS: m.tflite at length 64 p90 1.3 ms within 50 ms`."""
    verdict = case.verdicts[budget_key(budget_ms)]
    start = f"verdict ({case.machine}, {case.condition.label}): {verdict}: {case.file_label}"
    if verdict is Verdict.INVALID or case.summary is None:
        return f"{start}: {case.problem or 'no valid latencies'}"
    summary = case.summary
    relation = {
        Verdict.PASS: "within",
        Verdict.FAIL: "above",
        Verdict.INCONCLUSIVE: "not certainly on either side of",
    }[verdict]
    return f"{start} p90 {summary.p90_ms:.3g} ms ({summary.num_samples} runs) {relation} {budget_key(budget_ms)} ms"


def auc_line(case: CaseResult) -> str:
    """Returns one line such as `AUC (host, 1 thread): m.tflite at length 64: cart +0.0 from this computer's 0.7`."""
    parts = []
    for intent, auc in sorted((case.auc or {}).items()):
        known = auc.difference is not None and auc.host is not None
        parts.append(
            f"{intent} {auc.difference:+.4f} from this computer's {auc.host:.4f}" if known else f"{intent} n/a"
        )
    return f"AUC ({case.machine}, {case.condition.label}): {case.file_label}: {', '.join(parts)}"


def operator_line(case: CaseResult) -> str:
    """Returns one line such as `operators (host, 1 thread): model.tflite: CONV_2D 81 %, ADD 10 %, others 9 %`."""
    first = (case.operator_profile or ())[:3]
    parts = [f"{each.operator} {each.share_percent:.0f} %" for each in first]
    rest = 100 - sum(each.share_percent for each in first)
    return f"operators ({case.machine}, {case.condition.label}): {case.file}: {', '.join(parts)}, others {rest:.0f} %"


def _cells(case: CaseResult, budgets: Sequence[str]) -> list[str]:
    summary = case.summary
    return [
        case.file,
        case.recipe,
        str(case.max_length),
        case.machine,
        case.condition.label,
        f"{case.size_bytes / 1e6:.2f}",
        f"{summary.p50_ms:.3g}" if summary else "-",
        f"{summary.p90_ms:.3g}" if summary else "-",
        f"{summary.p90_low_ms:.3g} to {summary.p90_high_ms:.3g}" if summary else "-",
        _difference(case),
        *(str(case.verdicts[budget]) for budget in budgets),
    ]


def _difference(case: CaseResult) -> str:
    if case.parity is None:
        return "-"
    return "not finite" if case.parity.largest is None else f"{case.parity.largest:.1e}"


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "-" * len(lines[0]), *lines[1:]]
