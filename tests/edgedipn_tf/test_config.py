"""Settings: presets, refusals by name, values that cannot be."""

import dataclasses

import pytest

from edgedipn_tf import config
from edgedipn_tf.commands import InputError


def _resolve(preset="default", **changes):
    return config.resolve(preset, {"data": "dataset", **changes})


def test_default_preset_is_the_declared_defaults():
    assert _resolve() == config.TrainingConfig(data="dataset")
    assert (_resolve().learning_rate, _resolve().beta_1, _resolve().beta_2, _resolve().epsilon) == (
        1e-3,
        0.9,
        0.999,
        1e-7,
    )


def test_paper_preset_is_that_of_edgedipn_section_5():
    paper = _resolve("edgedipn_paper")
    assert (paper.global_batch_size, paper.epsilon, paper.learning_rate, paper.learning_rate_decay) == (
        1024,
        1e-3,
        1e-3,
        0.9,
    )
    assert (paper.max_length, paper.num_hops, paper.penalty_weight) == (256, 10, 0.01)


def test_paper_preset_of_dipn_is_that_of_its_section_6():
    resolved = _resolve("dipn_paper")
    assert (resolved.model, resolved.epsilon, resolved.beta_1, resolved.beta_2) == ("dipn", 1e-3, 0.9, 0.999)


def test_given_settings_win_over_the_preset():
    smoke = _resolve("smoke", num_epochs=7)
    assert (smoke.num_epochs, smoke.max_length) == (7, 16)


@pytest.mark.parametrize("preset", config.PRESETS)
def test_every_preset_is_valid_and_frozen(preset):
    resolved = _resolve(preset)
    assert config.resolve("default", resolved.to_json()) == resolved
    with pytest.raises(dataclasses.FrozenInstanceError):
        resolved.seed = 1


def test_integers_are_accepted_for_fractions_and_become_them():
    assert isinstance(_resolve(learning_rate=1).learning_rate, float)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lerning_rate": 0.1}, "unknown setting 'lerning_rate': did you mean 'learning_rate'?"),
        ({"learning_rate": 0.0}, "--learning_rate=0.0 must be above 0, at most 1"),
        ({"learning_rate": float("nan")}, "--learning_rate=nan must be"),
        ({"learning_rate_decay": 1.5}, "--learning_rate_decay=1.5 must be above 0, at most 1"),
        ({"embedding_range": 0.0}, "--embedding_range=0.0 must be above 0, at most 1"),
        ({"cool_down": 1.0}, "--cool_down=1.0 must be at least 0 and below 1"),
        ({"beta_2": 1.0}, "--beta_2=1.0 must be at least 0 and below 1"),
        ({"penalty_weight": float("inf")}, "--penalty_weight=inf must be at least 0"),
        ({"num_epochs": 0}, "--num_epochs=0 must be at least 1"),
        ({"patience": -1}, "--patience=-1 must be at least 0"),
        ({"seed": 2**31}, "--seed=2147483648 must be"),
        ({"num_epochs": 2.5}, "--num_epochs=2.5 must be of type int"),
        ({"num_epochs": True}, "--num_epochs=True must be of type int"),
        ({"batch_by_length": 1}, "--batch_by_length=1 must be of type bool"),
        ({"data": ""}, "--data='' must be given"),
        ({"num_hops": 20, "max_length": 16}, "--num_hops=20 contradicts --max_length=16"),
    ],
)
def test_bad_settings_are_refused_by_name(changes, message):
    with pytest.raises(InputError) as refused:
        _resolve(**changes)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task_weights": "retention"}, "retention: 'retention' must be a task, =, and a number above 0"),
        ({"task_weights": "retention=0"}, "retention=0: 'retention=0' must be a task"),
        ({"task_weights": "retention=inf"}, "retention=inf: 'retention=inf' must be a task"),
        ({"task_weights": "retention=1,retention=2"}, "retention=1,retention=2: 'retention=2' must be a task"),
        ({"task_weights": "uncertainty,retention=2"}, "uncertainty,retention=2: 'uncertainty' must be a task"),
        ({"sources": "browse,histori"}, "browse,histori: there is no source 'histori', did you mean 'history'?"),
        ({"sources": "tap,tap", "model": "dipn"}, "tap,tap names a source twice"),
        ({"sources": "tap,history", "model": "dipn_early_fusion"}, "tap,history: dipn_early_fusion merges all views"),
        ({"sources": "browse,history"}, "browse,history: edgedipn takes one or more views, and always history and"),
        ({"sources": "history,profile"}, "history,profile: edgedipn takes one or more views"),
    ],
)
def test_bad_task_weights_and_sources_are_refused(changes, message):
    with pytest.raises(InputError) as refused:
        _resolve(**changes)
    assert str(refused.value).startswith(f"--{next(iter(changes))}={message}")


def test_what_does_nothing_for_a_baseline_is_refused():
    with pytest.raises(InputError, match="--sources does nothing for --model=gbdt"):
        _resolve(model="gbdt", sources="browse")


def test_models_that_flatten_their_steps_have_no_batches_of_like_lengths():
    found = [
        _resolve(model=name, batch_by_length=True).are_batches_alike
        for name in ("edgedipn", "dipn_edge", "dipn", "dipn_only_browse", "dipn_early_fusion")
    ]
    assert found == [True, True, False, False, False]
    assert not _resolve().are_batches_alike


def test_unknown_preset_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="unknown preset 'edgedipn': did you mean 'edgedipn_paper'"):
        _resolve("edgedipn")


def test_every_setting_has_a_type_that_a_flag_can_have_and_a_meaning():
    assert set(config.settings().values()) == {bool, int, float, str}
    assert all(config.meaning(name) for name in config.settings())
