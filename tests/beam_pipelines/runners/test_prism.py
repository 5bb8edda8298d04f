"""The job on Prism, Beam's runner in Go: `make test-prism` builds it. Without it the test skips and says so."""

import os
import pathlib
import shutil
import subprocess

import pytest

from tests import stages


@pytest.mark.prism
@pytest.mark.timeout(1200)
def test_prism_gives_the_same_bytes(tmp_path: pathlib.Path) -> None:
    program = os.environ.get("EDGEDIPN_PRISM") or shutil.which("prism")
    if program is None:
        pytest.skip("no prism on the PATH, nor named by EDGEDIPN_PRISM: run `make test-prism`")
    for stage in (stages.SIMULATE, stages.DISCRETIZE):
        stages.finish(stage, tmp_path, tmp_path / stage.name)
    output = tmp_path / "prism" / "dataset"
    command = stages.DISCRETIZE.command(tmp_path, output)
    command += ["--runner=PrismRunner", f"--prism_location={os.path.abspath(program)}"]
    result = subprocess.run(command, cwd=stages.ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    expected = stages.artefact(stages.DISCRETIZE, tmp_path / "dataset")
    assert stages.artefact(stages.DISCRETIZE, output) == expected
