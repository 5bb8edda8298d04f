"""The plots of a report: paired differences with their intervals, and AUC along an axis."""

from collections.abc import Sequence

from edgedipn_tf.charts import (
    MARGIN_RIGHT,
    WIDTH,
    Scale,
    figure,
    legend,
    line,
    path,
    point,
    text,
    x_axis,
    y_axis,
)
from edgedipn_tf.experiments import paper
from edgedipn_tf.experiments.estimates import Estimate
from edgedipn_tf.experiments.report import Report, ReportedEntry, ReportedTable
from edgedipn_tf.experiments.sentences import METRICS
from edgedipn_tf.html_page import NUM_SERIES

_LEFT_NAMES = 250
_LEFT = 64
_ROW = 24
_BOTTOM = 300


def differences(table: ReportedTable, intent: str) -> str:
    """Returns a plot of each entry's difference from the reference, with the paper's where it has both; "" for none."""
    drawn = [(entry, entry.lines[intent].difference) for entry in table.entries if intent in entry.lines]
    known = [(entry, found) for entry, found in drawn if found is not None]
    if not known:
        return ""
    reference = next(
        entry.entry.paper.get(intent) for entry in table.entries if entry.entry.label == table.table.reference
    )
    papers = {
        entry.entry.label: entry.entry.paper[intent] - reference
        for entry, _ in known
        if reference is not None and intent in entry.entry.paper
    }
    ends = [end for _, found in known for end in (found.low, found.high, found.mean) if end is not None]
    low, high = min(0.0, *ends, *papers.values()), max(0.0, *ends, *papers.values())
    room = 0.05 * (high - low) or 0.01
    x = Scale(low - room, high + room, _LEFT_NAMES, WIDTH - MARGIN_RIGHT)
    bottom = 12 + _ROW * len(known)
    marks = x_axis(x, 8, bottom, f"{METRICS[intent]} less that of {table.table.reference}")
    marks.append(line(x(0), 8, x(0), bottom, "zero"))
    for row, (entry, found) in enumerate(known):
        at = 8 + _ROW * (row + 0.5)
        marks += [text(_LEFT_NAMES - 12, at + 4, entry.entry.label, "label", anchor="end"), *_bar(x, at, found)]
        if entry.entry.label in papers:
            value = papers[entry.entry.label]
            marks.append(point(x(value), at, "paper-point", f"{entry.entry.label}: {value:+.4f}, {paper.SOURCE}"))
    entries = [("line series-0", "difference and its 95 % interval over users, paired")]
    entries += [("paper-point", f"the difference in the {paper.SOURCE}")] if papers else []
    label = f"Differences of {METRICS[intent]} from {table.table.reference}"
    return figure(bottom + 52 + 18 * len(entries), label, [*marks, *legend(entries, bottom + 56)])


def _bar(x: Scale, at: float, found: Estimate) -> list[str]:
    marks = []
    if found.low is not None and found.high is not None:
        marks.append(line(x(found.low), at, x(found.high), at, "line series-0"))
    return [*marks, point(x(found.mean), at, "point series-0", f"{found.mean:+.4f}")]


def intents_of_curves(report: Report) -> list[str]:
    """Returns the intents of which `curves` draws something."""
    return [intent for intent in METRICS if report.suite.axis and any(_series(report, intent).values())]


def curves(report: Report, intent: str) -> str:
    """Returns a plot of AUC against the suite's axis, a line a model, with intervals and the paper's points."""
    series = _series(report, intent)
    points = [found for each in series.values() for found in each]
    values = [value for _, found, _ in points for value in (found.mean, found.low, found.high) if value is not None]
    values += [value for _, _, value in points if value is not None]
    ats = sorted({at for at, _, _ in points})
    x = Scale(ats[0] * 0.9, ats[-1] * 1.1, _LEFT, WIDTH - MARGIN_RIGHT, is_log=True)
    room = 0.05 * (max(values) - min(values)) or 0.01
    y = Scale(min(values) - room, max(values) + room, _BOTTOM, 28)
    marks = [*x_axis(x, 28, _BOTTOM, f"{report.suite.axis}, logarithmic", ats), *y_axis(y, _LEFT, x.end, "AUC")]
    entries = []
    for place, (model, each) in enumerate(series.items()):
        colour = f"series-{place % NUM_SERIES}"
        marks += _curve(each, x, y, colour, model)
        entries.append((f"line {colour}", f"{model}, with its 95 % interval over users"))
    if any(value is not None for _, _, value in points):
        entries.append(("paper", paper.SOURCE))
    label = f"{METRICS[intent]} against {report.suite.axis}"
    return figure(_BOTTOM + 52 + 18 * len(entries), label, [*marks, *legend(entries, _BOTTOM + 56)])


_Point = tuple[float, Estimate, float | None]
"""Place on the axis, AUC, the paper's."""


def _series(report: Report, intent: str) -> dict[str, list[_Point]]:
    found: dict[str, list[_Point]] = {}
    for entry in (entry for table in report.tables for entry in table.entries):
        estimate = _auc(entry, intent)
        if entry.entry.at is not None and estimate is not None:
            of_entry = (entry.entry.at, estimate, entry.entry.paper.get(intent))
            found.setdefault(entry.entry.model, []).append(of_entry)
    return {model: sorted(points, key=lambda of_entry: of_entry[0]) for model, points in found.items()}


def _auc(entry: ReportedEntry, intent: str) -> Estimate | None:
    return entry.lines[intent].auc if intent in entry.lines else None


def _curve(points: Sequence[_Point], x: Scale, y: Scale, colour: str, model: str) -> list[str]:
    marks = []
    if len(points) > 1:
        marks.append(path([(x(at), y(found.mean)) for at, found, _ in points], f"line {colour}"))
    papers = [(x(at), y(value)) for at, _, value in points if value is not None]
    if len(papers) > 1:
        marks.append(path(papers, "paper"))
    for at, found, value in points:
        if found.low is not None and found.high is not None:
            marks.append(line(x(at), y(found.low), x(at), y(found.high), f"line {colour}"))
        marks.append(point(x(at), y(found.mean), f"point {colour}", f"{model} at {at:g}: {found.mean:.4f}"))
        if value is not None:
            marks.append(point(x(at), y(value), "paper-point", f"{model} at {at:g}: {value:.4f}, {paper.SOURCE}"))
    return marks
