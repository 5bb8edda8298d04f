"""DIPN's Table 1 of any dataset: actions of a user and day, by view.

A record holds a user's actions of a local day up to its last cut-off, so what follows that is not counted: the figures
are a little low, the less the more cut-offs a day has. Days without a cut-off are not counted at all.
"""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from edgedipn_tf import records
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.metrics import Interval, percentile_interval
from edgedipn_tf.schema import Schema


@dataclasses.dataclass(frozen=True)
class Volumes:
    """Actions of a user and day.

    Attributes:
        is_simulated: whether nobody did what the log tells.
        num_users: that have a record.
        num_user_days: records.
        means: by view.
        intervals: the same, of 95 % over users.
    """

    is_simulated: bool
    num_users: int
    num_user_days: int
    means: Mapping[str, float]
    intervals: Mapping[str, Interval]


def count(path: pathlib.Path, num_draws: int) -> Volumes:
    """Counts the actions of all records of a dataset.

    Args:
        path: folder of the dataset.
        num_draws: bootstrap draws.

    Raises:
        InputError: when it is not a dataset.
    """
    from edgedipn_tf.dataset import open_dataset  # loads TensorFlow

    dataset = open_dataset(path)
    files = [str(path / name) for split in dataset.description["splits"].values() for name in split["files"]]
    names, rows = [], []
    for user_id, numbers in _records(files, dataset.schema):
        names.append(user_id)
        rows.append(numbers)
    _, users = np.unique(names, return_inverse=True)
    means, intervals = summarize(users, np.array(rows), num_draws)
    views = [view.name for view in dataset.schema.views]
    log = dataset.description.get("log") or {}
    return Volumes(
        is_simulated=bool(log.get("is_simulated")),
        num_users=int(users.max()) + 1,
        num_user_days=len(users),
        means=dict(zip(views, means, strict=True)),
        intervals=dict(zip(views, intervals, strict=True)),
    )


def _records(files: list[str], schema: Schema) -> Iterator[tuple[bytes, list[int]]]:
    """Yields user and number of actions by view of each record."""
    import tensorflow as tf

    from edgedipn_tf.untuned import untuned

    local_time = LocalTime(schema.timezone)
    keys = ["t0_ms", *(records.time_key(view) for view in schema.views)]
    features = {key: tf.io.RaggedFeature(tf.int64) for key in keys} | {"user_id": tf.io.FixedLenFeature([], tf.string)}
    for serialized in untuned(tf.data.TFRecordDataset(files)):
        parsed = tf.io.parse_single_example(serialized, features)
        t0_ms, *times_ms = (np.cumsum(parsed[key].numpy()) for key in keys)
        midnight_ms = local_time.day_start_ms(local_time.day_index(t0_ms[-1:]))[0]
        yield (
            parsed["user_id"].numpy(),
            [int(np.count_nonzero((of_view >= midnight_ms) & (of_view <= t0_ms[-1]))) for of_view in times_ms],
        )


def summarize(
    users: NDArray[np.int64], numbers: NDArray[np.int64], num_draws: int
) -> tuple[list[float], list[Interval]]:
    """Returns means and intervals by column.

    Args:
        users: (N,) index of each user-day's user.
        numbers: (N, views) actions.
        num_draws: bootstrap draws of the users.
    """
    num_users = int(users.max()) + 1
    days = np.bincount(users, minlength=num_users)
    totals = np.stack([np.bincount(users, column, num_users) for column in numbers.T], axis=1)
    generator = np.random.default_rng(0)
    drawn = generator.integers(num_users, size=(num_draws, num_users))
    means = totals[drawn].sum(axis=1) / days[drawn].sum(axis=1, keepdims=True)
    return numbers.mean(axis=0).tolist(), [percentile_interval(column.tolist()) for column in means.T]
