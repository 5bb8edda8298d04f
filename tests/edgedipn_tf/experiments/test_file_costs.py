"""Costs of converted files on disk: added by model and length, read whole or refused in one line."""

import dataclasses
import json

import pytest

from edgedipn_tf.commands import InputError
from edgedipn_tf.experiments import file_costs
from tests.edgedipn_tf.experiments.made_runs import COST


def test_what_is_measured_again_takes_the_place_of_what_was(tmp_path):
    path = tmp_path / "edgedipn_length" / file_costs.FILE
    assert file_costs.read(path) == ()
    longer, other = dataclasses.replace(COST, length=128), dataclasses.replace(COST, model="edgedipn_with_gru")
    file_costs.write(path, [longer, other])
    file_costs.write(path, [COST, dataclasses.replace(longer, p50_ms=9.0, paper_ms=None)])
    assert file_costs.read(path) == (COST, other, dataclasses.replace(longer, p50_ms=9.0, paper_ms=None))


@pytest.mark.parametrize("content", ["[]", "{}", '{"format_version": 2, "files": []}', "no"])
def test_another_file_is_refused_with_the_remedy(tmp_path, content):
    path = tmp_path / "files.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"files.json .* remove it and measure again: python -m benchmarks"):
        file_costs.read(path)


def test_a_figure_that_is_missing_is_refused(tmp_path):
    path = tmp_path / "files.json"
    file_costs.write(path, [COST])
    values = json.loads(path.read_text())
    del values["files"][0]["p50_ms"]
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match="does not hold the costs of files"):
        file_costs.read(path)
