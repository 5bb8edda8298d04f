"""From names to ids: the vocabularies that are fitted on the training days and then frozen."""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedipn_tf.commands import InputError
from edgedipn_tf.schema import FIRST_REAL_ID, NOT_APPLICABLE_ID, Schema, canonical_json

REMEDY = "use the vocabulary.json that was written with the dataset, or make the dataset again"


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The known names of every feature of kind VOCABULARY.

    Attributes:
        names: by feature key, the names in the order of their ids: names[key][i] has id i + 2.
    """

    names: Mapping[str, tuple[str, ...]]
    _ids: Mapping[str, Mapping[str | None, int]] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids = {key: {n: i for i, n in enumerate(names, FIRST_REAL_ID)} for key, names in self.names.items()}
        object.__setattr__(self, "_ids", ids)

    @staticmethod
    def from_counts(
        schema: Schema,
        counts: Mapping[str, Mapping[str, int]],
        min_count: int,
        earlier: "Vocabulary | None" = None,
    ) -> "Vocabulary":
        """Fits vocabularies: the most frequent names first, ties by their UTF-8 bytes, as many as the feature has bins.

        Args:
            schema: says which features there are, and their bins.
            counts: how often each name occurred, by feature key; a feature without counts gets no names.
            min_count: names that occurred less often are left out. The empty name is null, and never in.
            earlier: a vocabulary whose names keep their ids, be they frequent or not; new names follow.

        Raises:
            ValueError: when a key is not that of a feature of kind VOCABULARY.
        """
        features = schema.vocabulary_features()
        unknown = sorted(set(counts) - set(features))
        if unknown:
            raise ValueError(f"no vocabulary feature has the key {unknown[0]!r}")
        fitted = {}
        for key, feature in features.items():
            known = () if earlier is None else earlier.names[key]
            frequent = [(n, name) for name, n in counts.get(key, {}).items() if name and n >= min_count]
            frequent.sort(key=lambda item: (-item[0], item[1].encode("utf-8", "surrogatepass")))
            names = dict.fromkeys([*known, *(name for _, name in frequent)])
            fitted[key] = tuple(names)[: feature.bins]
        return Vocabulary(fitted)

    @staticmethod
    def from_json(values: Any, schema: Schema, path: object = "vocabulary.json") -> "Vocabulary":
        """Builds a vocabulary from `to_json` values.

        Args:
            values: what was read.
            schema: the schema that the vocabulary has to fit.
            path: the file they were read from, for messages.

        Raises:
            InputError: naming the file and the feature key, when the values are not a vocabulary of the schema.
        """
        features = schema.vocabulary_features()
        if not isinstance(values, dict):
            raise InputError(f"{path} is not a vocabulary (an object of lists of names): {REMEDY}")
        for key in sorted(set(values) ^ set(features)):
            problem = "is not a vocabulary feature of the schema" if key in values else "is missing"
            raise InputError(f"{path}: feature {key!r} {problem}: {REMEDY}")
        for key, feature in features.items():
            problem = _problem(values[key], feature.bins)
            if problem:
                raise InputError(f"{path}: feature {key!r} {problem}: {REMEDY}")
        return Vocabulary({key: tuple(values[key]) for key in features})

    def to_json(self) -> dict[str, list[str]]:
        """Returns the vocabulary as plain values."""
        return {key: list(names) for key, names in self.names.items()}

    def lookup(self, key: str, names: Iterable[str | None]) -> NDArray[np.int64]:
        """Returns the ids of names of a feature: 1 for null and for a name that is not in the vocabulary.

        Raises:
            KeyError: when the vocabulary has no such feature.
        """
        ids = self._ids[key]
        return np.fromiter((ids.get(name, NOT_APPLICABLE_ID) for name in names), dtype=np.int64)

    def has_name(self, key: str, name: str | None) -> bool:
        """Returns whether a name of a feature has an id."""
        return name in self._ids[key]

    def size(self, key: str) -> int:
        """Returns how many names a feature has; their ids run from 2 to size + 1."""
        return len(self.names[key])

    @property
    def fingerprint(self) -> str:
        """Identity of the vocabulary: the first 16 hexadecimal digits of the SHA-256 of its canonical JSON."""
        return hashlib.sha256(canonical_json(self.to_json())).hexdigest()[:16]


def _problem(names: Any, bins: int) -> str:
    """What is wrong with the names of one feature, or nothing."""
    if not isinstance(names, list):
        return "is not a list of names"
    seen: set[str] = set()
    for name in names:
        if not isinstance(name, str) or not name:
            return f"has a name that is not text, or empty: {name!r}"
        if name in seen:
            return f"has the name {name!r} twice"
        seen.add(name)
    return f"has {len(names)} names but only {bins} bins" if len(names) > bins else ""
