"""The oracle of a simulated log as a line of the tables: its true probabilities, ranked and drawn as any scores."""

import pathlib

import numpy as np
import pyarrow.parquet as pq

from edgedipn_tf.experiments.bootstrap import DrawnAuc, draw_aucs
from edgedipn_tf.schema import INTENTS, Schema


def oracle_aucs(samples: pathlib.Path, oracle: pathlib.Path, schema: Schema, num_draws: int) -> dict[str, DrawnAuc]:
    """Returns what the true probabilities reach on the evaluation samples, by intent.

    Args:
        samples: file of `inspect_dataset --to_parquet`.
        oracle: file of `simulation_oracle` for its evaluation split.
        schema: of the dataset; says which intents are asked.
        num_draws: bootstrap draws.

    Raises:
        ValueError: when the files are not of the same samples.
    """
    keys = ["user_id", "t0_ms"]
    told = pq.read_table(oracle)
    labelled = pq.read_table(samples, filters=[("split", "=", "eval")])
    if not told.select(keys).equals(labelled.select(keys)):
        raise ValueError(f"{oracle} and {samples} are not of the same samples")
    users = np.array([user.encode() for user in told["user_id"].to_pylist()])
    _, users = np.unique(users, return_inverse=True)
    found = {}
    for intent in (intent for intent in schema.intents if intent in INTENTS):  # those that the oracle knows
        scores = np.array(told[f"{intent.name}_probability"].to_pylist(), np.float64)
        labels = np.array(labelled[f"{intent.name}_label"].to_pylist())
        is_known = np.array(labelled[f"{intent.name}_weight"].to_pylist()) > 0
        sample = np.nonzero(is_known)[0]
        found[intent.name] = draw_aucs(scores[is_known], labels[is_known].astype(np.int64), users[sample], num_draws)
    return found
