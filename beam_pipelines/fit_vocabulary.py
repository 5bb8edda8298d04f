"""The Beam side of the vocabularies: names counted by user, summed over all users, frozen into ids.

The names that are frequent are gathered in one place, where the ids are given: at most as many as differ.
"""

import itertools
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam

from beam_pipelines import vocabularies
from beam_pipelines.options import DiscretizeOptions
from beam_pipelines.tracks import UserLog
from edgedipn_tf.schema import Schema
from edgedipn_tf.vocabulary import Vocabulary

NameCounts = dict[tuple[str, bytes, bytes], int]
_NAME_GROUPS = 64
"""Names are summed in groups: an element for each name would cost more than all the rest of fitting."""


def _name_counts(log: UserLog, options: DiscretizeOptions) -> Iterator[tuple[int, NameCounts]]:
    groups: dict[int, NameCounts] = {}
    for name, count in vocabularies.count_names(log, options):
        groups.setdefault(zlib.crc32(name[1]) % _NAME_GROUPS, {})[name] = count
    yield from groups.items()


class SumCounts(beam.CombineFn):  # type: ignore[misc]
    """Counts by name -> their sums by name."""

    def create_accumulator(self) -> NameCounts:
        return {}

    def add_input(self, accumulator: NameCounts, counts: NameCounts) -> NameCounts:
        for name, count in counts.items():
            accumulator[name] = accumulator.get(name, 0) + count
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[NameCounts]) -> NameCounts:
        merged = self.create_accumulator()
        for counts in accumulators:
            merged = self.add_input(merged, counts)
        return merged

    def extract_output(self, accumulator: NameCounts) -> NameCounts:
        return accumulator


def _frequent(group: tuple[int, NameCounts], min_count: int) -> list[vocabularies.NameCount]:
    return [(name, count) for name, count in group[1].items() if count >= min_count]


def _states(
    group: tuple[int, NameCounts], min_count: int, earlier: Vocabulary | None
) -> Iterable[tuple[tuple[str, ...], int]]:
    states = (vocabularies.name_state(item, min_count, earlier)[0] for item in group[1].items())
    return Counter(states).items()


class FitVocabulary(beam.PTransform):  # type: ignore[misc]
    """UserLogs -> (one `vocabularies.Fitted`, counts of the names by what became of them)."""

    def __init__(self, schema: Schema, options: DiscretizeOptions, earlier: Vocabulary | None):
        super().__init__()
        self._schema = schema
        self._options = options
        self._earlier = earlier

    def expand(self, logs: Any) -> Any:
        least, earlier = self._options.min_count, self._earlier
        names = (
            logs
            | "Count the user's names" >> beam.FlatMap(_name_counts, self._options)
            | "Sum by name" >> beam.CombinePerKey(SumCounts())
        )
        fitted = (
            names
            | "Keep frequent names" >> beam.Map(_frequent, least)
            | "Gather names" >> beam.combiners.ToList()
            | "Freeze ids" >> beam.Map(self._fit)
        )
        return fitted, names | "Tell rare names" >> beam.FlatMap(_states, least, earlier)

    def _fit(self, groups: list[list[vocabularies.NameCount]]) -> vocabularies.Fitted:
        counts = itertools.chain.from_iterable(groups)
        return vocabularies.fit(counts, self._schema, self._options, self._earlier)
