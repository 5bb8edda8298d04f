"""The bundle: everything an app ships, described by manifest.json, which is written last and checked by hashes.

manifest.json      what the files are, their signatures, operators, hashes and fingerprints
*.tflite           one file a recipe, or one a length where the recipe does not share weights
schema.json        what the inputs hold          vocabulary.json   names to ids
parity.json        how far each file is from Keras
benchmark/         real samples to measure with, for each signature; an app leaves them out
"""

import dataclasses
import pathlib
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.parity import Labels
from edgedipn_tf.conversion.signatures import INPUT_UNIT, OUTPUT_UNIT, UNITS, SignatureKey
from edgedipn_tf.conversion.tflite_file import Operator, read_content
from edgedipn_tf.publishing import file_sha256, read_json, write_json
from edgedipn_tf.schema import Schema
from edgedipn_tf.schema_files import read_schema, read_vocabulary

FORMAT_VERSION = 3
MANIFEST = "manifest.json"
SCHEMA = "schema.json"
VOCABULARY = "vocabulary.json"
PARITY = "parity.json"
SAMPLES_FOLDER = "benchmark"
INFERENCE_GRAPH, PLAIN_GRAPH = GRAPH_FORMS = ("inference", "plain")
EXPECTED_PREFIX, LABEL_PREFIX, WEIGHT_PREFIX = "expected_", "label_", "weight_"
_REMEDY = "make the bundle again with edgedipn_tf.convert"


@dataclasses.dataclass(frozen=True)
class BundleSignature:
    """One function of a file of a bundle.

    Attributes:
        key: its kind and length.
        inputs: name, dtype and shape of each input.
        outputs: the same of each output.
        samples: path of its samples for benchmarks, inside the bundle; None where there are none.
        units: of inputs whose unit is not that of their kind, by name.
    """

    key: SignatureKey
    inputs: Sequence[Mapping[str, Any]]
    outputs: Sequence[Mapping[str, Any]]
    samples: str | None = None
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Returns what the manifest says of it."""
        units = {**UNITS, **self.units}
        return {
            "name": self.key.name,
            "kind": self.key.kind,
            "length": self.key.length,
            "inputs": [{**tensor, "unit": units.get(tensor["name"], INPUT_UNIT)} for tensor in self.inputs],
            "outputs": [{**tensor, "unit": units.get(tensor["name"], OUTPUT_UNIT)} for tensor in self.outputs],
            "samples": self.samples,
        }


@dataclasses.dataclass(frozen=True)
class BundleFile:
    """One TFLite file of a bundle.

    Attributes:
        name: file name.
        recipe: name of the recipe it was made by.
        signatures: its functions.
        operators: the operators it uses, with versions.
        minimum_runtime: the release of TFLite since which it runs, as the converter notes it.
        is_degraded: whether it is farther from Keras than its recipe tolerates, and was let through by a flag.
    """

    name: str
    recipe: str
    signatures: Sequence[BundleSignature]
    operators: Sequence[Operator]
    minimum_runtime: str | None
    is_degraded: bool

    def to_json(self) -> dict[str, Any]:
        """Returns what the manifest says of it, but for its hash."""
        return {
            "name": self.name,
            "recipe": self.recipe,
            "signatures": [signature.to_json() for signature in self.signatures],
            "operators": [dataclasses.asdict(operator) for operator in self.operators],
            "minimum_runtime": self.minimum_runtime,
            "is_degraded": self.is_degraded,
        }


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A bundle that was read and found whole.

    Attributes:
        path: its folder.
        manifest: the content of manifest.json.
        schema: what the inputs hold.
    """

    path: pathlib.Path
    manifest: Mapping[str, Any]
    schema: Schema

    @property
    def recipes(self) -> tuple[str, ...]:
        """Names of the recipes that it has files of."""
        return tuple(dict.fromkeys(file["recipe"] for file in self.manifest["files"]))


def write_samples(
    folder: pathlib.Path,
    signature: SignatureKey,
    inputs: Mapping[str, npt.NDArray[np.int32]],
    expected: Mapping[str, npt.NDArray[np.float32]],
    labels: Labels,
) -> str:
    """Writes the samples of a signature for benchmarks.

    Args:
        folder: the bundle's.
        signature: what takes them.
        inputs: (N, ...) by name.
        expected: Keras' probabilities (N, places) by intent, stored as `expected_<intent>`.
        labels: stored as `label_<intent>` and `weight_<intent>`, 0 or 1: a weight of 0 is an unknown label.

    Returns:
        Their path inside the bundle.
    """
    name = f"{SAMPLES_FOLDER}/{signature.name}.npz"
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    arrays = {name: values.astype(np.int32) for name, values in inputs.items()}
    arrays.update({EXPECTED_PREFIX + intent: values.astype(np.float32) for intent, values in expected.items()})
    for prefix, values in ((LABEL_PREFIX, labels.labels), (WEIGHT_PREFIX, labels.weights)):
        arrays.update({prefix + intent: (values[intent] > 0).astype(np.int8) for intent in expected})
    with open(path, "wb") as file:  # savez gives every member the same date: equal samples, equal bytes
        np.savez_compressed(file, allow_pickle=False, **arrays)
    return name


def write_manifest(folder: pathlib.Path, description: Mapping[str, Any], files: Sequence[BundleFile]) -> None:
    """Writes manifest.json, which makes a folder a bundle; everything else has to be there.

    Args:
        folder: the folder that becomes the bundle.
        description: model, form of the graph, fingerprints, versions, intents, thresholds.
        files: the TFLite files.
    """
    samples = dict.fromkeys(s.samples for file in files for s in file.signatures if s.samples)
    manifest = {
        **description,
        "format_version": FORMAT_VERSION,
        "files": [{**file.to_json(), **_identity(folder, file.name)} for file in files],
        "documents": [{"name": name, **_identity(folder, name)} for name in (SCHEMA, VOCABULARY, PARITY)],
        "benchmark_samples": [{"name": name, **_identity(folder, name)} for name in samples],
    }
    write_json(folder / MANIFEST, manifest)


def _identity(folder: pathlib.Path, name: str) -> dict[str, Any]:
    return {"sha256": file_sha256(folder / name), "size_bytes": (folder / name).stat().st_size}


def read_bundle(path: pathlib.Path) -> Bundle:
    """Reads a bundle and checks that it is whole: every hash, the schema's and the vocabulary's fingerprint.

    The samples for benchmarks may be absent, as they are in an app; when they are there, they are checked.

    Raises:
        InputError: in one line, naming the file at fault and the remedy.
    """
    manifest = read_json(path / MANIFEST, "the description of a bundle", _REMEDY)
    if not isinstance(manifest, dict) or manifest.get("format_version") != FORMAT_VERSION:
        found = manifest.get("format_version") if isinstance(manifest, dict) else None
        raise InputError(f"{path / MANIFEST} has format version {found}, not {FORMAT_VERSION}: {_REMEDY}")
    try:
        return _checked(path, manifest)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path / MANIFEST} is damaged ({error!r}): {_REMEDY}") from None


def _checked(path: pathlib.Path, manifest: Mapping[str, Any]) -> Bundle:
    for file in [*manifest["files"], *manifest["documents"]]:
        _check_hash(path / file["name"], file["sha256"])
    for file in manifest["files"]:
        _check_content(path / file["name"], file)
    if manifest["graph"]["form"] not in GRAPH_FORMS:
        raise InputError(
            f"{path / MANIFEST} names the graph {manifest['graph']['form']!r}, not one of {', '.join(GRAPH_FORMS)}: "
            f"{_REMEDY}"
        )
    if (path / SAMPLES_FOLDER).exists():
        for samples in manifest["benchmark_samples"]:
            _check_hash(path / samples["name"], samples["sha256"])
    schema = read_schema(path / SCHEMA, _REMEDY)
    vocabulary = read_vocabulary(path / VOCABULARY, schema, _REMEDY)
    for what, found in (("schema", schema.fingerprint), ("vocabulary", vocabulary.fingerprint)):
        expected = manifest[f"{what}_fingerprint"]
        if found != expected:
            raise InputError(
                f"{path / what}.json has the fingerprint {found}, but {MANIFEST} says {expected}: {_REMEDY}"
            )
    return Bundle(path, manifest, schema)


def _check_content(path: pathlib.Path, described: Mapping[str, Any]) -> None:
    """Refuses a file that is not made of what the manifest says of it."""
    try:
        content = read_content(path.read_bytes())
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, struct.error) as error:
        raise InputError(f"{path} is no TFLite file ({error!r}): {_REMEDY}") from None
    told = {
        signature["name"]: tuple(
            tuple(sorted((tensor["name"], tensor["dtype"], tuple(tensor["shape"])) for tensor in signature[side]))
            for side in ("inputs", "outputs")
        )
        for signature in described["signatures"]
    }
    operators = tuple(Operator(operator["name"], operator["version"]) for operator in described["operators"])
    for what, found, expected in (
        ("signatures", dict(content.signatures), told),
        ("operators", content.operators, operators),
        ("minimum runtime", content.minimum_runtime, described["minimum_runtime"]),
    ):
        if found != expected:
            raise InputError(f"{path} has other {what} than {MANIFEST} says: {_REMEDY}")


def _check_hash(path: pathlib.Path, expected: str) -> None:
    if not path.is_file():
        raise InputError(f"{path} is missing from the bundle: {_REMEDY}")
    if file_sha256(path) != expected:
        raise InputError(f"{path} is not the file that {MANIFEST} describes (SHA-256 differs): {_REMEDY}")
