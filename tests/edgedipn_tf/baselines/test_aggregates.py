"""Aggregates of windows that can be counted by eye."""

import numpy as np
import pytest

from edgedipn_tf.baselines.aggregates import Aggregates
from edgedipn_tf.dataset import open_dataset
from edgedipn_tf.discretize import elapsed_time_bins
from edgedipn_tf.models.catalog import VIEWS
from edgedipn_tf.schema import Level, edgedipn_schema
from edgedipn_tf.schema_files import read_vocabulary
from edgedipn_tf.vocabulary import Vocabulary
from tests.edgedipn_tf.tiny_dataset import write_dataset

SCHEMA = edgedipn_schema()
LENGTH = 40
BROWSE, CART, PURCHASE = 2, 5, 6  # ids of actions


def _vocabulary(size=3):
    keyed = SCHEMA.vocabulary_features()
    return Vocabulary({key: tuple(f"name{i}" for i in range(min(size, f.bins))) for key, f in keyed.items()})


def _inputs(batch=1, length=LENGTH):
    """A batch without any action; history counts of zero, no profile, no candidates."""
    inputs = {view.name: np.zeros((batch, length, len(view.features)), np.int32) for view in SCHEMA.views}
    inputs["history"] = np.full((batch, len(SCHEMA.history)), 2, np.int32)
    inputs["profile"] = np.ones((batch, len(SCHEMA.profile)), np.int32)
    inputs["candidates"] = np.zeros((batch, SCHEMA.num_candidates, 2), np.int32)
    return inputs


def _browse(*actions):
    """The browse view of one user: (action, leaf, top, seconds before the cut-off), oldest first."""
    view = SCHEMA.view("browse")
    window = np.zeros((1, LENGTH, len(view.features)), np.int32)
    for place, (action, leaf, top, seconds) in enumerate(actions, LENGTH - len(actions)):
        window[0, place] = 1
        for name, value in (("action", action), ("leaf_category", leaf), ("top_category", top)):
            window[0, place, view.index(name)] = value
        window[0, place, view.index("elapsed_time")] = elapsed_time_bins(np.array([seconds * 1000])).bins.item() + 2
    return window


def _of_sample(inputs, vocabulary_size=3):
    aggregates = Aggregates(SCHEMA, _vocabulary(vocabulary_size), LENGTH, VIEWS)
    found = aggregates.of_samples(inputs)
    assert found.dtype == np.float32 and found.shape == (len(inputs["history"]), len(aggregates.names))
    return dict(zip(aggregates.names, found[0].tolist(), strict=True))


@pytest.fixture(scope="module")
def shopper():
    """Ten actions: a cart of old, eight looks at leaf 2, and a purchase in leaf 3 half a minute ago."""
    looks = [(BROWSE, 2, 4, 5000 - 500 * i) for i in range(8)]
    return {**_inputs(), "browse": _browse((CART, 3, 4, 70_000), *looks, (PURCHASE, 3, 2, 30))}


def test_counts_by_action_and_range(shopper):
    found = _of_sample(shopper)
    assert [found[f"browse_actions_{r}"] for r in ("newest_1", "newest_8", "newest_32", "all")] == [1, 8, 10, 10]
    assert [found[f"browse_action_cart_{r}"] for r in ("newest_8", "newest_32", "all")] == [0, 1, 1]
    assert [found[f"browse_action_browse_{r}"] for r in ("newest_8", "newest_32", "all")] == [7, 8, 8]
    assert found["browse_action_purchase_newest_1"] == 1


def test_ranges_of_time_end_where_their_bin_ends(shopper):
    found = _of_sample(shopper)
    # 30 s; 5000, 4500 and ... 1500 s ago; 70,000 s ago.
    seconds = {name.split("_")[-2]: found[name] for name in found if name.startswith("browse_actions_last_")}
    assert seconds == {"64": 1, "512": 1, "4096": 7, "65536": 9}
    edges = {**_inputs(), "browse": _browse((BROWSE, 2, 4, 64), (BROWSE, 2, 4, 63))}
    assert _of_sample(edges)["browse_actions_last_64_s"] == 1


def test_recency_counts_bins_from_the_cut_off(shopper):
    found = _of_sample(shopper)
    assert found["browse_recency"] == 25 - 5  # 30 s: [16, 32)
    assert found["browse_action_cart_recency"] == 25 - 17  # 70,000 s: [65536, 131072)
    assert found["browse_oldest_recency"] == 25 - 17
    assert found["browse_action_search_recency"] == 0


def test_names_of_a_vocabulary(shopper):
    found = _of_sample(shopper)
    assert (found["browse_leaf_category_id_2_all"], found["browse_leaf_category_id_3_all"]) == (8, 2)
    assert (found["browse_distinct_leaf_category_newest_8"], found["browse_distinct_top_category_all"]) == (2, 2)
    assert (found["browse_newest_leaf_category_newest_8"], found["browse_newest_leaf_category_all"]) == (1, 2)
    assert "browse_leaf_category_id_5_all" not in found  # the vocabulary has ids 2, 3 and 4
    many = [name for name in _of_sample(shopper, 50) if name.startswith("browse_leaf_category_id_")]
    assert len(many) == 3 * 32


def test_names_out_of_the_vocabulary_are_no_name():
    found = _of_sample({**_inputs(), "browse": _browse((BROWSE, 1, 1, 10), (BROWSE, 1, 1, 5))})
    assert (found["browse_distinct_leaf_category_all"], found["browse_newest_leaf_category_all"]) == (0, 0)


def test_means_leave_out_what_does_not_apply():
    inputs = _inputs()
    duration, gap = (SCHEMA.view("swipe").index(name) for name in ("duration", "time_gap"))
    inputs["swipe"][0, -3:, 0] = 2
    inputs["swipe"][0, -3:, duration] = [1, 4, 8]
    inputs["swipe"][0, -3:, gap] = 1
    found = _of_sample(inputs)
    assert (found["swipe_mean_duration_all"], found["swipe_mean_duration_newest_1"]) == (5, 7)
    assert found["swipe_mean_time_gap_all"] == 0


def test_history_and_profile():
    inputs = _inputs()
    inputs["history"][0, 0] = 7
    inputs["profile"][0, 1] = 3
    found = _of_sample(inputs)
    assert (found["history_collect_7_days"], found["history_collect_14_days"]) == (6, 1)
    assert [found[f"profile_gender_id_{i}"] for i in (1, 2, 3)] == [0, 0, 1]
    assert found["profile_age_level_id_1"] == 1


def test_candidates_count_their_own_category(shopper):
    aggregates = Aggregates(SCHEMA, _vocabulary(), LENGTH, VIEWS)
    shopper["candidates"][0, :4] = [[2, 4], [3, 2], [4, 3], [1, 1]]
    leaf = aggregates.of_candidates(shopper, Level.LEAF)
    assert leaf.shape == (1, 8, len(aggregates.candidate_names[Level.LEAF]))
    columns = {name: leaf[0, :, i].tolist() for i, name in enumerate(aggregates.candidate_names[Level.LEAF])}
    assert columns["candidate_leaf_category_actions_all"][:4] == [8, 2, 0, 0]
    assert columns["candidate_leaf_category_actions_newest_8"][:2] == [7, 1]
    assert columns["candidate_leaf_category_purchase"][:3] == [0, 1, 0]
    assert columns["candidate_leaf_category_recency"][:3] == [25 - 11, 20, 0]
    assert columns["candidate_leaf_category_rank"][:5] == [0, 1, 2, 3, 3]
    assert columns["candidate_top_category_actions_all"][:3] == [9, 1, 0]
    top = aggregates.candidate_names[Level.TOP]
    assert top and all(name.startswith("candidate_top_category") for name in top)


def test_padding_matches_no_candidate():
    aggregates = Aggregates(SCHEMA, _vocabulary(), LENGTH, VIEWS)
    found = aggregates.of_candidates(_inputs(), Level.LEAF)[0, 0]
    names = aggregates.candidate_names[Level.LEAF]
    assert {name: v for name, v in zip(names, found.tolist(), strict=True) if v and not name.endswith("rank")} == {}


def test_place_of_a_candidate_tells_nothing(shopper):
    aggregates = Aggregates(SCHEMA, _vocabulary(), LENGTH, VIEWS)
    order = np.array([3, 1, 0, 2, 7, 6, 5, 4])
    shopper["candidates"][0, :3] = [[2, 4], [3, 2], [4, 3]]
    moved = {**shopper, "candidates": shopper["candidates"][:, order]}
    expected = aggregates.of_candidates(shopper, Level.LEAF)[:, order]
    np.testing.assert_array_equal(aggregates.of_candidates(moved, Level.LEAF), expected)


def test_nothing_outside_the_window_counts(tmp_path):
    # Windows of 4 of the 12 stored actions: what lies before them changes with T, what lies after t0 is not stored.
    dataset = open_dataset(write_dataset(tmp_path / "dataset", num_users={"train": 5, "eval": 1}))
    vocabulary = read_vocabulary(dataset.path / "vocabulary.json", dataset.schema, "")
    short, full = (Aggregates(dataset.schema, vocabulary, length, VIEWS) for length in (4, 8))
    inputs = next(dataset.evaluation_batches("train", 8, 20).as_numpy_iterator())[0]
    cut = {name: ids[:, -4:] if ids.ndim == 3 and name != "candidates" else ids for name, ids in inputs.items()}
    changed = {name: ids.copy() for name, ids in inputs.items()}
    for view in dataset.schema.views:
        changed[view.name][:, :4] = 0
    columns = {name: i for i, name in enumerate(full.names)}
    seen, hidden = full.of_samples(inputs), full.of_samples(changed)
    of_cut = short.of_samples(cut)
    for i, name in enumerate(short.names):
        np.testing.assert_array_equal(of_cut[:, i], hidden[:, columns[name]], name)
    assert (seen != hidden).any()


def test_samples_of_a_batch_do_not_mix():
    rng = np.random.default_rng(0)
    inputs = _inputs(batch=5)
    for view in SCHEMA.views:
        for place, length in enumerate((0, 1, 7, 33, 40)):
            for index, feature in enumerate(view.features):
                ids = rng.integers(1, min(feature.table_size, 5), length)
                inputs[view.name][place, LENGTH - length :, index] = ids
    aggregates = Aggregates(SCHEMA, _vocabulary(), LENGTH, VIEWS)
    whole = aggregates.of_samples(inputs)
    alone = [aggregates.of_samples({name: ids[i : i + 1] for name, ids in inputs.items()})[0] for i in range(5)]
    np.testing.assert_array_equal(whole, np.stack(alone))
    assert len(set(aggregates.names)) == len(aggregates.names)


def test_of_one_view_the_aggregates_are_those_of_all_views_less_the_others(shopper):
    whole = _of_sample(shopper)
    browse_only = Aggregates(SCHEMA, _vocabulary(), LENGTH, ("browse",))
    found = dict(zip(browse_only.names, browse_only.of_samples(shopper)[0].tolist(), strict=True))
    assert found == {name: value for name, value in whole.items() if not name.startswith(("swipe_", "tap_"))}
    assert len(found) < len(whole) - 20 and found["browse_actions_all"] == 10 and "history_collect_7_days" in found
