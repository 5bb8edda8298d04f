"""Opens a bundle made by the converter: everything is checked before anything of it is run or pushed to a device.

A bundle may come from anywhere, so its manifest is treated as foreign text: names must be plain, files must lie inside
the bundle and match their SHA-256.
"""

import dataclasses
import hashlib
import json
import pathlib
import re
import zipfile
import zlib
from typing import Any

import numpy as np

from edgedipn_tf.commands import InputError
from edgedipn_tf.publishing import file_sha256

FORMAT_VERSION = 3
MANIFEST_NAME = "manifest.json"
REMEDY = "copy the bundle again, or make it again with `python -m edgedipn_tf.convert`"

MEASURED_KIND = "predict"
"""Kind of the signatures that are measured: those that come with samples and answer for every intent."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
# What NumPy, zipfile and zlib raise for a file that is no archive, or a damaged or encrypted one.
_DAMAGED = (ValueError, TypeError, AttributeError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error)
_DTYPES = ("float32", "int32", "int64")


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One named input or output of a file's signature; the first dimension is the batch of 1."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Samples:
    """Real evaluation samples.

    Inputs by name are [N, ...] without the batch axis; by output there are Keras' probabilities, the labels and whether
    each label is known, all [N, places].
    """

    inputs: dict[str, np.ndarray]
    expected: dict[str, np.ndarray]
    num_samples: int
    labels: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    is_known: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def feed(self, index: int) -> dict[str, np.ndarray]:
        """Returns the inputs of one sample as a batch of 1; the index wraps around."""
        place = index % self.num_samples
        return {name: array[place : place + 1] for name, array in self.inputs.items()}


@dataclasses.dataclass(frozen=True)
class ModelFile:
    """One `.tflite` file of a bundle, by one of its signatures: a file of several lengths is listed once for each."""

    path: pathlib.Path
    recipe: str
    sha256: str
    size_bytes: int
    signature: str
    num_signatures: int  # of the file
    max_length: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    samples: Samples = dataclasses.field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The file's name, which is plain."""
        return self.path.name


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A verified bundle."""

    path: pathlib.Path
    manifest_sha256: str
    model: str
    project_version: str
    commit: str | None
    schema_fingerprint: str
    vocabulary_fingerprint: str
    files: tuple[ModelFile, ...]


def open_bundle(path: pathlib.Path) -> Bundle:
    """Reads and verifies a bundle.

    Raises:
        InputError: one line naming the file and the remedy, when anything is missing, truncated, changed, of an unknown
            format version or not what the manifest says.
    """
    manifest_path = path / MANIFEST_NAME
    if not manifest_path.is_file():
        raise InputError(f"{path} is not a bundle (it has no {MANIFEST_NAME}): pass the folder that convert wrote")
    content = manifest_path.read_bytes()
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError) as error:  # the latter for JSON that is nested too deep
        raise InputError(f"{manifest_path} is not JSON ({error}): {REMEDY}") from None
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if version != FORMAT_VERSION:
        raise InputError(
            f"{manifest_path} has format version {version!r}, this program reads {FORMAT_VERSION}: {REMEDY}"
        )
    reader = _Reader(manifest_path)
    archives = _verified_archives(reader, path, manifest)
    files = [
        signature
        for index, item in enumerate(reader.get(manifest, "files", list))
        for signature in _model_files(reader, path, index, item, archives)
    ]
    if not files:
        raise InputError(f"{manifest_path} lists no files with a signature to measure: {REMEDY}")
    return Bundle(
        path=path,
        manifest_sha256=hashlib.sha256(content).hexdigest(),
        model=reader.get(manifest, "model", str),
        project_version=reader.get(manifest, "project_version", str),
        commit=manifest.get("commit") and reader.get(manifest, "commit", str),
        schema_fingerprint=reader.get(manifest, "schema_fingerprint", str),
        vocabulary_fingerprint=reader.get(manifest, "vocabulary_fingerprint", str),
        files=tuple(files),
    )


class _Reader:
    """Reads typed fields of the manifest; every error names the manifest and the field."""

    def __init__(self, manifest_path: pathlib.Path) -> None:
        self.manifest_path = manifest_path

    def get(self, values: Any, key: str, kind: type, place: str = "") -> Any:
        where = f"{place}.{key}" if place else key
        if not isinstance(values, dict) or key not in values:
            raise InputError(f"{self.manifest_path}: {where} is missing: {REMEDY}")
        if type(values[key]) is not kind:
            raise self.error(where, f"is {type(values[key]).__name__}, expected {kind.__name__}")
        return values[key]

    def plain_name(self, values: Any, key: str, place: str) -> str:
        name: str = self.get(values, key, str, place)
        if not _PLAIN_NAME.fullmatch(name):
            raise self.error(f"{place}.{key}", f"{name!r} is not a plain name (letters, digits, '.', '_' and '-')")
        return name

    def error(self, where: str, message: str) -> InputError:
        return InputError(f"{self.manifest_path}: {where} {message}: {REMEDY}")


def _model_files(
    reader: _Reader, folder: pathlib.Path, index: int, values: Any, archives: dict[str, dict[str, np.ndarray]]
) -> list[ModelFile]:
    """Returns the measured signatures of one file."""
    place = f"files[{index}]"
    name = reader.plain_name(values, "name", place)
    sha256 = reader.get(values, "sha256", str, place)
    size_bytes = reader.get(values, "size_bytes", int, place)
    _verify(folder, folder / name, sha256, size_bytes)
    signatures = reader.get(values, "signatures", list, place)
    found = []
    for number, item in enumerate(signatures):
        where = f"{place}.signatures[{number}]"
        if reader.get(item, "kind", str, where) != MEASURED_KIND:
            continue
        inputs, outputs = (_tensors(reader, item, side, where) for side in ("inputs", "outputs"))
        archive = reader.get(item, "samples", str, where)
        if archive not in archives:
            raise reader.error(f"{where}.samples", f"{archive!r} is none of benchmark_samples")
        found.append(
            ModelFile(
                path=folder / name,
                recipe=reader.plain_name(values, "recipe", place),
                sha256=sha256,
                size_bytes=size_bytes,
                signature=reader.plain_name(item, "name", where),
                num_signatures=len(signatures),
                max_length=reader.get(item, "length", int, where),
                inputs=inputs,
                outputs=outputs,
                samples=_samples(folder / archive, archives[archive], inputs, outputs, name),
            )
        )
    return found


def _tensors(reader: _Reader, values: Any, key: str, place: str) -> tuple[Tensor, ...]:
    tensors = []
    for index, item in enumerate(reader.get(values, key, list, place)):
        where = f"{place}.{key}[{index}]"
        dtype, shape = reader.get(item, "dtype", str, where), reader.get(item, "shape", list, where)
        if dtype not in _DTYPES:
            raise reader.error(f"{where}.dtype", f"{dtype!r} is none of {', '.join(_DTYPES)}")
        if not shape or shape[0] != 1 or not all(type(size) is int and size > 0 for size in shape):
            raise reader.error(f"{where}.shape", f"{shape} is not a list of sizes that begins with 1")
        tensors.append(Tensor(reader.plain_name(item, "name", where), dtype, tuple(shape)))
    names = [tensor.name for tensor in tensors]
    if not names or len(set(names)) != len(names):
        raise reader.error(f"{place}.{key}", "is empty or names a tensor twice")
    return tuple(tensors)


def _verify(folder: pathlib.Path, path: pathlib.Path, sha256: str, size_bytes: int | None = None) -> None:
    if not path.is_file():
        raise InputError(f"{path} is missing: {REMEDY}")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{path} leads out of the bundle: {REMEDY}")
    actual_bytes = path.stat().st_size
    if size_bytes is not None and actual_bytes < size_bytes:
        raise InputError(f"{path} is truncated ({actual_bytes} of {size_bytes} bytes): {REMEDY}")
    if file_sha256(path) != sha256:
        raise InputError(f"{path} was changed (its SHA-256 is not the manifest's): {REMEDY}")


def _verified_archives(
    reader: _Reader, folder: pathlib.Path, manifest: dict[str, Any]
) -> dict[str, dict[str, np.ndarray]]:
    """Returns the arrays of every archive of samples by its path inside the bundle."""
    archives = {}
    for index, item in enumerate(reader.get(manifest, "benchmark_samples", list)):
        place = f"benchmark_samples[{index}]"
        name = reader.get(item, "name", str, place)
        if not all(_PLAIN_NAME.fullmatch(part) for part in name.split("/")):
            raise reader.error(f"{place}.name", f"{name!r} is not a plain path inside the bundle")
        path = folder / name
        _verify(folder, path, reader.get(item, "sha256", str, place))
        try:
            with np.load(path, allow_pickle=False) as archive:
                archives[name] = {key: archive[key] for key in archive.files}
        except _DAMAGED as error:
            raise InputError(f"{path} is not a NumPy archive ({error}): {REMEDY}") from None
    return archives


def _samples(
    path: pathlib.Path,
    arrays: dict[str, np.ndarray],
    inputs: tuple[Tensor, ...],
    outputs: tuple[Tensor, ...],
    file: str,
) -> Samples:
    first = arrays.get(inputs[0].name, np.empty(0))
    num_samples = len(first) if first.ndim else 0
    if num_samples < 1:
        raise InputError(f"{path} has no samples of {inputs[0].name!r}, which {file} needs: {REMEDY}")
    samples = Samples({}, {}, num_samples)
    for tensor in inputs:
        samples.inputs[tensor.name] = _array(path, arrays, tensor.name, tensor, num_samples, file)
    for tensor in outputs:
        key = f"expected_{tensor.name}"
        samples.expected[tensor.name] = _array(path, arrays, key, tensor, num_samples, file)
        samples.labels[tensor.name] = _bits(path, arrays, f"label_{tensor.name}", tensor, num_samples)
        samples.is_known[tensor.name] = _bits(path, arrays, f"weight_{tensor.name}", tensor, num_samples) > 0
    return samples


def _bits(path: pathlib.Path, arrays: dict[str, np.ndarray], key: str, output: Tensor, num_samples: int) -> np.ndarray:
    """Returns an array of 0 and 1 of the form of an output, or refuses it."""
    array = _array(path, arrays, key, dataclasses.replace(output, dtype="int8"), num_samples, output.name)
    if not np.isin(array, (0, 1)).all():
        raise InputError(f"{path}: {key} holds other numbers than 0 and 1: {REMEDY}")
    return array


def _array(
    path: pathlib.Path, arrays: dict[str, np.ndarray], key: str, tensor: Tensor, num_samples: int, file: str
) -> np.ndarray:
    """Returns one array of the archive, or refuses it where it does not fit the file's tensor."""
    if key not in arrays:
        raise InputError(f"{path} has no array {key!r}, which {file} needs: {REMEDY}")
    array, shape = arrays[key], (num_samples, *tensor.shape[1:])
    if array.dtype.name != tensor.dtype or array.shape != shape:
        actual = f"{array.dtype.name} {list(array.shape)}"
        raise InputError(f"{path}: {key} is {actual}, {file} needs {tensor.dtype} {list(shape)}: {REMEDY}")
    return array
