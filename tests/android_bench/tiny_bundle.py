"""A bundle as the converter writes it, around a tiny real model whose outputs are known on paper.

The model is kept in testdata, so that these tests need not load TensorFlow; `python -m tests.android_bench.tiny_bundle`
makes it.
"""

import hashlib
import json
import pathlib
import tempfile
from typing import Any

import numpy as np

NUM_SAMPLES = 8
LENGTH = 4
LADDER = (2, 4)


def inputs_of(length: int) -> list[dict[str, Any]]:
    """Returns the inputs of a signature with so many steps."""
    return [
        {"name": "swipe", "dtype": "int32", "shape": [1, length, 3]},
        {"name": "profile", "dtype": "int32", "shape": [1, 6]},
    ]


SAMPLES = "benchmark/samples.npz"
OUTPUTS = [
    {"name": "realtime_purchase", "dtype": "float32", "shape": [1, 1]},
    {"name": "leaf_category", "dtype": "float32", "shape": [1, 2]},
]


TESTDATA = pathlib.Path(__file__).parent.parent / "testdata"
TINY_TFLITE = TESTDATA / "tiny_bundle.tflite"
TINY_LADDER = TESTDATA / "tiny_ladder.tflite"


def make_tiny_tflite(lengths: dict[str, int]) -> bytes:
    """Returns a file with signatures of so many steps, by name: s and p are the means of swipe and profile;

    realtime_purchase = sigmoid(s - p), leaf_category = (sigmoid(s), sigmoid(p)).
    """
    import tensorflow as tf

    def predict(swipe, profile):
        s = tf.reduce_mean(tf.cast(swipe, tf.float32), axis=[1, 2])
        p = tf.reduce_mean(tf.cast(profile, tf.float32), axis=1)
        logits = {"realtime_purchase": (s - p)[:, None], "leaf_category": tf.stack([s, p], axis=1)}
        return {name: tf.sigmoid(value) for name, value in logits.items()}

    signatures = {}
    for name, length in lengths.items():
        specs = [tf.TensorSpec(each["shape"], tf.int32, name=each["name"]) for each in inputs_of(length)]
        signatures[name] = tf.function(predict).get_concrete_function(*specs)
    with tempfile.TemporaryDirectory() as folder:  # only a SavedModel keeps the names of inputs and outputs
        tf.saved_model.save(tf.Module(), folder, signatures=signatures)
        return tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(lengths)).convert()


def arrays(length: int = LENGTH) -> dict[str, np.ndarray]:
    """Returns the samples: in sample i every id of swipe is i + 1 and every id of profile is 2.

    Of realtime_purchase both labels are known, of leaf_category one.
    """
    ids = np.arange(1, NUM_SAMPLES + 1)
    sigmoid = 1 / (1 + np.exp(-np.stack([ids - 2.0, ids, np.full(NUM_SAMPLES, 2.0)], axis=1)))
    return {
        "swipe": np.broadcast_to(ids[:, None, None], (NUM_SAMPLES, length, 3)).astype(np.int32),
        "profile": np.full((NUM_SAMPLES, 6), 2, np.int32),
        "expected_realtime_purchase": sigmoid[:, :1].astype(np.float32),
        "expected_leaf_category": sigmoid[:, 1:].astype(np.float32),
        "label_realtime_purchase": np.array([[0, 0, 1, 0, 1, 1, 1, 0]], np.int8).T,
        "weight_realtime_purchase": np.array([[1, 1, 1, 1, 1, 1, 1, 0]], np.int8).T,
        "label_leaf_category": np.zeros((NUM_SAMPLES, 2), np.int8),
        "weight_leaf_category": np.ones((NUM_SAMPLES, 2), np.int8),
    }


def write_bundle(
    folder: pathlib.Path, tflite: bytes, names: tuple[str, ...] = ("tiny_float32.tflite",), **changed: np.ndarray
) -> pathlib.Path:
    """Writes a bundle with the same model under each name; `changed` replaces arrays of its samples."""
    (folder / "benchmark").mkdir(parents=True)
    np.savez(folder / SAMPLES, **{**arrays(), **changed})
    signatures = [_signature("predict", LENGTH, SAMPLES)]
    _write(folder, {name: (tflite, signatures) for name in names})
    return folder


def write_ladder(folder: pathlib.Path) -> pathlib.Path:
    """Writes a bundle of one file with the signatures predict_2 and predict_4, and one that is not measured."""
    (folder / "benchmark").mkdir(parents=True)
    signatures = [{**_signature("predict_4", LENGTH, None), "name": "encode", "kind": "encode"}]
    for length in LADDER:
        name = f"benchmark/predict_{length}.npz"
        np.savez(folder / name, **arrays(length))
        signatures.append(_signature(f"predict_{length}", length, name))
    _write(folder, {"tiny_float32.tflite": (TINY_LADDER.read_bytes(), signatures)})
    return folder


def _write(folder: pathlib.Path, files: dict[str, tuple[bytes, list[dict[str, Any]]]]) -> None:
    for name, (tflite, _) in files.items():
        (folder / name).write_bytes(tflite)
    samples = sorted(path.relative_to(folder) for path in (folder / "benchmark").iterdir())
    manifest = {
        "format_version": 3,
        "model": "edgedipn",
        "max_length": LENGTH,
        "schema_fingerprint": "schema",
        "vocabulary_fingerprint": "vocabulary",
        "project_version": "0.1.0",
        "commit": None,
        "intents": [],
        "files": [_file(name, *parts) for name, parts in files.items()],
        "benchmark_samples": [
            {"name": str(name), "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()} for name in samples
        ],
    }
    write_manifest(folder, manifest)


def read_manifest(folder: pathlib.Path) -> Any:
    """Returns the manifest of a bundle."""
    return json.loads((folder / "manifest.json").read_text())


def write_manifest(folder: pathlib.Path, manifest: Any) -> None:
    """Writes the manifest of a bundle."""
    (folder / "manifest.json").write_text(json.dumps(manifest))


def rename(file: dict[str, Any], key: str, name: str) -> None:
    """Gives a file of a manifest another `name`, `recipe`, or name of its `signature`."""
    if key == "signature":
        file["signatures"][0]["name"] = name
    else:
        file[key] = name


def _signature(name: str, length: int, samples: str | None) -> dict[str, Any]:
    inputs = inputs_of(length)
    return {"name": name, "kind": "predict", "length": length, "inputs": inputs, "outputs": OUTPUTS, "samples": samples}


def _file(name: str, tflite: bytes, signatures: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "recipe": name.removeprefix("tiny_").removesuffix(".tflite"),
        "sha256": hashlib.sha256(tflite).hexdigest(),
        "size_bytes": len(tflite),
        "signatures": signatures,
    }


if __name__ == "__main__":
    TINY_TFLITE.write_bytes(make_tiny_tflite({"predict": LENGTH}))
    TINY_LADDER.write_bytes(make_tiny_tflite({f"predict_{length}": length for length in LADDER}))
