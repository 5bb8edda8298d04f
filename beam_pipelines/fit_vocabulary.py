"""The Beam side of the vocabularies: names counted user by user, summed over all users, frozen into ids.

What may get an id is gathered in one place, where the ids are given: of each feature at most `_NAME_GROUPS` times as
many names as it has ids, and the candidate pairs with the minimum count.
"""

import itertools
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindows

from beam_pipelines import vocabularies
from beam_pipelines.encoding import encode_name
from beam_pipelines.options import DiscretizeOptions
from beam_pipelines.tracks import UserLog
from edgedipn_tf.schema import Schema
from edgedipn_tf.vocabulary import Vocabulary

EncodedCounts = dict[tuple[str, bytes, bytes], int]
_NAME_GROUPS = 64
"""Names are summed in groups: an element for each name would cost more than all the rest of fitting."""
_MAX_HELD_NAMES = 1 << 18
"""Names that a worker holds before it hands their counts over."""


class CountNames(beam.DoFn):  # type: ignore[misc]
    """UserLogs -> (group, counts by name), summed over a bundle."""

    def __init__(self, options: DiscretizeOptions):
        self._options = options
        self._counts: vocabularies.NameCounts = Counter()

    def start_bundle(self) -> None:
        self._counts = Counter()

    def process(self, log: UserLog) -> Iterator[tuple[int, EncodedCounts]]:
        vocabularies.count_names(log, self._options, self._counts)
        if len(self._counts) > _MAX_HELD_NAMES:
            yield from self._take()

    def finish_bundle(self) -> Iterator[Any]:
        """Yields what is left of the bundle."""
        yield from map(GlobalWindows.windowed_value, self._take())

    def _take(self) -> Iterator[tuple[int, EncodedCounts]]:
        groups: dict[int, EncodedCounts] = {}
        for (key, name, top), count in self._counts.items():
            encoded = encode_name(name)
            groups.setdefault(zlib.crc32(encoded) % _NAME_GROUPS, {})[key, encoded, encode_name(top)] = count
        self._counts = Counter()
        yield from groups.items()


class SumCounts(beam.CombineFn):  # type: ignore[misc]
    """Counts by name -> their sums by name."""

    def create_accumulator(self) -> EncodedCounts:
        return {}

    def add_input(self, accumulator: EncodedCounts, counts: EncodedCounts) -> EncodedCounts:
        for name, count in counts.items():
            accumulator[name] = accumulator.get(name, 0) + count
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[EncodedCounts]) -> EncodedCounts:
        merged = self.create_accumulator()
        for counts in accumulators:
            merged = self.add_input(merged, counts)
        return merged

    def extract_output(self, accumulator: EncodedCounts) -> EncodedCounts:
        return accumulator


def _frequent(
    group: tuple[int, EncodedCounts], min_count: int, limits: Mapping[str, int], earlier: Vocabulary | None
) -> list[vocabularies.NameCount]:
    """Returns the names of a group that may get an id: of a feature, at most as many as it has ids."""
    by_key: dict[str, list[vocabularies.NameCount]] = {}
    for name, count in group[1].items():
        if count >= min_count:
            by_key.setdefault(name[0], []).append((name, count))
    return [item for key, items in by_key.items() for item in vocabularies.best(key, items, limits.get(key), earlier)]


def _states(
    group: tuple[int, EncodedCounts], min_count: int, earlier: Vocabulary | None
) -> Iterable[tuple[tuple[str, ...], int]]:
    states = (vocabularies.name_state(item, min_count, earlier)[0] for item in group[1].items())
    return Counter(states).items()


class FitVocabulary(beam.PTransform):  # type: ignore[misc]
    """Counts of names -> (one `vocabularies.Fitted`, counts of the names by what became of them)."""

    def __init__(self, schema: Schema, options: DiscretizeOptions, earlier: Vocabulary | None):
        super().__init__()
        self._schema = schema
        self._options = options
        self._earlier = earlier

    def expand(self, counted: Any) -> Any:
        least, earlier = self._options.min_count, self._earlier
        limits = {key: feature.bins for key, feature in self._schema.vocabulary_features().items()}
        names = counted | "Sum by name" >> beam.CombinePerKey(SumCounts())
        fitted = (
            names
            | "Keep frequent names" >> beam.Map(_frequent, least, limits, earlier)
            | "Gather names" >> beam.combiners.ToList()
            | "Freeze ids" >> beam.Map(self._fit)
        )
        return fitted, names | "Tell rare names" >> beam.FlatMap(_states, least, earlier)

    def _fit(self, groups: list[list[vocabularies.NameCount]]) -> vocabularies.Fitted:
        counts = itertools.chain.from_iterable(groups)
        return vocabularies.fit(counts, self._schema, self._options, self._earlier)
