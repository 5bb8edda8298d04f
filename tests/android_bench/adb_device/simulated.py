"""One simulated device: a folder that stands for its file system, its properties, and scripted faults."""

import contextlib
import dataclasses
import os
import pathlib
import re
import shlex
import signal

from tests.android_bench.adb_device.connection import Connection, Service, Stream
from tests.android_bench.adb_device.file_sync import Disk, serve_sync
from tests.android_bench.adb_device.shell import run_shell

TEMPORARY = "/data/local/tmp"
FEATURES = "shell_v2,cmd"
PROPERTIES = {
    "ro.product.manufacturer": "EdgeDIPN",
    "ro.product.model": "simulated test device",
    "ro.product.cpu.abi": "arm64-v8a",
    "ro.build.version.release": "14",
    "ro.build.fingerprint": "edgedipn/simulated/test:14/TEST/1:userdebug/test-keys",
}


@dataclasses.dataclass(frozen=True)
class Faults:
    """What goes wrong on a device."""

    is_silent: bool = False  # accepts the connection and never answers
    is_unauthorized: bool = False
    vanish_on_command: re.Pattern[str] | None = None  # the device is gone when a command like this has started
    vanish_on_push: bool = False
    free_bytes: int | None = None
    kept_bytes: int | None = None


class SimulatedDevice:
    """A device that runs commands in a folder of this computer.

    Args:
        root: the folder that stands for `/`.
        faults: what goes wrong.
    """

    def __init__(self, root: pathlib.Path, faults: Faults | None = None) -> None:
        self.root = root.resolve()
        self.faults = faults or Faults()
        self.is_gone = False
        self.commands: list[str] = []
        self.connections: list[Connection] = []
        self._started: list[int] = []
        self.host_path(TEMPORARY).mkdir(parents=True)
        programs = self.host_path("/system/bin")
        programs.mkdir(parents=True)
        lines = [f"{shlex.quote(name)}) echo {shlex.quote(value)};;" for name, value in PROPERTIES.items()]
        (programs / "getprop").write_text("#!/bin/sh\ncase $1 in\n" + "\n".join(lines) + "\nesac\n")
        (programs / "getprop").chmod(0o755)

    @property
    def banner(self) -> str:
        """What the device says of itself in the handshake."""
        return f"device::ro.product.name=simulated;ro.product.model=simulated;features={FEATURES}"

    def host_path(self, path: str) -> pathlib.Path:
        """Returns where a device path lies on this computer."""
        return self.root / path.lstrip("/")

    def files(self) -> list[str]:
        """Returns the device paths of all files and folders in the temporary folder."""
        return sorted("/" + str(path.relative_to(self.root)) for path in self.host_path(TEMPORARY).rglob("*"))

    def open_service(self, name: str) -> Service | None:
        """Returns the service of a name, or None to refuse it."""
        kind, _, argument = name.partition(":")
        if kind.split(",")[0] == "shell":
            return lambda stream: self._shell(stream, argument)
        if kind == "sync":
            vanish = self.vanish if self.faults.vanish_on_push else None
            disk = Disk(self.host_path, self.faults.free_bytes, self.faults.kept_bytes, vanish)
            return lambda stream: serve_sync(stream, disk)
        return None

    def vanish(self) -> None:
        """The device is gone, at once and for good."""
        self.is_gone = True
        for connection in self.connections:
            connection.cut()

    def stop(self) -> None:
        """Ends what commands left running."""
        for group in self._started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    async def _shell(self, stream: Stream, command: str) -> None:
        self.commands.append(command)
        local = command.replace(TEMPORARY, str(self.host_path(TEMPORARY)))
        path = f"PATH={self.host_path('/system/bin')}:/usr/bin:/bin"
        argv = ["/usr/bin/env", "-i", path, "/bin/sh", "-c", local]
        fatal = self.faults.vanish_on_command
        if fatal and fatal.search(command):
            self.vanish()
        await run_shell(stream, argv, str(self.root), self._started)
