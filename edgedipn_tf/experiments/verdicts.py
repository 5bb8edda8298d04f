"""What a table shows and what it does not, in words, from its numbers.

An entry is said to lie below or above the reference only when the whole interval of the paired difference and the
difference of every seed, of at least three, lie on that side. That a network loses to a baseline is said of fewer seeds
too.
"""

from collections.abc import Mapping

from edgedipn_tf.experiments.estimates import Estimate, Line
from edgedipn_tf.experiments.report import ReportedTable
from edgedipn_tf.experiments.sentences import METRICS
from edgedipn_tf.models.catalog import DIPN_TASKS

_BY_INTERVAL_ONLY = 10
"""Added to the side, -1 or 1, of a difference that has too few seeds to be called one."""
_FROM_REFERENCE = {
    -1: "below it",
    1: "above it",
    _BY_INTERVAL_ONLY - 1: "below it by the interval, of too few seeds to say so",
    _BY_INTERVAL_ONLY + 1: "above it by the interval, of too few seeds to say so",
    0: "not to be told apart from it",
}
_FROM_BASELINE = {-1: "LOSE to it", 1: "beat it", 0: "neither (the interval holds 0, or too few seeds agree)"}
_FEWEST_TO_SUM_UP = 4
"""So many networks, when all stand on one side of a baseline, are not named one by one."""
Lines = Mapping[str, Line]
"""Of one intent, by label."""


def of_table(table: ReportedTable) -> list[str]:
    """Returns a sentence for each entry but the reference: in which intents it differs; none for a single intent."""
    if len(table.intents) < 2:
        return []
    reference = table.table.reference
    lines = {intent: _lines(table, intent) for intent in table.intents}
    said = []
    for label in (entry.entry.label for entry in table.entries):
        if label in table.table.baselines:
            differences = _by_metric(
                {i: f[reference].from_baselines.get(label) for i, f in lines.items() if reference in f}
            )
            words = {
                side: word.replace("LOSE", "LOSES").replace("beat", "beats") for side, word in _FROM_BASELINE.items()
            }
            subject, sides = f"{reference} against {label}", {m: _side_of_baseline(f) for m, f in differences.items()}
        else:
            differences = _by_metric({i: f[label].difference for i, f in lines.items() if label in f})
            subject, sides, words = f"{label} against {reference}", _sides(differences), _FROM_REFERENCE
        if differences:
            said.append(f"{subject}: {_grouped(differences, sides, words)}.")
    return said


def of_intent(table: ReportedTable, intent: str) -> list[str]:
    """Returns what a table shows of an intent: against its reference, against baselines, and the order of the three."""
    lines = _lines(table, intent)
    said = [_of_reference(table, intent, lines)]
    said += [_of_baseline(table, lines, baseline) for baseline in table.table.baselines]
    said += [_of_order(table, lines)] if intent in DIPN_TASKS else []
    return [sentence for sentence in said if sentence]


def _lines(table: ReportedTable, intent: str) -> Lines:
    return {entry.entry.label: entry.lines[intent] for entry in table.entries if intent in entry.lines}


def _by_metric(differences: Mapping[str, Estimate | None]) -> dict[str, Estimate]:
    return {METRICS[intent]: found for intent, found in differences.items() if found is not None}


def _of_reference(table: ReportedTable, intent: str, lines: Lines) -> str:
    reference = table.table.reference
    if reference not in lines or lines[reference].auc is None:
        return f"{reference} has no figure yet, so nothing can be compared."
    differences = {label: line.difference for label, line in lines.items() if label != reference and line.difference}
    if not differences:
        return f"Only {reference} has a figure yet."
    said = _grouped(differences, _sides(differences), _FROM_REFERENCE)
    return f"{METRICS[intent]}, {lines[reference].num_positives:,} positives, against {reference}: {said}."


def _of_baseline(table: ReportedTable, lines: Lines, baseline: str) -> str:
    networks = {label: line for label, line in lines.items() if label not in table.table.baselines}
    differences = {
        label: line.from_baselines[baseline] for label, line in networks.items() if baseline in line.from_baselines
    }
    if not differences:
        return ""
    sides = {label: _side_of_baseline(found) for label, found in differences.items()}
    return f"Networks against {baseline}: {_grouped(differences, sides, _FROM_BASELINE, can_sum_up=True)}."


def _of_order(table: ReportedTable, lines: Lines) -> str:
    """Returns for which baselines baseline < browse only < reference holds."""
    middle, reference = table.table.browse_only, table.table.reference
    if middle not in lines or (upper := lines[middle].difference) is None or not lines[middle].from_baselines:
        return ""
    lower = lines[middle].from_baselines
    holds = [baseline for baseline, found in lower.items() if found.sign == 1 and upper.sign == -1]
    verdicts = {"HOLDS outside the intervals": holds, "is NOT shown": [name for name in lower if name not in holds]}
    said = "; ".join(f"{verdict} for {', '.join(names)}" for verdict, names in verdicts.items() if names)
    distances = ", ".join(f"{_interval(found)} from {baseline}" for baseline, found in lower.items())
    return (
        f"The order baseline < {middle} (browse only) < {reference} {said}: {middle} is {distances}, and "
        f"{_interval(upper)} from {reference}."
    )


def _sides(differences: Mapping[str, Estimate]) -> dict[str, int]:
    return {name: found.sign or found.side and _BY_INTERVAL_ONLY + found.side for name, found in differences.items()}


def _side_of_baseline(found: Estimate) -> int:
    """-1 for a loss, of however few seeds; 1 for a gain that enough seeds show."""
    return -1 if found.side == -1 else found.sign


def _interval(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"{found.mean:+.4f}"
    return f"{found.mean:+.4f} ({found.low:+.4f} to {found.high:+.4f})"


def _grouped(
    differences: Mapping[str, Estimate], sides: Mapping[str, int], words: Mapping[int, str], can_sum_up: bool = False
) -> str:
    """Returns the names on each side, and on neither, of what they are compared with."""
    groups = []
    for side, said in words.items():
        means = {name: found.mean for name, found in differences.items() if sides[name] == side}
        if can_sum_up and len(means) == len(differences) >= _FEWEST_TO_SUM_UP:
            groups.append(f"all {len(means)} {said} ({min(means.values()):+.4f} to {max(means.values()):+.4f})")
        elif means:
            groups.append(f"{said}: {', '.join(f'{name} ({mean:+.4f})' for name, mean in means.items())}")
    return "; ".join(groups)
