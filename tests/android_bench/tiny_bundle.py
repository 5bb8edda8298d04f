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
INPUTS = [
    {"name": "swipe", "dtype": "int32", "shape": [1, 4, 3]},
    {"name": "profile", "dtype": "int32", "shape": [1, 6]},
]
OUTPUTS = [
    {"name": "realtime_purchase", "dtype": "float32", "shape": [1, 1]},
    {"name": "leaf_category", "dtype": "float32", "shape": [1, 2]},
]


TINY_TFLITE = pathlib.Path(__file__).parent.parent / "testdata" / "tiny_bundle.tflite"


def make_tiny_tflite() -> bytes:
    """Returns a file with the signature `predict`: s and p are the means of swipe and profile;

    realtime_purchase = sigmoid(s - p), leaf_category = (sigmoid(s), sigmoid(p)).
    """
    import tensorflow as tf

    class Tiny(tf.Module):
        @tf.function(
            input_signature=[tf.TensorSpec(each["shape"], tf.int32, name=each["name"]) for each in INPUTS],
        )
        def predict(self, swipe, profile):
            s = tf.reduce_mean(tf.cast(swipe, tf.float32), axis=[1, 2])
            p = tf.reduce_mean(tf.cast(profile, tf.float32), axis=1)
            logits = {"realtime_purchase": (s - p)[:, None], "leaf_category": tf.stack([s, p], axis=1)}
            return {name: tf.sigmoid(value) for name, value in logits.items()}

    tiny = Tiny()
    with tempfile.TemporaryDirectory() as folder:  # only a SavedModel keeps the names of inputs and outputs
        tf.saved_model.save(tiny, folder, signatures={"predict": tiny.predict})
        return tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["predict"]).convert()


def arrays() -> dict[str, np.ndarray]:
    """Returns samples.npz: in sample i every id of swipe is i + 1 and every id of profile is 2.

    Of realtime_purchase both labels are known, of leaf_category one.
    """
    ids = np.arange(1, NUM_SAMPLES + 1)
    sigmoid = 1 / (1 + np.exp(-np.stack([ids - 2.0, ids, np.full(NUM_SAMPLES, 2.0)], axis=1)))
    return {
        "swipe": np.broadcast_to(ids[:, None, None], (NUM_SAMPLES, 4, 3)).astype(np.int32),
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
    """Writes a bundle with the same model under each name; `changed` replaces arrays of samples.npz."""
    (folder / "benchmark").mkdir(parents=True)
    samples = folder / "benchmark" / "samples.npz"
    np.savez(samples, **{**arrays(), **changed})
    for name in names:
        (folder / name).write_bytes(tflite)
    manifest = {
        "format_version": 2,
        "model": "edgedipn",
        "max_length": 4,
        "schema_fingerprint": "schema",
        "vocabulary_fingerprint": "vocabulary",
        "project_version": "0.1.0",
        "commit": None,
        "intents": [],
        "files": [_file(name, tflite) for name in names],
        "benchmark_samples": {
            "file": "benchmark/samples.npz",
            "sha256": hashlib.sha256(samples.read_bytes()).hexdigest(),
            "num_samples": NUM_SAMPLES,
        },
    }
    write_manifest(folder, manifest)
    return folder


def read_manifest(folder: pathlib.Path) -> Any:
    """Returns the manifest of a bundle."""
    return json.loads((folder / "manifest.json").read_text())


def write_manifest(folder: pathlib.Path, manifest: Any) -> None:
    """Writes the manifest of a bundle."""
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _file(name: str, tflite: bytes) -> dict[str, Any]:
    return {
        "name": name,
        "recipe": name.removeprefix("tiny_").removesuffix(".tflite"),
        "sha256": hashlib.sha256(tflite).hexdigest(),
        "size_bytes": len(tflite),
        "signature": "predict",
        "max_length": 4,
        "inputs": INPUTS,
        "outputs": OUTPUTS,
    }


if __name__ == "__main__":
    TINY_TFLITE.write_bytes(make_tiny_tflite())
