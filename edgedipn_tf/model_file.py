"""Writes a trained model as a `.keras` file: whole or absent, and the same bytes for the same model."""

import json
import os
import pathlib
import zipfile

import keras

_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can name."""


def save_model(model: keras.Model, path: pathlib.Path) -> None:
    """Saves a model.

    Keras writes the time into the archive in two places; here it is a constant, so that runs can be compared.

    Args:
        model: the model; without optimizer when it was never compiled.
        path: the file, ending in .keras.
    """
    timed = path.with_name(f".timed.{path.name}")
    partial = path.with_name(f".partial.{path.name}")
    try:
        model.save(timed)
        _copy_without_time(timed, partial)
        partial.rename(path)
    finally:
        timed.unlink(missing_ok=True)
        partial.unlink(missing_ok=True)


def _copy_without_time(source: pathlib.Path, target: pathlib.Path) -> None:
    with open(target, "wb") as file:
        with zipfile.ZipFile(source) as original, zipfile.ZipFile(file, "w") as copy:
            for name in sorted(original.namelist()):
                content = original.read(name)
                if name == "metadata.json":
                    content = json.dumps({**json.loads(content), "date_saved": "1980-01-01@00:00:00"}).encode()
                copy.writestr(zipfile.ZipInfo(name, _TIME), content)
        file.flush()
        os.fsync(file.fileno())
