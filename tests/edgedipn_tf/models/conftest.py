"""A schema with every kind of part, small enough to test with."""

import dataclasses

import numpy as np
import pytest

from edgedipn_tf.models.inputs import example_inputs
from edgedipn_tf.schema import Level, Schema, View, edgedipn_schema

MAX_LENGTH = 9
LENGTHS = (0, 1, 2, 3, MAX_LENGTH)
"""Of views: none, one, below and as many as the hops of the tests' models, full."""


def _shrink(features, keep):
    """Few features with few bins; each another number of bins and another width."""
    kept = [f for f in features if f.name in keep]
    return tuple(dataclasses.replace(f, bins=3 + i, width=2 + i, names=()) for i, f in enumerate(kept))


@pytest.fixture(scope="session")
def tiny_schema() -> Schema:
    """Two to three features a view, two user intents and one of each category level, three candidates."""
    full = edgedipn_schema()
    keep = {
        "swipe": ("action", "page", "elapsed_time"),
        "tap": ("event", "button"),
        "browse": ("action", "leaf_category", "top_category"),
    }
    intents = [i for i in full.intents if i.level is not Level.NONE][1:3] + list(full.intents[2:4])
    return dataclasses.replace(
        full,
        name="tiny",
        views=tuple(View(v.name, _shrink(v.features, keep[v.name])) for v in full.views),
        history=_shrink(full.history, ("collect_7_days", "cart_7_days")),
        profile=_shrink(full.profile, ("gender", "vip_level")),
        intents=tuple(intents),
        max_length=MAX_LENGTH,
        num_candidates=3,
    )


@pytest.fixture(scope="session")
def inputs(tiny_schema) -> dict[str, np.ndarray]:
    """25 samples: every pair of lengths in every pair of views."""
    first, second = (grid.ravel() for grid in np.meshgrid(range(5), range(5)))
    inputs = example_inputs(tiny_schema, 9, 25, seed=7)
    for view, lengths in zip(tiny_schema.views, (first, second, (first + second) % 5), strict=True):
        is_real = np.arange(9) >= 9 - np.array(LENGTHS)[lengths, np.newaxis]
        rng = np.random.default_rng(len(view.name))
        ids = np.stack([rng.integers(1, f.table_size, (25, 9)) for f in view.features], axis=-1)
        inputs[view.name] = (ids * is_real[:, :, np.newaxis]).astype(np.int32)
    return inputs
