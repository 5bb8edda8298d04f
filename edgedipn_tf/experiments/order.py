"""Whether the order of the models changes from one table to the next, when tables repeat the same models."""

from collections.abc import Iterator, Mapping

from edgedipn_tf.experiments.estimates import Estimate
from edgedipn_tf.experiments.report import Report, ReportedTable
from edgedipn_tf.experiments.sentences import METRICS

HEADING = "Order of the models from table to table"
Pair = tuple[str, str, str]
"""Metric of an intent, label of an entry, label of what it is compared with."""


def is_comparable(report: Report) -> bool:
    """Returns whether several tables have the same models and the same intents."""
    models = {tuple(entry.entry.label for entry in table.entries) for table in report.tables}
    return len(report.tables) > 1 and len(models) == 1 and len({table.intents for table in report.tables}) == 1


def grid(report: Report) -> tuple[list[str], list[list[str]]]:
    """Returns headings and rows: by intent and table, the models from the greatest mean AUC to the least."""
    rows = [
        [METRICS[intent], table.table.title, " > ".join(_by_auc(table, intent))]
        for intent in report.tables[0].intents
        for table in report.tables
    ]
    return ["intent", "table", "models by mean AUC"], rows


def sentences(report: Report) -> list[str]:
    """Returns what changes from each table to the next, of the differences that are told apart."""
    return [
        _change(before, after)
        for before, after in zip(report.tables, report.tables[1:], strict=False)
        if all(any(entry.lines for entry in table.entries) for table in (before, after))
    ]


def _by_auc(table: ReportedTable, intent: str) -> list[str]:
    means = {
        entry.entry.label: found.mean
        for entry in table.entries
        if intent in entry.lines and (found := entry.lines[intent].auc) is not None
    }
    return sorted(means, key=lambda label: -means[label])


def _change(before: ReportedTable, after: ReportedTable) -> str:
    first, second = dict(_differences(before)), dict(_differences(after))
    pairs = [pair for pair in first if pair in second]
    signs = {pair: (first[pair].sign, second[pair].sign) for pair in pairs}
    kept = sum(one == other != 0 for one, other in signs.values())
    lost = sum(one != 0 and other == 0 for one, other in signs.values())
    gained = sum(one == 0 and other != 0 for one, other in signs.values())
    turned = [pair for pair, (one, other) in signs.items() if one * other == -1]
    return (
        f"From '{before.table.title}' to '{after.table.title}', of {len(pairs)} differences from "
        f"{_compared_with(before)}: {kept} are told apart on the same side, {gained} in the second alone, {lost} in "
        f"the first alone, {_turned(turned, first, second)}."
    )


def _turned(turned: list[Pair], first: Mapping[Pair, Estimate], second: Mapping[Pair, Estimate]) -> str:
    if not turned:
        return "and none turns round"
    named = ", ".join(
        f"{metric} of {label} from {other} ({first[pair].mean:+.4f}, then {second[pair].mean:+.4f})"
        for pair in turned
        for metric, label, other in [pair]
    )
    return f"and {len(turned)} TURN ROUND: {named}"


def _compared_with(table: ReportedTable) -> str:
    return " and ".join([table.table.reference, *table.table.baselines])


def _differences(table: ReportedTable) -> Iterator[tuple[Pair, Estimate]]:
    """Yields each pair once: networks with the reference, and with each baseline."""
    for entry in table.entries:
        label = entry.entry.label
        if label in table.table.baselines:
            continue
        for intent, line in entry.lines.items():
            if line.difference is not None:
                yield (METRICS[intent], label, table.table.reference), line.difference
            for baseline, found in line.from_baselines.items():
                yield (METRICS[intent], label, baseline), found
