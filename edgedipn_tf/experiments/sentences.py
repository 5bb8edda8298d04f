"""What a table shows and what it does not, in words, from its numbers.

An entry is said to lie below or above the reference only when the whole interval of the paired difference and the
difference of every seed, of at least three, lie on that side. That a network loses to a baseline is said of fewer seeds
too.
"""

from collections.abc import Mapping

from edgedipn_tf.experiments import file_costs, paper
from edgedipn_tf.experiments.estimates import FEWEST_SEEDS, Estimate, Line
from edgedipn_tf.experiments.report import Report, ReportedTable
from edgedipn_tf.models.catalog import DIPN_TASKS
from edgedipn_tf.schema import INTENTS

FILES = "Size and latency of the files"
"""Heading of what converted files cost."""
_BY_INTERVAL_ONLY = 10
"""Added to the side, -1 or 1, of a difference that has too few seeds to be called one."""
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
        found.append(
            f"Of {num_seeds} seed only: intervals are of users alone, and what another seed would give is not known."
        )
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
    if _is_lost(report):
        found.append(_why(report))
    return found


def of_files(report: Report) -> list[str]:
    """Returns what the figures of converted files are."""
    if not report.file_costs:
        return [f"Not measured yet, for each of the lengths: {file_costs.COMMAND}"]
    recipes, hosts, commits = (
        ", ".join(sorted({str(getattr(cost, what)) for cost in report.file_costs}))
        for what in ("recipe", "host", "commit")
    )
    return [
        f"Files of fresh weights, {recipes}, for one length each; the models of the column of AUCs were not converted.",
        f"Latency: CPU time of one thread on a host ({hosts}), median over samples of the full length; nothing ran on "
        "a phone. The files of a length ran in turns, so the multiples compare; lengths were measured apart.",
        f"Measured at commit {commits} by: {file_costs.COMMAND}",
    ]


def of_table(table: ReportedTable) -> list[str]:
    """Returns what a table shows, by intent: against its reference, against baselines, and the order of the three."""
    found = []
    for intent in table.intents:
        lines = {entry.entry.label: entry.lines[intent] for entry in table.entries if intent in entry.lines}
        said = [_of_reference(table, intent, lines)]
        said += [_of_baseline(table, intent, lines, baseline) for baseline in table.table.baselines]
        if intent in DIPN_TASKS:
            said += [_of_order(table, intent, lines, baseline) for baseline in table.table.baselines]
        found += [sentence for sentence in said if sentence]
    return found


def _of_reference(table: ReportedTable, intent: str, lines: Mapping[str, Line]) -> str:
    reference = table.table.reference
    if reference not in lines or lines[reference].auc is None:
        return f"{METRICS[intent]}: {reference} has no figure yet, so nothing can be compared."
    differences = {label: line.difference for label, line in lines.items() if label != reference and line.difference}
    if not differences:
        return f"{METRICS[intent]}: only {reference} has a figure yet."
    words = {
        -1: "below it",
        1: "above it",
        _BY_INTERVAL_ONLY - 1: "below it by the interval, of too few seeds to say so",
        _BY_INTERVAL_ONLY + 1: "above it by the interval, of too few seeds to say so",
        0: "not to be told apart from it",
    }
    sides = {label: found.sign or found.side and _BY_INTERVAL_ONLY + found.side for label, found in differences.items()}
    said = _grouped(differences, sides, words)
    return f"{METRICS[intent]}, {lines[reference].num_positives:,} positives, against {reference}: {said}."


def _of_baseline(table: ReportedTable, intent: str, lines: Mapping[str, Line], baseline: str) -> str:
    networks = {label: line for label, line in lines.items() if label not in table.table.baselines}
    differences = {
        label: line.from_baselines[baseline] for label, line in networks.items() if baseline in line.from_baselines
    }
    if not differences:
        return ""
    words = {-1: "LOSE to it", 1: "beat it", 0: "neither (the interval holds 0, or too few seeds agree)"}
    sides = {label: -1 if found.side == -1 else found.sign for label, found in differences.items()}
    return f"{METRICS[intent]}, networks against {baseline}: {_grouped(differences, sides, words)}."


def _of_order(table: ReportedTable, intent: str, lines: Mapping[str, Line], baseline: str) -> str:
    """Returns whether baseline < browse only < reference holds."""
    middle, reference = table.table.browse_only, table.table.reference
    if middle not in lines:
        return ""
    lower, upper = lines[middle].from_baselines.get(baseline), lines[middle].difference
    if lower is None or upper is None:
        return ""
    holds = lower.sign == 1 and upper.sign == -1
    verdict = "HOLDS outside the intervals" if holds else "is NOT shown"
    return (
        f"{METRICS[intent]}: the order {baseline} < {middle} (browse only) < {reference} {verdict}: {middle} is "
        f"{_interval(lower)} from {baseline}, and {_interval(upper)} from {reference}."
    )


def _interval(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"{found.mean:+.4f}"
    return f"{found.mean:+.4f} ({found.low:+.4f} to {found.high:+.4f})"


def _grouped(differences: Mapping[str, Estimate], sides: Mapping[str, int], words: Mapping[int, str]) -> str:
    """Returns the entries on each side, and on neither, of what they are compared with."""
    groups = {
        said: [f"{label} ({found.mean:+.4f})" for label, found in differences.items() if sides[label] == side]
        for side, said in words.items()
    }
    return "; ".join(f"{said}: {', '.join(labels)}" for said, labels in groups.items() if labels)


def _is_lost(report: Report) -> bool:
    """Whether a network is below a baseline in any intent."""
    return any(
        found.side == -1
        for table in report.tables
        for entry in table.entries
        if entry.entry.label not in table.table.baselines
        for line in entry.lines.values()
        for found in line.from_baselines.values()
    )


def _why(report: Report) -> str:
    """Returns what differs between networks and baselines, which is all that a table can say of why one loses."""
    settings = report.size.settings
    num_samples = settings["num_epochs"] * settings["steps_per_epoch"] * settings["global_batch_size"]
    return (
        "Networks that lose to a baseline: the figures do not tell why. What differs: a baseline is given named counts "
        "of the same windows and fits all training samples; a network has to find such counts in "
        f"at most {num_samples:,} samples, drawn again and again where there are fewer. In category intents a baseline "
        "is told how often and when the user looked at the candidate, the head of a network only which category it is. "
        "`python -m benchmarks.aggregate_groups` prints what `gbdt` loses without which counts."
    )
