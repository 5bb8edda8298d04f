"""What is repeated when adb fails: only what leaves the device as it is when done twice. Here and nowhere else.

A cable that wobbles, or a daemon that starts again, fails a call that works a second later. A call that hung is not
repeated (it would hang again, for its whole limit), nor is one that was called off.
"""

import enum
import time
from collections.abc import Callable
from typing import TypeVar

from android_bench.errors import DeviceError, DeviceTimeout

NUM_ATTEMPTS = 3
PAUSE_S = 0.5

Result = TypeVar("Result")


class Operation(enum.Enum):
    """What is asked of a device."""

    LIST = "list devices"
    READ = "read what it is and how it is"
    PUSH = "push a file"  # under a name made of its content; verified afterwards
    PULL = "pull a file"  # verified too
    CLEAN_UP = "stop programs and remove files"  # those that are gone already are no error
    RESTORE = "restore a setting"  # to the value that was noted
    CHANGE = "change a setting"  # a second time it would note its own change as the former value
    RUN = "run a program"  # another run is another measurement


REPEATED = frozenset(
    {Operation.LIST, Operation.READ, Operation.PUSH, Operation.PULL, Operation.CLEAN_UP, Operation.RESTORE}
)


def attempt(operation: Operation, action: Callable[[], Result]) -> Result:
    """Returns what an action returns, after up to three attempts when repeating it is harmless.

    Raises:
        DeviceError: when the last attempt fails, or the first of an operation that is not repeated.
    """
    for _ in range(NUM_ATTEMPTS - 1 if operation in REPEATED else 0):
        try:
            return action()
        except DeviceTimeout:
            raise
        except DeviceError:
            time.sleep(PAUSE_S)
    return action()
