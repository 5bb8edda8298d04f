"""Metrics of an intent and their intervals, against numbers worked out by hand."""

import numpy as np
import pytest

from edgedipn_tf import metrics


def _random_rows(seed, num_rows=120, num_users=9, num_scores=6):
    generator = np.random.default_rng(seed)
    scores = generator.integers(num_scores, size=num_rows).astype(np.float32)  # few values: many ties
    labels = (generator.random(num_rows) < 0.3).astype(np.int64)
    return scores, labels, generator.integers(num_users, size=num_rows)


def test_gauc_weighs_users_by_their_rows_and_leaves_out_one_class_users():
    # User 1: AUC 1 on 2 rows. User 2: positive below one of three negatives, 2/3 on 4 rows. User 3: one class.
    logits = np.array([0.0, 1.0, 0.0, 1.0, 3.0, 2.0, 9.0])
    labels = np.array([0, 1, 0, 0, 0, 1, 1])
    users = np.array([11, 11, 22, 22, 22, 22, 33])
    found = metrics.intent_metrics(logits, labels, users, num_draws=5)
    assert found.gauc == pytest.approx((2 * 1 + 4 * 2 / 3) / 6)
    assert (found.num_users, found.num_one_class_users) == (3, 1)
    assert (found.num_positives, found.num_negatives) == (3, 4)


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
    assert (found.auc, found.gauc, found.pr_auc, found.num_users) == (None, None, None, 0)
    assert (found.log_loss, found.brier, found.calibration_error) == (None, None, None)
    assert found.auc_interval == metrics.Interval(None, None, 3)


def test_metrics_are_plain_json():
    scores, labels, users = _random_rows(0)
    plain = metrics.intent_metrics(scores, labels, users, num_draws=2).to_json()
    assert set(plain["auc_interval"]) == {"low", "high", "num_undefined"}


def test_additive_metrics_are_means_over_rows_not_users():
    # User 0 has three rows, user 1 one; logit 0 is probability 1/2, log 3 is 3/4.
    logits, labels = np.array([0.0, 0.0, 0.0, np.log(3.0)]), np.array([0, 1, 1, 0])
    found = metrics.intent_metrics(logits, labels, np.array([0, 0, 0, 1]), num_draws=0)
    assert found.log_loss == pytest.approx((3 * np.log(2) + np.log(4)) / 4)
    assert found.brier == pytest.approx((3 * 0.25 + 0.5625) / 4)


def test_intervals_of_additive_metrics_are_those_of_repeated_users():
    scores, labels, users = _random_rows(3)
    interval = metrics.intent_metrics(scores, labels, users, num_draws=1, seed=7).log_loss_interval
    drawn = np.random.default_rng(7).integers(9, size=9)
    rows = np.concatenate([np.flatnonzero(users == user) for user in drawn])
    repeated = metrics.intent_metrics(scores[rows], labels[rows], users[rows], num_draws=0)
    assert interval.low == interval.high == pytest.approx(repeated.log_loss, abs=1e-12)
