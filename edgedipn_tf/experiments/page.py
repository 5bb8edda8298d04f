"""A report as one page that needs nothing else, with a plot of each intent; light and dark."""

import html
from collections.abc import Sequence

from edgedipn_tf import html_page
from edgedipn_tf.charts import tag
from edgedipn_tf.experiments import cells, order, plots, sentences, verdicts
from edgedipn_tf.experiments.report import Report, ReportedTable
from edgedipn_tf.experiments.sentences import METRICS

STYLE = """
.zero { stroke: var(--ink); stroke-width: 1; }
"""


def render(report: Report) -> str:
    """Returns the page."""
    title = f"{report.suite.name}: {report.data}"
    parts = [html_page.heading(title), html_page.paragraph(f"Reproduces {report.suite.reproduces}.")]
    parts += [html_page.code(report.command), html_page.bullets(sentences.notes(report))]
    for intent in plots.intents_of_curves(report):
        parts += html_page.section(f"{METRICS[intent]} against {report.suite.axis}", plots.curves(report, intent))
    if order.is_comparable(report):
        parts += html_page.section(
            order.HEADING, html_page.bullets(order.sentences(report)) + _grid(*order.grid(report))
        )
    for table in report.tables:
        parts += html_page.section(table.table.title, _table(table))
    if report.suite.has_file_costs:
        figures = _grid(*cells.of_files(report)) if report.file_costs else ""
        parts += html_page.section(sentences.FILES, figures + html_page.bullets(sentences.of_files(report)))
    rows = [[what, "; ".join(found)] for what, found in report.provenance.items()]
    parts += html_page.section("Made with", _grid(["what", "which"], rows))
    return html_page.page(title, STYLE, parts)


def _table(table: ReportedTable) -> str:
    parts = [_grid(*cells.overview(table)), html_page.bullets(verdicts.of_table(table))]
    for intent in table.intents:
        parts.append(tag("h3", html.escape(f"{METRICS[intent]}: {intent.replace('_', ' ')}")))
        parts += [plots.differences(table, intent), _grid(*cells.of_intent(table, intent))]
        parts.append(html_page.bullets(verdicts.of_intent(table, intent)))
    return "\n".join(parts)


def _grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return html_page.table(headings, [[html.escape(cell) for cell in row] for row in rows])
