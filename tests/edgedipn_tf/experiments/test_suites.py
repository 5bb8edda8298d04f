"""The suites: models that exist, settings that do something, names that are files, and the papers' rows."""

import pytest

from edgedipn_tf import config
from edgedipn_tf.experiments import paper
from edgedipn_tf.experiments.suite import BASE, DataVariant, Entry, Run, Table, runs_of
from edgedipn_tf.experiments.suites import SIZES, SUITES
from edgedipn_tf.models.catalog import VARIANTS
from edgedipn_tf.schema import INTENTS

TABLES = [table for suite in SUITES.values() for table in suite.tables]


def test_the_suites_of_the_issue_are_there():
    wanted = {"edgedipn_models", "edgedipn_length", "edgedipn_hops", "dipn_models", "dipn_multi_task", "dipn_sources"}
    assert wanted | {"volumes", "design_choices", "learning_curve", "all_models"} == set(SUITES)


@pytest.mark.parametrize("size", SIZES.values(), ids=list(SIZES))
def test_every_run_can_be_trained(size):
    for table in TABLES:
        for run in runs_of(table, size, has_folds=True):
            assert config.resolve("default", {**run.settings(size), "data": "dataset"}).model in VARIANTS
            assert len(f"{run.name}.failed.json") < 255 and "/" not in run.name


@pytest.mark.parametrize("size", SIZES.values(), ids=list(SIZES))
def test_steps_are_limited_and_the_full_size_has_three_seeds(size):
    for settings in (size.settings, {**size.settings, **size.fold_settings}):
        assert 0 < settings["num_epochs"] * settings["steps_per_epoch"] <= 800
    assert size.max_minutes <= 30 and (size.name != "full" or size.num_seeds >= 3)


def test_a_public_log_has_shorter_epochs_and_smaller_steps():
    (table,) = SUITES["all_models"].tables
    (by_fold, *_), (by_day, *_) = (runs_of(table, SIZES["full"], has_folds) for has_folds in (True, False))
    of_fold, of_day = (run.settings(SIZES["full"]) for run in (by_fold, by_day))
    assert (of_fold["num_epochs"], of_fold["steps_per_epoch"], of_day["steps_per_epoch"]) == (10, 20, 200)
    assert (of_fold["learning_rate"], of_day["learning_rate"]) == (0.001, 0.003)


def test_every_name_of_a_model_is_in_the_table_of_all():
    (table,) = SUITES["all_models"].tables
    assert sorted(entry.model for entry in table.entries) == sorted(VARIANTS)


def test_equal_names_mean_equal_runs():
    named = {}
    for table in TABLES:
        for run in runs_of(table, SIZES["full"], has_folds=False):
            what = (run.settings(SIZES["full"]), run.entry.trained_on, run.judged_on)
            assert named.setdefault(run.name, what) == what


def test_the_papers_models_stand_in_the_papers_order():
    table = SUITES["edgedipn_models"].tables[0]
    with_paper = [entry for entry in table.entries if entry.paper]
    assert [entry.model for entry in with_paper] == list(paper.EDGEDIPN_TABLE_2) and len(with_paper) == 11
    assert all(set(entry.paper) == {intent.name for intent in INTENTS} for entry in with_paper)
    assert [entry.model for entry in SUITES["dipn_models"].tables[0].entries if entry.paper] == list(paper.DIPN_TABLE_4)
    # Three figures read off the paper's page once more.
    assert paper.EDGEDIPN_TABLE_2["edgedipn"]["longtime_leaf_category"] == 0.8368
    assert paper.EDGEDIPN_TABLE_2["edgedipn_v0"]["realtime_cart"] == 0.8191
    assert paper.EDGEDIPN_TABLE_3["edgedipn"][512] == 0.8508


def test_every_intent_of_a_table_exists():
    known = {intent.name for intent in INTENTS}
    assert all(set(table.intents) <= known and set(entry.paper) <= known for table in TABLES for entry in table.entries)


def test_runs_of_a_table():
    first, second = Entry(label="a", model="edgedipn"), Entry(label="b", model="gbdt", settings={"max_length": 16})
    table = Table(title="two", reference="a", entries=(first, second), judged_on=DataVariant("popular"))
    runs = runs_of(table, SIZES["smoke"], has_folds=True)
    assert [run.name for run in runs] == [
        "edgedipn,judged=popular-fold0-seed1",
        "gbdt,max_length=16,judged=popular-fold0-seed1",
        "edgedipn,judged=popular-fold1-seed1",
        "gbdt,max_length=16,judged=popular-fold1-seed1",
    ]
    # A baseline takes no epochs; what an entry sets goes before the size.
    assert runs[1].settings(SIZES["smoke"]) == {"max_length": 16, "model": "gbdt", "seed": 1}


def test_parts_of_the_users_take_the_seeds_in_turn():
    entry = Entry(label="a", model="edgedipn")
    table = Table(title="one", reference="a", entries=(entry,))
    medium, full = (
        [(run.fold, run.seed) for run in runs_of(table, SIZES[name], has_folds=True)] for name in ("medium", "full")
    )
    assert medium == [(0, 1), (1, 2), (2, 3)]
    assert full[:5] == [(0, 1), (1, 2), (2, 3), (3, 1), (4, 2)]
    assert sorted(full) == [(fold, seed) for fold in range(5) for seed in (1, 2, 3)]
    by_day = runs_of(table, SIZES["medium"], has_folds=False)
    assert [(run.fold, run.seed) for run in by_day] == [(None, 1), (None, 2), (None, 3)]


def test_a_name_tells_what_was_trained_on_and_what_judged():
    variant = DataVariant("interval")
    entry = Entry(label="interval", model="edgedipn", trained_on=variant)
    names = [Run(entry=entry, judged_on=judged_on, fold=None, seed=3).name for judged_on in (BASE, variant)]
    assert names == ["edgedipn,on=interval-seed3", "edgedipn,on=interval,judged=interval-seed3"]


def test_a_small_size_keeps_the_reference():
    suite = SIZES["smoke"].shorten(SUITES["edgedipn_models"])
    assert [entry.label for entry in suite.tables[0].entries] == ["gbdt", "edgedipn"]
    assert SIZES["full"].shorten(SUITES["edgedipn_models"]) == SUITES["edgedipn_models"]


@pytest.mark.parametrize("labels", [("a", "a"), ("b", "c")])
def test_a_table_needs_its_reference_once(labels):
    entries = tuple(Entry(label=label, model="edgedipn") for label in labels)
    with pytest.raises(ValueError, match="labels must differ"):
        Table(title="no", reference="a", entries=entries)


def test_a_given_dataset_does_what_needs_no_other_one():
    (lengths,) = SUITES["edgedipn_length"].of_one_dataset().tables
    assert [entry.at for entry in lengths.entries] == [64, 128, 256] * 4
    choices = SUITES["design_choices"].of_one_dataset().tables
    assert [table.title for table in choices] == ["Adam's epsilon", "V of equation 3", "Product of equation 4"]
    for name in ("edgedipn_models", "dipn_models"):  # the first needs no other, of the second nothing would be left
        assert SUITES[name].of_one_dataset() == SUITES[name]


def test_a_length_beyond_the_base_is_trained_and_judged_on_longer_windows():
    runs = {run.name: run for run in runs_of(SUITES["edgedipn_length"].tables[0], SIZES["full"], has_folds=False)}
    assert len(runs) == 4 * 4 * 3
    # The names of before: finished runs stay finished.
    assert runs["edgedipn_with_gru,max_length=128-seed2"].judged_on == BASE
    long = runs["edgedipn_with_gru,max_length=512,on=long,judged=long-seed2"]
    assert dict(long.judged_on.flags) == {"max_length": "512"} and long.entry.trained_on == long.judged_on
