"""The classifiers on rows whose answer is known."""

import numpy as np
import pytest

lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is not installed: run `make setup`")

from edgedipn_tf.baselines.baseline import CLASSIFIERS  # noqa: E402
from edgedipn_tf.baselines.logistic_regression import LogisticRegression  # noqa: E402
from edgedipn_tf.ranking import auc  # noqa: E402


def _rows(num_rows=1200, seed=0):
    """Five counts; the second decides the label."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 10, (num_rows, 5)).astype(np.float32)
    return values, (values[:, 1] >= 5).astype(np.int64), rng.random(num_rows) < 0.2


@pytest.fixture(params=sorted(CLASSIFIERS))
def family(request):
    return CLASSIFIERS[request.param]


def test_one_count_that_decides_is_found(family):
    fitted, chosen = family.fit(*_rows(), seed=0)
    values, labels, _ = _rows(seed=1)
    assert auc(fitted.logits(values), labels) > 0.999
    assert 0 < chosen["held_out_log_loss"] < 0.5


def test_equal_rows_give_equal_bytes_and_the_file_gives_equal_logits(family):
    fitted, _ = family.fit(*_rows(), seed=3)
    again, _ = family.fit(*_rows(), seed=3)
    assert fitted.to_text() == again.to_text()
    values = _rows(seed=1)[0]
    np.testing.assert_array_equal(family.from_text(fitted.to_text()).logits(values), fitted.logits(values))


def test_a_row_has_its_logit_in_any_batch(family):
    fitted, _ = family.fit(*_rows(), seed=0)
    values = _rows(seed=1)[0]
    alone = [fitted.logits(values[i : i + 1])[0] for i in range(20)]
    np.testing.assert_array_equal(fitted.logits(values)[:20], alone)


def test_what_is_no_file_of_it_is_refused(family):
    with pytest.raises(ValueError):
        family.from_text("not a model")


def test_rows_held_out_choose_the_number_of_trees():
    values, labels, is_held_out = _rows()
    noise = np.random.default_rng(2).random(len(labels)) < 0.5  # labels that cannot be learned
    fitted, chosen = CLASSIFIERS["gbdt"].fit(values, noise.astype(np.int64), is_held_out, seed=0)
    assert chosen["num_trees"] < 20
    assert fitted.to_text().count("\nTree=") == chosen["num_trees"]


def test_logistic_regression_is_at_the_minimum_of_its_loss():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 6, (3000, 2)).astype(np.float32)
    labels = (rng.random(3000) < 1 / (1 + np.exp(2 - np.log1p(values[:, 0]) * 2))).astype(np.int64)
    fitted, chosen = LogisticRegression.fit(values, labels, rng.random(3000) < 0.3, seed=0)
    standardised = (np.log1p(values.astype(np.float64)) - fitted.mean) / fitted.scale
    np.testing.assert_allclose(standardised.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(standardised.std(axis=0), 1, atol=1e-5)

    def loss(weights, intercept):
        logits = standardised @ weights + intercept
        return np.mean(np.log1p(np.exp(logits)) - labels * logits) + chosen["penalty"] / 2 * weights @ weights

    least = loss(fitted.weights, fitted.intercept)
    for step in np.vstack([np.eye(3), -np.eye(3)]) * 0.02:
        assert loss(fitted.weights + step[:2], fitted.intercept + step[2]) > least


def test_constant_aggregates_have_no_weight():
    values, labels, is_held_out = _rows()
    values[:, 3] = 7
    fitted, _ = LogisticRegression.fit(values, labels, is_held_out, seed=0)
    assert fitted.weights[3] == 0
