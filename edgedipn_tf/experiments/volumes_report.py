"""The report of DIPN's Table 1: Markdown, and a page with a plot."""

import html
from collections.abc import Mapping

from edgedipn_tf import html_page
from edgedipn_tf.charts import MARGIN_RIGHT, WIDTH, Scale, figure, legend, line, point, text, x_axis
from edgedipn_tf.experiments import paper
from edgedipn_tf.experiments.markdown import grid
from edgedipn_tf.experiments.volumes import Volumes

_HEADINGS = ("view", "actions of a user and day", "95 % interval over users", paper.SOURCE)
_REPRODUCES = "Reproduces DIPN Table 1."
_LEFT = 100
_ROW = 28


def sentence(volumes: Volumes) -> str:
    """Returns what the table shows, in words."""
    inside = [
        view
        for view, interval in volumes.intervals.items()
        if interval.low is not None
        and interval.high is not None
        and interval.low <= paper.DIPN_TABLE_1[view] <= interval.high
    ]
    which = f"in {', '.join(inside)}" if inside else "in no view"
    whose = "SIMULATED users, who are nobody," if volumes.is_simulated else "users"
    return (
        f"Of {volumes.num_users:,} {whose} and {volumes.num_user_days:,} days of a user, up to each day's last "
        f"cut-off; the paper's number lies within the interval {which}."
    )


def markdown(title: str, command: str, volumes: Volumes, made_with: Mapping[str, str]) -> str:
    """Returns the report as Markdown."""
    lines = [f"# {title}", "", _REPRODUCES, "", "```", command, "```", ""]
    lines += [*grid(_HEADINGS, _rows(volumes)), "", sentence(volumes)]
    lines += ["", "## Made with", "", *(f"- {what}: {which}" for what, which in made_with.items())]
    return "\n".join(lines) + "\n"


def page(title: str, command: str, volumes: Volumes, made_with: Mapping[str, str]) -> str:
    """Returns the report as a page."""
    parts = [html_page.heading(title), html_page.paragraph(_REPRODUCES), html_page.code(command)]
    parts += [html_page.table(_HEADINGS, _rows(volumes)), html_page.paragraph(sentence(volumes)), _plot(volumes)]
    rows = [[what, html.escape(which)] for what, which in made_with.items()]
    parts += html_page.section("Made with", html_page.table(["what", "which"], rows))
    return html_page.page(title, "", parts)


def _rows(volumes: Volumes) -> list[list[str]]:
    return [
        [
            view,
            _number(mean),
            f"{_number(volumes.intervals[view].low)} to {_number(volumes.intervals[view].high)}",
            f"{paper.DIPN_TABLE_1[view]:,}",
        ]
        for view, mean in volumes.means.items()
    ]


def _number(value: float | None) -> str:
    """Returns a number of actions, below a hundred with one decimal."""
    if value is None:
        return "n/a"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _plot(volumes: Volumes) -> str:
    """Returns a plot of each view's mean with its interval, beside the paper's; "" where nobody did anything."""
    known = {view: mean for view, mean in volumes.means.items() if mean > 0}
    if not known:
        return ""
    papers = [paper.DIPN_TABLE_1[view] for view in known]
    x = Scale(
        min([*known.values(), *papers]) / 2, max([*known.values(), *papers]) * 2, _LEFT, WIDTH - MARGIN_RIGHT, True
    )
    bottom = 12 + _ROW * len(known)
    marks = x_axis(x, 8, bottom, "actions of a user and day, logarithmic")
    for row, (view, mean) in enumerate(known.items()):
        at, interval = 8 + _ROW * (row + 0.5), volumes.intervals[view]
        marks.append(text(_LEFT - 12, at + 4, view, "label", anchor="end"))
        if interval.low is not None and interval.high is not None:
            marks.append(line(x(interval.low), at, x(interval.high), at, "line series-0"))
        marks.append(point(x(mean), at, "point series-0", f"{view}: {_number(mean)}"))
        value = paper.DIPN_TABLE_1[view]
        marks.append(point(x(value), at, "paper-point", f"{view}: {value:,}, {paper.SOURCE}"))
    entries = [("line series-0", "mean and its 95 % interval over users"), ("paper-point", paper.SOURCE)]
    return figure(bottom + 88, "Actions of a user and day by view", [*marks, *legend(entries, bottom + 56)])
