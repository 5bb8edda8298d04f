"""How every command of the project starts, teaches and ends: flags, `--help`, one-line errors, exit codes.

Exit codes: 0 done; 2 the input is at fault (one line on standard error names it and the remedy); 130 interrupted.
Anything else is a defect of the program and shows its traceback.
"""

import contextlib
import errno
import signal
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence

from absl import flags

INPUT_ERROR_CODE = 2
INTERRUPTED_CODE = 130


class InputError(Exception):
    """The user's input is at fault. The message is one line that names the file, row or flag and what to do."""


def run(
    description: str,
    define_flags: Callable[[flags.FlagValues], None],
    main: Callable[[flags.FlagValues, list[str]], None],
    argv: Sequence[str] | None = None,
    known_only: bool = False,
) -> int:
    """Runs one command.

    Args:
        description: what the command does, with an example; the start of `--help`.
        define_flags: defines the command's flags on the values it is given (flags are never global).
        main: the command; gets the parsed flags and the remaining arguments.
        argv: arguments without the program's name; by default those of the process.
        known_only: whether unknown flags are passed on to `main` (Beam's own options) instead of being refused.

    Returns:
        The exit code.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    values = flags.FlagValues()  # type: ignore[no-untyped-call]
    define_flags(values)
    if any(argument in ("--help", "-help", "-h", "--helpfull") for argument in arguments):
        print(help_text(description, values))
        return 0
    with _sigterm_as_interrupt():
        return _run(values, main, arguments, known_only)


def _run(
    values: flags.FlagValues,
    main: Callable[[flags.FlagValues, list[str]], None],
    arguments: list[str],
    known_only: bool,
) -> int:
    try:
        rest = values(["", *arguments], known_only=known_only)[1:]
        if rest and not known_only:
            raise InputError(f"unexpected argument {rest[0]!r}: flags are written --name=value; see --help")
        main(values, rest)
    except (InputError, flags.Error) as error:
        return _fail(_one_line(error))
    except KeyboardInterrupt:
        print("\ninterrupted: nothing half-written was published; run the same command again", file=sys.stderr)
        return INTERRUPTED_CODE
    except OSError as error:
        if error.errno is None:
            raise
        return _fail(_explain(error))
    return 0


@contextlib.contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Makes SIGTERM end a command as Ctrl-C does, and gives the process its own handling back."""
    if threading.current_thread() is not threading.main_thread():  # Python sets handlers in the main thread only
        yield
        return
    former = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return INPUT_ERROR_CODE


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _explain(error: OSError) -> str:
    remedies = {
        errno.ENOSPC: "free some space, or choose an output on another disk, and run again",
        errno.EDQUOT: "free some space, or choose an output on another disk, and run again",
        errno.EACCES: "check its permissions",
        errno.EROFS: "choose an output that can be written",
        errno.ENOENT: "check the path",
    }
    place = f"{error.filename}: " if error.filename else ""
    remedy = remedies.get(error.errno or 0)
    return _one_line(OSError(f"{place}{error.strerror}{f': {remedy}' if remedy else ''}"))


def help_text(description: str, values: flags.FlagValues) -> str:
    """Returns the text of `--help`: the description, then each flag with its default and meaning."""
    lines = [textwrap.dedent(description).strip(), "", "Flags:"]
    for name in values:
        flag = values[name]
        is_required = any("value other than None" in validator.message for validator in flag.validators)
        default = "required" if is_required else flag.default_as_str
        lines.append(f"  --{name}" + (f"  ({default})" if default else ""))
        lines.extend(textwrap.wrap(flag.help or "", width=100, initial_indent="      ", subsequent_indent="      "))
    return "\n".join(lines)
