"""The loopback server of simulated devices, and the real adb program that connects to it."""

import asyncio
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

from tests.android_bench.adb_device.connection import Connection
from tests.android_bench.adb_device.simulated import SimulatedDevice

SKIP_REASON = "the adb program is not installed: `apt-get install adb`, then run again"


def is_adb_installed() -> bool:
    """Whether the real adb program is on the search path."""
    return shutil.which("adb") is not None


@contextlib.contextmanager
def private_adb_server(home: pathlib.Path) -> Iterator[None]:
    """Gives this process an adb server of its own, so that neither a user's server nor his phones are touched.

    Args:
        home: an empty folder for adb's keys.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    changed = {"ANDROID_ADB_SERVER_PORT": port, "HOME": str(home), "TMPDIR": str(home)}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        adb("start-server")
        yield
    finally:
        adb("kill-server")
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def adb(*arguments: str) -> str:
    """Returns what the adb program prints."""
    done = subprocess.run(["adb", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


@contextlib.contextmanager
def serving(device: SimulatedDevice) -> Iterator[str]:
    """Yields the serial (`127.0.0.1:PORT`) under which `adb connect` reaches a device."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    writers: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        if device.is_gone:
            writer.close()
        elif device.faults.is_silent:
            await reader.read()
        else:
            trusting = not device.faults.is_unauthorized
            connection = Connection(reader, writer, device.banner, trusting, device.open_service)
            device.connections.append(connection)
            await connection.serve()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(answer, "127.0.0.1", 0)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(_shut_down(server, device, writers), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextlib.contextmanager
def attached(device: SimulatedDevice) -> Iterator[str]:
    """Yields the serial of a device once adb lists it, in whatever state."""
    with serving(device) as serial:
        connecting = subprocess.Popen(["adb", "connect", serial], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while f"{serial}\t" not in adb("devices"):  # a silent device keeps `adb connect` waiting, but is listed
            assert time.monotonic() < deadline, "adb does not list the simulated device"
            time.sleep(0.05)
        if not device.faults.is_silent:
            connecting.wait(20)
        try:
            yield serial
        finally:
            connecting.kill()
            connecting.wait(20)
            adb("disconnect", serial)


async def _shut_down(server: asyncio.Server, device: SimulatedDevice, writers: list[asyncio.StreamWriter]) -> None:
    server.close()
    device.stop()
    for writer in writers:
        writer.transport.abort()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    if others:
        await asyncio.wait(others, timeout=5)
    await asyncio.get_running_loop().shutdown_default_executor()
