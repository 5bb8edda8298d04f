"""The division of the training users: by user, by hand, and nothing lost in between."""

import numpy as np
import pytest

from edgedipn_tf import random_keys
from edgedipn_tf.dataset import open_dataset
from edgedipn_tf.held_out_users import FITTED_SPLIT, HELD_OUT_SPLIT, divide, is_held_out
from tests.edgedipn_tf.tiny_dataset import write_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return open_dataset(write_dataset(tmp_path_factory.mktemp("data") / "dataset"))


def _users(batches):
    return [user.decode() for *_, extras in batches.as_numpy_iterator() for user in extras["user_id"]]


def test_a_hash_of_seed_and_user_decides_by_hand():
    # sha256("held out|3|c3a9") is of the user's bytes in hexadecimal: names of any bytes are told apart.
    bits = int(random_keys.mix(random_keys.key("held out", 3, "c3a9")))
    for share in (0.0, bits / 2**64, np.nextafter(bits / 2**64, 1), 1.0):
        assert is_held_out("é".encode(), 3, share) == (bits < share * 2**64)


def test_share_is_met_and_a_smaller_share_is_part_of_a_larger_one():
    users = [str(user).encode() for user in range(2000)]
    held_out = {share: {u for u in users if is_held_out(u, 0, share)} for share in (0.0, 0.1, 0.2, 1.0)}
    assert not held_out[0.0] and len(held_out[1.0]) == 2000
    assert len(held_out[0.1]) == pytest.approx(200, abs=40)  # three standard deviations
    assert held_out[0.1] < held_out[0.2]
    assert held_out[0.2] != {u for u in users if is_held_out(u, 1, 0.2)}


def test_each_sample_is_on_the_side_of_its_user(dataset):
    divided = divide(dataset, seed=5, share=0.2)
    found = {name: _users(divided.evaluation_batches(name, 8, 7, extras=True)) for name in divided.splits}
    for name, users in found.items():
        assert len(users) == divided.num_samples(name)
    assert all(is_held_out(user.encode(), 5, 0.2) for user in found[HELD_OUT_SPLIT])
    assert not any(is_held_out(user.encode(), 5, 0.2) for user in found[FITTED_SPLIT])
    assert sorted(found[FITTED_SPLIT] + found[HELD_OUT_SPLIT]) == sorted(found["train"])
    assert set(map(len, found.values())) == {36, 124, 160, 80}
    assert divided.description == dataset.description  # so are the fingerprints: it is the same dataset


def test_training_batches_hold_the_fitted_users_only(dataset):
    divided = divide(dataset, seed=5, share=0.2)
    keys = {}
    for name in (FITTED_SPLIT, HELD_OUT_SPLIT):
        in_order = divided.evaluation_batches(name, 8, 1).as_numpy_iterator()
        keys[name] = sorted(inputs["swipe"].tobytes() for inputs, *_ in in_order)
    batches = divided.training_batches(8, 31, 1, 0, 1, split=FITTED_SPLIT).as_numpy_iterator()  # 4 * 31 = 124
    assert (
        sorted(row.astype(np.int32).tobytes() for inputs, *_ in batches for row in inputs["swipe"])
        == keys[FITTED_SPLIT]
    )
    assert not set(keys[FITTED_SPLIT]) & set(keys[HELD_OUT_SPLIT])


def test_a_dataset_without_training_records_has_two_empty_parts(tmp_path):
    empty = open_dataset(write_dataset(tmp_path / "data", num_users={"train": 0, "eval": 2}))
    divided = divide(empty, seed=0, share=0.2)
    assert (divided.num_samples(FITTED_SPLIT), divided.num_samples(HELD_OUT_SPLIT)) == (0, 0)
