"""What a table shows and what it does not, in words, from its numbers.

An entry is said to lie below or above the reference only when the whole interval of the paired difference and the
difference of every seed, of at least three, lie on that side.
"""

from edgedipn_tf.experiments import paper
from edgedipn_tf.experiments.estimates import FEWEST_SEEDS, Line
from edgedipn_tf.experiments.report import Report, ReportedTable
from edgedipn_tf.schema import INTENTS

METRICS = {intent.name: intent.metric for intent in INTENTS}


def notes(report: Report) -> list[str]:
    """Returns what holds for all tables of a report."""
    log = report.log or {}
    about = {
        True: "SIMULATED logs: nobody ever did what they tell; figures say how well models learn this world, nothing "
        "about people.",
        False: f"The public log '{log.get('name')}': of its users and days alone.",
    }.get(bool(log.get("is_simulated")), "")
    found = [about] if log else []
    found += [f"{report.num_finished} of {report.num_expected} runs are finished."]
    found += [f"FAILED: {name}: {reason}" for name, reason in report.failures.items()]
    num_seeds = report.size.num_seeds
    if num_seeds < FEWEST_SEEDS:
        found.append(f"Of {num_seeds} seed only: everything runs, and no model is told apart from another.")
    found.append(
        "Intervals are of 95 %, by a bootstrap over users, of the mean over seeds; they say nothing about other logs. "
        "Differences are paired: the same redrawn users in both. Of so many comparisons about one in twenty would "
        "stand apart by chance."
    )
    if any(entry.entry.paper for table in report.tables for entry in table.entries):
        found.append(f"The column '{paper.SOURCE}' is another shop's data and task: only its order can be compared.")
    if any(table.oracle for table in report.tables):
        found.append(
            "Gap closed: share of the way from 0.5 to the AUC of the true probabilities. These look at the hidden "
            "state, which no log shows whole; for category intents they are no bound, because candidates were chosen "
            "looking ahead."
        )
    return found


def of_table(table: ReportedTable) -> list[str]:
    """Returns one sentence an intent."""
    return [sentence for intent in table.intents if (sentence := _of_intent(table, intent))]


def _of_intent(table: ReportedTable, intent: str) -> str:
    lines = {entry.entry.label: entry.lines[intent] for entry in table.entries if intent in entry.lines}
    reference = table.table.reference
    if reference not in lines or lines[reference].auc is None:
        return f"{METRICS[intent]}: {reference} has no figure yet, so nothing can be compared."
    others = {label: line for label, line in lines.items() if label != reference and line.difference}
    if not others:
        return f"{METRICS[intent]}: only {reference} has a figure yet."
    groups = {
        "below it": _named(others, -1),
        "above it": _named(others, 1),
        "not to be told apart from it": _named(others, 0),
    }
    said = "; ".join(f"{what}: {', '.join(names)}" for what, names in groups.items() if names)
    return f"{METRICS[intent]}, {lines[reference].num_positives:,} positives, against {reference}: {said}."


def _named(lines: dict[str, Line], sign: int) -> list[str]:
    return [
        f"{label} ({line.difference.mean:+.4f})"
        for label, line in lines.items()
        if line.difference and line.difference.sign == sign
    ]
