"""One tiny training run and its bundle for all tests of the folder: a conversion costs seconds."""

import dataclasses
import pathlib
from collections.abc import Mapping

import keras
import numpy as np
import pytest

from edgedipn_tf.conversion.build_bundle import Settings, build_bundle
from edgedipn_tf.conversion.export import probabilities
from edgedipn_tf.conversion.recipes import RECIPES, with_limits
from edgedipn_tf.dataset import open_dataset
from edgedipn_tf.records import UNKNOWN_LABEL
from tests.edgedipn_tf.conversion.tiny import LENGTHS, MAX_LENGTH, tiny_model, tiny_schema, write_dataset, write_workdir

NUM_KEPT = 5
NUM_SCORED = 2  # samples have three candidates


@dataclasses.dataclass(frozen=True)
class Published:
    """A dataset, a training run on it, and its bundle of all recipes but full_int8, too inexact of random weights."""

    data: pathlib.Path
    workdir: pathlib.Path
    bundle: pathlib.Path
    model: keras.Model
    reported: list[str]


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("published")
    schema = tiny_schema()
    model = tiny_model("edgedipn", schema)
    unlabelled = open_dataset(write_dataset(folder / "unlabelled", schema))
    scores: dict[str, list[np.ndarray]] = {intent.name: [] for intent in schema.intents}
    for inputs, _, _ in unlabelled.evaluation_batches("eval", MAX_LENGTH, 16):
        for intent, values in probabilities(model, inputs).items():
            scores[intent].append(values.numpy())
    data = write_dataset(folder / "dataset", schema, labels_that_follow(scores))
    workdir = write_workdir(folder / "workdir", model, schema, data)
    reported: list[str] = []
    # Of 60 samples one that flips is more than the default hundredth, and labels do not follow scores of fewer steps.
    recipes = tuple(
        with_limits(recipe, max_auc_drop=0.05, max_flips=0.05) for recipe in RECIPES.values() if not recipe.is_integer
    )
    settings = Settings(
        recipes=recipes,
        lengths=LENGTHS,
        has_encode=True,
        scored_categories=NUM_SCORED,
        benchmark_samples=NUM_KEPT,
        calibration_samples=20,
    )
    build_bundle(workdir, folder / "bundle", None, settings, reported.append)
    return Published(data, workdir, folder / "bundle", model, reported)


def labels_that_follow(scores: Mapping[str, list[np.ndarray]]) -> dict[str, np.ndarray]:
    """Labels 1 for the highest scores, 0 for the lowest, unknown between: the AUC is 1, and int8 cannot swap a pair."""
    labels = {}
    for intent, parts in scores.items():
        values = np.concatenate(parts)
        low, high = np.quantile(values, [0.3, 0.7])
        labels[intent] = np.where(values >= high, 1, np.where(values <= low, 0, UNKNOWN_LABEL))
    return labels
