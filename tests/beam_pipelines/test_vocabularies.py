"""Names counted on training days, ids that stay from run to run, and what the vocabularies cover, all by hand."""

import json
import pathlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from absl import flags
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines import discretize_events, options, vocabularies
from beam_pipelines.vocabularies import NameState
from edgedipn_tf import publishing
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.schema import edgedipn_schema
from edgedipn_tf.vocabulary import Vocabulary
from tests.beam_pipelines.user_logs import BrowseAction, browse_log

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
MARCH_1_MS = 1_772_323_200_000  # 2026-03-01T00:00Z


def options_of(*arguments: str) -> options.DiscretizeOptions:
    values = flags.FlagValues()
    options.define_flags(values)
    values(["", *arguments])
    return options.from_flags(values)


def counted(actions: list[BrowseAction], user_id: str, *arguments: str) -> dict[tuple[str, bytes, bytes], int]:
    counts: vocabularies.NameCounts = Counter()
    vocabularies.count_names(browse_log(actions, user_id), options_of(*arguments), counts)
    return {(key, name.encode(), top.encode()): count for (key, name, top), count in counts.items()}


# What is counted.


def test_the_last_millisecond_before_the_evaluation_day_counts_and_its_first_does_not() -> None:
    berlin = LocalTime("Europe/Berlin")
    split_ms = int(berlin.day_start_ms(LocalTime.parse_date("2026-03-29")))
    actions: list[BrowseAction] = [
        (split_ms - DAY_MS, "browse", "a", "t"),
        (split_ms - 1, "purchase", "a", None),
        (split_ms, "browse", "a", "t"),
        (split_ms + 1, "browse", "b", "t"),
    ]
    found = counted(actions, "u", "--timezone=Europe/Berlin", "--evaluation_date=2026-03-29")
    assert found == {
        ("browse_leaf_category", b"a", b""): 2,
        ("browse_top_category", b"t", b""): 1,
        ("pairs", b"a", b"t"): 1,
        ("pairs", b"a", b""): 1,
    }


def test_folds_evaluate_every_user_once() -> None:
    users = [f"u{i}" for i in range(200)]
    folds = [options_of("--evaluation_users=2/7", f"--evaluation_fold={fold}") for fold in range(3)]
    evaluating = [{user for user in users if fold.is_evaluation_user(user)} for fold in folds]
    assert len(set.union(*evaluating)) == sum(map(len, evaluating)) < len(users)  # a seventh is in none of the three
    without_fold = options_of("--evaluation_users=2/7")
    assert evaluating[0] == {user for user in users if without_fold.is_evaluation_user(user)}
    fifths = [options_of("--evaluation_users=1/5", f"--evaluation_fold={fold}") for fold in range(5)]
    assert all(sum(fold.is_evaluation_user(user) for fold in fifths) == 1 for user in users)


def test_users_for_evaluation_count_nothing_and_the_others_up_to_the_split_if_there_is_one() -> None:
    actions: list[BrowseAction] = [(MARCH_1_MS, "browse", "a", None), (MARCH_1_MS + DAY_MS, "browse", "b", None)]
    by_user = options_of("--evaluation_users=1/2")
    users = [f"u{i}" for i in range(40)]
    evaluating = {user for user in users if by_user.is_evaluation_user(user)}
    assert 0 < len(evaluating) < 40
    for user in users:
        leaves = {name for key, name, _ in counted(actions, user, "--evaluation_users=1/2") if key != "pairs"}
        assert leaves == (set() if user in evaluating else {b"a", b"b"})
        both = counted(actions, user, "--evaluation_users=1/2", "--evaluation_date=2026-03-02")
        assert {name for _, name, _ in both} == (set() if user in evaluating else {b"a"})


def test_rows_of_the_splits_part_the_actions_of_the_log() -> None:
    times = np.array([MARCH_1_MS, MARCH_1_MS + DAY_MS - 1, MARCH_1_MS + DAY_MS, MARCH_1_MS + DAY_MS])
    by_day = options_of("--evaluation_date=2026-03-02")
    assert [by_day.rows_of(split, "u", times) for split in ("train", "eval")] == [slice(0, 2), slice(2, 4)]
    by_user = options_of("--evaluation_users=1/2")
    both = options_of("--evaluation_users=1/2", "--evaluation_date=2026-03-02")
    for user in (f"u{i}" for i in range(20)):
        split, other = ("eval", "train") if by_user.is_evaluation_user(user) else ("train", "eval")
        assert by_user.rows_of(split, user, times) == slice(0, 4)
        assert both.rows_of(split, user, times) == by_day.rows_of(split, user, times)
        assert by_user.rows_of(other, user, times) == both.rows_of(other, user, times) == slice(0, 0)


# What becomes of the counts.

PAGE = "browse_page"
SCHEMA = edgedipn_schema()


def fit(counts: dict[str, int], *arguments: str, earlier: Sequence[str] = ()) -> tuple[str, ...]:
    """Fits the names of one feature; the counts come in any order."""
    named = [((PAGE, name.encode(), b""), count) for name, count in counts.items()]
    before = Vocabulary({key: tuple(earlier) if key == PAGE else () for key in SCHEMA.vocabulary_features()})
    job = options_of("--evaluation_date=2026-03-02", *arguments)
    results = {
        vocabularies.fit(order, SCHEMA, job, before if earlier else None).vocabulary.names[PAGE]
        for order in (named, named[::-1])
    }
    assert len(results) == 1
    return results.pop()


def test_ties_are_by_utf8_bytes_whatever_the_order_of_the_counts() -> None:
    assert fit({"é": 5, "b": 5, "a": 5, "often": 6, "rare": 4}) == ("often", "a", "b", "é")


def test_earlier_names_keep_their_ids_and_new_frequent_ones_follow() -> None:
    earlier = ("z", "gone", "a")
    found = fit({"a": 100, "z": 1, "n": 7, "m": 7, "k": 8, "rare": 4}, "--vocabulary=x", earlier=earlier)
    assert found == ("z", "gone", "a", "k", "m", "n")


def test_a_table_grows_up_to_its_bins() -> None:
    bins = SCHEMA.vocabulary_features()[PAGE].bins
    earlier = [f"old{i}" for i in range(bins - 2)]
    found = fit({"c": 7, "b": 9, "a": 7, "old0": 99}, "--vocabulary=x", earlier=earlier)
    assert found == (*earlier, "b", "a")


def test_a_frozen_vocabulary_stays_as_it_is() -> None:
    found = fit({"a": 100, "b": 50}, "--vocabulary=x", "--novocabulary_growth", earlier=("b",))
    assert found == ("b",)


@given(
    st.lists(st.tuples(st.text(max_size=2).filter(bool), st.integers(1, 4)), unique_by=lambda item: item[0]),
    st.sets(st.text(max_size=2).filter(bool), max_size=3),
    st.integers(1, 4),
)
def test_the_best_of_each_group_hold_the_best_of_all(counts: list[tuple[str, int]], old: set[str], bins: int) -> None:
    earlier = Vocabulary({PAGE: tuple(sorted(old))})
    items = [((PAGE, name.encode(), b""), count) for name, count in counts]
    kept = [item for group in range(3) for item in vocabularies.best(PAGE, items[group::3], bins, earlier)]
    assert len(kept) <= 3 * bins

    def first(some: list[vocabularies.NameCount]) -> list[str]:
        of_new = [(-count, name) for (_, name, _), count in some if name.decode() not in old]
        return [name.decode() for _, name in sorted(of_new)[:bins]]

    assert first(kept) == first(items)


def test_the_state_of_a_name() -> None:
    earlier = Vocabulary({PAGE: ("old",), "browse_leaf_category": ()})

    def state(key: str, name: str, count: int, earlier: Vocabulary | None) -> tuple[tuple[str, ...], int]:
        return vocabularies.name_state(((key, name.encode(), b""), count), 5, earlier)

    assert state(PAGE, "old", 1, earlier) == (("names", PAGE, NameState.EARLIER), 1)
    assert state(PAGE, "old", 1, None) == (("names", PAGE, NameState.RARE), 1)
    assert state(PAGE, "new", 5, earlier) == (("names", PAGE, NameState.FREQUENT), 1)
    assert state("browse_leaf_category", "old", 4, earlier) == (("names", "browse_leaf_category", NameState.RARE), 1)
    assert state("pairs", "old", 5, earlier) == (("names", "pairs", NameState.FREQUENT), 1)


# From day to day: two logs, the second one day later.

FLAGS = ("--min_count=2", "--num_shards=1", "--samples_per_user_day=2")


def write_log(
    folder: pathlib.Path, leaves: dict[int, str], genders: str, extra: Iterable[tuple[int, str]] = ()
) -> pathlib.Path:
    """Writes a log.

    Args:
        folder: where.
        leaves: by day of March, the leaf categories of every user's actions; `b` is bought, the others browsed.
        genders: one letter a user.
        extra: (day, leaf) of further actions of the first user.
    """
    visits = [(f"u{user}", day, leaf) for user in range(len(genders)) for day in leaves for leaf in leaves[day]]
    visits += [("u0", day, leaf) for day, leaf in extra]
    rows = [
        {
            "user_id": user,
            "timestamp_ms": MARCH_1_MS + (day - 1) * DAY_MS + 8 * HOUR_MS + number * 1000,
            "action": "purchase" if leaf == "b" else "browse",
            "leaf_category": leaf,
        }
        for number, (user, day, leaf) in enumerate(visits)
    ]
    profiles = [{"user_id": f"u{user}", "gender": gender} for user, gender in enumerate(genders)]
    for name, records in (("browse", rows), ("profile", profiles)):
        (folder / name).mkdir(parents=True)
        (folder / name / "part.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Monday's log and dataset, Tuesday's log and two datasets: one whose ids grow, one whose ids are Monday's."""
    folder = tmp_path_factory.mktemp("vocabularies")
    monday = write_log(folder / "monday_log", {1: "aabo", 2: "aab", 3: "abn"}, "ffmm", [(1, "r")])
    leaves = {2: "bba", 3: "bbanm", 4: "bbanm", 5: "anq"}
    tuesday = write_log(folder / "tuesday_log", leaves, "ffmmxxyyy", [(4, "o"), (4, "r")])

    def discretize(log: pathlib.Path, name: str, *arguments: str) -> None:
        assert discretize_events.run([f"--logs={log}", f"--output={folder / name}", *FLAGS, *arguments]) == 0

    discretize(monday, "monday", "--evaluation_date=2026-03-03")
    earlier = ("--evaluation_date=2026-03-05", f"--vocabulary={folder / 'monday'}")
    discretize(tuesday, "tuesday", *earlier)
    discretize(tuesday, "frozen", *earlier, "--novocabulary_growth")
    return folder


def read(dataset: pathlib.Path, name: str) -> Any:
    return json.loads((dataset / name).read_text())


LEAF, GENDER = "browse_leaf_category", "profile_gender"


def names_of(**counts: int) -> dict[str, int]:
    return counts


def test_a_first_vocabulary_and_what_it_covers(work: pathlib.Path) -> None:
    names = read(work / "monday", "vocabulary.json")
    assert names[LEAF] == ["a", "b", "o"]
    assert names[GENDER] == ["f", "m"]
    description = read(work / "monday", "dataset.json")
    assert description["earlier_vocabulary_fingerprint"] is None
    # Four users with 7 actions on training days, and one rare; 3 each on the evaluation day, a third of them new.
    assert description["coverage"][LEAF] == {
        "names": names_of(seen=4, earlier_seen=0, added=3, below_min_count=1, left_out=0, earlier=0, kept=3),
        "train": {"named": 29, "with_id": 28},
        "eval": {"named": 12, "with_id": 8},
    }
    assert description["coverage"]["swipe_page"]["train"] == {"named": 0, "with_id": 0}
    assert description["candidate_pairs"] == {"seen": 4, "popular": 3}


def test_a_day_later_ids_stay_and_new_names_follow(work: pathlib.Path) -> None:
    names = read(work / "tuesday", "vocabulary.json")
    # `b` is more frequent than `a` now, `o` stands there once only; `m` and `n` are as frequent as each other.
    assert names[LEAF] == ["a", "b", "o", "m", "n"]
    # Three bins: the more frequent of two new names has the last one.
    assert names[GENDER] == ["f", "m", "y"]
    description = read(work / "tuesday", "dataset.json")
    monday = read(work / "monday", "dataset.json")
    assert description["earlier_vocabulary_fingerprint"] == monday["vocabulary_fingerprint"]
    assert description["vocabulary_fingerprint"] != monday["vocabulary_fingerprint"]
    assert description["schema_fingerprint"] == monday["schema_fingerprint"]
    # Nine users with 13 actions on training days, two more of the first; `r` alone has no id. `q` is of the last day.
    assert description["coverage"][LEAF] == {
        "names": names_of(seen=6, earlier_seen=3, added=2, below_min_count=1, left_out=0, earlier=3, kept=5),
        "train": {"named": 119, "with_id": 118},
        "eval": {"named": 27, "with_id": 18},
    }
    assert description["coverage"][GENDER] == {
        "names": names_of(seen=4, earlier_seen=2, added=1, below_min_count=0, left_out=1, earlier=2, kept=3),
        "train": {"named": 9, "with_id": 7},
        "eval": {"named": 9, "with_id": 7},
    }


def test_a_frozen_vocabulary_is_the_earlier_one(work: pathlib.Path) -> None:
    assert (work / "frozen" / "vocabulary.json").read_bytes() == (work / "monday" / "vocabulary.json").read_bytes()
    frozen, monday = (read(work / name, "dataset.json") for name in ("frozen", "monday"))
    assert frozen["vocabulary_fingerprint"] == monday["vocabulary_fingerprint"]
    coverage = frozen["coverage"][LEAF]
    assert coverage["names"]["added"] == 0
    assert coverage["names"]["left_out"] == 2
    assert coverage["train"] == {"named": 119, "with_id": 82}
    assert coverage["eval"] == {"named": 27, "with_id": 9}


def test_the_job_prints_the_coverage(work: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [f"--logs={work / 'monday_log'}", f"--output={work / 'printed'}", *FLAGS]
    assert discretize_events.run([*arguments, "--evaluation_date=2026-03-03"]) == 0
    lines = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line.split()}
    # Names seen, with an id, of them new, rare, left out; share of the actions of training and of evaluation days.
    assert lines[LEAF] == ["4", "3", "3", "1", "0", "96.55", "%", "66.67", "%"]
    assert lines["tap_button"] == ["0", "0", "0", "0", "0", "n/a", "n/a"]


def with_bins(schema: dict[str, Any], bins: int) -> dict[str, Any]:
    """Returns the values of a schema with other bins of the profile's gender, under its own fingerprint."""
    plain = {key: value for key, value in schema.items() if key != "fingerprint"}
    profile = [{**feature, "bins": bins} if feature["name"] == "gender" else feature for feature in plain["profile"]]
    changed = edgedipn_schema().from_json({**plain, "profile": profile})
    return {**changed.to_json(), "fingerprint": changed.fingerprint}


def test_what_cannot_be_gone_on_with_is_one_line(
    work: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names, schema = (read(work / "monday", f"{name}.json") for name in ("vocabulary", "schema"))
    files: dict[str, tuple[Any, Any]] = {
        "other_bins": (names, with_bins(schema, 4)),
        "other_features": ({key: value for key, value in names.items() if key != GENDER}, schema),
        "too_many": ({**names, GENDER: ["a", "b", "c", "d"]}, None),
        "twice": ({**names, GENDER: ["a", "a"]}, None),
        "damaged": (names, {**schema, "max_length": 7}),
    }
    for name, (vocabulary, of_schema) in files.items():
        (tmp_path / name).mkdir()
        publishing.write_json(tmp_path / name / "vocabulary.json", vocabulary)
        if of_schema is not None:
            publishing.write_json(tmp_path / name / "schema.json", of_schema)
    messages = {
        "other_bins": "feature 'profile_gender' has 4 bins, not 3",
        "other_features": "feature 'profile_gender' is missing",
        "too_many": "feature 'profile_gender' has 4 names but only 3 bins",
        "twice": "feature 'profile_gender' has the name 'a' twice",
        "damaged": "schema.json was changed",
        "nowhere": "does not exist",
    }
    arguments = [f"--logs={work / 'monday_log'}", f"--output={tmp_path / 'out'}", "--evaluation_date=2026-03-03"]
    for name, message in messages.items():
        assert discretize_events.run([*arguments, f"--vocabulary={tmp_path / name}"]) == 2
        error = capsys.readouterr().err
        assert message in error and str(tmp_path / name) in error
        assert error.count("\n") == 1
    assert discretize_events.run([*arguments, "--novocabulary_growth"]) == 2
    assert "give the vocabulary that may not grow, --vocabulary=PATH" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_file_alone_is_enough_and_is_checked_before_a_long_job(
    work: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "vocabulary.json").write_bytes((work / "monday" / "vocabulary.json").read_bytes())
    arguments = [f"--logs={work / 'monday_log'}", "--evaluation_date=2026-03-03", "--validate_only"]
    assert discretize_events.run([*arguments, f"--vocabulary={tmp_path / 'vocabulary.json'}"]) == 0
    assert discretize_events.run([*arguments, f"--vocabulary={tmp_path / 'vocabulary'}"]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_names_counts_and_coverage_add_up(work: pathlib.Path) -> None:
    for name in ("monday", "tuesday", "frozen"):
        for feature in read(work / name, "dataset.json")["coverage"].values():
            names = Counter(feature["names"])
            parts = names["earlier_seen"] + names["added"] + names["below_min_count"] + names["left_out"]
            assert names["seen"] == parts
            assert names["kept"] == names["earlier"] + names["added"]
