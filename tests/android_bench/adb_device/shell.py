"""The service `shell,v2`: runs one command and returns its output, errors and exit code in frames of their own."""

import asyncio
import os
import signal
import struct
import subprocess
from collections.abc import Sequence

from tests.android_bench.adb_device.connection import Stream

STDOUT, STDERR, EXIT = 1, 2, 3


async def run_shell(stream: Stream, argv: Sequence[str], device_root: str, started: list[int]) -> None:
    """Runs a command to its end, then sends everything: no test needs output while the command runs.

    Args:
        stream: the opened stream.
        argv: the command as this computer runs it.
        device_root: the folder that stands for the device's `/`; it is taken out of the output again.
        started: gets the process id, which is also that of its group.
    """
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    started.append(process.pid)
    finished = asyncio.create_task(asyncio.to_thread(process.communicate))
    closed = asyncio.create_task(stream.closed.wait())
    await asyncio.wait([closed, finished], return_when=asyncio.FIRST_COMPLETED)
    closed.cancel()
    if not finished.done():
        os.kill(process.pid, signal.SIGHUP)  # as on Android: the shell alone is told, its children live on
        return
    stdout, stderr = (text.replace(device_root.encode(), b"") for text in finished.result())
    code = process.returncode
    await stream.write(_frame(STDOUT, stdout) + _frame(STDERR, stderr))
    await stream.write(_frame(EXIT, bytes([code if code >= 0 else 128 - code])))


def _frame(kind: int, content: bytes) -> bytes:
    return struct.pack("<BI", kind, len(content)) + content if content or kind == EXIT else b""
