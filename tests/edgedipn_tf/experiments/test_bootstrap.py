"""AUCs under redrawn users, against a computation that repeats rows, and paired by nothing but their place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedipn_tf.experiments.bootstrap import DrawnAuc, draw_aucs

USERS = np.array([7, 7, 7, 3, 3, 9, 9, 9, 1, 1])
LABELS = np.array([1, 0, 0, 1, 0, 0, 0, 1, 0, 1])
SCORES = np.array([0.9, 0.1, 0.5, 0.4, 0.4, 0.2, 0.8, 0.7, 0.3, 0.6])


def pairwise_auc(scores, labels):
    """Share of (positive, negative) pairs in the right order, ties as one half; NaN without both."""
    wins = [(p > n) + (p == n) / 2 for p in scores[labels == 1] for n in scores[labels == 0]]
    return np.mean(wins) if wins else np.nan


def drawn_rows(found, num_draws):
    """The rows of each draw, drawn as documented: users with replacement, all their rows together."""
    generator = np.random.default_rng(int(found.rows, 16))
    distinct = np.unique(USERS)
    for _ in range(num_draws):
        drawn = generator.integers(len(distinct), size=len(distinct))
        yield np.concatenate([np.flatnonzero(USERS == distinct[user]) for user in drawn])


def test_each_draw_is_the_auc_of_the_rows_of_its_users():
    found = draw_aucs(SCORES, LABELS, USERS, 40)
    expected = [pairwise_auc(SCORES[rows], LABELS[rows]) for rows in drawn_rows(found, 40)]
    np.testing.assert_allclose(found.draws, expected)
    assert found.auc == pytest.approx(pairwise_auc(SCORES, LABELS))
    assert (found.num_positives, found.num_negatives, found.num_users) == (4, 6, 4)


def test_a_draw_without_both_classes_is_undefined_and_stays_so_on_disk():
    found = draw_aucs(np.array([0.1, 0.9]), np.array([0, 1]), np.array([0, 1]), 30)
    assert np.isnan(found.draws).any() and not np.isnan(found.draws).all()
    np.testing.assert_array_equal(DrawnAuc.from_json(found.to_json()).draws, found.draws)


def test_equal_rows_are_drawn_alike_whatever_the_scores_and_names_of_users():
    first, second = draw_aucs(SCORES, LABELS, USERS, 20), draw_aucs(SCORES, LABELS, USERS * 10, 20)
    assert first.rows == second.rows
    np.testing.assert_array_equal(first.draws, second.draws)
    np.testing.assert_allclose(draw_aucs(-SCORES, LABELS, USERS, 20).draws, 1 - first.draws)


def test_other_labels_or_users_are_told_apart():
    rows = {
        draw_aucs(SCORES, labels, users, 1).rows for labels in (LABELS, 1 - LABELS) for users in (USERS, USERS[::-1])
    }
    assert len(rows) == 4


def test_nothing_to_judge():
    found = draw_aucs(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64), 3)
    assert found.auc is None and np.isnan(found.draws).all() and found.num_users == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 4)), max_size=30))
def test_what_is_stored_is_within_half_a_unit(rows):
    columns = np.array(rows, np.int64).reshape(-1, 3)
    found = draw_aucs(columns[:, 0].astype(float), columns[:, 1], columns[:, 2], 10)
    stored = DrawnAuc.from_json(found.to_json())
    np.testing.assert_allclose(stored.draws, found.draws, atol=0.5001e-5)
    assert stored.auc == found.auc and stored.rows == found.rows
