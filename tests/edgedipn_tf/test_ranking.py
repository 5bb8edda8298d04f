"""Ranking metrics against definitions written the slow way and numbers worked out by hand."""

import numpy as np
import pytest

from edgedipn_tf import ranking


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
    assert ranking.auc(np.array([3.0, 1.0, 2.0, 1.0, 0.0]), np.array([1, 1, 0, 0, 0])) == 0.75


@pytest.mark.parametrize("seed", range(5))
def test_auc_equals_the_pairwise_definition_with_ties(seed):
    scores, labels, _ = _random_rows(seed)
    assert ranking.auc(scores, labels) == pytest.approx(_pairwise_auc(scores, labels), abs=1e-12)


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], []])
def test_auc_without_both_classes_is_undefined(labels):
    assert ranking.auc(np.arange(len(labels), dtype=np.float32), np.array(labels, np.int64)) is None


def test_auc_of_equal_scores_is_one_half():
    assert ranking.auc(np.zeros(4), np.array([0, 1, 0, 1])) == 0.5


def test_scores_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        ranking.auc(np.array([0.0, np.nan]), np.array([0, 1]))


def test_row_counts_equal_repeated_rows():
    scores, labels, _ = _random_rows(1, num_rows=40)
    counts = np.random.default_rng(2).integers(3, size=40)
    rows = ranking.RankedRows(scores, labels)
    repeated = _pairwise_auc(np.repeat(scores, counts), np.repeat(labels, counts))
    assert ranking.auc_of_groups(*rows.count(counts[rows.order])) == pytest.approx(repeated, abs=1e-12)


def test_auc_of_small_scores_is_exact():
    # Thresholds of a streaming AUC cannot separate probabilities of 1e-6 and 2e-6; the order of logits can.
    assert ranking.auc(np.log(np.array([1e-6, 2e-6, 3e-6, 4e-6])), np.array([0, 1, 0, 1])) == 0.75


@pytest.mark.parametrize("seed", range(5))
def test_auc_per_user_equals_each_users_auc(seed):
    scores, labels, users = _random_rows(seed)
    found = ranking.auc_per_user(scores, labels, users, 10)  # user 9 has no rows
    for user in range(10):
        expected = _pairwise_auc(scores[users == user], labels[users == user])
        assert np.isnan(found[user]) if expected is None else found[user] == pytest.approx(expected, abs=1e-12)


def test_average_precision_of_a_worked_example():
    # From the top: 4 (positive), 3 (negative), 2 (positive and negative tie), 1 (positive):
    # precision 1/1 at the first positive, 2/4 at the tied one, 3/5 at the last.
    rows = ranking.RankedRows(np.array([4.0, 3.0, 2.0, 2.0, 1.0]), np.array([1, 0, 1, 0, 1]))
    assert ranking.average_precision_of_groups(*rows.count()) == pytest.approx((1 + 0.5 + 0.6) / 3)


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_equals_its_definition(seed):
    scores, labels, _ = _random_rows(seed)
    precisions = [labels[scores >= score].mean() for score in scores[labels == 1]]
    found = ranking.average_precision_of_groups(*ranking.RankedRows(scores, labels).count())
    assert found == pytest.approx(np.mean(precisions), abs=1e-12)


def test_average_precision_of_repeated_rows():
    scores, labels, _ = _random_rows(1, num_rows=40, num_scores=30)  # some groups lose all their rows
    counts = np.random.default_rng(2).integers(2, size=40)
    rows = ranking.RankedRows(scores, labels)
    repeated = ranking.RankedRows(np.repeat(scores, counts), np.repeat(labels, counts))
    found = ranking.average_precision_of_groups(*rows.count(counts[rows.order]))
    assert found == pytest.approx(ranking.average_precision_of_groups(*repeated.count()), abs=1e-12)


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], []])
def test_average_precision_without_both_classes_is_undefined(labels):
    rows = ranking.RankedRows(np.arange(len(labels), dtype=np.float32), np.array(labels, np.int64))
    assert ranking.average_precision_of_groups(*rows.count()) is None
