"""Training users that are held out: they choose how long to train, so that the evaluation split chooses nothing.

A hash of seed and user decides (`random_keys`), another one than that which chooses the evaluation users of a
user-disjoint dataset. A dataset that knows its held-out users has two more splits, whose records are those of its
training split: `fitted`, on which a network is trained, and `held_out`.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edgedipn_tf import random_keys
from edgedipn_tf.dataset import Dataset
from edgedipn_tf.untuned import untuned

TRAIN_SPLIT = "train"
FITTED_SPLIT = "fitted"
HELD_OUT_SPLIT = "held_out"
_RECORDS_AT_ONCE = 512
_PROGRESS_RECORDS = 100_000


def is_held_out(user_id: bytes, seed: int, share: float) -> bool:
    """Returns whether a training user is held out.

    Args:
        user_id: the user.
        seed: of the run.
        share: of the users that are, on average; with a larger share those of a smaller one still are.
    """
    state = random_keys.key("held out", seed, user_id.hex())
    return int(random_keys.mix(state)) < share * 2**64


def divide(dataset: Dataset, seed: int, share: float, report: Callable[[str], None] = print) -> Dataset:
    """Returns the dataset with the splits `fitted` and `held_out`; reads the training records once.

    Args:
        dataset: as opened.
        seed: of the run.
        share: of the training users that are held out.
        report: gets a line of how many they are, and where there are many records the progress.

    Raises:
        tensorflow.errors.DataLossError: when a record is damaged.
    """
    train = dataset.splits[TRAIN_SPLIT]
    user_ids, num_samples, num_records = _read_users(train.files, report)
    users, user_of_record = np.unique(np.array(user_ids, object), return_inverse=True)
    ends = np.cumsum(num_records, dtype=np.int64)[:-1]
    held_out = np.array([is_held_out(user, seed, share) for user in users], np.bool_)
    splits = {}
    for name, of_users in ((FITTED_SPLIT, ~held_out), (HELD_OUT_SPLIT, held_out)):
        is_member = of_users[user_of_record]
        counts = {"num_samples": int(num_samples[is_member].sum()), "num_records": int(is_member.sum())}
        splits[name] = dataclasses.replace(train, **counts, is_member=tuple(np.split(is_member, ends)))
    divided = dataclasses.replace(dataset, splits={**dataset.splits, **splits})
    report(
        f"{held_out.sum():,} of {len(users):,} training users are held out to choose the epoch "
        f"({divided.num_samples(HELD_OUT_SPLIT):,} samples); {divided.num_samples(FITTED_SPLIT):,} samples to train on"
    )
    return divided


def selection(share: float, num_samples: int, measure: str | None) -> dict[str, Any]:
    """Returns what `metrics.json` says of how a model was chosen.

    Args:
        share: of the training users that were held out.
        num_samples: theirs.
        measure: by which they chose; None when they could not.
    """
    return {"split": HELD_OUT_SPLIT, "held_out_users": share, "num_samples": num_samples, "measure": measure}


def _read_users(
    files: Sequence[str], report: Callable[[str], None]
) -> tuple[list[bytes], NDArray[np.int64], list[int]]:
    """Returns the user and the number of samples of each record, in the order of the files; how many a file has."""
    spec = {
        "user_id": tf.io.FixedLenFeature([], tf.string),
        "t0_ms": tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64),
    }
    user_ids: list[bytes] = []
    num_samples = [np.zeros(0, np.int64)]
    num_records = []
    for file in files:
        num_before = len(user_ids)
        blocks = untuned(tf.data.TFRecordDataset(file).batch(_RECORDS_AT_ONCE))
        for parsed in blocks.map(lambda serialized: tf.io.parse_example(serialized, spec)):
            user_ids += parsed["user_id"].numpy().tolist()
            num_samples.append(parsed["t0_ms"].row_lengths().numpy())
            if len(user_ids) // _PROGRESS_RECORDS > (len(user_ids) - len(num_samples[-1])) // _PROGRESS_RECORDS:
                report(f"users of {len(user_ids):,} training records")
        num_records.append(len(user_ids) - num_before)
    return user_ids, np.concatenate(num_samples), num_records
