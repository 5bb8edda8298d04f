"""How a command starts and ends: flags, help, exit codes 0, 2 and 130, never a traceback for what the user can mend."""

import contextlib
import signal
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence

from absl import flags

from android_bench.errors import InputError

INPUT_ERROR_CODE = 2
INTERRUPTED_CODE = 130


def run_command(
    description: str,
    define_flags: Callable[[flags.FlagValues], None],
    main: Callable[[flags.FlagValues], None],
    argv: Sequence[str] | None = None,
) -> int:
    """Runs a command and returns its exit code.

    Args:
        description: what `--help` teaches before it lists the flags.
        define_flags: defines the flags on the values it is given.
        main: does the work; an InputError becomes one line and exit code 2.
        argv: the arguments without the program's name, by default those of this process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    values: flags.FlagValues = flags.FlagValues()  # type: ignore[no-untyped-call]
    define_flags(values)
    if any(argument in ("--help", "-help", "-h", "--helpfull") for argument in arguments):
        print(_help_text(description, values))
        return 0
    with _sigterm_as_interrupt():
        return _run(main, values, arguments)


def _run(main: Callable[[flags.FlagValues], None], values: flags.FlagValues, arguments: Sequence[str]) -> int:
    try:
        if rest := values(["", *arguments])[1:]:
            raise InputError(f"unexpected argument {rest[0]!r}: flags are written --name=value; see --help")
        main(values)
    except (InputError, flags.Error) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        print("\ninterrupted: no result was written; run the same command again", file=sys.stderr)
        return INTERRUPTED_CODE
    except OSError as error:
        if error.errno is None:
            raise
        return _fail(f"{error.filename or 'output'}: {error.strerror}")
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
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return INPUT_ERROR_CODE


def _help_text(description: str, values: flags.FlagValues) -> str:
    lines = [description.strip(), "", "Flags:"]
    for name in values:
        flag = values[name]
        default = "required" if name in ("bundle", "output") else flag.default_as_str
        lines.append(f"  --{name}" + (f"  ({default})" if default else ""))
        lines.extend(textwrap.wrap(flag.help or "", width=100, initial_indent="      ", subsequent_indent="      "))
    return "\n".join(lines)
