"""An Android device reached through `adb`.

Two things adb does not give are added here. Every shell command ends with a sentinel line that carries its exit code,
because adb 29 exits with 0 when the device vanishes in the middle of a command. Every pushed file is compared by its
SHA-256 on the device, because a push may end early. Commands are lists of arguments,
quoted for the device's shell, and every file lies in one folder.
"""

import contextlib
import dataclasses
import functools
import hashlib
import pathlib
import re
import secrets
import shlex
import tempfile
from collections.abc import Mapping, Sequence

from android_bench.adb import SHORT_LIMIT_S, Adb, last_line
from android_bench.errors import DeviceError
from android_bench.retries import Operation, attempt
from edgedipn_tf.commands import InputError
from edgedipn_tf.publishing import file_sha256

REMOTE_FOLDER = "/data/local/tmp/edgedipn_bench"

_REMOTE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_PUSH_LIMIT_S = 120.0
_PATHS_PER_COMMAND = 20  # before Android 7 a command line longer than 4 kB does not reach the device


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
        self._has_folder = False
        self._pushed: set[str] = set()  # what to remove at the end
        self._verified: set[str] = set()  # what need not be pushed again

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *exception: object) -> None:
        # When the device is gone, what stays on it is named by its content, and the next run overwrites it.
        with self.adb.shielded(), contextlib.suppress(DeviceError):
            self.clean_up()

    def shell(
        self, command: Sequence[str], operation: Operation = Operation.RUN, limit_s: float = SHORT_LIMIT_S
    ) -> ShellResult:
        """Runs one program on the device.

        Args:
            command: program and arguments; each reaches the program as it is.
            operation: what for, which decides whether it is repeated when adb fails.
            limit_s: the time limit.

        Raises:
            DeviceError: when the sentinel line with its exit code did not come back: the device vanished, adb failed,
                or the limit passed.
        """
        return attempt(operation, lambda: self._shell_once(command, limit_s))

    def _shell_once(self, command: Sequence[str], limit_s: float) -> ShellResult:
        token = secrets.token_hex(8)  # nothing that the program prints can pass for the sentinel
        line = f"{shlex.join(command)}; printf '\\nedgedipn-%s %d\\n' {token} $?"
        done = self.adb.run(["-s", self.serial, "shell", line], limit_s)
        found = re.search(rf"\r?\nedgedipn-{token} (\d+)\r?\n\Z", done.stdout)
        if not found:
            reason = last_line(done.stderr) if done.stderr.strip() else "the connection ended early"
            raise DeviceError(f"device {self.serial}: {command[0].rsplit('/', 1)[-1]} did not finish: {reason}")
        return ShellResult(int(found[1]), done.stdout[: found.start()], done.stderr)

    def check(
        self, command: Sequence[str], operation: Operation = Operation.RUN, limit_s: float = SHORT_LIMIT_S
    ) -> str:
        """Returns the standard output of a program that must succeed.

        Raises:
            DeviceError: when it does not.
        """
        result = self.shell(command, operation, limit_s)
        if result.exit_code != 0:
            raise DeviceError(
                f"device {self.serial}: {command[0]} failed with exit code {result.exit_code}: {result.last_line}"
            )
        return result.stdout

    def make_folder(self) -> None:
        """Makes the benchmark's folder, which is removed at the end when nothing of another run is in it.

        Raises:
            DeviceError: when the device cannot be reached.
        """
        self._has_folder = True
        self.check(["mkdir", "-p", REMOTE_FOLDER], Operation.PUSH)

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
        self.make_folder()
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
            command = ["-s", self.serial, "push", str(path.absolute()), remote[name]]
            attempt(Operation.PUSH, functools.partial(self._copy_once, command, f"push of {name}"))
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
        expected = self.check(["sha256sum", remote], Operation.READ).partition(" ")[0]
        with tempfile.TemporaryDirectory(prefix="edgedipn_bench-") as folder:
            local = pathlib.Path(folder) / "pulled"
            command = ["-s", self.serial, "pull", remote, str(local)]
            attempt(Operation.PULL, lambda: self._copy_once(command, f"pull of {remote}"))
            if not local.is_file():
                raise DeviceError(f"device {self.serial}: pull of {remote} failed: adb wrote no file")
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
        self.shell(["pkill", "-9", "-f", f"{folder}/[{name[0]}]{name[1:]}/"], Operation.CLEAN_UP)

    def clean_up(self) -> None:
        """Ends what still runs, removes what this object pushed, and the folder when nothing else is in it.

        Raises:
            DeviceError: when the device cannot be reached.
        """
        if not self._has_folder and not self._pushed:
            return
        self.stop_programs()
        for paths in _batches(sorted(self._pushed)):
            self.check(["rm", "-f", *paths], Operation.CLEAN_UP)
        self._pushed.clear()
        self._verified.clear()
        # It fails where another run still has files in it, which is right.
        self.shell(["rmdir", REMOTE_FOLDER], Operation.CLEAN_UP)

    def _copy_once(self, command: Sequence[str], what: str) -> None:
        done = self.adb.run(command, _PUSH_LIMIT_S)
        if done.returncode != 0:
            raise DeviceError(f"device {self.serial}: {what} failed: {last_line(done.stderr or done.stdout)}")

    def _verify(self, expected: Mapping[str, str]) -> None:
        text = "".join(self.check(["sha256sum", *paths], Operation.READ) for paths in _batches(list(expected)))
        actual = {path: sha256 for line in text.splitlines() for sha256, _, path in [line.partition("  ")]}
        for path, sha256 in expected.items():
            if actual.get(path) != sha256:
                raise DeviceError(f"device {self.serial}: {path} arrived changed (its SHA-256 differs)")
        self._verified.update(expected)


def _batches(paths: Sequence[str]) -> list[Sequence[str]]:
    return [paths[start : start + _PATHS_PER_COMMAND] for start in range(0, len(paths), _PATHS_PER_COMMAND)]
