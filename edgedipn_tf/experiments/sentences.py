"""What holds for all figures of a report, in words; `verdicts` has what a single table shows."""

from edgedipn_tf.experiments import file_costs, paper
from edgedipn_tf.experiments.estimates import FEWEST_SEEDS
from edgedipn_tf.experiments.report import Report
from edgedipn_tf.schema import INTENTS

FILES = "Size and latency of the files"
"""Heading of what converted files cost."""
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
    num_seeds, num_a_fold = report.size.num_seeds, report.size.num_seeds_a_fold
    if report.has_folds:
        found.append(
            f"{report.size.num_folds} parts of the users judge in turn, trained on the others, "
            f"{num_a_fold} of {num_seeds} seeds each: "
            + (
                "what a seed changes cannot be told from what a part of the users changes."
                if num_a_fold < num_seeds
                else "every seed with every part."
            )
        )
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
    settings = report.size.training_settings(report.has_folds)
    num_samples = settings["num_epochs"] * settings["steps_per_epoch"] * settings["global_batch_size"]
    return (
        "Networks that lose to a baseline: the figures do not tell why. What differs: a baseline is given named counts "
        "of the same windows and fits all training samples; a network has to find such counts in "
        f"at most {num_samples:,} samples, drawn again and again where there are fewer. In category intents a baseline "
        "is told how often and when the user looked at the candidate, the head of a network only which category it is. "
        "`python -m benchmarks.aggregate_groups` prints what `gbdt` loses without which counts, `python -m "
        "benchmarks.category_buyers` of how few users a head can learn a category; `reports/gbdt_and_networks.md` has "
        "what was found so far."
    )
