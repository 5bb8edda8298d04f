"""Reads the folder of a finished training run: what to convert, and what it was trained on."""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras

from edgedipn_tf.commands import InputError
from edgedipn_tf.models import variants  # noqa: F401  registers the classes a model.keras is made of
from edgedipn_tf.models.catalog import find_variant
from edgedipn_tf.publishing import read_json
from edgedipn_tf.schema import Schema
from edgedipn_tf.schema_files import read_schema, read_vocabulary
from edgedipn_tf.workdir import LOCATION_SETTINGS, Workdir

if TYPE_CHECKING:
    from edgedipn_tf.baselines.baseline import Baseline

_REMEDY = "train with edgedipn_tf.train until it ends, or name another --workdir"


@dataclasses.dataclass(frozen=True)
class FinishedRun:
    """A finished training run.

    Attributes:
        path: its folder.
        model_name: name of the model.
        max_length: steps of the sequences it was trained on.
        data: folder of the dataset it was trained on.
        schema: what the inputs hold.
        vocabulary_fingerprint: identity of the vocabulary it was trained on.
        settings: how it was trained, without the folders.
    """

    path: pathlib.Path
    model_name: str
    max_length: int
    data: str
    schema: Schema
    vocabulary_fingerprint: str
    settings: Mapping[str, Any]

    @property
    def is_baseline(self) -> bool:
        """Whether it trained classifiers of aggregates and no network."""
        return find_variant(self.model_name).is_baseline

    @property
    def model_file(self) -> pathlib.Path:
        """The network's file.

        Raises:
            InputError: when the run trained none.
        """
        if self.is_baseline:
            raise InputError(
                f"{self.path} holds {self.model_name}, a baseline on counts and not a network: it can be evaluated, "
                "but not converted, explained or started from; name the --workdir of a network"
            )
        return Workdir(self.path).model

    @functools.cached_property
    def model(self) -> keras.Model:
        """The trained network, read once.

        Raises:
            InputError: when the run trained none, or its file cannot be read.
        """
        path = self.model_file
        try:
            return keras.models.load_model(path, compile=False)
        except (OSError, ValueError, TypeError, KeyError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"{path} cannot be read ({reason}): {_REMEDY}") from None

    def load_baseline(self) -> "Baseline":
        """Returns the trained baseline.

        Raises:
            InputError: when its files cannot be read, or were made for other aggregates.
        """
        # These load LightGBM, which networks do without.
        from edgedipn_tf.baselines.aggregates import Aggregates
        from edgedipn_tf.baselines.baseline import read_baseline

        vocabulary = read_vocabulary(self.path / "vocabulary.json", self.schema, _REMEDY)
        variant = find_variant(self.model_name)
        aggregates = Aggregates(self.schema, vocabulary, self.max_length, variant.arguments["views"])
        return read_baseline(Workdir(self.path).baseline, variant.family, aggregates)

    def refuse_other_data(self, path: pathlib.Path, fingerprints: Mapping[str, str]) -> None:
        """Refuses a dataset that the model was not trained on.

        Args:
            path: folder of the dataset.
            fingerprints: of its `schema` and its `vocabulary`.

        Raises:
            InputError: naming both fingerprints.
        """
        own = {"schema": self.schema.fingerprint, "vocabulary": self.vocabulary_fingerprint}
        for what, fingerprint in own.items():
            if fingerprints[what] != fingerprint:
                raise InputError(
                    f"{path} has the {what} {fingerprints[what]}, but {self.path} was trained on {fingerprint}: "
                    "pass --data with the dataset it was trained on"
                )


def open_finished_run(path: pathlib.Path) -> FinishedRun:
    """Reads a finished training run.

    Raises:
        InputError: in one line, when the run has not ended, or its descriptions do not fit each other.
    """
    for name, exists in {
        "model.keras": Workdir(path).has_model,
        "metrics.json": Workdir(path).metrics.is_file(),
    }.items():
        if not exists:
            raise InputError(f"{path} is not a finished training run (it has no {name}): {_REMEDY}")
    config = read_json(path / "config.json", "the settings of a training run", _REMEDY)
    schema = read_schema(path / "schema.json", _REMEDY)
    found = {
        "schema": schema.fingerprint,
        "vocabulary": read_vocabulary(path / "vocabulary.json", schema, _REMEDY).fingerprint,
    }
    try:
        for what, fingerprint in found.items():
            if config[f"{what}_fingerprint"] != fingerprint:
                raise InputError(
                    f"{path / what}.json has the fingerprint {fingerprint}, but config.json says "
                    f"{config[f'{what}_fingerprint']}: {_REMEDY}"
                )
        return FinishedRun(
            path=path,
            model_name=config["model"],
            max_length=int(config["max_length"]),
            data=config["data"],
            schema=schema,
            vocabulary_fingerprint=found["vocabulary"],
            settings={name: value for name, value in config.items() if name not in LOCATION_SETTINGS},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path / 'config.json'} is not that of a training run ({error!r}): {_REMEDY}") from None
