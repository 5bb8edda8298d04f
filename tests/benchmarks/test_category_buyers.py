"""Buyers of categories, counted by hand and from a dataset."""

import numpy as np
import pytest

from benchmarks import category_buyers
from edgedipn_tf.dataset import open_dataset
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
    # Counted once more, sample by sample, by the names of categories instead of the ids of candidates.
    dataset = open_dataset(data)
    top = [feature.name for feature in dataset.schema.view("browse").features].index("top_category")
    positive, seen, pairs = 0, 0, set()
    for inputs, labels, weights, extras in dataset.evaluation_batches("train", 8, 1, extras=True).as_numpy_iterator():
        shown = {int(action[top]) for action in inputs["browse"][0]}
        for place, names in enumerate(extras["candidate_names"][0]):
            if weights["realtime_top_category"][0, place] and labels["realtime_top_category"][0, place] and names[1]:
                positive += 1
                seen += int(inputs["candidates"][0, place, 1]) in shown
                pairs.add((extras["user_id"][0], names[1]))
    said = printed.out.splitlines()[-1]
    assert said.startswith("realtime_top_category: 12 users, ") and positive > seen > 0
    assert said.endswith(
        f"{len(pairs)} pairs of user and category; {seen} of {positive} positive candidates are in the browse view"
    )
