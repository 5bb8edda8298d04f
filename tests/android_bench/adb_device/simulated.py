"""One simulated device: a folder that stands for its file system, what it says of itself, and scripted faults."""

import contextlib
import dataclasses
import os
import pathlib
import re
import signal
from collections.abc import Callable

from tests.android_bench.adb_device.connection import Connection, Service, Stream
from tests.android_bench.adb_device.file_sync import Disk, serve_sync
from tests.android_bench.adb_device.phone import Phone
from tests.android_bench.adb_device.shell import run_shell

TEMPORARY = "/data/local/tmp"
FEATURES = "shell_v2,cmd"
_OWN_PATHS = re.compile(r"(?<![\w/.])(?=/(?:data/local/tmp|sys/devices/system/cpu|proc/(?:uptime|sys/kernel))\b)")


@dataclasses.dataclass(frozen=True)
class Faults:
    """What goes wrong on a device."""

    is_silent: bool = False  # accepts the connection and never answers
    is_unauthorized: bool = False
    vanish_on_command: re.Pattern[str] | None = None  # the device is gone when a command like this has started
    vanish_on_push: bool = False
    hang_on_command: re.Pattern[str] | None = None  # a command like this never ends
    garbage_on_command: re.Pattern[str] | None = None  # a command like this is answered by random bytes
    event_on_command: re.Pattern[str] | None = None  # when a command like this starts, `event` happens
    event: Callable[["SimulatedDevice"], None] | None = None
    free_bytes: int | None = None
    kept_bytes: int | None = None


class SimulatedDevice:
    """A device that runs commands in a folder of this computer.

    Args:
        root: the folder that stands for `/`.
        faults: what goes wrong.
        phone: what the device is.
    """

    def __init__(self, root: pathlib.Path, faults: Faults | None = None, phone: Phone | None = None) -> None:
        self.root = root.resolve()
        self.faults = faults or Faults()
        self.phone = phone or Phone()
        self.is_gone = False
        self.commands: list[str] = []
        self.connections: list[Connection] = []
        self._started: list[int] = []
        self.host_path(TEMPORARY).mkdir(parents=True)
        self.phone.make(self.root)

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

    def setting(self, name: str) -> str | None:
        """Returns a global setting, None when it is not set."""
        path = self.root / "state/settings" / name
        return path.read_text().strip() if path.is_file() else None

    def change(self, **values: object) -> None:
        """Makes the phone another one from now on."""
        self.phone = dataclasses.replace(self.phone, **values)  # type: ignore[arg-type]
        self.phone.write(self.root)

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
        self.cut()

    def cut(self) -> None:
        """The connection is lost; adb may connect again."""
        for connection in self.connections:
            connection.cut()

    def stop(self) -> None:
        """Ends what commands left running."""
        for group in self._started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    async def _shell(self, stream: Stream, command: str) -> None:
        self.commands.append(command)
        local = _OWN_PATHS.sub(lambda match: str(self.root), command)
        if _matches(self.faults.hang_on_command, command):
            local = "sleep 60"
        if _matches(self.faults.garbage_on_command, command):
            local = "/usr/bin/head -c 300 /dev/urandom"
        argv = ["/usr/bin/env", "-i", f"PATH={self.host_path('/system/bin')}", "/bin/sh", "-c", local]
        if self.faults.event and _matches(self.faults.event_on_command, command):
            self.faults.event(self)
        if _matches(self.faults.vanish_on_command, command):
            self.vanish()
        await run_shell(stream, argv, str(self.root), self._started)


def _matches(pattern: re.Pattern[str] | None, command: str) -> bool:
    return pattern is not None and pattern.search(command) is not None
