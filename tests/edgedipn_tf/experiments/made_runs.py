"""Files of finished runs without training: AUCs that a test chooses; what a converted file costs."""

import numpy as np

from edgedipn_tf.experiments.bootstrap import DrawnAuc
from edgedipn_tf.experiments.file_costs import FileCost
from edgedipn_tf.experiments.run_files import FORMAT_VERSION
from edgedipn_tf.publishing import write_json

COST = FileCost(
    model="edgedipn",
    length=64,
    recipe="dynamic_int8",
    size_bytes=1_234_567,
    weight_bytes=1_100_000,
    arena_bytes=900_000,
    p50_ms=0.7124,
    times_attention=1.0,
    paper_mb=1.03,
    paper_ms=13.7,
    commit="0123",
    host="a processor",
)


def drawn(auc, spread=0.01, rows="rows", num_draws=100):
    """An AUC whose draws lie evenly within `spread` of it."""
    return DrawnAuc(auc, auc + np.linspace(-spread, spread, num_draws), 30, 270, 50, rows)


def write_run(files, name, aucs, seed=1, **changes):
    """Writes the file of a run.

    Args:
        files: the `RunFiles`.
        name: of the run.
        aucs: a `DrawnAuc` by intent.
        seed: of the training.
        changes: other values.
    """
    files.folder.mkdir(parents=True, exist_ok=True)
    values = {
        "format_version": FORMAT_VERSION,
        "run": name,
        "seed": seed,
        "commit": "0123456789abcdef",
        "versions": {"python": "3.11", "keras": "3.15"},
        "host": "a processor, 2 CPUs, linux",
        "judged_on": "fingerprint",
        "trained_on": "fingerprint",
        "candidates": "popular",
        "log": {"name": "simulated", "is_simulated": True, "caveats": []},
        "parameters": 1234567,
        "wall_s": 12.0,
        "cpu_s": 21.0,
        "intents": {intent: found.to_json() for intent, found in aucs.items()},
        **changes,
    }
    write_json(files.finished(name), values)
