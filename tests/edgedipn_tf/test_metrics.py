"""Exact metrics against definitions written the slow way and numbers worked out by hand."""

import numpy as np
import pytest

from edgedipn_tf import metrics


def _pairwise_auc(scores, labels):
    """The definition: every (positive, negative) pair, a tie as 1/2."""
    wins = [float(p > n) + 0.5 * (p == n) for p in scores[labels == 1] for n in scores[labels == 0]]
    return float(np.mean(wins)) if wins else None


def _random_rows(seed, num_rows=120, num_users=9, num_scores=6):
    generator = np.random.default_rng(seed)
    scores = generator.integers(num_scores, size=num_rows).astype(np.float32)  # few values: many ties
    labels = (generator.random(num_rows) < 0.3).astype(np.int64)
    return scores, labels, generator.integers(num_users, size=num_rows)


def test_auc_of_a_worked_example():
    # Positives 3 and 1 against negatives 2, 1, 0: 3 beats all three; 1 beats 0, ties 1, loses to 2: (3 + 1.5) / 6.
    assert metrics.auc(np.array([3.0, 1.0, 2.0, 1.0, 0.0]), np.array([1, 1, 0, 0, 0])) == 0.75


@pytest.mark.parametrize("seed", range(5))
def test_auc_equals_the_pairwise_definition_with_ties(seed):
    scores, labels, _ = _random_rows(seed)
    assert metrics.auc(scores, labels) == pytest.approx(_pairwise_auc(scores, labels), abs=1e-12)


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], []])
def test_auc_without_both_classes_is_undefined(labels):
    assert metrics.auc(np.arange(len(labels), dtype=np.float32), np.array(labels, np.int64)) is None


def test_auc_of_equal_scores_is_one_half():
    assert metrics.auc(np.zeros(4), np.array([0, 1, 0, 1])) == 0.5


def test_scores_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        metrics.auc(np.array([0.0, np.nan]), np.array([0, 1]))


def test_row_counts_equal_repeated_rows():
    scores, labels, _ = _random_rows(1, num_rows=40)
    counts = np.random.default_rng(2).integers(3, size=40)
    rows = metrics.RankedRows(scores, labels)
    repeated = _pairwise_auc(np.repeat(scores, counts), np.repeat(labels, counts))
    assert rows.auc(counts[rows.order]) == pytest.approx(repeated, abs=1e-12)


def test_auc_of_small_scores_is_exact():
    # Thresholds of a streaming AUC cannot separate probabilities of 1e-6 and 2e-6; the order of logits can.
    assert metrics.auc(np.log(np.array([1e-6, 2e-6, 3e-6, 4e-6])), np.array([0, 1, 0, 1])) == 0.75


@pytest.mark.parametrize("seed", range(5))
def test_auc_per_user_equals_each_users_auc(seed):
    scores, labels, users = _random_rows(seed)
    found = metrics.auc_per_user(scores, labels, users, 10)  # user 9 has no rows
    for user in range(10):
        expected = _pairwise_auc(scores[users == user], labels[users == user])
        assert np.isnan(found[user]) if expected is None else found[user] == pytest.approx(expected, abs=1e-12)


def test_gauc_weighs_users_by_their_rows_and_leaves_out_one_class_users():
    # User 1: AUC 1 on 2 rows. User 2: positive below one of three negatives, 2/3 on 4 rows. User 3: one class.
    logits = np.array([0.0, 1.0, 0.0, 1.0, 3.0, 2.0, 9.0])
    labels = np.array([0, 1, 0, 0, 0, 1, 1])
    users = np.array([11, 11, 22, 22, 22, 22, 33])
    found = metrics.intent_metrics(logits, labels, users, num_draws=5)
    assert found.gauc == pytest.approx((2 * 1 + 4 * 2 / 3) / 6)
    assert (found.num_users, found.num_one_class_users) == (3, 1)
    assert (found.num_positives, found.num_negatives) == (3, 4)


def test_log_loss_of_a_worked_example():
    # Logit 0 costs log 2 whatever the label; logit log 3 is probability 3/4, so label 0 costs log 4.
    assert metrics.log_loss(np.array([0.0, np.log(3.0)]), np.array([1, 0])) == pytest.approx(1.5 * np.log(2))
    assert metrics.log_loss(np.array([-1000.0]), np.array([1])) == 1000.0
    assert metrics.log_loss(np.array([]), np.array([])) is None


def test_interval_draws_users_with_all_their_rows():
    # One user holds the only positive, so a draw without him is undefined: (2/3)^3 of the draws are.
    logits, labels, users = np.array([2.0, 1.0, 3.0]), np.array([1, 0, 0]), np.array([0, 1, 2])
    found = metrics.intent_metrics(logits, labels, users, num_draws=2000)
    one_class = (8 + 1) / 27  # no draw of user 0, or three draws of him
    assert found.auc_interval.num_undefined / 2000 == pytest.approx(one_class, abs=0.03)
    assert (found.auc, found.auc_interval.low, found.auc_interval.high) == (0.5, 0.0, 1.0)


def test_interval_has_the_width_of_independent_users():
    # The mean over users of a per-user AUC that is 0 or 1 with equal odds: its standard error is 0.5 / sqrt(400).
    num_users = 400
    users = np.repeat(np.arange(num_users), 2)
    labels = np.tile([1, 0], num_users)
    logits = np.where(np.repeat(np.arange(num_users) % 2 == 0, 2), labels, 1 - labels).astype(np.float64)
    interval = metrics.intent_metrics(logits, labels, users, num_draws=1000).gauc_interval
    assert interval.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.01)
    assert interval.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.01)


def test_same_seed_gives_the_same_interval():
    scores, labels, users = _random_rows(3)
    first = metrics.intent_metrics(scores, labels, users, num_draws=20, seed=4)
    assert first == metrics.intent_metrics(scores, labels, users, num_draws=20, seed=4)
    assert first.auc_interval != metrics.intent_metrics(scores, labels, users, num_draws=20, seed=5).auc_interval


def test_no_rows_at_all_is_undefined_not_an_error():
    empty = np.zeros(0)
    found = metrics.intent_metrics(empty, empty.astype(np.int64), empty.astype(np.int64), num_draws=3)
    assert (found.auc, found.gauc, found.log_loss, found.num_users) == (None, None, None, 0)
    assert found.auc_interval == metrics.Interval(None, None, 3)


def test_metrics_are_plain_json():
    scores, labels, users = _random_rows(0)
    plain = metrics.intent_metrics(scores, labels, users, num_draws=2).to_json()
    assert set(plain["auc_interval"]) == {"low", "high", "num_undefined"}
