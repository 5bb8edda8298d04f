"""What is a finished training run, and which dataset belongs to it."""

import json
import pathlib
import shutil

import pytest

from edgedipn_tf.commands import InputError
from edgedipn_tf.finished_run import open_finished_run
from tests.edgedipn_tf.conversion.conftest import Published
from tests.edgedipn_tf.conversion.tiny import MAX_LENGTH, empty_vocabulary, tiny_schema


@pytest.fixture
def workdir(published: Published, tmp_path: pathlib.Path) -> pathlib.Path:
    return shutil.copytree(published.workdir, tmp_path / "workdir")


def test_a_finished_run_is_opened(published: Published) -> None:
    found = open_finished_run(published.workdir)
    assert (found.model_name, found.max_length, found.data) == ("edgedipn", MAX_LENGTH, str(published.data))
    assert found.schema == tiny_schema()
    assert found.model.count_params() == published.model.count_params()


@pytest.mark.parametrize("name", ["model.keras", "metrics.json"])
def test_an_unfinished_run_is_refused(workdir: pathlib.Path, name: str) -> None:
    (workdir / name).unlink()
    with pytest.raises(
        InputError, match=f"not a finished training run .it has no {name}.*train with edgedipn_tf.train"
    ):
        open_finished_run(workdir)


def test_a_folder_that_does_not_exist_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="nowhere is not a finished training run"):
        open_finished_run(tmp_path / "nowhere")


@pytest.mark.parametrize("what", ["schema", "vocabulary"])
def test_a_description_of_another_run_is_refused(workdir: pathlib.Path, what: str) -> None:
    config = json.loads((workdir / "config.json").read_text())
    (workdir / "config.json").write_text(json.dumps({**config, f"{what}_fingerprint": "0123456789abcdef"}))
    own = {"schema": tiny_schema().fingerprint, "vocabulary": empty_vocabulary(tiny_schema()).fingerprint}[what]
    with pytest.raises(InputError, match=f"{what}.json has the fingerprint {own}.*config.json says 0123456789abcdef"):
        open_finished_run(workdir)


@pytest.mark.parametrize("content", ["{}", "[]", '{"model": "m"}'])
def test_a_damaged_config_is_one_line(workdir: pathlib.Path, content: str) -> None:
    (workdir / "config.json").write_text(content)
    with pytest.raises(InputError, match="config.json is not that of a training run"):
        open_finished_run(workdir)


def test_a_damaged_model_is_one_line(workdir: pathlib.Path) -> None:
    (workdir / "model.keras").write_bytes(b"PK nonsense")
    with pytest.raises(InputError, match="model.keras cannot be read") as error:
        _ = open_finished_run(workdir).model
    assert "\n" not in str(error.value)


def test_a_dataset_of_another_kind_names_both_fingerprints(published: Published) -> None:
    found = open_finished_run(published.workdir)
    own = {"schema": found.schema.fingerprint, "vocabulary": found.vocabulary_fingerprint}
    found.refuse_other_data(pathlib.Path("d"), own)
    for what in own:
        with pytest.raises(InputError, match=f"d has the {what} 0123, but .* was trained on {own[what]}: pass --data"):
            found.refuse_other_data(pathlib.Path("d"), {**own, what: "0123"})
