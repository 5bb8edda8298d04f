"""Pools of records: each record once, shuffled ones of many users, members of a split by their place in a file."""

import collections

import numpy as np
import pytest

from edgedipn_tf import examples, pools, records
from edgedipn_tf.pools import Split, read_pools
from tests.edgedipn_tf.tiny_dataset import NUM_CUTOFFS, tiny_schema, user_day

NUM_FILES = 3
SCHEMA = tiny_schema()


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """Three files of 200, 300 and 100 records, one a user; a user's name tells the file and the place in it."""
    folder, generator = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    files, sizes = [], (200, 300, 100)
    for number, size in enumerate(sizes):
        days = [user_day(SCHEMA, generator, f"{number}-{place}", (1, 2)) for place in range(size)]
        path = folder / f"file{number}"
        path.write_bytes(b"".join(examples.frame(records.serialize(day, SCHEMA)) for day in days))
        files.append(str(path))
    return Split(tuple(files), sum(sizes) * NUM_CUTOFFS, sum(sizes))


def _users(split, num_samples, seed=None):
    generator = None if seed is None else np.random.default_rng(seed)
    return [
        [user.decode() for user in pool["user_id"]] for pool in read_pools(SCHEMA, split, 8, num_samples, generator)
    ]


def _all_users():
    return [f"{number}-{place}" for number, size in enumerate((200, 300, 100)) for place in range(size)]


def test_without_a_generator_the_order_is_that_of_the_files(split):
    found = _users(split, 70 * NUM_CUTOFFS)
    assert [len(pool) for pool in found] == [70] * 8 + [40]
    assert sum(found, []) == _all_users()


def test_shuffled_pools_hold_each_record_once_and_the_order_is_of_the_generator(split):
    found = _users(split, 70 * NUM_CUTOFFS, seed=1)
    assert sorted(sum(found, [])) == sorted(_all_users())
    assert _users(split, 70 * NUM_CUTOFFS, seed=1) == found
    assert _users(split, 70 * NUM_CUTOFFS, seed=2) != found


def test_a_shuffled_pool_has_records_of_every_file(split, monkeypatch):
    # 64 of each file in turn, and a pool of 1 is drawn from 192: without turns the first 200 would be of one file.
    monkeypatch.setattr(pools, "SHUFFLED_RECORDS", 128)
    first, *_ = _users(split, 64 * NUM_CUTOFFS, seed=0)
    files = collections.Counter(user.split("-")[0] for user in first)
    assert len(first) == 64
    assert min(files[str(number)] for number in range(NUM_FILES)) >= 10  # 21 expected, standard deviation 3


def test_no_more_files_are_open_at_once_than_said(split, monkeypatch):
    monkeypatch.setattr(pools, "_FILES_IN_TURN", 1)
    monkeypatch.setattr(pools, "SHUFFLED_RECORDS", 0)
    found = sum(_users(split, NUM_CUTOFFS, seed=3), [])
    changes = sum(one[0] != other[0] for one, other in zip(found[:-1], found[1:], strict=True))
    # One file after another; only the 64 records in hand when a file ends are mixed with those of the next.
    assert sorted(found) == sorted(_all_users()) and changes < 64


@pytest.mark.parametrize("seed", [None, 4])
def test_members_are_those_of_their_file(split, seed):
    generator = np.random.default_rng(5)
    is_member = tuple(generator.random(size) < 0.4 for size in (200, 300, 100))
    expected = [f"{number}-{place}" for number, of_file in enumerate(is_member) for place in np.flatnonzero(of_file)]
    num_records = len(expected)
    members = Split(split.files, num_records * NUM_CUTOFFS, num_records, is_member)
    found = sum(_users(members, 50 * NUM_CUTOFFS, seed), [])
    assert (found if seed is None else sorted(found)) == (expected if seed is None else sorted(expected))
