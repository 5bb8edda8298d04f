"""The cells of a report's tables as text, for Markdown and for the page alike."""

from collections.abc import Sequence

from edgedipn_tf.experiments import paper
from edgedipn_tf.experiments.estimates import Estimate
from edgedipn_tf.experiments.report import Report, ReportedEntry, ReportedTable
from edgedipn_tf.experiments.sentences import METRICS

MISSING = "–"
_FIRST_INTENT = "realtime_purchase"
_ATTENTION = "edgedipn"
Rows = list[list[str]]


def overview(table: ReportedTable) -> tuple[list[str], Rows]:
    """Returns headings and rows of all AUCs, and what the runs cost."""
    headings = ["model", *(METRICS[intent] for intent in table.intents), "runs", "parameters", "wall s", "CPU s"]
    rows = []
    for entry in table.entries:
        aucs = [_auc(entry, intent) for intent in table.intents]
        runs = f"{entry.num_finished} of {table.num_runs}"
        rows.append([entry.entry.label, *aucs, runs, *_costs(entry)])
    if table.oracle:
        known = [table.oracle.get(intent) for intent in table.intents]
        aucs = [MISSING if found is None or found.auc is None else f"{found.auc:.4f}" for found in known]
        rows.append(["oracle (true probabilities)", *aucs, *[MISSING] * 4])
    return headings, rows


def of_intent(table: ReportedTable, intent: str) -> tuple[list[str], Rows]:
    """Returns headings and rows of one intent: intervals, paired differences, what the paper reports."""
    has_paper = any(intent in entry.entry.paper for entry in table.entries)
    headings = ["model", "AUC", "95 % interval", "by seed", f"from {table.table.reference}", "95 % of the difference"]
    headings += ["gap closed"] if intent in table.oracle else []
    headings += ["positives", "users"] + ([paper.SOURCE] if has_paper else [])
    return headings, [_row(entry, intent, intent in table.oracle, has_paper) for entry in table.entries]


def of_files(report: Report) -> tuple[list[str], Rows]:
    """Returns headings and rows of what converted files cost, beside the AUC of the purchase within the hour."""
    found = {(cost.model, cost.length): cost for cost in report.file_costs}
    headings = ["file", "length", METRICS[_FIRST_INTENT], "MB", "weights MB", "activations MB", "p50 ms, host"]
    headings += [f"times {_ATTENTION}", f"MB: {paper.SOURCE}", "ms: paper, phone"]
    rows = []
    for entry in (entry for table in report.tables for entry in table.entries if entry.entry.at is not None):
        cost = found.get((entry.entry.model, int(entry.entry.at or 0)))
        if cost is not None:
            sizes = [f"{size / 1e6:.3f}" for size in (cost.size_bytes, cost.weight_bytes, cost.arena_bytes)]
            papers = [MISSING if value is None else f"{value:g}" for value in (cost.paper_mb, cost.paper_ms)]
            latency = [f"{cost.p50_ms:.3f}", f"{cost.times_attention:.2f}"]
            rows.append([cost.model, str(cost.length), _auc(entry, _FIRST_INTENT), *sizes, *latency, *papers])
    return headings, rows


def _row(entry: ReportedEntry, intent: str, has_oracle: bool, has_paper: bool) -> list[str]:
    line = entry.lines.get(intent)
    auc, difference, gap_closed = (line.auc, line.difference, line.gap_closed) if line else (None, None, None)
    row = [entry.entry.label, _auc(entry, intent), _interval(auc), _by_seed(auc)]
    row += [f"{difference.mean:+.4f}" if difference else MISSING, _interval(difference, "+.4f")]
    row += [_share(gap_closed)] if has_oracle else []
    row += [f"{line.num_positives:,}", f"{line.num_users:,}"] if line else [MISSING] * 2
    return row + ([_paper(entry, intent)] if has_paper else [])


def _auc(entry: ReportedEntry, intent: str) -> str:
    line = entry.lines.get(intent)
    return f"{line.auc.mean:.4f}" if line and line.auc else MISSING


def _interval(estimate: Estimate | None, form: str = ".4f") -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return MISSING
    return f"{estimate.low:{form}} to {estimate.high:{form}}"


def _by_seed(estimate: Estimate | None) -> str:
    return " ".join(f"{value:.4f}" for value in estimate.by_seed) if estimate else MISSING


def _share(estimate: Estimate | None) -> str:
    return f"{estimate.mean:.0%} ({_interval(estimate, '.0%')})" if estimate else MISSING


def _paper(entry: ReportedEntry, intent: str) -> str:
    return f"{entry.entry.paper[intent]:.4f}" if intent in entry.entry.paper else MISSING


def _costs(entry: ReportedEntry) -> Sequence[str]:
    parameters = MISSING if entry.parameters is None else f"{entry.parameters:,}"
    times = [MISSING if seconds is None else f"{seconds:.0f}" for seconds in (entry.wall_s, entry.cpu_s)]
    return [parameters, *times]
