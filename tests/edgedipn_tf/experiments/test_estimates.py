"""Means, paired differences and shares of the gap, by hand."""

import dataclasses

import numpy as np
import pytest

from edgedipn_tf.experiments.estimates import Estimate, line
from tests.edgedipn_tf.experiments.made_runs import drawn


def test_the_mean_over_seeds_and_its_interval():
    found = line({(1, None): drawn(0.7), (2, None): drawn(0.8)}, None, None)
    assert found.auc.mean == pytest.approx(0.75)
    assert found.auc.by_seed == pytest.approx((0.7, 0.8))
    # Draws lie evenly within 0.01 of the mean, so 95 % of them within 0.0095.
    assert (found.auc.low, found.auc.high) == pytest.approx((0.7405, 0.7595))
    assert found.difference is None and found.gap_closed is None
    assert (found.num_runs, found.num_positives, found.num_users) == (2, 30, 50)


def test_differences_are_taken_draw_by_draw():
    # The AUCs themselves spread by 0.1, far more than they differ, but alike.
    found = line({(1, None): drawn(0.71, 0.1)}, {(1, None): drawn(0.70, 0.1)}, None).difference
    assert (found.mean, found.low, found.high) == pytest.approx((0.01, 0.01, 0.01))


def test_differences_are_of_the_runs_that_both_have():
    found = line({(1, None): drawn(0.6), (2, None): drawn(0.9)}, {(1, None): drawn(0.7)}, None)
    assert found.difference.by_seed == pytest.approx((-0.1,)) and found.num_runs == 2
    assert line({(2, None): drawn(0.9)}, {(1, None): drawn(0.7)}, None).difference is None


def test_differences_from_each_baseline():
    own = {(1, None): drawn(0.7)}
    found = line(own, None, None, {"trees": {(1, None): drawn(0.8)}, "linear": {(2, None): drawn(0.8)}})
    assert list(found.from_baselines) == ["trees"]  # the other has no run of this seed
    assert found.from_baselines["trees"].mean == pytest.approx(-0.1) and found.difference is None


def test_folds_judge_by_other_users_each():
    cells = {(1, 0): drawn(0.6, rows="a"), (1, 1): drawn(0.8, rows="b"), (2, 0): drawn(0.7, rows="a")}
    found = line(cells, None, None)
    assert found.auc.by_seed == pytest.approx((0.7, 0.7)) and found.auc.mean == pytest.approx(0.7)
    assert (found.num_positives, found.num_negatives, found.num_users) == (60, 540, 100)


def test_the_share_of_the_gap():
    oracle = drawn(0.9, 0.0)
    found = line({(1, None): drawn(0.7, 0.0)}, None, oracle).gap_closed
    assert (found.mean, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    assert line({(1, None): drawn(0.7)}, None, drawn(0.5)).gap_closed is None


def test_other_samples_are_refused():
    with pytest.raises(ValueError, match="different samples"):
        line({(1, None): drawn(0.7, rows="a")}, {(1, None): drawn(0.7, rows="b")}, None)
    with pytest.raises(ValueError, match="different samples"):
        line({(1, None): drawn(0.7, rows="a")}, None, drawn(0.9, rows="b"))


def test_what_is_undefined_is_left_out():
    half = drawn(0.7)
    half.draws[:50] = np.nan
    found = line({(1, None): half, (2, None): dataclasses.replace(half, auc=None)}, None, None)
    assert found.num_runs == 1 and found.auc.low > 0.7
    nothing = line({(1, None): dataclasses.replace(half, auc=None)}, None, None)
    assert nothing.auc is None and nothing.num_positives == 0


@pytest.mark.parametrize(
    ("low", "high", "by_seed", "sign"),
    [
        (0.1, 0.2, (0.1, 0.1, 0.3), 1),
        (-0.2, -0.1, (-0.1, -0.1, -0.3), -1),
        (-0.1, 0.2, (0.1, 0.1, 0.1), 0),
        (0.1, 0.2, (0.4, 0.1, -0.1), 0),
        (0.1, 0.2, (0.1, 0.3), 0),
        (None, None, (0.1, 0.1, 0.1), 0),
    ],
    ids=["above", "below", "interval over 0", "a seed disagrees", "two seeds", "no interval"],
)
def test_only_a_whole_interval_and_all_seeds_tell_apart(low, high, by_seed, sign):
    assert Estimate(0.15, low, high, by_seed).sign == sign


def test_few_seeds_are_enough_to_lie_on_a_side():
    assert (Estimate(-0.15, -0.2, -0.1, (-0.15,)).side, Estimate(-0.15, -0.2, -0.1, (-0.15,)).sign) == (-1, 0)
    assert Estimate(0.05, -0.1, 0.2, (0.05,)).side == Estimate(0.15, 0.1, 0.2, (0.4, -0.1)).side == 0
