"""Pages that need nothing else: no script, no font, no image, no address; light and dark. Colours are named by role."""

import html
import re
from collections.abc import Sequence

from edgedipn_tf.charts import tag

NUM_SERIES = 6
"""Colours of series, `series-0` and so on."""
STYLE = """
:root { color-scheme: light dark;
  --page: #fcfcfb; --ink: #1a1a19; --quiet: #5c5b57; --rule: #e3e2dd;
  --s0: #2a78d6; --s1: #c2410c; --s2: #0f766e; --s3: #7c3aed; --s4: #a16207; --s5: #be185d; }
@media (prefers-color-scheme: dark) { :root {
  --page: #1a1a19; --ink: #f2f1ed; --quiet: #b0afa9; --rule: #3a3936;
  --s0: #6fa8f0; --s1: #fb923c; --s2: #2dd4bf; --s3: #b794f6; --s4: #e3b341; --s5: #f472b6; } }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 18px; margin: 36px 0 8px; }
h3 { font-size: 15px; margin: 24px 0 4px; }
.lead, li, p { color: var(--quiet); max-width: 80ch; } ul { padding-left: 20px; }
.scroll, pre { overflow-x: auto; } pre { color: var(--quiet); }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 6px 10px 6px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { color: var(--quiet); font-weight: 500; white-space: nowrap; }
td { overflow-wrap: break-word; }
svg { display: block; width: 100%; height: auto; margin: 8px 0; }
svg text { fill: var(--quiet); font-size: 11.5px; } svg text.label { fill: var(--ink); }
.grid { stroke: var(--rule); }
.line { fill: none; stroke-width: 2; } .point { stroke: var(--page); stroke-width: 2; }
.paper { fill: none; stroke: var(--quiet); stroke-width: 1.5; stroke-dasharray: 5 4; }
.paper-point { fill: var(--page); stroke: var(--quiet); stroke-width: 1.5; }
""" + "\n".join(
    f".line.series-{place} {{ stroke: var(--s{place}); }} .point.series-{place} {{ fill: var(--s{place}); }}"
    for place in range(NUM_SERIES)
)
"""What every page shares."""


def page(title: str, style: str, parts: Sequence[str]) -> str:
    """Returns a page.

    Args:
        title: of the browser's tab.
        style: besides `STYLE`.
        parts: what it shows, HTML already.
    """
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">' + tag(
        "title", html.escape(title)
    )
    body = tag("main", "\n".join(parts))
    styles = tag("style", STYLE + style)
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}{styles}</head><body>{body}</body></html>\n'


def section(title: str, content: str) -> list[str]:
    """Returns a heading and its content, HTML already; nothing when there is no content."""
    return [tag("h2", html.escape(title)), content] if content else []


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table of cells that are HTML already; it scrolls sideways where it is too wide."""
    head = tag("tr", "".join(tag("th", html.escape(heading), scope="col") for heading in headings))
    body = "".join(tag("tr", "".join(tag("td", cell) for cell in row)) for row in rows)
    return tag("div", tag("table", tag("thead", head) + tag("tbody", body)), class_="scroll")


def heading(words: str) -> str:
    """Returns the heading of the page."""
    return tag("h1", html.escape(words))


def paragraph(words: str) -> str:
    """Returns a paragraph of text, what is between backticks as code."""
    return tag("p", _with_code(words))


def bullets(lines: Sequence[str]) -> str:
    """Returns a list of texts, what is between backticks as code; nothing when there is none."""
    return tag("ul", "".join(tag("li", _with_code(line)) for line in lines)) if lines else ""


def code(words: str) -> str:
    """Returns what is typed."""
    return tag("pre", html.escape(words))


def _with_code(words: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(words))
