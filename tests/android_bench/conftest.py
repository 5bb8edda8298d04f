"""Fixtures of the benchmark's tests."""

import pathlib
import shutil
from collections.abc import Iterator

import pytest

from android_bench import build_runner, retries
from tests.android_bench.adb_device.server import SKIP_REASON, is_adb_installed, private_adb_server
from tests.android_bench.tiny_bundle import TINY_TFLITE, write_bundle


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is repeated is repeated at once."""
    monkeypatch.setattr(retries, "PAUSE_S", 0.0)


@pytest.fixture(scope="session")
def tflite() -> bytes:
    """A tiny real model."""
    return TINY_TFLITE.read_bytes()


@pytest.fixture
def bundle_folder(tmp_path: pathlib.Path, tflite: bytes) -> pathlib.Path:
    """A bundle of one file."""
    return write_bundle(tmp_path / "bundle", tflite)


@pytest.fixture(scope="module")
def adb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The real adb program with a server of the test's own; without the program the test is skipped, aloud."""
    if not is_adb_installed():
        pytest.skip(SKIP_REASON)
    with private_adb_server(tmp_path_factory.mktemp("adb_home")):
        yield


@pytest.fixture(scope="session")
def host_runner(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The native runner built for this computer; without a C compiler the test is skipped, aloud."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (`cc`): `apt-get install gcc libc6-dev`, then run again")
    path = tmp_path_factory.mktemp("host_runner") / "runner"
    build_runner.build("host", path)
    return path
