"""What the runs of an entry say together: means over seeds and folds, intervals over users, paired differences."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from edgedipn_tf.experiments.bootstrap import DrawnAuc, FloatArray
from edgedipn_tf.metrics import percentile_interval

FEWEST_SEEDS = 3
"""With fewer, nothing is said to differ."""
Cell = tuple[int, int | None]
"""Seed and fold of a run."""
Cells = Mapping[Cell, DrawnAuc]


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval over users.

    Attributes:
        mean: over seeds and folds.
        low, high: of the bootstrap; None when no draw was defined.
        by_seed: mean over folds of each seed.
    """

    mean: float
    low: float | None
    high: float | None
    by_seed: tuple[float, ...]

    @property
    def sign(self) -> int:
        """1 or -1 when the whole interval and every one of enough seeds lie on that side of 0, else 0."""
        return self.side if len(self.by_seed) >= FEWEST_SEEDS else 0

    @property
    def side(self) -> int:
        """As `sign`, however few the seeds are: enough to admit a loss, not to claim a gain."""
        if self.low is None or self.high is None:
            return 0
        for sign in (1, -1):
            if min(sign * self.low, sign * self.high, *(sign * value for value in self.by_seed)) > 0:
                return sign
        return 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """One entry and one intent.

    Attributes:
        num_runs: with a defined AUC.
        auc: None when no run has one.
        difference: from the reference, over the runs that both have; None for the reference itself.
        from_baselines: the same from each of the table's baselines that it is not, by label.
        gap_closed: share of the way from 0.5 to the oracle's AUC; None without an oracle.
        num_positives, num_negatives, num_users: what judges, all folds together.
    """

    num_runs: int
    auc: Estimate | None
    difference: Estimate | None
    from_baselines: Mapping[str, Estimate]
    gap_closed: Estimate | None
    num_positives: int
    num_negatives: int
    num_users: int


def line(
    cells: Cells, reference: Cells | None, oracle: DrawnAuc | None, baselines: Mapping[str, Cells] | None = None
) -> Line:
    """Returns what the runs of an entry say of one intent.

    Args:
        cells: of the entry.
        reference: of the entry that it is compared with; None for the reference itself.
        oracle: of the same samples.
        baselines: of the entries that are baselines, by label, without the entry itself.

    Raises:
        ValueError: when runs that are compared were not judged by the same rows.
    """
    defined = {cell: found for cell, found in cells.items() if found.auc is not None}
    samples = {found.rows: found for found in defined.values()}.values()
    return Line(
        num_runs=len(defined),
        auc=_estimate({cell: (found.auc or 0.0, found.draws) for cell, found in defined.items()}),
        difference=_difference(defined, reference),
        from_baselines={
            label: found
            for label, other in (baselines or {}).items()
            if (found := _difference(defined, other)) is not None
        },
        gap_closed=_gap_closed(defined, oracle),
        num_positives=sum(found.num_positives for found in samples),
        num_negatives=sum(found.num_negatives for found in samples),
        num_users=sum(found.num_users for found in samples),
    )


def _difference(cells: Cells, reference: Cells | None) -> Estimate | None:
    if reference is None:
        return None
    pairs = {cell: (found, reference[cell]) for cell, found in cells.items() if cell in reference}
    return _estimate(
        {
            cell: (own.auc - other.auc, own.draws - _same_rows(own, other).draws)
            for cell, (own, other) in pairs.items()
            if own.auc is not None and other.auc is not None
        }
    )


def _gap_closed(cells: Cells, oracle: DrawnAuc | None) -> Estimate | None:
    if oracle is None or oracle.auc is None or oracle.auc <= 0.5:
        return None
    gaps = np.where(oracle.draws > 0.5, oracle.draws - 0.5, np.nan)
    return _estimate(
        {
            cell: ((found.auc - 0.5) / (oracle.auc - 0.5), (found.draws - 0.5) / gaps)
            for cell, found in cells.items()
            if found.auc is not None and _same_rows(found, oracle)
        }
    )


def _same_rows(own: DrawnAuc, other: DrawnAuc) -> DrawnAuc:
    if own.rows != other.rows:
        raise ValueError("runs were judged by different samples and cannot be compared")
    return other


def _estimate(values: Mapping[Cell, tuple[float, FloatArray]]) -> Estimate | None:
    """Returns the mean over cells of values and of their draws; a draw that a cell leaves undefined is left out."""
    if not values:
        return None
    draws = np.mean([of_cell for _, of_cell in values.values()], axis=0)
    interval = percentile_interval([None if np.isnan(draw) else float(draw) for draw in draws])
    seeds = sorted({seed for seed, _ in values})
    by_seed = tuple(float(np.mean([v for (s, _), (v, _) in values.items() if s == seed])) for seed in seeds)
    return Estimate(float(np.mean([value for value, _ in values.values()])), interval.low, interval.high, by_seed)
