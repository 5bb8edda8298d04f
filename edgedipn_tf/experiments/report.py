"""A suite's report as values, from the files of its runs alone; written as JSON, Markdown and a page."""

import dataclasses
import statistics
from collections.abc import Mapping
from typing import Any

from edgedipn_tf.experiments import estimates, run_files
from edgedipn_tf.experiments.bootstrap import DrawnAuc
from edgedipn_tf.experiments.estimates import Cell, Cells, Line
from edgedipn_tf.experiments.file_costs import FileCost
from edgedipn_tf.experiments.run_files import RunFiles
from edgedipn_tf.experiments.suite import Entry, Size, Suite, Table, runs_of
from edgedipn_tf.schema import INTENTS


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportedEntry:
    """A line of a table.

    Attributes:
        entry: what was trained.
        lines: by intent, those with a defined AUC only.
        num_finished: runs.
        parameters: weights of the network; None for a baseline, or without a run.
        wall_s, cpu_s: median of the runs.
    """

    entry: Entry
    lines: Mapping[str, Line]
    num_finished: int
    parameters: int | None
    wall_s: float | None
    cpu_s: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportedTable:
    """A table of the report.

    Attributes:
        table: what it is.
        entries: its lines.
        intents: that it shows.
        oracle: AUC of the true probabilities by intent; empty unless the log is simulated.
        num_runs: of an entry, when all are finished.
    """

    table: Table
    entries: tuple[ReportedEntry, ...]
    intents: tuple[str, ...]
    oracle: Mapping[str, DrawnAuc]
    num_runs: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """The report of a suite.

    Attributes:
        suite: what.
        data: name of data and size.
        size: of the runs.
        has_folds: whether several parts of the users judge.
        command: that continues it.
        tables: in order.
        failures: reason by run.
        log: name of the log, whether it is simulated, its caveats; None when no run is finished or nobody wrote it.
        provenance: what runs were made with: commits, versions, hosts, candidates, datasets; each once.
        file_costs: of converted files, when the suite has them.
    """

    suite: Suite
    data: str
    size: Size
    has_folds: bool
    command: str
    tables: tuple[ReportedTable, ...]
    failures: Mapping[str, str]
    log: Mapping[str, Any] | None
    provenance: Mapping[str, tuple[str, ...]]
    file_costs: tuple[FileCost, ...] = ()

    @property
    def num_finished(self) -> int:
        """Runs that are done, those of several tables counted in each."""
        return sum(entry.num_finished for table in self.tables for entry in table.entries)

    @property
    def num_expected(self) -> int:
        """Runs that the suite asks for, counted likewise."""
        return sum(table.num_runs * len(table.entries) for table in self.tables)


def gather(
    suite: Suite,
    files: RunFiles,
    size: Size,
    *,
    data: str,
    has_folds: bool,
    command: str,
    costs: tuple[FileCost, ...] = (),
) -> Report:
    """Reads the finished runs of a suite and returns its report.

    Args:
        suite: what.
        files: of the runs.
        size: of the runs.
        data: name of data and size.
        has_folds: whether several parts of the users judge.
        command: that continues the suite.
        costs: of converted files, when the suite has them.

    Raises:
        InputError: when a file is damaged.
        ValueError: when runs of one table were judged by different samples.
    """
    runs = {run.name: run for table in suite.tables for run in runs_of(table, size, has_folds)}
    finished = {name: found for name in runs if (found := files.read(name)) is not None}
    tables = tuple(_table(table, finished, files, size, has_folds) for table in suite.tables)
    return Report(
        suite=suite,
        data=data,
        size=size,
        has_folds=has_folds,
        command=command,
        tables=tables,
        failures={name: reason for name in runs if (reason := files.failure(name)) is not None},
        log=next((found["log"] for found in finished.values()), None),
        provenance=_provenance(finished),
        file_costs=costs,
    )


def _table(
    table: Table, finished: Mapping[str, dict[str, Any]], files: RunFiles, size: Size, has_folds: bool
) -> ReportedTable:
    runs = runs_of(table, size, has_folds)
    of_entry: dict[str, dict[Cell, dict[str, Any]]] = {entry.label: {} for entry in table.entries}
    for run in runs:
        if run.name in finished:
            of_entry[run.entry.label][(run.seed, run.fold)] = finished[run.name]
    cells = {label: _cells(found) for label, found in of_entry.items()}
    stored = files.read(table.judged_on.oracle_name)
    oracle = run_files.drawn_aucs(stored) if stored else {}
    known = {intent for found in cells.values() for intent in found}
    intents = tuple(
        intent.name for intent in INTENTS if intent.name in known and intent.name in (table.intents or known)
    )
    entries = []
    for entry in table.entries:
        lines = {
            intent: _line(table, entry, _of_intent(cells, intent), oracle.get(intent))
            for intent in intents
            if intent in cells[entry.label]
        }
        entries.append(_entry(entry, lines, list(of_entry[entry.label].values())))
    return ReportedTable(
        table=table,
        entries=tuple(entries),
        intents=intents,
        oracle={intent: oracle[intent] for intent in intents if intent in oracle},
        num_runs=len(runs) // len(table.entries),
    )


def _of_intent(cells: Mapping[str, Mapping[str, Cells]], intent: str) -> dict[str, Cells]:
    return {label: found.get(intent, {}) for label, found in cells.items()}


def _line(table: Table, entry: Entry, cells: Mapping[str, Cells], oracle: DrawnAuc | None) -> Line:
    """Returns what the runs of an entry say of an intent, from the cells of all entries by label."""
    reference = None if entry.label == table.reference else cells[table.reference]
    baselines = {label: cells[label] for label in table.baselines if label != entry.label}
    return estimates.line(cells[entry.label], reference, oracle, baselines)


def _cells(runs: Mapping[Cell, Mapping[str, Any]]) -> dict[str, dict[Cell, DrawnAuc]]:
    """Returns the defined AUCs of an entry by intent, seed and fold."""
    found: dict[str, dict[Cell, DrawnAuc]] = {}
    for cell, run in runs.items():
        for intent, auc in run_files.drawn_aucs(run).items():
            if auc.auc is not None:
                found.setdefault(intent, {})[cell] = auc
    return found


def _entry(entry: Entry, lines: Mapping[str, Line], runs: list[dict[str, Any]]) -> ReportedEntry:
    return ReportedEntry(
        entry=entry,
        lines=lines,
        num_finished=len(runs),
        parameters=runs[0]["parameters"] if runs else None,
        wall_s=statistics.median(run["wall_s"] for run in runs) if runs else None,
        cpu_s=statistics.median(run["cpu_s"] for run in runs) if runs else None,
    )


def _provenance(finished: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    def each(values: list[str]) -> tuple[str, ...]:
        return tuple(sorted(set(values)))

    runs = list(finished.values())
    return {
        "commit": each([str(run["commit"]) for run in runs]),
        "versions": each([run_files.in_words(run["versions"]) for run in runs]),
        "host": each([run["host"] for run in runs]),
        "seed": each([str(run["seed"]) for run in runs]),
        "dataset that judges": each([run["judged_on"] for run in runs]),
        "dataset that trains": each([run["trained_on"] for run in runs]),
        "candidates": each([run["candidates"] for run in runs]),
    }


def to_json(report: Report) -> dict[str, Any]:
    """Returns the report as plain values."""
    return {
        "suite": report.suite.name,
        "reproduces": report.suite.reproduces,
        "data": report.data,
        "command": report.command,
        "log": report.log,
        "provenance": {name: list(values) for name, values in report.provenance.items()},
        "num_finished": report.num_finished,
        "num_expected": report.num_expected,
        "failures": dict(report.failures),
        "tables": [_table_json(table) for table in report.tables],
        "files": [dataclasses.asdict(cost) for cost in report.file_costs],
    }


def _table_json(table: ReportedTable) -> dict[str, Any]:
    return {
        "title": table.table.title,
        "reference": table.table.reference,
        "oracle_auc": {intent: found.auc for intent, found in table.oracle.items()},
        "entries": [
            {
                "label": entry.entry.label,
                "model": entry.entry.model,
                "num_finished": entry.num_finished,
                "parameters": entry.parameters,
                "wall_s": entry.wall_s,
                "cpu_s": entry.cpu_s,
                "paper_private_data": dict(entry.entry.paper),
                "intents": {intent: dataclasses.asdict(line) for intent, line in entry.lines.items()},
            }
            for entry in table.entries
        ],
    }
