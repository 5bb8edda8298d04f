"""An Android device reached through the real `adb` program, which no other module starts.

Three things adb does not give are added here. Every call has a time limit. Every shell command ends with a sentinel
line that carries its exit code, because adb 29 exits with 0 when the device vanishes in the middle of a command. Every
pushed file is compared by its SHA-256 on the device, because a push may end early. Commands are lists of arguments,
quoted for the device's shell, and every file lies in one folder.
"""

import dataclasses
import hashlib
import pathlib
import re
import secrets
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence

from android_bench.errors import DeviceError
from android_bench.results import DeviceInfo
from edgedipn_tf.commands import InputError
from edgedipn_tf.publishing import file_sha256

REMOTE_FOLDER = "/data/local/tmp/edgedipn_bench"
INSTALL_REMEDY = "install Android's platform-tools (Debian: `apt-get install adb`)"

_REMOTE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_SHORT_LIMIT_S = 30.0
_PUSH_LIMIT_S = 120.0
_PATHS_PER_COMMAND = 20  # before Android 7 a command line longer than 4 kB does not reach the device

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


@dataclasses.dataclass(frozen=True)
class ShellResult:
    """What a command on the device returned; `exit_code` is the command's own, from the sentinel line."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def last_line(self) -> str:
        """The last line it printed, errors first: usually the reason of a failure."""
        for text in (self.stderr, self.stdout):
            if lines := [line.strip() for line in text.splitlines() if line.strip()]:
                return lines[-1]
        return "it printed nothing"


class Adb:
    """The `adb` program of this computer.

    Args:
        program: its path.
    """

    def __init__(self, program: str) -> None:
        self.program = program

    def run(self, arguments: Sequence[str], limit_s: float = _SHORT_LIMIT_S) -> subprocess.CompletedProcess[str]:
        """Runs adb once.

        Raises:
            DeviceError: when it takes longer than the limit.
        """
        try:
            return subprocess.run(
                [self.program, *arguments],
                stdin=subprocess.DEVNULL,  # adb shell would otherwise swallow what the user types
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DeviceError(f"adb {_verb(arguments)} did not end within {limit_s:g} s") from None
        except OSError as error:
            raise DeviceError(f"{self.program} cannot be run: {error.strerror}") from None

    def version(self) -> str:
        """Returns the version line of the platform tools, such as `Version 29.0.6-debian`."""
        lines = self.run(["version"]).stdout.splitlines()
        return next((line for line in lines if line.startswith("Version")), lines[0] if lines else "unknown")

    def devices(self) -> list[AttachedDevice]:
        """Returns the attached devices in adb's order, whatever their state.

        Raises:
            DeviceError: when adb cannot list them.
        """
        done = self.run(["devices"])
        if done.returncode != 0:
            raise DeviceError(f"adb devices failed: {_last_line(done.stderr or done.stdout)}")
        return parse_devices(done.stdout)


def find_adb() -> Adb | None:
    """Returns the `adb` on the search path, or None."""
    program = shutil.which("adb")
    return Adb(program) if program else None


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


class Device:
    """One device, always addressed by its serial.

    Use it as a context manager: what it pushed is removed at the end, also after an error or Ctrl-C.

    Args:
        adb: the adb program.
        serial: the device's serial as `adb devices` prints it.
    """

    def __init__(self, adb: Adb, serial: str) -> None:
        self.adb = adb
        self.serial = serial
        self._pushed: set[str] = set()  # what to remove at the end
        self._verified: set[str] = set()  # what need not be pushed again

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self.clean_up()
        except DeviceError:
            pass  # the device is gone; what stayed is named by its content and overwritten by the next run

    def shell(self, command: Sequence[str], limit_s: float = _SHORT_LIMIT_S) -> ShellResult:
        """Runs one program on the device.

        Args:
            command: program and arguments; each reaches the program as it is.
            limit_s: the time limit.

        Raises:
            DeviceError: when the sentinel line with its exit code did not come back: the device vanished, adb failed,
                or the limit passed.
        """
        token = secrets.token_hex(8)  # nothing that the program prints can pass for the sentinel
        line = f"{shlex.join(command)}; printf '\\nedgedipn-%s %d\\n' {token} $?"
        done = self.adb.run(["-s", self.serial, "shell", line], limit_s)
        found = re.search(rf"\r?\nedgedipn-{token} (\d+)\r?\n\Z", done.stdout)
        if not found:
            reason = _last_line(done.stderr) if done.stderr.strip() else "the connection ended early"
            raise DeviceError(f"device {self.serial}: {command[0].rsplit('/', 1)[-1]} did not finish: {reason}")
        return ShellResult(int(found[1]), done.stdout[: found.start()], done.stderr)

    def check(self, command: Sequence[str], limit_s: float = _SHORT_LIMIT_S) -> str:
        """Returns the standard output of a program that must succeed.

        Raises:
            DeviceError: when it does not.
        """
        result = self.shell(command, limit_s)
        if result.exit_code != 0:
            raise DeviceError(
                f"device {self.serial}: {command[0]} failed with exit code {result.exit_code}: {result.last_line}"
            )
        return result.stdout

    def info(self) -> DeviceInfo:
        """Returns what the device says about itself."""

        def property_of(name: str) -> str:
            return self.check(["getprop", name]).strip()

        return DeviceInfo(
            serial=self.serial,
            manufacturer=property_of("ro.product.manufacturer"),
            model=property_of("ro.product.model"),
            abi=property_of("ro.product.cpu.abi"),
            android_version=property_of("ro.build.version.release"),
            build=property_of("ro.build.fingerprint"),
        )

    def push(self, files: Mapping[str, pathlib.Path]) -> dict[str, str]:
        """Copies files into the benchmark's folder and verifies each by its SHA-256.

        Args:
            files: local file by plain name. On the device the name is preceded by the content's hash, so that a stale
                file of the same name can never be taken for this one.

        Returns:
            The path on the device by plain name.

        Raises:
            DeviceError: when a copy fails (no space, connection lost) or arrives changed.
        """
        self.check(["mkdir", "-p", REMOTE_FOLDER])
        expected: dict[str, str] = {}
        remote: dict[str, str] = {}
        for name, path in files.items():
            if not _REMOTE_NAME.fullmatch(name):
                raise InputError(f"{name!r} is not a plain file name: rename the file")
            sha256 = file_sha256(path)
            remote[name] = f"{REMOTE_FOLDER}/{sha256[:16]}-{name}"
            if remote[name] in self._verified:
                continue
            expected[remote[name]] = sha256
            self._pushed.add(remote[name])
            done = self.adb.run(["-s", self.serial, "push", str(path.absolute()), remote[name]], _PUSH_LIMIT_S)
            if done.returncode != 0:
                raise DeviceError(
                    f"device {self.serial}: push of {name} failed: {_last_line(done.stderr or done.stdout)}"
                )
        if expected:
            self._verify(expected)
        return remote

    def reserve(self, name: str) -> str:
        """Returns a path in the benchmark's folder for a file that a program on the device will write.

        No file has it yet, so what is pulled from it later can only be what that program wrote.
        """
        if not _REMOTE_NAME.fullmatch(name):
            raise InputError(f"{name!r} is not a plain file name: rename it")
        remote = f"{REMOTE_FOLDER}/{secrets.token_hex(8)}-{name}"
        self._pushed.add(remote)
        return remote

    def pull(self, remote: str) -> bytes:
        """Returns the content of a file on the device, verified by its SHA-256 there.

        Raises:
            DeviceError: when it is not there, the connection is lost, or it arrives changed.
        """
        expected = self.check(["sha256sum", remote]).partition(" ")[0]
        with tempfile.TemporaryDirectory(prefix="edgedipn_bench-") as folder:
            local = pathlib.Path(folder) / "pulled"
            done = self.adb.run(["-s", self.serial, "pull", remote, str(local)], _PUSH_LIMIT_S)
            if done.returncode != 0 or not local.is_file():
                reason = _last_line(done.stderr or done.stdout)
                raise DeviceError(f"device {self.serial}: pull of {remote} failed: {reason}")
            content = local.read_bytes()
        if hashlib.sha256(content).hexdigest() != expected:
            raise DeviceError(f"device {self.serial}: {remote} arrived changed (its SHA-256 differs)")
        return content

    def stop_programs(self) -> None:
        """Ends what still runs from the benchmark's folder: when adb is cut off, the program it started lives on.

        Raises:
            DeviceError: when the device cannot be reached.
        """
        # The brackets keep the pattern from matching the command line of the shell that runs pkill itself.
        folder, name = REMOTE_FOLDER.rsplit("/", 1)
        self.shell(["pkill", "-9", "-f", f"{folder}/[{name[0]}]{name[1:]}/"])

    def clean_up(self) -> None:
        """Ends what still runs, removes what this object pushed, and the folder when nothing else is in it.

        Raises:
            DeviceError: when the device cannot be reached.
        """
        if not self._pushed:
            return
        self.stop_programs()
        for paths in _batches(sorted(self._pushed)):
            self.check(["rm", "-f", *paths])
        self._pushed.clear()
        self._verified.clear()
        self.shell(["rmdir", REMOTE_FOLDER])  # fails where another run still has files in it, which is right

    def _verify(self, expected: Mapping[str, str]) -> None:
        text = "".join(self.check(["sha256sum", *paths]) for paths in _batches(list(expected)))
        actual = {path: sha256 for line in text.splitlines() for sha256, _, path in [line.partition("  ")]}
        for path, sha256 in expected.items():
            if actual.get(path) != sha256:
                raise DeviceError(f"device {self.serial}: {path} arrived changed (its SHA-256 differs)")
        self._verified.update(expected)


def _batches(paths: Sequence[str]) -> list[Sequence[str]]:
    return [paths[start : start + _PATHS_PER_COMMAND] for start in range(0, len(paths), _PATHS_PER_COMMAND)]


def _verb(arguments: Sequence[str]) -> str:
    """Returns the adb subcommand, which follows `-s SERIAL` where that is given."""
    return arguments[2] if arguments[0] == "-s" else arguments[0]


def _last_line(text: str) -> str:
    """Returns the last line that speaks of an error, else the last: `adb push` ends its errors with a summary."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line]
    return (errors or lines or ["it printed nothing"])[-1]
