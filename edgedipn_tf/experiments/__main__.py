"""Command: the papers' experiments, with their reports."""

import dataclasses
import pathlib
import sys
from typing import Any

from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.provenance import source_commit
from edgedipn_tf.experiments import (
    data_source,
    file_costs,
    markdown,
    page,
    report,
    run_files,
    running,
    volumes,
    volumes_report,
)
from edgedipn_tf.experiments.running import Laboratory
from edgedipn_tf.experiments.suite import BASE, Suite
from edgedipn_tf.experiments.suites import SIZES, SUITES
from edgedipn_tf.publishing import write_bytes, write_json
from edgedipn_tf.quiet_start import import_tensorflow

DESCRIPTION = f"""
Runs the papers' experiments and reports them: AUC by intent as the mean over seeds, its 95 % interval by a bootstrap
over users, the paired difference from the complete model with its interval, positives, parameters, time, and the
paper's number beside it. On simulated logs also the AUC of the true probabilities, and how much of the way to it a
model goes.

  python -m edgedipn_tf.experiments --suite=edgedipn_models
  python -m edgedipn_tf.experiments --suite=edgedipn_models --data=taobao:UserBehavior.csv
  python -m edgedipn_tf.experiments --suite=all --size=smoke --output=smoke

Suites:
{chr(10).join(f"  {name:18}{suite.reproduces}" for name, suite in SUITES.items())}

--data: `simulated` or `simulated:USERS`, `taobao:PATH` or `jd:PATH` (judged by each of several parts of the users in
turn; where the log has days that mean something, the split by day holds too), or the folder of a dataset, which leaves
out what needs the same log made into another one.

A finished run is a small JSON file in OUTPUT/runs, and is not run again, on another machine either; a failed one is
told and left. Runs of several suites that are equal are run once. The number of steps is limited, and a run that takes
more than {SIZES["full"].max_minutes:g} minutes (--max_minutes) is stopped and has failed.

Writes OUTPUT/SUITE/DATA-SIZE.json, .md and .html: a page that needs nothing else.
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    text, boolean = flags.DEFINE_string, flags.DEFINE_bool
    names = [*SUITES, "all"]
    flags.DEFINE_enum("suite", None, names, "experiment, see above; all: every one", flag_values=values)
    text("data", data_source.SIMULATED, "where the samples come from, see above", flag_values=values)
    text("output", "reports", "folder of reports and finished runs", flag_values=values)
    text("work", "experiments", "folder for logs, datasets and runs that are going on", flag_values=values)
    meaning = "smoke: everything runs, nothing is learnt; small: one seed; medium: three; full: three, twice the steps"
    flags.DEFINE_enum("size", "full", list(SIZES), meaning, flag_values=values)
    flags.DEFINE_integer("num_together", 2, "runs side by side, of one thread each", 1, flag_values=values)
    meaning = "after which a run is stopped and has failed, in place of the size's: a busy machine takes longer"
    flags.DEFINE_float("max_minutes", None, meaning, 0.1, flag_values=values)
    flags.DEFINE_list(
        "entries",
        [],
        "lines of the tables to run now, besides those that they are compared with; all unless told",
        flag_values=values,
    )
    boolean("retry_failed", False, "try runs again that failed before", flag_values=values)
    boolean("report_only", False, "run nothing, report what is finished", flag_values=values)
    flags.mark_flags_as_required(["suite"], values)  # type: ignore[no-untyped-call]


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Runs what is not finished, and reports.

    Raises:
        InputError: when runs failed, after everything else is done and reported, or --entries names what is not there.
    """
    size = SIZES[values.size]
    if values.max_minutes is not None:  # no part of what a run is, so runs that are finished stay finished
        size = dataclasses.replace(size, max_minutes=values.max_minutes)
    source = data_source.parse(values.data, pathlib.Path(values.work).absolute(), size)
    laboratory = Laboratory(source, size, pathlib.Path(values.output).absolute())
    names = list(SUITES) if values.suite == "all" else [values.suite]
    suites = [size.shorten(SUITES[n] if source.makes_variants else SUITES[n].of_one_dataset()) for n in names]
    num_failed = 0
    if not values.report_only:
        wanted = [suite.only(values.entries) if values.entries else suite for suite in suites]
        num_failed = running.run_missing(
            laboratory, wanted, num_together=values.num_together, retry_failed=values.retry_failed
        )
    for suite in suites:
        if suite.tables:
            _report(laboratory, suite)
        else:
            _report_volumes(laboratory, suite)
    if num_failed:
        raise InputError(f"{num_failed} runs failed, see above: the reports leave them out; --retry_failed tries again")


def _report(laboratory: Laboratory, suite: Suite) -> None:
    costs = file_costs.read(laboratory.reports / suite.name / file_costs.FILE) if suite.has_file_costs else ()
    found = report.gather(
        suite,
        laboratory.files,
        laboratory.size,
        data=laboratory.name,
        has_folds=laboratory.source.has_folds,
        command=laboratory.command(suite),
        costs=costs,
    )
    _write(laboratory, suite, report.to_json(found), markdown.render(found), page.render(found))
    print(f"{found.num_finished} of {found.num_expected} runs are finished", flush=True)


def _report_volumes(laboratory: Laboratory, suite: Suite) -> None:
    import_tensorflow()
    place, fingerprint = laboratory.dataset(BASE, 0 if laboratory.source.has_folds else None)
    found = volumes.count(laboratory.source.work / place, laboratory.size.num_draws)
    surroundings = {"commit": source_commit(), **run_files.surroundings(), "dataset": fingerprint}
    made_with = {**surroundings, "versions": run_files.in_words(surroundings["versions"])}
    title, command = f"{suite.name}: {laboratory.name}", laboratory.command(suite)
    values = {"suite": suite.name, "command": command, **surroundings, **dataclasses.asdict(found)}
    document = volumes_report.markdown(title, command, found, made_with)
    _write(laboratory, suite, values, document, volumes_report.page(title, command, found, made_with))


def _write(laboratory: Laboratory, suite: Suite, values: dict[str, Any], document: str, html: str) -> None:
    folder = laboratory.reports / suite.name
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / f"{laboratory.name}.md", document.encode())
    write_bytes(folder / f"{laboratory.name}.html", html.encode())
    write_json(folder / f"{laboratory.name}.json", values)
    print(f"{suite.name}: written to {folder / laboratory.name}.json, .md, .html", flush=True)


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
