"""What Dataflow is given: template metadata, image recipe, staged package and graph; no cloud."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

from beam_pipelines import simulate_events
from beam_pipelines.runners import flex_template
from edgedipn_tf import commands
from tests import stages

PROGRAM = pathlib.Path(__file__).with_name("build_dataflow_job.py")
FOLDER = flex_template.METADATA_FILE.parent


def test_the_metadata_of_the_template_is_that_of_the_flags() -> None:
    found = json.loads(flex_template.METADATA_FILE.read_text())
    assert found == flex_template.metadata(), "run python -m beam_pipelines.runners.flex_template"


def test_a_parameter_of_the_template_says_what_its_flag_says() -> None:
    parameters = {parameter["name"]: parameter for parameter in flex_template.metadata()["parameters"]}
    assert {"output", "logs", "evaluation_date", "seed", "sdk_container_image"} <= set(parameters)
    assert not {"validate_only", "describe_only"} & set(parameters)
    assert [name for name, parameter in parameters.items() if not parameter["isOptional"]] == ["output"]
    for name, good, bad in (("seed", "12", "x"), ("embargo", "true", "yes"), ("max_bad_fraction", "0.01", "1 %")):
        pattern = parameters[name]["regexes"][0]
        assert re.match(pattern, good)
        assert not re.match(pattern, bad)
    assert parameters["num_shards"]["helpText"] == "files of each split (default: 8)"


def test_the_image_has_the_tested_beam_and_every_folder_of_the_package() -> None:
    recipe = (FOLDER / "Dockerfile").read_text()
    tested = re.search(r"^apache-beam==(.*)$", (stages.ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert tested
    assert f"ARG BEAM_VERSION={tested[1]}\n" in recipe
    for path in re.findall(r"^COPY (?!--)(.*) \S+$", recipe, re.MULTILINE):
        for name in path.split():
            assert (stages.ROOT / name).exists()
    main = re.search(r"FLEX_TEMPLATE_PYTHON_PY_FILE=/edgedipn/(.*)", recipe)
    assert main
    assert (stages.ROOT / main[1]).exists()


@pytest.mark.dataflow
@pytest.mark.timeout(3600)
def test_the_staged_package_in_a_clean_environment_builds_the_graph(tmp_path: pathlib.Path) -> None:
    simulated = [f"--output={tmp_path / 'logs'}", "--num_users=2", "--num_days=3", "--actions_scale=0.1"]
    assert commands.run("", simulate_events.define_flags, simulate_events.main, simulated) == 0
    package = stage_package(tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    constraints = stages.ROOT / "constraints.txt"
    run(python, "-m", "pip", "install", "--quiet", "--constraint", constraints, f"{package}[dataflow]")
    printed = run(python, PROGRAM, tmp_path / "logs", stages.ROOT / "setup.py", folder=tmp_path)
    job = json.loads(printed.splitlines()[-1])
    assert job["package"].startswith(str(tmp_path / "venv"))
    assert job["loaded"] == []
    names = {"Read, validate, encode", "Users, round 0/Group by user", "Samples, round 0/Cut samples"}
    assert names | {"Samples, round 0/Write shards", "Read browse from other-project.shop.browse"} <= set(
        job["transforms"]
    )
    (table,) = job["tables"]
    assert table["method"] == "DIRECT_READ"
    assert table["selected_fields"] == "['user_id', 'timestamp_ms', 'action']"
    assert re.findall(r"(\w+)Id: '([\w-]+)'", table["table_reference"]) == [
        ("dataset", "shop"),
        ("project", "other-project"),
        ("table", "browse"),
    ]
    assert any(f"beam_python3.11_sdk:{job['version']}" in image for image in job["images"])
    assert any("workflow.tar.gz" in staged for staged in job["staged"])
    # What the package brings besides its modules, and that no worker installs TensorFlow.
    installed = run(python, "-m", "pip", "list", "--format=freeze", folder=tmp_path)
    assert "tensorflow" not in installed
    assert "keras" not in installed
    files = python.parents[1].rglob("beam_pipelines/runners/*")
    assert {"flink_pom.xml", "dataflow"} <= {path.name for path in files}


def stage_package(folder: pathlib.Path) -> pathlib.Path:
    """Builds the package as Beam does for --setup_file."""
    run(sys.executable, "setup.py", "--quiet", "sdist", "--dist-dir", folder, folder=stages.ROOT)
    return next(folder.glob("*.tar.gz"))


def run(*command: str | pathlib.Path, folder: pathlib.Path | None = None) -> str:
    words = [str(word) for word in command]
    result = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=1800, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
