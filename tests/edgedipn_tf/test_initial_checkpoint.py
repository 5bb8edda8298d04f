"""A run that starts from the weights of an earlier one."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from edgedipn_tf.commands import InputError
from edgedipn_tf.dataset import open_dataset
from edgedipn_tf.initial_checkpoint import load_initial_weights
from edgedipn_tf.model_file import save_model
from edgedipn_tf.models.variants import build_model
from edgedipn_tf.publishing import read_json, write_json
from edgedipn_tf.vocabulary import Vocabulary
from tests.edgedipn_tf.tiny_dataset import tiny_schema, write_dataset
from tests.edgedipn_tf.tiny_model import build_tiny_model
from tests.edgedipn_tf.tiny_training import train_tiny

NUM_KNOWN = 3
"""Names of each vocabulary of the earlier dataset: their ids are 2, 3 and 4."""


@pytest.fixture(scope="module")
def monday(tmp_path_factory):
    """A finished run."""
    folder = tmp_path_factory.mktemp("monday")
    train_tiny(write_dataset(folder / "dataset", vocabulary_size=NUM_KNOWN), folder / "workdir", num_epochs=1)
    return folder / "workdir"


@pytest.fixture(scope="module")
def tuesday(tmp_path_factory):
    """A dataset with two names more in each vocabulary."""
    return write_dataset(tmp_path_factory.mktemp("tuesday") / "dataset", vocabulary_size=NUM_KNOWN + 2, seed=1)


def _edgedipn(seed):
    model_size = {"max_length": 8, "num_hops": 2, "units": 4, "hidden_units": (4, 4)}
    return build_model("edgedipn", tiny_schema(), **model_size, seed=seed)


def _tiny_model(schema=None):
    return build_tiny_model("edgedipn", schema or tiny_schema(), num_hops=4, penalty_weight=0.01, seed=11)


def test_known_rows_are_taken_over_and_new_ones_stay_fresh(monday, tuesday, tmp_path):
    shutil.copytree(monday, tmp_path / "run")
    earlier, model, fresh = _edgedipn(seed=1), _edgedipn(seed=2), _edgedipn(seed=2)
    save_model(earlier, tmp_path / "run/model.keras")
    num_fresh = load_initial_weights(model, tmp_path / "run", open_dataset(tuesday))
    tables = {key: range(2 + NUM_KNOWN, 4 + NUM_KNOWN) for key in tiny_schema().vocabulary_features()}
    tables["profile_gender"] = range(2 + NUM_KNOWN, 2 + NUM_KNOWN)  # has three bins, all of them known already
    seen = {}
    for variable, before, old in zip(model.variables, fresh.variables, earlier.variables, strict=True):
        source, _, name = variable.path.rpartition("_embedding/table_")
        new = list(tables.get(f"{source.rpartition('/')[2]}_{name}", []))
        after, before, old = np.array(variable), np.array(before), np.array(old)
        np.testing.assert_array_equal(after[new], before[new])
        np.testing.assert_array_equal(np.delete(after, new, axis=0), np.delete(old, new, axis=0))
        seen[variable.path] = len(new)
    assert num_fresh == sum(seen.values()) == 2 * (len(tables) - 1)


def test_run_that_starts_from_another_is_better_in_its_first_epoch_and_resumes(monday, tuesday, tmp_path, capsys):
    cold = train_tiny(tuesday, tmp_path / "cold", num_epochs=1)
    warm = train_tiny(tuesday, tmp_path / "warm", num_epochs=1, initial_checkpoint=str(monday))
    assert "starts from the weights of" in capsys.readouterr().out
    assert warm["history"][0]["loss"] < cold["history"][0]["loss"]
    config = json.loads((tmp_path / "warm/config.json").read_text())
    assert len(config["initial_checkpoint_fingerprint"]) == 16


def test_other_initial_weights_in_the_same_folder_are_refused(monday, tuesday, tmp_path):
    train_tiny(tuesday, tmp_path / "warm", num_epochs=1, initial_checkpoint=str(monday))
    with pytest.raises(InputError, match="holds a run with initial_checkpoint_fingerprint="):
        train_tiny(tuesday, tmp_path / "warm", num_epochs=1)


def test_moved_ids_are_refused(monday, tmp_path):
    moved = write_dataset(tmp_path / "dataset", vocabulary_size=NUM_KNOWN)
    vocabulary = read_json(moved / "vocabulary.json", "a vocabulary", "")
    vocabulary["swipe_page"].reverse()
    write_json(moved / "vocabulary.json", vocabulary)
    description = read_json(moved / "dataset.json", "a dataset", "")
    fingerprint = Vocabulary.from_json(vocabulary, tiny_schema()).fingerprint
    write_json(moved / "dataset.json", {**description, "vocabulary_fingerprint": fingerprint})
    with pytest.raises(InputError, match="the ids of swipe_page moved .* make the dataset with --vocabulary"):
        load_initial_weights(_tiny_model(), monday, open_dataset(moved))


def test_another_schema_is_refused(monday, tmp_path):
    schema = dataclasses.replace(tiny_schema(), timezone="Asia/Shanghai")
    other = write_dataset(tmp_path / "dataset", schema)
    with pytest.raises(InputError, match=f"has the schema {tiny_schema().fingerprint}, .* {schema.fingerprint}"):
        load_initial_weights(_tiny_model(schema), monday, open_dataset(other))


def test_another_form_of_the_model_is_refused(monday, tuesday):
    with pytest.raises(InputError, match="holds the model edgedipn in another form: pass the --model, --num_hops"):
        load_initial_weights(_edgedipn(seed=1), monday, open_dataset(tuesday))


def test_a_folder_that_is_no_finished_run_is_refused(tuesday, tmp_path):
    with pytest.raises(InputError, match="is not a finished training run"):
        train_tiny(tuesday, tmp_path / "warm", initial_checkpoint=str(tmp_path))
