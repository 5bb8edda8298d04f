"""The job on a real Flink: job manager and task managers are processes of their own, one of which is killed.

Minutes long, and Maven fetches Flink the first time: `make test-flink`. Without Java or Maven they skip and say so.
"""

import pathlib
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from beam_pipelines.runners import flink_packages
from beam_pipelines.runners.flink_cluster import FlinkCluster
from tests import stages

pytestmark = [pytest.mark.flink, pytest.mark.timeout(1800)]
JOB_SECONDS = 900


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on the PATH: a local Flink needs Java 11 or 17 and Maven")
    folder = tmp_path_factory.mktemp("flink")
    packages = flink_packages.resolve(stages.ROOT / "build" / "flink")  # kept: Maven takes its time
    with FlinkCluster(packages, folder) as started:
        yield started


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Logs, and the dataset that FnApiRunner makes of them."""
    folder = tmp_path_factory.mktemp("work")
    for stage in (stages.SIMULATE, stages.DISCRETIZE):
        stages.finish(stage, folder, folder / stage.name)
    return folder


def start(cluster: FlinkCluster, work: pathlib.Path, output: pathlib.Path) -> subprocess.Popen[str]:
    command = [*stages.DISCRETIZE.command(work, output), *cluster.beam_flags()]
    return subprocess.Popen(
        command, cwd=stages.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def newest_job(cluster: FlinkCluster) -> dict[str, object] | None:
    jobs = sorted(cluster.get("/jobs/overview")["jobs"], key=lambda job: job["start-time"])
    return cluster.get(f"/jobs/{jobs[-1]['jid']}") if jobs else None


def test_a_killed_task_manager_changes_no_byte(
    cluster: FlinkCluster, work: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    process = start(cluster, work, tmp_path / "dataset")
    end = time.monotonic() + JOB_SECONDS
    while time.monotonic() < end and process.poll() is None:
        job = newest_job(cluster)
        states = [vertex["status"] for vertex in job["vertices"]] if job else []
        if states.count("FINISHED") > len(states) // 4 and "RUNNING" in states:  # in the middle: done work is lost too
            break
        time.sleep(0.1)
    assert process.poll() is None, process.communicate()[0]
    cluster.kill_task_manager(0)
    cluster.start_task_manager(0)
    printed, _ = process.communicate(timeout=JOB_SECONDS)
    assert process.returncode == 0, printed
    job = newest_job(cluster)
    assert job is not None
    assert job["state"] == "FINISHED"
    # Of a job that succeeded, the failure that it survived.
    assert "task manager" in cluster.get(f"/jobs/{job['jid']}/exceptions")["root-exception"]
    assert stages.artefact(stages.DISCRETIZE, tmp_path / "dataset") == stages.artefact(
        stages.DISCRETIZE, work / "dataset"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]
