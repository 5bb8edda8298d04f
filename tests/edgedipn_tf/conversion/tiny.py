"""A tiny schema, model, dataset and training run: what a conversion starts from, in seconds instead of hours."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping

import keras
import numpy as np

from edgedipn_tf import examples, records
from edgedipn_tf.models.variants import build_model
from edgedipn_tf.publishing import write_json
from edgedipn_tf.records import UNKNOWN_LABEL, UserDay
from edgedipn_tf.schema import Feature, Schema, View, edgedipn_schema
from edgedipn_tf.vocabulary import Vocabulary
from tests.edgedipn_tf.random_actions import random_ids

MAX_LENGTH = 8
LENGTHS = (4, MAX_LENGTH)
NUM_USERS = 30
NUM_CUTOFFS = 2
INTENTS = ("realtime_purchase", "realtime_leaf_category")


def tiny_schema() -> Schema:
    """Three views of few features; the table of leaf categories is large enough to become int8."""
    whole = edgedipn_schema("UTC", "test")
    kept = {
        "swipe": ("action", "page", "elapsed_time"),
        "tap": ("event", "elapsed_time"),
        "browse": ("action", "leaf_category", "top_category", "elapsed_time", "page_stay"),
    }

    def shrink(feature: Feature) -> Feature:
        return dataclasses.replace(feature, bins=min(feature.bins, 300))

    return dataclasses.replace(
        whole,
        name="tiny",
        views=tuple(View(v.name, tuple(shrink(f) for f in v.features if f.name in kept[v.name])) for v in whole.views),
        history=whole.history[:2],
        profile=whole.profile[:1],
        intents=tuple(intent for intent in whole.intents if intent.name in INTENTS),
        max_length=2 * MAX_LENGTH,
        num_candidates=3,
    )


def tiny_model(name: str, schema: Schema, sources: str = "") -> keras.Model:
    """A variant whose probabilities differ from sample to sample, as fresh weights would not make them."""
    model = build_model(name, schema, sources=sources, units=16, num_hops=2, hidden_units=(16, 8))
    rng = np.random.default_rng(7)
    model.set_weights([rng.normal(scale=0.5, size=w.shape).astype(np.float32) for w in model.get_weights()])
    for embedding in model.embeddings.values():  # scores of pairs of views are far from the inference graph's limit
        embedding.projection.kernel.assign(0.7 * embedding.projection.kernel)
    return model


def empty_vocabulary(schema: Schema) -> Vocabulary:
    return Vocabulary.from_counts(schema, {}, 1)


def user_day(schema: Schema, user: int, labels: np.ndarray) -> UserDay:
    """One user with random actions and two cut-offs; `labels` are uint8 (2, places of all intents)."""
    rng = np.random.default_rng(user)
    times = {view.name: np.sort(rng.integers(0, 10**9, rng.integers(0, 12))) for view in schema.views}
    ids = {view.name: random_ids(rng, view, len(times[view.name])) for view in schema.views}
    return UserDay(
        user_id=f"user {user}".encode(),
        t0_ms=np.array([5 * 10**8, 10**9]),
        times_ms=times,
        ids=ids,
        stay_ms=rng.integers(0, 10**8, len(times["browse"])),
        history=np.array([rng.integers(2, f.table_size) for f in schema.history]),
        profile=np.array([rng.integers(1, f.table_size) for f in schema.profile]),
        pair_names=[(b"leaf", b"top"), (b"other", b"top")],
        pair_ids=np.stack([rng.integers(2, 300, 2), rng.integers(2, 100, 2)], axis=1),
        candidates=np.array([[0, 1, -1]] * NUM_CUTOFFS),
        labels=labels,
    )


def write_dataset(folder: pathlib.Path, schema: Schema, labels: Mapping[str, np.ndarray] | None = None) -> pathlib.Path:
    """Writes a dataset of 60 evaluation samples; the training samples are the same ones.

    Args:
        folder: where.
        schema: of the samples.
        labels: (60, places) by intent: 0, 1 or UNKNOWN_LABEL; by default all unknown.
    """
    places = [schema.num_places(intent) for intent in schema.intents]
    stored = np.full((NUM_USERS * NUM_CUTOFFS, sum(places)), UNKNOWN_LABEL, np.uint8)
    if labels is not None:
        stored = np.concatenate([labels[intent.name] for intent in schema.intents], axis=1).astype(np.uint8)
    folder.mkdir(parents=True)
    name = "eval.tfrecord-00000-of-00001"
    days = [user_day(schema, u, stored[NUM_CUTOFFS * u : NUM_CUTOFFS * (u + 1)]) for u in range(NUM_USERS)]
    content = b"".join(examples.frame(records.serialize(day, schema)) for day in days)
    (folder / name).write_bytes(content)
    (folder / name.replace("eval", "train")).write_bytes(content)
    vocabulary = empty_vocabulary(schema)
    write_json(folder / "schema.json", {**schema.to_json(), "fingerprint": schema.fingerprint})
    write_json(folder / "vocabulary.json", vocabulary.to_json())
    description = {
        "format_version": records.FORMAT_VERSION,
        "schema_fingerprint": schema.fingerprint,
        "vocabulary_fingerprint": vocabulary.fingerprint,
        "splits": {
            split: {"num_samples": len(stored), "num_records": NUM_USERS, "files": [name.replace("eval", split)]}
            for split in ("train", "eval")
        },
    }
    write_json(folder / "dataset.json", description)
    return folder


def write_workdir(folder: pathlib.Path, model: keras.Model, schema: Schema, data: pathlib.Path) -> pathlib.Path:
    """Writes what a finished training run leaves."""
    folder.mkdir(parents=True)
    vocabulary = empty_vocabulary(schema)
    write_json(folder / "schema.json", {**schema.to_json(), "fingerprint": schema.fingerprint})
    write_json(folder / "vocabulary.json", vocabulary.to_json())
    config = {
        "data": str(data),
        "model": model.name,
        "max_length": MAX_LENGTH,
        "schema_fingerprint": schema.fingerprint,
        "vocabulary_fingerprint": vocabulary.fingerprint,
    }
    (folder / "config.json").write_text(json.dumps(config))
    model.save(folder / "model.keras")
    (folder / "metrics.json").write_text("{}")
    return folder
