"""The `adb` program of this computer, which no other module starts: every call has a time limit and can be called off.

It also says which devices are attached, and what to do about one that is not ready.
"""

import contextlib
import dataclasses
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence

from android_bench.errors import DeviceError, DeviceTimeout
from android_bench.retries import Operation, attempt

INSTALL_REMEDY = "install Android's platform-tools (Debian: `apt-get install adb`)"
SHORT_LIMIT_S = 30.0

_POLL_S = 0.2  # how soon a call notices that it was called off
_ADDRESS = re.compile(r"\S+:\d{1,5}")  # of a wireless device

_STATE_REMEDIES = {
    "unauthorized": "unlock its screen and accept 'Allow USB debugging', then run again",
    "authorizing": "unlock its screen and accept 'Allow USB debugging', then run again",
    "offline": "unplug and replug its cable (wireless: `adb disconnect`, `adb connect` again), then run again",
    "no permissions": "this user may not open the USB device: install udev rules (android-sdk-platform-tools-common)",
    "recovery": "start Android on it",
    "sideload": "start Android on it",
    "bootloader": "start Android on it",
}


@dataclasses.dataclass(frozen=True)
class AttachedDevice:
    """One line of `adb devices`."""

    serial: str
    state: str

    @property
    def is_ready(self) -> bool:
        """Whether commands can be sent to it."""
        return self.state == "device"

    @property
    def explanation(self) -> str:
        """What the state means and what to do, for a device that is not ready."""
        remedy = _STATE_REMEDIES.get(self.state, "see `adb devices -l`")
        return f"device {self.serial} is attached but its state is {self.state!r}: {remedy}"


class Adb:
    """The `adb` program of this computer.

    Args:
        program: its path.
        called_off: set by another thread to end the call under way, and every later one, with KeyboardInterrupt.
    """

    def __init__(self, program: str, called_off: threading.Event | None = None) -> None:
        self.program = program
        self._called_off = called_off or threading.Event()
        self._is_shielded = False

    @contextlib.contextmanager
    def shielded(self) -> Iterator[None]:
        """Lets what must be undone on a device be undone, also when the calls were called off."""
        former, self._is_shielded = self._is_shielded, True
        try:
            yield
        finally:
            self._is_shielded = former

    def run(self, arguments: Sequence[str], limit_s: float = SHORT_LIMIT_S) -> subprocess.CompletedProcess[str]:
        """Runs adb once.

        Raises:
            DeviceTimeout: when it takes longer than the limit.
            DeviceError: when it cannot be run.
            KeyboardInterrupt: when it was called off.
        """
        self._refuse_called_off()
        try:
            process = subprocess.Popen(
                [self.program, *arguments],
                stdin=subprocess.DEVNULL,  # adb shell would otherwise swallow what the user types
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # Ctrl-C is for this program, which then ends adb in its own order
            )
        except OSError as error:
            raise DeviceError(f"{self.program} cannot be run: {error.strerror}") from None
        with process:
            try:
                stdout, stderr = self._wait(process, time.monotonic() + limit_s)
            except BaseException as error:
                process.kill()
                if isinstance(error, subprocess.TimeoutExpired):
                    raise DeviceTimeout(f"adb {_verb(arguments)} did not end within {limit_s:g} s") from None
                raise
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)

    def _wait(self, process: subprocess.Popen[str], deadline_s: float) -> tuple[str, str]:
        while True:
            left_s = deadline_s - time.monotonic()
            try:
                return process.communicate(timeout=max(0.0, min(_POLL_S, left_s)))
            except subprocess.TimeoutExpired:
                self._refuse_called_off()
                if left_s <= 0:
                    raise

    def _refuse_called_off(self) -> None:
        if self._called_off.is_set() and not self._is_shielded:
            raise KeyboardInterrupt

    def version(self) -> str:
        """Returns the version line of the platform tools, such as `Version 29.0.6-debian`."""
        lines = self.run(["version"]).stdout.splitlines()
        return next((line for line in lines if line.startswith("Version")), lines[0] if lines else "unknown")

    def devices(self) -> list[AttachedDevice]:
        """Returns the attached devices in adb's order, whatever their state.

        Raises:
            DeviceError: when adb cannot list them.
        """
        return attempt(Operation.LIST, self._list)

    def _list(self) -> list[AttachedDevice]:
        done = self.run(["devices"])
        if done.returncode != 0:
            raise DeviceError(f"adb devices failed: {last_line(done.stderr or done.stdout)}")
        return parse_devices(done.stdout)

    def connect(self, address: str) -> None:
        """Connects a wireless device; whether that worked is told by `devices`, as adb's exit code does not."""
        self.run(["connect", address])

    def connection(self, serial: str) -> str | None:
        """Returns adb's number of the connection to a device, which is another one after a reconnection."""
        for line in self.run(["devices", "-l"]).stdout.splitlines():
            if line.split()[:1] == [serial] and (found := re.search(r"\btransport_id:(\d+)", line)):
                return found[1]
        return None


def find_adb(called_off: threading.Event | None = None) -> Adb | None:
    """Returns the `adb` on the search path, or None; `called_off` is that of `Adb`."""
    program = shutil.which("adb")
    return Adb(program, called_off) if program else None


def is_address(serial: str) -> bool:
    """Whether a serial is `host:port`, under which a wireless device is connected."""
    return _ADDRESS.fullmatch(serial) is not None


def parse_devices(text: str) -> list[AttachedDevice]:
    """Returns the devices in the output of `adb devices`; messages before its heading are skipped."""
    _, heading, listing = text.partition("List of devices attached")
    devices = []
    for line in listing.splitlines() if heading else []:
        serial, _, rest = line.strip().partition("\t")
        if serial and rest:
            state = "no permissions" if rest.startswith("no permissions") else rest.split()[0]
            devices.append(AttachedDevice(serial, state))
    return devices


def _verb(arguments: Sequence[str]) -> str:
    """Returns the adb subcommand, which follows `-s SERIAL` where that is given."""
    return arguments[2] if arguments[0] == "-s" else arguments[0]


def last_line(text: str) -> str:
    """Returns the last line that speaks of an error, else the last: `adb push` ends its errors with a summary."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line]
    return (errors or lines or ["it printed nothing"])[-1]
