"""The folder of one training run: what it holds, whose it is, whether it is finished.

`config.json` is written first and tells which run the folder belongs to; `metrics.json` is written last, so a folder
with `model.keras` (or `baseline/`, where no network is trained) and `metrics.json` is finished.
"""

import contextlib
import dataclasses
import fcntl
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from edgedipn_tf.commands import InputError
from edgedipn_tf.publishing import read_json, write_bytes, write_json

LOCATION_SETTINGS = ("data", "initial_checkpoint")  # these may be moved: their fingerprints count


@dataclasses.dataclass(frozen=True)
class Workdir:
    """Paths of a training run.

    Attributes:
        path: the folder.
    """

    path: pathlib.Path

    @property
    def config(self) -> pathlib.Path:
        """Resolved settings and fingerprints."""
        return self.path / "config.json"

    @property
    def schema(self) -> pathlib.Path:
        """Copy of the dataset's schema."""
        return self.path / "schema.json"

    @property
    def vocabulary(self) -> pathlib.Path:
        """Copy of the dataset's vocabulary."""
        return self.path / "vocabulary.json"

    @property
    def checkpoints(self) -> pathlib.Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def tensorboard(self) -> pathlib.Path:
        """Folder of the curves."""
        return self.path / "tensorboard"

    @property
    def model(self) -> pathlib.Path:
        """The model with the weights of its best epoch."""
        return self.path / "model.keras"

    @property
    def model_card(self) -> pathlib.Path:
        """What the model is, on what it was trained, how well it does and its limits, for people."""
        return self.path / "MODEL_CARD.md"

    @property
    def baseline(self) -> pathlib.Path:
        """Folder of the classifiers, of a run that trains no network."""
        return self.path / "baseline"

    @property
    def metrics(self) -> pathlib.Path:
        """Metrics of the model on the evaluation split."""
        return self.path / "metrics.json"

    @property
    def has_model(self) -> bool:
        """Whether what was trained is there, a network or a baseline."""
        return self.model.is_file() or self.baseline.is_dir()

    @property
    def is_finished(self) -> bool:
        """Whether training is done."""
        return self.has_model and self.metrics.is_file()

    @contextlib.contextmanager
    def claim(self, settings: Mapping[str, Any], dataset: pathlib.Path) -> Iterator[None]:
        """Holds the folder for one run: makes it, or takes up the same run again; other runs are kept out meanwhile.

        Args:
            settings: resolved settings and fingerprints of the run.
            dataset: folder to copy `schema.json` and `vocabulary.json` from.

        Raises:
            InputError: when the folder holds something else, a run with other settings, or a run that is going on.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            self._lock(descriptor)
            self._check(settings)
            if not self.config.exists():
                write_json(self.config, dict(settings))
            for copy in (self.schema, self.vocabulary):
                if not copy.exists():
                    write_bytes(copy, (dataset / copy.name).read_bytes())
            self.checkpoints.mkdir(exist_ok=True)
            yield
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{self.path} is in use by another run: wait for it, or choose another --workdir"
            ) from None

    def _check(self, settings: Mapping[str, Any]) -> None:
        if not self.config.exists():
            if any(not path.name.startswith(".") for path in self.path.iterdir()):
                raise InputError(f"{self.path} holds files but no training run: choose another --workdir")
            return
        earlier = self.read_config()
        names = [n for n in sorted({*earlier, *settings}) if n not in LOCATION_SETTINGS]
        differing = [
            f"{n}={earlier.get(n)} (now {settings.get(n)})" for n in names if earlier.get(n) != settings.get(n)
        ]
        if differing:
            raise InputError(
                f"{self.path} holds a run with {', '.join(differing)}: "
                "pass the settings of that run, or choose another --workdir"
            )

    def read_config(self) -> dict[str, Any]:
        """Reads the resolved settings and fingerprints.

        Raises:
            InputError: when the folder holds no run.
        """
        return dict(read_json(self.config, "settings of a training run", "name the --workdir of edgedipn_tf.train"))
