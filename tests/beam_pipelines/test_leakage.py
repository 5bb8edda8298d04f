"""No sample knows its future, and no label its past.

Changing any action after t0 changes no feature of the sample; changing any action at or before t0 changes no label.
The candidates are not features in this sense: they hold the categories bought after t0, on purpose.
"""

import pathlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import pytest

from edgedipn_tf.schema import INTENTS, Level
from tests.reference.brute_force import Options, Reference, samples
from tests.reference.changed_logs import Changes, changes, features, labels, options_for, write
from tests.reference.job_samples import Columns, Key, columns_of, read_samples, run_job
from tests.reference.local_days import HOUR_MS
from tests.reference.random_logs import random_log

Compute = Callable[[Mapping[str, list[Any]], Options, pathlib.Path], dict[Key, Columns]]
NAME_COLUMNS = {Level.NONE: None, Level.TOP: "candidate_top", Level.LEAF: "candidate_leaf"}
INTENT_NAMES = {intent.name: NAME_COLUMNS[intent.level] for intent in INTENTS}
SAMPLERS: dict[str, dict[str, Any]] = {
    "at every action": {"samples_per_user_day": Fraction(10_000)},
    "at intervals": {"interval_ms": 5 * HOUR_MS},
}


def by_reference(records: Mapping[str, list[Any]], options: Options, _: pathlib.Path) -> dict[Key, Columns]:
    """Computes the samples by brute force."""
    raw = {**records, "history": [{**row, "date": row["date"].isoformat()} for row in records["history"]]}
    return {key: columns_of(sample) for key, sample in samples(raw, options).items()}


def by_job(records: Mapping[str, list[Any]], options: Options, folder: pathlib.Path) -> dict[Key, Columns]:
    """Computes the samples by the Beam job."""
    run_job(write(records, folder / "logs"), options, folder / "dataset")
    return read_samples(folder / "dataset")


def assert_no_leak(log: Changes, options: Options, compute: Compute, folder: pathlib.Path) -> None:
    """Checks all samples before each user's moment against another future, all from it on against another past."""
    plain = compute(log.records, options, folder / "plain")
    future = compute(log.other_future, options, folder / "future")
    past = compute(log.other_past, options, folder / "past")
    before = {key for key in plain if key[1] <= log.moments[key[0]]}
    # Dropped or kept is decided by the log's end and the split alone: the same samples exist.
    assert before == {key for key in future if key[1] <= log.moments[key[0]]}
    assert len(before) > 30
    for key in before:
        assert features(future[key]) == features(plain[key]), key
    after = {key for key in plain if key[1] >= log.moments[key[0]]} & past.keys()
    assert len(after) > 30
    for key in after:
        left, right = labels(plain[key], INTENT_NAMES), labels(past[key], INTENT_NAMES)
        for name in left.keys() & right.keys():
            assert left[name] == right[name], (key, name)
        assert {name for name in left if isinstance(name, str)} == {name for name in right if isinstance(name, str)}
    _assert_changes_matter(plain, future, past, log.moments)


def _assert_changes_matter(
    plain: dict[Key, Columns], future: dict[Key, Columns], past: dict[Key, Columns], moments: dict[str, int]
) -> None:
    """The other side of each moment does change: equal features and labels above are not for want of changes."""
    later = [key for key in plain if key[1] > moments[key[0]]]
    earlier = [key for key in plain if key[1] < moments[key[0]]]
    kept = [key for key in later if key in future and features(plain[key]) == features(future[key])]
    assert len(kept) < len(later) / 2
    assert any(
        key not in past or labels(plain[key], INTENT_NAMES) != labels(past[key], INTENT_NAMES) for key in earlier
    )


def changed_log(seed: int, sampler: str) -> tuple[Changes, Options]:
    log = random_log(seed, num_actions=40, num_busy_actions=60)
    options = options_for(log, evaluation_day=(8, 4, 6)[seed % 3], **SAMPLERS[sampler])
    reference = Reference(log.records(), options)
    changed = changes(seed, reference)
    return changed, options


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("seed", range(4))
def test_the_reference_does_not_leak(seed: int, sampler: str, tmp_path: pathlib.Path) -> None:
    assert_no_leak(*changed_log(seed, sampler), by_reference, tmp_path)


@pytest.mark.parametrize(("seed", "sampler"), [(0, "at every action"), (1, "at intervals")])
def test_the_job_does_not_leak(seed: int, sampler: str, tmp_path: pathlib.Path) -> None:
    assert_no_leak(*changed_log(seed, sampler), by_job, tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_fitted_stays_in_changed_logs(seed: int) -> None:
    log, options = changed_log(seed, "at intervals")
    history = {"history": []}
    plain, future, past = (
        Reference({**r, **history}, options) for r in (log.records, log.other_future, log.other_past)
    )
    assert plain.vocabularies == future.vocabularies == past.vocabularies
    assert plain.popular == future.popular == past.popular
