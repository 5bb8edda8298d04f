"""Buyers of categories, counted by hand and from a dataset."""

import numpy as np
import pytest

from benchmarks import category_buyers
from tests.edgedipn_tf.tiny_dataset import write_dataset


def test_buyers_are_users_and_not_samples() -> None:
    users = np.array([b"ann", b"ann", b"ann", b"bob", b"bob", b"cid"])
    categories = np.array([7, 7, 8, 7, 9, 9])
    is_positive = np.array([True, True, False, True, True, False])
    is_seen = np.array([True, False, True, True, False, True])
    assert category_buyers.summarize(users, categories, is_positive, is_seen) == category_buyers.Buyers(
        num_users=3,
        num_categories=3,
        num_bought=2,  # 7 and 9
        num_pairs=3,  # ann and 7, which is positive twice; bob and 7; bob and 9
        median_buyers=1.5,
        num_of_one_buyer=1,
        num_positives=4,
        num_seen=2,
    )


def test_the_command_counts_the_training_split(tmp_path, monkeypatch, capsys) -> None:
    data = write_dataset(tmp_path / "data", num_users={"train": 12, "eval": 8})
    for flags, code in ((["--intent=retention"], 2), (["--intent=realtime_top_category"], 0)):
        monkeypatch.setattr("sys.argv", ["category_buyers", f"--data={data}", "--max_length=8", *flags])
        with pytest.raises(SystemExit) as end:
            category_buyers.cli()
        assert (end.value.code or 0) == code
    printed = capsys.readouterr()
    assert "--intent=retention: expected one of realtime_top_category" in printed.err
    assert printed.out.splitlines()[-1].startswith("realtime_top_category: 12 users, ")
