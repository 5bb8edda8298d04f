"""The groups of aggregates: their patterns find what they are called, and nothing is left out unseen."""

import re

import pytest

from benchmarks import aggregate_groups
from edgedipn_tf.baselines.aggregates import Aggregates
from edgedipn_tf.schema import edgedipn_schema
from edgedipn_tf.vocabulary import Vocabulary
from tests.edgedipn_tf.tiny_dataset import write_dataset


@pytest.fixture(scope="module")
def names() -> tuple[str, ...]:
    schema = edgedipn_schema()
    vocabulary = Vocabulary({key: ("name",) for key in schema.vocabulary_features()})
    return Aggregates(schema, vocabulary, 64, ["browse"]).names


@pytest.mark.parametrize(
    ("group", "left_out", "kept"),
    [
        ("ids of frequent names", "browse_leaf_category_id_2_newest_8", "browse_distinct_leaf_category_all"),
        ("history and profile", "profile_gender_id_2", "browse_actions_all"),
        ("actions like the newest one", "browse_newest_leaf_category_newest_8", "browse_actions_newest_8"),
        ("actions like the newest one", "browse_newest_top_category_all", "browse_action_cart_newest_32"),
        ("different names", "browse_distinct_leaf_category_all", "browse_newest_leaf_category_all"),
        ("recencies", "browse_oldest_recency", "browse_actions_all"),
        (
            "ranges of the newest actions and last seconds",
            "browse_actions_last_64_s",
            "browse_newest_leaf_category_all",
        ),
        ("the last three", "browse_action_cart_recency", "browse_newest_leaf_category_all"),
        ("the last three and actions like the newest one", "browse_newest_leaf_category_all", "browse_actions_all"),
    ],
)
def test_groups_hold_what_they_are_called(names: tuple[str, ...], group: str, left_out: str, kept: str) -> None:
    assert {left_out, kept} <= set(names)
    assert re.search(aggregate_groups.LEFT_OUT[group], left_out)
    assert not re.search(aggregate_groups.LEFT_OUT[group], kept)


def test_nothing_is_left_out_of_nothing(names: tuple[str, ...]) -> None:
    assert not [name for name in names if re.search(aggregate_groups.LEFT_OUT["nothing"], name)]


def test_the_command_prints_a_line_for_each_group(tmp_path, monkeypatch, capsys) -> None:
    data = write_dataset(tmp_path / "data", num_users={"train": 80, "eval": 20})
    for flags, code in ((["--views=swype"], 2), ([], 0)):
        monkeypatch.setattr("sys.argv", ["aggregate_groups", f"--data={data}", "--max_length=8", "--seeds=1", *flags])
        with pytest.raises(SystemExit) as end:
            aggregate_groups.cli()
        assert (end.value.code or 0) == code
    printed = capsys.readouterr()
    assert "--views=swype: expected of swipe, tap, browse" in printed.err
    lines = printed.out.splitlines()[-len(aggregate_groups.LEFT_OUT) :]
    assert [line[:48].strip() for line in lines] == list(aggregate_groups.LEFT_OUT)
    aucs = [float(line.split()[-1]) for line in lines]
    assert aucs[0] > 0.7 and all(0 <= auc <= 1 for auc in aucs)  # who bought lately buys: there is something to learn
