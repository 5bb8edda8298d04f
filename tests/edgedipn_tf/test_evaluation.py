"""From a split to metrics: which rows count, for which user, and the table."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf import evaluation, metrics
from edgedipn_tf.commands import InputError
from edgedipn_tf.dataset import open_dataset
from tests.edgedipn_tf.tiny_dataset import tiny_schema, write_dataset
from tests.edgedipn_tf.tiny_model import build_tiny_model


class FixedModel(keras.Model):
    """The logits are a function of the inputs that a test can compute: the number of buys in the browse view."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale

    def call(self, inputs, training=False):
        buys = tf.reduce_sum(tf.cast(inputs["browse"][..., 0] == 6, tf.float32), axis=1, keepdims=True) * self.scale
        return {intent.name: tf.tile(buys, [1, tiny_schema().num_places(intent)]) for intent in tiny_schema().intents}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return open_dataset(write_dataset(tmp_path_factory.mktemp("data") / "dataset"))


def test_metrics_are_over_known_labels_and_their_users(dataset):
    found = evaluation.Evaluator(FixedModel(), dataset, 8, batch_size=7)("eval")
    logits, labels, users = [], [], []
    for inputs, label, weight, extras in dataset.evaluation_batches("eval", 8, 80, extras=True).unbatch():
        for place in range(2):  # of the category intent
            if weight["realtime_top_category"][place] == 1:
                logits.append(float(np.sum(inputs["browse"][:, 0] == 6)))
                labels.append(int(label["realtime_top_category"][place]))
                users.append(extras["user_id"].numpy())
    _, users = np.unique(users, return_inverse=True)
    expected = metrics.intent_metrics(np.array(logits), np.array(labels), users, num_draws=0)
    assert found["realtime_top_category"] == expected
    assert 80 < len(labels) < 160  # some are unknown


def test_batch_size_changes_nothing(dataset):
    found = [evaluation.Evaluator(FixedModel(), dataset, 8, size)("eval", num_draws=20) for size in (3, 80)]
    assert found[0] == found[1]


def test_split_without_samples_is_undefined_not_an_error(tmp_path):
    empty = open_dataset(write_dataset(tmp_path / "data", num_users={"train": 1, "eval": 0}))
    found = evaluation.Evaluator(FixedModel(), empty, 8, batch_size=7)("eval", num_draws=3)
    assert {values.auc for values in found.values()} == {None}
    assert evaluation.table(tiny_schema(), found).count("n/a") == 3 * 6


def test_logits_that_are_not_finite_are_one_line(dataset):
    with pytest.raises(InputError, match="logits of realtime_purchase are not finite"):
        evaluation.Evaluator(FixedModel(scale=float("nan")), dataset, 8, batch_size=7)("eval")


def test_evaluator_follows_the_model_as_it_changes(dataset):
    model = build_tiny_model("edgedipn", tiny_schema(), num_hops=1, penalty_weight=0.0, seed=0)
    evaluate = evaluation.Evaluator(model, dataset, 8, batch_size=80)
    before = evaluate("eval")["realtime_purchase"].log_loss
    model.set_weights([weight + 1.0 for weight in model.get_weights()])
    assert evaluate("eval")["realtime_purchase"].log_loss != before


def test_table_shows_values_intervals_and_what_is_undefined():
    interval = metrics.Interval(0.5, 0.75, 0)
    values = metrics.IntentMetrics(
        auc=0.625, auc_interval=interval, gauc=None, gauc_interval=metrics.Interval(None, None, 5),
        pr_auc=0.5, pr_auc_interval=interval, log_loss=0.25, log_loss_interval=interval,
        brier=0.125, brier_interval=interval, calibration_error=0.03, calibration_error_interval=interval,
        num_positives=3, num_negatives=4, num_users=2, num_one_class_users=2,
    )  # fmt: skip
    lines = evaluation.table(tiny_schema(), dict.fromkeys([i.name for i in tiny_schema().intents], values)).splitlines()
    estimates = ["0.6250", "(0.5000-0.7500)", "n/a", "0.5000", "0.2500", "0.1250", "0.0300"]
    assert lines[1].split() == ["realtime_purchase", "RPAUC", *estimates, "3", "4"]
    assert len(lines) == 4 and len({len(line) for line in lines}) == 1
