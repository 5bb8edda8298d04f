"""Explanations of samples as one HTML page that needs nothing else: no script, no network, light and dark."""

import datetime
import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from edgedipn_tf.schema import FIRST_REAL_ID, Feature, Kind, Schema, feature_key
from edgedipn_tf.vocabulary import Vocabulary

MAX_ACTIONS = 20
"""Most attended actions of a view that are shown."""
_STYLE = """
:root { color-scheme: light dark; --bar: #3d7edb; --line: #8886; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; white-space: nowrap; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .6rem; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
td.heat { text-align: right; background: color-mix(in srgb, var(--bar) calc(var(--share) * 70%), transparent); }
.bar { display: inline-block; height: .7em; background: var(--bar); margin-right: .4rem; }
.wide { overflow-x: auto; }
.note { opacity: .75; }
"""
_NOTE = (
    "Attention says where the model looked, not why it decided: read it beside the probabilities, never as a cause. "
    "Weights of a view's actions sum to 1, and so do those of the sources of an intent."
)


class Explained(Protocol):
    """What the page shows of a sample; see `explanation.Explanation`."""

    position: int
    user_id: str
    t0_ms: int
    candidate_names: Sequence[tuple[str, str]]
    probabilities: Mapping[str, Any]
    labels: Mapping[str, Any]
    action_ids: Mapping[str, Any]
    action_weights: Mapping[str, Any]
    sources: Sequence[str]
    source_weights: Mapping[str, Any]
    gate: Mapping[str, Any]


def format_page(title: str, schema: Schema, vocabulary: Vocabulary, explanations: Iterable[Explained]) -> str:
    """Returns the page.

    Args:
        title: its heading.
        schema: names the features and their fixed values.
        vocabulary: names the ids of the others.
        explanations: one section each.
    """
    sections = "".join(_section(explained, schema, vocabulary) for explained in explanations)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{html.escape(title)}</h1>\n"
        f'<p class="note">{_NOTE}</p>\n{sections}</body></html>\n'
    )


def _section(explained: Explained, schema: Schema, vocabulary: Vocabulary) -> str:
    moment = datetime.datetime.fromtimestamp(explained.t0_ms / 1000, datetime.UTC)
    heading = f"Sample {explained.position}: user {explained.user_id}, {moment:%Y-%m-%d %H:%M:%S} UTC"
    parts = [f"<h2>{html.escape(heading)}</h2>", _probabilities(explained), _sources(explained)]
    for view in schema.views:
        if view.name in explained.action_ids:
            parts.append(_actions(view.name, view.features, explained, vocabulary))
    return "\n".join(parts)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already, each with its `td`."""
    head = "".join(f"<th>{html.escape(text)}</th>" for text in header)
    body = "\n".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return f'<div class="wide"><table><tr>{head}</tr>\n{body}</table></div>'


def _text(value: str) -> str:
    return f"<td>{html.escape(value)}</td>"


def _number(text: str) -> str:
    return f'<td class="number">{text}</td>'


def _heat(share: float, text: str) -> str:
    return f'<td class="heat" style="--share:{share:.3f}">{text}</td>'


def _probabilities(explained: Explained) -> str:
    of_user = {i: p for i, p in explained.probabilities.items() if len(p) == 1}
    of_candidates = {i: p for i, p in explained.probabilities.items() if len(p) > 1}
    user_rows = [[_text(intent), _number(_outcome(explained, intent, 0))] for intent in of_user]
    candidate_rows = [
        [_text(_candidate(names)), *(_number(_outcome(explained, intent, place)) for intent in of_candidates)]
        for place, names in enumerate(explained.candidate_names)
    ]
    tables = []
    if user_rows:
        tables.append(_table(["intent", "probability (happened)"], user_rows))
    if of_candidates:
        tables.append(_table(["candidate", *of_candidates], candidate_rows))
    return "<h3>Probabilities</h3>" + "".join(tables)


def _outcome(explained: Explained, intent: str, place: int) -> str:
    label = explained.labels[intent][place]
    happened = "unknown" if label != label else "yes" if label else "no"  # NaN differs from itself
    return f"{explained.probabilities[intent][place]:.4f} ({happened})"


def _candidate(names: tuple[str, str]) -> str:
    leaf, top = names
    return f"{leaf or 'no leaf'} in {top or 'no top'}" if leaf or top else "unfilled"


def _sources(explained: Explained) -> str:
    parts = []
    for title, shown in (("Sources by intent", explained.source_weights), ("Fusion gate by intent", explained.gate)):
        rows = [
            [_text(intent), *(_heat(float(value), f"{value:.3f}") for value in values)]
            for intent, values in shown.items()
            if len(values)
        ]
        if rows:
            parts.append(f"<h3>{title}</h3>" + _table(["intent", *explained.sources], rows))
    return "\n".join(parts)


def _actions(view: str, features: Sequence[Feature], explained: Explained, vocabulary: Vocabulary) -> str:
    weights, ids = explained.action_weights[view], explained.action_ids[view]
    shown = sorted(range(len(weights)), key=lambda step: -float(weights[step]))[:MAX_ACTIONS]
    rows = []
    for step in sorted(shown, reverse=True):
        share = float(weights[step])
        bar = f'<td><span class="bar" style="width:{12 * share / float(max(weights)):.2f}rem"></span>{share:.3f}</td>'
        back = len(weights) - step
        rows.append([_number(str(back)), bar, *(_text(_value(view, f, int(ids[step][i]), vocabulary))
                     for i, f in enumerate(features))])  # fmt: skip
    heading = f"<h3>View {html.escape(view)}: {len(weights)} actions, the {len(rows)} most attended, newest first</h3>"
    if not rows:
        return heading
    return heading + _table(["back", "weight", *(f.name.replace("_", " ") for f in features)], rows)


def _value(view: str, feature: Feature, value_id: int, vocabulary: Vocabulary) -> str:
    """Returns the name of an id: of its list, of the vocabulary, or the bin's number."""
    place = value_id - FIRST_REAL_ID
    if place < 0:
        return "n/a"
    if feature.kind is Kind.NUMERIC:
        return f"bin {place}"
    names = feature.names if feature.kind is Kind.FIXED else vocabulary.names[feature_key(view, feature)]
    return names[place] if place < len(names) else f"id {value_id}"
