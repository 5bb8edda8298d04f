"""Finished and failed runs on disk: one small JSON each, under the reports, so that a suite goes on on any machine."""

import dataclasses
import importlib.metadata
import os
import pathlib
import platform
import sys
from collections.abc import Mapping
from typing import Any

from edgedipn_tf.commands import InputError
from edgedipn_tf.experiments.bootstrap import DrawnAuc
from edgedipn_tf.publishing import read_json, write_json

FORMAT_VERSION = 1
_REMEDY = "remove the file to run it again, or choose another --output"
_PACKAGES = ("tensorflow-cpu", "keras", "numpy", "lightgbm", "apache-beam")


@dataclasses.dataclass(frozen=True)
class RunFiles:
    """The runs of one data source and size.

    Attributes:
        folder: of their files.
    """

    folder: pathlib.Path

    def names(self) -> list[str]:
        """Returns the names of all finished runs, those of oracles too, in order."""
        return sorted(path.stem for path in self.folder.glob("*.json") if not path.stem.endswith(".failed"))

    def finished(self, name: str) -> pathlib.Path:
        """Returns where a finished run is described."""
        return self.folder / f"{name}.json"

    def failed(self, name: str) -> pathlib.Path:
        """Returns where the failure of a run is described."""
        return self.folder / f"{name}.failed.json"

    def read(self, name: str) -> dict[str, Any] | None:
        """Returns a finished run, or None.

        Raises:
            InputError: when the file is not that of a run.
        """
        path = self.finished(name)
        if not path.exists():
            return None
        found = read_json(path, "a finished run", _REMEDY)
        if not isinstance(found, dict) or found.get("format_version") != FORMAT_VERSION:
            raise InputError(f"{path} is not a run of this program's format {FORMAT_VERSION}: {_REMEDY}")
        return found

    def failure(self, name: str) -> str | None:
        """Returns why a run failed, or None when it did not."""
        path = self.failed(name)
        return str(read_json(path, "a failed run", _REMEDY)["reason"]) if path.exists() else None

    def check(self, name: str, identity: Mapping[str, Any]) -> bool:
        """Returns whether a run is finished.

        Args:
            name: of the run.
            identity: what decides its result.

        Raises:
            InputError: when the finished run is another one.
        """
        found = self.read(name)
        if found is None:
            return False
        for what, wanted in identity.items():
            if found.get(what) != wanted:
                raise InputError(
                    f"{self.finished(name)} is of another run: its {what} is {found.get(what)}, now {wanted}: {_REMEDY}"
                )
        return True

    def write_failure(self, name: str, reason: str) -> None:
        """Describes a failure."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.failed(name), {"run": name, "reason": reason})


def drawn_aucs(run: Mapping[str, Any]) -> dict[str, DrawnAuc]:
    """Returns the AUCs of a finished run by intent."""
    return {name: DrawnAuc.from_json(values) for name, values in run["intents"].items()}


def surroundings() -> dict[str, Any]:
    """Returns versions and host, for the record of a run; neither the name nor a path of the machine."""
    return {
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in _PACKAGES},
        },
        "host": f"{_processor()}, {os.cpu_count()} CPUs, {sys.platform}",
    }


def in_words(versions: Mapping[str, str]) -> str:
    """Returns versions as a report says them."""
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def _processor() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
