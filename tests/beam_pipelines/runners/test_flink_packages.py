"""Class paths and the jar of the job server, without Maven."""

import pathlib
import zipfile

import pytest

from beam_pipelines.runners import flink_packages
from beam_pipelines.runners.flink_cluster import FlinkCluster
from beam_pipelines.runners.flink_packages import FlinkPackages, resolve
from edgedipn_tf.commands import InputError

MAVEN = """#!/bin/sh
# Stands for mvn: writes a class path of two jars, one with a long name, and counts its calls.
echo call >> {folder}/calls
for word in "$@"; do case "$word" in
  -Dmdep.outputFile=*) printf '%s' "{folder}/a.jar:{folder}/{long}.jar" > "${{word#-Dmdep.outputFile=}}";;
esac; done
"""
FAILING_MAVEN = """#!/bin/sh
echo '[ERROR] Could not find artifact x:y:jar:1'
exit 1
"""


def programs(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    (folder / "bin").mkdir()
    for name, script in scripts.items():
        (folder / "bin" / name).write_text(script)
        (folder / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/bin:/usr/sbin")


def test_packages_are_resolved_once(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "b" * 150
    jars = [tmp_path / "a.jar", tmp_path / f"{long}.jar"]
    for jar in jars:
        jar.touch()
    programs(tmp_path, monkeypatch, java="", mvn=MAVEN.format(folder=tmp_path, long=long))
    packages = resolve(tmp_path / "flink")
    assert packages.java == str(tmp_path / "bin" / "java")
    assert packages.cluster_class_path == f"{jars[0]}:{jars[1]}"
    with zipfile.ZipFile(packages.job_server_jar) as file:
        lines = file.read("META-INF/MANIFEST.MF").decode().split("\r\n")
    assert max(map(len, lines)) <= 70  # and the line break makes 72 bytes, which Java allows
    whole = "".join(line[1:] if line.startswith(" ") else f"\n{line}" for line in lines).split("\n")
    assert "Main-Class: org.apache.beam.runners.flink.FlinkJobServerDriver" in whole
    assert f"Class-Path: {jars[0].as_uri()} {jars[1].as_uri()}" in whole
    assert resolve(tmp_path / "flink") == packages
    assert (tmp_path / "calls").read_text().count("call") == 2  # one a profile
    jars[1].unlink()  # Maven's store was emptied
    with pytest.raises(InputError), monkeypatch.context() as context:
        context.setenv("PATH", "/nowhere")
        resolve(tmp_path / "flink")
    resolve(tmp_path / "flink")
    assert (tmp_path / "calls").read_text().count("call") == 4


@pytest.mark.parametrize(
    ("scripts", "message"),
    [
        ({"mvn": ""}, "java is not on the PATH: a local Flink needs Java 11 or 17"),
        ({"java": ""}, "mvn is not on the PATH: a local Flink needs Maven"),
        ({"java": "", "mvn": FAILING_MAVEN}, "Could not find artifact x:y:jar:1"),
    ],
)
def test_what_is_missing_is_named(
    scripts: dict[str, str], message: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    for name, script in scripts.items():
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(flink_packages, "_GOAL", "goal")
    with pytest.raises(InputError, match=message):
        resolve(tmp_path / "flink")


def test_a_process_that_ends_at_once_is_named_with_its_log(tmp_path: pathlib.Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\nexit 3\n")
    java.chmod(0o755)
    cluster = FlinkCluster(FlinkPackages(str(java), "none.jar", tmp_path / "none.jar"), tmp_path / "flink")
    with pytest.raises(InputError, match=r"Flink's \S+ ended with code 3: .*\.log says why"), cluster:
        pass


def test_the_flags_of_a_job_name_every_slot_and_a_worker_that_can_be_run(tmp_path: pathlib.Path) -> None:
    packages = FlinkPackages("/bin/true", "none.jar", tmp_path / "server.jar")
    cluster = FlinkCluster(packages, tmp_path, num_task_managers=3, slots=2, port=8099)
    assert cluster.beam_flags()[:3] == [
        "--runner=FlinkRunner",
        "--flink_master=127.0.0.1:8099",
        f"--flink_job_server_jar={tmp_path / 'server.jar'}",
    ]
    assert "--parallelism=6" in cluster.beam_flags()
