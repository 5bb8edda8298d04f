"""Actions of two views merged by hand; padding; what an order that the views do not have gives."""

import numpy as np

from edgedipn_tf.layers.merged_view import MergedView


def test_actions_stand_in_their_order_with_the_other_views_slots_not_applicable():
    swipe = np.array([[[0, 0], [7, 17], [8, 18]]])  # two actions: 7, then 8
    tap = np.array([[[4], [5], [6]]])
    order = np.array([[2, 1, 2]])  # tap, swipe, tap: the oldest swipe and the oldest tap are no longer among the newest
    merged = MergedView()([swipe, tap], order)
    np.testing.assert_array_equal(merged, [[[1, 1, 5], [8, 18, 1], [1, 1, 6]]])


def test_padding_stays_padding_in_every_slot():
    swipe, tap = np.zeros((2, 3, 2), np.int32), np.array([[[0], [0], [6]], [[0], [0], [0]]])
    merged = MergedView()([swipe, tap], np.array([[0, 0, 2], [0, 0, 0]]))
    np.testing.assert_array_equal(merged, [[[0, 0, 0], [0, 0, 0], [1, 1, 6]], [[0, 0, 0]] * 3])


def test_any_order_gives_some_ids_and_no_error():
    tap = np.array([[[4], [5]]])
    merged = MergedView()([tap], np.array([[9, 1]]))  # there is no ninth view
    np.testing.assert_array_equal(merged, [[[1], [5]]])
