"""A schema with every kind of part, small enough to test with."""

import dataclasses

import pytest

from edgedipn_tf.schema import Level, Schema, View, edgedipn_schema

MAX_LENGTH = 9


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
