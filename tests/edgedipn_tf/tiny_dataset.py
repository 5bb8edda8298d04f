"""A published dataset folder of a few hundred samples, made in a second without Beam, for tests of what reads it."""

import dataclasses
import pathlib

import numpy as np

from edgedipn_tf import examples, publishing, records
from edgedipn_tf.schema import INTENTS, Schema, edgedipn_schema
from edgedipn_tf.vocabulary import Vocabulary
from tests.edgedipn_tf.random_actions import random_ids

DAY_MS = 86_400_000
NUM_CUTOFFS = 4
LONG_LENGTH = 40


def tiny_schema() -> Schema:
    """The views of EdgeDIPN at length 8, with a user intent, one that never happens, and a category intent."""
    chosen = tuple(i for i in INTENTS if i.name in ("realtime_purchase", "retention", "realtime_top_category"))
    return dataclasses.replace(edgedipn_schema(), name="tiny", intents=chosen, max_length=8, num_candidates=2)


def write_long_dataset(folder: pathlib.Path) -> pathlib.Path:
    """Writes a dataset of which the views have 1 to 60 actions, so that batches are cut to several lengths below 40."""
    schema = dataclasses.replace(tiny_schema(), max_length=LONG_LENGTH)
    return write_dataset(folder, schema, num_actions=(1, 60))


def write_dataset(
    folder: pathlib.Path,
    schema: Schema | None = None,
    num_users: dict[str, int] | None = None,
    vocabulary_size: int = 3,
    seed: int = 0,
    num_actions: tuple[int, int] = (12, 12),
) -> pathlib.Path:
    """Writes a dataset.

    A user who bought lately buys again within the hour, mostly: there is something to learn. A fourth of the labels is
    unknown, unevenly over the samples.

    Args:
        folder: where; made new.
        schema: of the dataset.
        num_users: users of each split, 4 samples each; by default 40 and 20.
        vocabulary_size: names of each vocabulary, which changes its fingerprint and nothing else.
        seed: of the content.
        num_actions: fewest and most actions of a user's view.
    """
    schema = schema or tiny_schema()
    folder.mkdir(parents=True)
    vocabulary = Vocabulary(
        {
            k: tuple(f"name{i}" for i in range(min(vocabulary_size, f.bins)))
            for k, f in schema.vocabulary_features().items()
        }
    )
    splits, labels = {}, {}
    for split, users in (num_users or {"train": 40, "eval": 20}).items():
        generator = np.random.default_rng([seed, len(split)])
        names = [f"{split}.tfrecord-{shard:05d}-of-00002" for shard in range(2)]
        all_days: list[records.UserDay] = []
        for shard, name in enumerate(names):
            days = [user_day(schema, generator, f"{split}-{user}", num_actions) for user in range(shard, users, 2)]
            all_days += days
            content = b"".join(examples.frame(records.serialize(day, schema)) for day in days)
            (folder / name).write_bytes(content)
        splits[split] = {"num_samples": users * NUM_CUTOFFS, "num_records": users, "files": names}
        labels[split] = _count_labels(schema, all_days)
    publishing.write_json(folder / "vocabulary.json", vocabulary.to_json())
    publishing.write_json(folder / "schema.json", {**schema.to_json(), "fingerprint": schema.fingerprint})
    description = {
        "format_version": records.FORMAT_VERSION,
        "schema_fingerprint": schema.fingerprint,
        "vocabulary_fingerprint": vocabulary.fingerprint,
        "splits": splits,
        "candidates": "bought_browsed_popular",
        "first_cutoff_date": "2024-10-04",
        "last_cutoff_date": "2024-10-04",
        "labels": labels,
        "flags": {"seed": seed},
    }
    publishing.write_json(folder / "dataset.json", description)
    return folder


def _count_labels(schema: Schema, days: list[records.UserDay]) -> dict[str, dict[str, int]]:
    sizes = [schema.num_places(intent) for intent in schema.intents]
    stored = np.concatenate([day.labels for day in days]) if days else np.zeros((0, sum(sizes)), np.uint8)
    by_intent = np.split(stored, np.cumsum(sizes)[:-1], axis=1)
    states = {"negative": 0, "positive": 1, "unknown": records.UNKNOWN_LABEL}
    return {
        intent.name: {state: int((values == value).sum()) for state, value in states.items()}
        for intent, values in zip(schema.intents, by_intent, strict=True)
    }


def user_day(
    schema: Schema, generator: np.random.Generator, user_id: str, num_actions: tuple[int, int] = (12, 12)
) -> records.UserDay:
    fewest, most = num_actions
    sizes = {v.name: int(generator.integers(fewest, most + 1)) if fewest < most else fewest for v in schema.views}
    t0_ms = 20_000 * DAY_MS + np.sort(generator.choice(DAY_MS, NUM_CUTOFFS, replace=False)).astype(np.int64)
    times = {v.name: np.sort(t0_ms[0] - generator.integers(DAY_MS, size=sizes[v.name])) for v in schema.views}
    ids = {view.name: random_ids(generator, view, sizes[view.name], id_limit=12) for view in schema.views}
    is_buyer = generator.random() < 0.5
    ids["browse"][0][-6:] = 6 if is_buyer else 2  # ids of purchase and of browse
    labels = []
    for intent in schema.intents:
        shape = (NUM_CUTOFFS, schema.num_places(intent))
        values = (generator.random(shape) < (0.9 if is_buyer else 0.1)) & (intent.name != "retention")
        is_unknown = generator.random(shape) < generator.choice([0.0, 0.5])
        labels.append(np.where(is_unknown, records.UNKNOWN_LABEL, values))
    return records.UserDay(
        user_id=user_id.encode(),
        t0_ms=t0_ms,
        times_ms=times,
        ids=ids,
        stay_ms=np.zeros(sizes["browse"], np.int64),
        history=np.full(len(schema.history), 2),
        profile=np.full(len(schema.profile), 2),
        pair_names=[(b"name0", b"name0"), (b"name1", b"name1")],
        pair_ids=np.array([[2, 2], [3, 3]]),
        candidates=np.tile(np.arange(schema.num_candidates), (NUM_CUTOFFS, 1)),
        labels=np.concatenate(labels, axis=1).astype(np.uint8),
    )
