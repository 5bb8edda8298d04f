"""A Flink and Beam's job server for it, out of Maven's packages: two class paths, and a jar that stands for the second.

Beam publishes the job server as one jar as well; its parts are taken instead, because they are what every repository
holds, and because a cluster then loads exactly what a Flink distribution would: Flink without Beam.
"""

import dataclasses
import hashlib
import pathlib
import shutil
import subprocess
import zipfile

from edgedipn_tf import publishing
from edgedipn_tf.commands import InputError

_POM = pathlib.Path(__file__).with_name("flink_pom.xml")
_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath"
_JOB_SERVER_CLASS = "org.apache.beam.runners.flink.FlinkJobServerDriver"
_MANIFEST_LINE_BYTES = 72
OPENED_PACKAGES = (
    *(f"java.base/java.{name}" for name in ("lang", "lang.reflect", "net", "nio", "text", "time", "util")),
    *(f"java.base/java.util.concurrent{name}" for name in ("", ".atomic", ".locks")),
    "java.base/sun.nio.ch",
)
"""Packages of Java into which Flink and Beam look by reflection; closed to them since Java 17."""


@dataclasses.dataclass(frozen=True)
class FlinkPackages:
    """What runs a local Flink.

    Attributes:
        java: the Java launcher.
        cluster_class_path: jars of Flink's job manager and task managers.
        job_server_jar: a jar for Beam's `--flink_job_server_jar`.
    """

    java: str
    cluster_class_path: str
    job_server_jar: pathlib.Path


def resolve(folder: pathlib.Path) -> FlinkPackages:
    """Resolves the packages with Maven, which keeps them in its own store (about 150 MB the first time).

    Args:
        folder: keeps the class paths for the next time.

    Raises:
        InputError: in one line, when Java or Maven is missing or a package cannot be had.
    """
    java, maven = _program("java", "Java 11 or 17"), _program("mvn", "Maven")
    cache = folder / f"packages-{hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]}"
    cache.mkdir(parents=True, exist_ok=True)
    cluster, job_server = (_class_path(maven, profile, cache) for profile in ("cluster", "job-server"))
    jar = cache / "job-server.jar"
    if not jar.exists():
        _write_job_server_jar(jar, job_server)
    return FlinkPackages(java, cluster, jar.absolute())


def _program(name: str, what: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise InputError(f"{name} is not on the PATH: a local Flink needs {what}; install it")
    return path


def _class_path(maven: str, profile: str, cache: pathlib.Path) -> str:
    path = cache / f"{profile}.classpath"
    if path.exists():
        jars = path.read_text().strip()
        if all(pathlib.Path(jar).exists() for jar in jars.split(":")):
            return jars
    print(f"resolving the packages of Flink's {profile} with Maven", flush=True)
    fresh = path.with_suffix(".new")
    command = [maven, "--batch-mode", "--quiet", f"--file={_POM}", f"--activate-profiles={profile}", _GOAL]
    command += ["-DincludeScope=runtime", f"-Dmdep.outputFile={fresh.absolute()}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        errors = [line for line in result.stdout.splitlines() if "ERROR" in line]
        raise InputError(f"Maven could not resolve Flink's {profile}: {errors[0] if errors else result.stderr}")
    fresh.rename(path)
    return path.read_text().strip()


def _write_job_server_jar(jar: pathlib.Path, class_path: str) -> None:
    """Writes a jar that holds nothing but where its classes are: Flink ships it to the task managers in no time."""
    fresh = jar.with_suffix(".new")
    urls = " ".join(pathlib.Path(path).absolute().as_uri() for path in class_path.split(":"))
    entries = {"Manifest-Version": "1.0", "Main-Class": _JOB_SERVER_CLASS, "Add-Opens": " ".join(OPENED_PACKAGES)}
    lines = [_manifest_lines(f"{name}: {value}") for name, value in {**entries, "Class-Path": urls}.items()]
    with zipfile.ZipFile(fresh, "w") as file:
        file.writestr("META-INF/MANIFEST.MF", "".join(lines))
    publishing.write_bytes(jar, fresh.read_bytes())
    fresh.unlink()


def _manifest_lines(entry: str) -> str:
    """Returns a manifest's entry in lines of at most 72 bytes; a line that starts with a space continues the former."""
    first, rest = entry[: _MANIFEST_LINE_BYTES - 2], entry[_MANIFEST_LINE_BYTES - 2 :]
    size = _MANIFEST_LINE_BYTES - 3
    return "\r\n ".join([first, *(rest[i : i + size] for i in range(0, len(rest), size))]) + "\r\n"
