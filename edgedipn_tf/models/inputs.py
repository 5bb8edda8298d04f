"""What a model takes: the signature of its inputs, and random valid ones to build and test with."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from edgedipn_tf.schema import NOT_APPLICABLE_ID, PAD_ID, Feature, Level, Schema

CANDIDATE_LEVELS = (Level.LEAF, Level.TOP)
"""What the two ids of a candidate category are, in the order of the last axis of `candidates` (B, K, 2).

The level's value is the name of the feature of the browse view whose ids they are.
"""
CANDIDATE_VIEW = "browse"
"""The view whose tables embed the candidates."""
PAIRS = (("swipe", "browse"), ("swipe", "tap"), ("tap", "browse"))
"""Pairs of views for the inter-view attention, in the order in which they enter what follows."""


def input_signature(schema: Schema, max_length: int, batch_size: int | None = None) -> dict[str, tf.TensorSpec]:
    """Returns the inputs of a model by name, all int32.

    Views are (B, T, F), `history` and `profile` (B, F), `candidates` (B, K, 2) with the ids of leaf and top category.

    Args:
        schema: what the inputs hold.
        max_length: T.
        batch_size: B; any when None.
    """
    shapes = {view.name: (batch_size, max_length, len(view.features)) for view in schema.views}
    shapes["history"] = (batch_size, len(schema.history))
    shapes["profile"] = (batch_size, len(schema.profile))
    shapes["candidates"] = (batch_size, schema.num_candidates, len(CANDIDATE_LEVELS))
    return {name: tf.TensorSpec(shape, tf.int32, name=name) for name, shape in shapes.items()}


def example_inputs(schema: Schema, max_length: int, batch_size: int, seed: int) -> dict[str, np.ndarray]:
    """Returns random inputs that the dataset could have made.

    Right-aligned views of random lengths, each length 0 (absent) for about a fourth of the samples; candidate places
    filled from the first on, at least one.

    Args:
        schema: what the inputs hold.
        max_length: T.
        batch_size: B.
        seed: equal seeds give equal inputs.
    """
    rng = np.random.default_rng(seed)
    inputs = {view.name: _sequence(rng, view.features, max_length, batch_size) for view in schema.views}
    inputs["history"] = _ids(rng, schema.history, (batch_size,))
    inputs["profile"] = _ids(rng, schema.profile, (batch_size,))
    candidate_view = schema.view(CANDIDATE_VIEW)
    features = [candidate_view.feature(level.value) for level in CANDIDATE_LEVELS]
    candidates = _ids(rng, features, (batch_size, schema.num_candidates))
    num_filled = rng.integers(1, schema.num_candidates + 1, (batch_size, 1))
    candidates[np.arange(schema.num_candidates) >= num_filled] = PAD_ID
    inputs["candidates"] = candidates
    return inputs


def example_view_order(schema: Schema, inputs: Mapping[str, np.ndarray], seed: int) -> np.ndarray:
    """Returns a random order of the actions of some inputs across views, as `window_cutting.view_order` gives it.

    Args:
        schema: what the inputs hold.
        inputs: of `example_inputs`.
        seed: equal seeds give equal orders.
    """
    rng = np.random.default_rng(seed)
    first = schema.views[0].name
    order = np.zeros(inputs[first].shape[:2], np.int32)  # (B, T)
    lengths = np.stack([(inputs[view.name][:, :, 0] != PAD_ID).sum(axis=1) for view in schema.views], axis=1)
    for row, of_sample in zip(order, lengths, strict=True):
        merged = rng.permutation(np.repeat(np.arange(1, len(schema.views) + 1), of_sample))[-len(row) :]
        row[len(row) - len(merged) :] = merged
    return order


def _ids(rng: np.random.Generator, features: Sequence[Feature], shape: tuple[int, ...]) -> np.ndarray:
    columns = [rng.integers(NOT_APPLICABLE_ID, feature.table_size, shape) for feature in features]
    return np.stack(columns, axis=-1).astype(np.int32)


def _sequence(rng: np.random.Generator, features: Sequence[Feature], max_length: int, batch_size: int) -> np.ndarray:
    ids = _ids(rng, features, (batch_size, max_length))
    lengths = rng.integers(1, max_length + 1, (batch_size, 1)) * (rng.random((batch_size, 1)) >= 0.25)
    ids[np.arange(max_length) < max_length - lengths] = PAD_ID
    return ids
