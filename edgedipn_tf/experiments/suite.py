"""What an experiment is, as frozen values: suites of tables, tables of entries, entries of runs."""

import dataclasses
import difflib
from collections.abc import Collection, Mapping
from typing import Any

from edgedipn_tf.commands import InputError
from edgedipn_tf.models.catalog import find_variant


@dataclasses.dataclass(frozen=True)
class DataVariant:
    """One way of making a dataset of the same log.

    Attributes:
        name: short, part of file names.
        flags: of `discretize_events`, in place of those that suit the log.
        user_share: share of a simulated log's users; fewer users keep the names of all and are judged with all.
    """

    name: str
    flags: tuple[tuple[str, str], ...] = ()
    user_share: float = 1.0

    @property
    def oracle_name(self) -> str:
        """Name of the file, without ending, with what the oracle reaches on its evaluation split."""
        return f"oracle,judged={self.name}"


BASE = DataVariant("base")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a table: what is trained on what.

    Attributes:
        label: how the table calls it.
        model: a name of `models.catalog`.
        settings: settings of the training in place of the size's.
        trained_on: the dataset of the training users or days.
        paper: AUC by intent that the paper reports, on its private data.
        at: where it stands on the axis of the suite's chart; a line joins those of one model.
        judged_on: the dataset that judges in place of the table's, when it has to be made otherwise to be read at all;
            its samples and labels are the same.
    """

    label: str
    model: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    trained_on: DataVariant = BASE
    paper: Mapping[str, float] = dataclasses.field(default_factory=dict)
    at: float | None = None
    judged_on: DataVariant | None = None

    def key(self, judged_on: DataVariant) -> str:
        """Returns the name of its runs: equal for equal runs, whatever the suite."""
        parts = [self.model, *(f"{name}={value}" for name, value in sorted(self.settings.items()))]
        if self.trained_on != BASE:
            parts.append(f"on={self.trained_on.name}")
        if judged_on != BASE:
            parts.append(f"judged={judged_on.name}")
        return ",".join(parts)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """Entries that are judged on the same samples, so that differences are of pairs.

    Attributes:
        title: its heading.
        reference: label of the entry that the others are compared with.
        entries: in the order of the table.
        judged_on: the dataset whose evaluation split judges.
        intents: which are shown; empty for all.
        browse_only: label of the entry that sees browsing, history and profile alone; said to lie between a baseline
            and the reference, or not to.
    """

    title: str
    reference: str
    entries: tuple[Entry, ...]
    judged_on: DataVariant = BASE
    intents: tuple[str, ...] = ()
    browse_only: str = ""

    @property
    def baselines(self) -> tuple[str, ...]:
        """Labels of the entries that are not networks: what a network has to beat."""
        return tuple(entry.label for entry in self.entries if find_variant(entry.model).is_baseline)

    def of_one_dataset(self) -> "Table | None":
        """Returns the table with the entries that need the base dataset alone; None when nothing is left to compare."""
        kept = tuple(e for e in self.entries if {e.trained_on, e.judged_on or self.judged_on} == {BASE})
        if len(kept) < 2 or self.reference not in {entry.label for entry in kept}:
            return None
        return dataclasses.replace(self, entries=kept)

    def __post_init__(self) -> None:
        labels = [entry.label for entry in self.entries]
        if len(set(labels)) < len(labels) or self.reference not in labels:
            raise ValueError(f"{self.title}: labels must differ, and {self.reference!r} must be one")

    def only(self, labels: Collection[str]) -> "Table":
        """Returns the table with the entries of these labels and the reference."""
        kept = tuple(entry for entry in self.entries if entry.label in {self.reference, *labels})
        return dataclasses.replace(self, entries=kept)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Suite:
    """One experiment.

    Attributes:
        name: of `--suite`.
        reproduces: what of the papers.
        tables: of its report; none when it trains nothing.
        axis: what `Entry.at` is, for a chart of AUC against it; empty for none.
        has_file_costs: whether sizes and latencies of converted files are reported too; `Entry.at` is their length.
    """

    name: str
    reproduces: str
    tables: tuple[Table, ...]
    axis: str = ""
    has_file_costs: bool = False

    def of_one_dataset(self) -> "Suite":
        """Returns what a given dataset can do of the suite; all of it when that is nothing, so that it is refused."""
        tables = tuple(kept for table in self.tables if (kept := table.of_one_dataset()) is not None)
        return dataclasses.replace(self, tables=tables or self.tables)

    def only(self, labels: Collection[str]) -> "Suite":
        """Returns the suite with the entries of these labels, and those that they are compared with.

        Raises:
            InputError: when no table has an entry of a label.
        """
        known = [entry.label for table in self.tables for entry in table.entries]
        for label in labels:
            if label not in known:
                nearest = difflib.get_close_matches(label, known, n=1, cutoff=0.0)
                raise InputError(f"{self.name} has no entry {label!r}, did you mean {nearest[0]!r}?")
        return dataclasses.replace(self, tables=tuple(table.only(labels) for table in self.tables))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Size:
    """How large the runs are.

    Attributes:
        name: of `--size`, part of file names.
        settings: of the training; steps are limited, so that no run takes longer than `max_minutes`.
        fold_settings: those in place of them where folds judge: public logs are small, a pass is a few dozen steps.
        num_seeds: runs of an entry that differ in the seed alone.
        num_folds: parts of the users of a public log, which judge in turn.
        num_seeds_a_fold: runs that a part judges, of `num_seeds` seeds, which the parts take in turn.
        num_draws: bootstrap draws.
        num_users: users of a simulated log unless told.
        num_rollouts: of each cut-off, for the oracle of a simulated log.
        max_others: entries of a table besides its reference; None for all.
        max_minutes: a run that takes longer is stopped and counts as failed.
    """

    name: str
    settings: Mapping[str, Any]
    fold_settings: Mapping[str, Any]
    num_seeds: int
    num_folds: int
    num_seeds_a_fold: int
    num_draws: int
    num_users: int
    num_rollouts: int
    max_others: int | None = None
    max_minutes: float = 30.0

    def training_settings(self, has_folds: bool) -> dict[str, Any]:
        """Returns the settings of all trainings, where several parts of the users judge or one split."""
        return {**self.settings, **(self.fold_settings if has_folds else {})}

    def shorten(self, suite: Suite) -> Suite:
        """Returns a suite with as many entries of its tables as the size has."""
        return dataclasses.replace(suite, tables=tuple(self._shorten(table) for table in suite.tables))

    def _shorten(self, table: Table) -> Table:
        others = [entry.label for entry in table.entries if entry.label != table.reference]
        return table.only(others[: self.max_others])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One training and judgement.

    Attributes:
        entry: what is trained.
        judged_on: the dataset whose evaluation split judges.
        fold: which part of the users judges; None where the split is by day.
        seed: of the training.
    """

    entry: Entry
    judged_on: DataVariant
    fold: int | None
    seed: int

    @property
    def name(self) -> str:
        """Name of its file, without ending."""
        fold = "" if self.fold is None else f"-fold{self.fold}"
        return f"{self.entry.key(self.judged_on)}{fold}-seed{self.seed}"

    def settings(self, size: Size) -> dict[str, Any]:
        """Returns the settings of the training that differ from the defaults, besides the dataset."""
        of_size = size.training_settings(self.fold is not None)
        wanted = {**of_size, **self.entry.settings, "model": self.entry.model, "seed": self.seed}
        variant = find_variant(self.entry.model)
        return {name: value for name, value in wanted.items() if variant.takes(name)}


def runs_of(table: Table, size: Size, has_folds: bool) -> list[Run]:
    """Returns the runs of a table: all entries with the first seed, then all with the next.

    Parts of the users begin with different seeds, so that all seeds have run when each part has judged once.
    """
    turns: list[tuple[int, int | None]] = [(seed, None) for seed in range(1, size.num_seeds + 1)]
    if has_folds:
        turns = [
            ((fold + turn) % size.num_seeds + 1, fold)
            for turn in range(size.num_seeds_a_fold)
            for fold in range(size.num_folds)
        ]
    return [
        Run(entry=entry, judged_on=entry.judged_on or table.judged_on, fold=fold, seed=seed)
        for seed, fold in turns
        for entry in table.entries
    ]
