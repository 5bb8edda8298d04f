"""A baseline: one classifier of aggregates for each intent; how it is fitted, saved, read, and asked."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from edgedipn_tf.baselines.aggregates import Aggregates, Inputs
from edgedipn_tf.baselines.gbdt import Gbdt
from edgedipn_tf.baselines.logistic_regression import LogisticRegression
from edgedipn_tf.commands import InputError
from edgedipn_tf.publishing import publish_folder, read_json, write_bytes, write_json
from edgedipn_tf.schema import Intent, Level


class Classifier(Protocol):
    """What a baseline is made of; see the classes for arguments and results."""

    suffix: str

    @classmethod
    def fit(
        cls, values: NDArray[np.float32], labels: NDArray[np.int64], is_held_out: NDArray[np.bool_], seed: int
    ) -> tuple[Self, dict[str, float]]: ...

    def logits(self, values: NDArray[np.float32]) -> NDArray[np.float64]: ...

    def to_text(self) -> str: ...

    @classmethod
    def from_text(cls, text: str) -> Self: ...


CLASSIFIERS: dict[str, type[Classifier]] = {"gbdt": Gbdt, "logistic_regression": LogisticRegression}
"""By the family of a model, as in `models.catalog`."""
AGGREGATES_FILE = "aggregates.json"


@dataclasses.dataclass(frozen=True)
class Baseline:
    """One classifier an intent.

    Attributes:
        aggregates: what they are asked about.
        classifiers: by the name of the intent.
    """

    aggregates: Aggregates
    classifiers: Mapping[str, Classifier]

    @property
    def intents(self) -> tuple[Intent, ...]:
        """The intents that have a classifier, in the order of the schema."""
        return tuple(intent for intent in self.aggregates.schema.intents if intent.name in self.classifiers)

    def logits(self, inputs: Inputs) -> dict[str, NDArray[np.float64]]:
        """Returns the log-odds of a batch by intent, (B, 1), or (B, K) for category intents."""
        samples = self.aggregates.of_samples(inputs)
        found = {}
        for intent in self.intents:
            values = samples[:, None, :]
            if intent.level is not Level.NONE:
                values = join_candidates(samples, self.aggregates.of_candidates(inputs, intent.level))
            flat = self.classifiers[intent.name].logits(values.reshape(-1, values.shape[-1]))
            found[intent.name] = flat.reshape(values.shape[:-1])
        return found

    def save(self, folder: pathlib.Path) -> None:
        """Writes the names of the aggregates and a file for each intent; the folder is whole or absent."""
        with publish_folder(folder, overwrite=True) as partial:
            write_json(partial / AGGREGATES_FILE, self.aggregates.to_json())
            for name, classifier in self.classifiers.items():
                write_bytes(partial / f"{name}{classifier.suffix}", classifier.to_text().encode())


def join_candidates(samples: NDArray[np.float32], candidates: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the aggregates of (sample, candidate) pairs, (B, K, names), from (B, names) and (B, K, names)."""
    repeated = np.broadcast_to(samples[:, None, :], (*candidates.shape[:2], samples.shape[1]))
    return np.concatenate([repeated, candidates], axis=2)


def read_baseline(folder: pathlib.Path, family: str, aggregates: Aggregates) -> Baseline:
    """Reads what `save` wrote.

    Args:
        folder: of the files.
        family: a name of `CLASSIFIERS`.
        aggregates: of the dataset it is asked about.

    Raises:
        InputError: naming the file, when one is no such file or was made for other aggregates.
    """
    remedy = "train again into another --workdir"
    if read_json(folder / AGGREGATES_FILE, "names of aggregates", remedy) != aggregates.to_json():
        raise InputError(f"{folder / AGGREGATES_FILE} names other aggregates than this program computes: {remedy}")
    classifier, found = CLASSIFIERS[family], {}
    for path in sorted(set(folder.glob(f"*{classifier.suffix}")) - {folder / AGGREGATES_FILE}):
        try:
            found[path.stem] = classifier.from_text(path.read_text(encoding="utf-8"))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is not a {family} ({' '.join(str(error).split())[:200]}): {remedy}") from None
    return Baseline(aggregates, found)
