"""A report as Markdown."""

from collections.abc import Sequence

from edgedipn_tf.experiments import cells, order, sentences, verdicts
from edgedipn_tf.experiments.report import Report, ReportedTable
from edgedipn_tf.experiments.sentences import METRICS


def render(report: Report) -> str:
    """Returns the document."""
    lines = [f"# {report.suite.name}: {report.data}", "", f"Reproduces {report.suite.reproduces}.", ""]
    lines += ["```", report.command, "```", ""]
    lines += [f"- {note}" for note in sentences.notes(report)]
    if order.is_comparable(report):
        lines += ["", f"## {order.HEADING}", "", *(f"- {sentence}" for sentence in order.sentences(report)), ""]
        lines += grid(*order.grid(report))
    for table in report.tables:
        lines += ["", *_table(table)]
    if report.suite.has_file_costs:
        lines += ["", f"## {sentences.FILES}", ""]
        lines += [*grid(*cells.of_files(report)), ""] if report.file_costs else []
        lines += [f"- {sentence}" for sentence in sentences.of_files(report)]
    lines += ["", "## Made with", "", *(f"- {what}: {'; '.join(found)}" for what, found in report.provenance.items())]
    return "\n".join(lines) + "\n"


def _table(table: ReportedTable) -> list[str]:
    said = [f"- {sentence}" for sentence in verdicts.of_table(table)]
    lines = [f"## {table.table.title}", "", *grid(*cells.overview(table)), *([""] if said else []), *said]
    for intent in table.intents:
        lines += [
            "",
            f"### {table.table.title}: {METRICS[intent]} ({intent})",
            "",
            *grid(*cells.of_intent(table, intent)),
            "",
            *(f"- {sentence}" for sentence in verdicts.of_intent(table, intent)),
        ]
    return lines


def grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns a table."""
    return ["| " + " | ".join(row) + " |" for row in [headings, ["---"] * len(headings), *rows]]
