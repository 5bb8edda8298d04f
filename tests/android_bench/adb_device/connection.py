"""One connection of an adb server: handshake, then streams, each bound to one service."""

import asyncio
import os
from collections.abc import Awaitable, Callable

from tests.android_bench.adb_device.packets import (
    AUTH,
    CLOSE,
    CONNECT,
    MAX_PAYLOAD,
    OKAY,
    OPEN,
    VERSION,
    WRITE,
    Packet,
    read_packet,
)

AUTH_TOKEN = 1


class Stream:
    """One service's two-way byte stream; every written packet waits for the other side's OKAY."""

    def __init__(self, connection: "Connection", local_id: int, remote_id: int) -> None:
        self._connection = connection
        self._local_id, self._remote_id = local_id, remote_id
        self._received: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._unread = b""
        self._may_write = asyncio.Event()
        self._may_write.set()
        self.closed = asyncio.Event()

    async def write(self, content: bytes) -> None:
        """Sends bytes; raises ConnectionError when the other side closed the stream."""
        for start in range(0, len(content), MAX_PAYLOAD):
            await self._may_write.wait()
            if self.closed.is_set():
                raise ConnectionError("stream closed")
            self._may_write.clear()
            chunk = content[start : start + MAX_PAYLOAD]
            await self._connection.send(Packet(WRITE, self._local_id, self._remote_id, chunk))

    async def read(self, size: int) -> bytes:
        """Returns exactly `size` bytes; raises EOFError at the end."""
        while len(self._unread) < size:
            received = await self._received.get()
            if received is None:
                raise EOFError
            self._unread += received
        content, self._unread = self._unread[:size], self._unread[size:]
        return content

    async def drain(self) -> None:
        """Waits until what was written has arrived: a CLOSE before that would cut it off."""
        await self._may_write.wait()

    def acknowledge(self) -> None:
        """The other side took the last packet."""
        self._may_write.set()

    def receive(self, content: bytes) -> None:
        """The other side sent bytes."""
        self._received.put_nowait(content)

    def end(self) -> None:
        """The other side closed the stream, or the connection is lost."""
        self.closed.set()
        self._received.put_nowait(None)
        self._may_write.set()


Service = Callable[[Stream], Awaitable[None]]


class Connection:
    """Answers one adb server until it, or the device, goes away.

    Args:
        banner: what the device says of itself in the handshake.
        is_trusting: whether the adb server is let in; otherwise adb shows the device as unauthorized.
        open_service: returns the service of a name, or None to refuse it.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        banner: str,
        is_trusting: bool,
        open_service: Callable[[str], Service | None],
    ) -> None:
        self._reader, self._writer = reader, writer
        self._banner, self._is_trusting, self._open_service = banner, is_trusting, open_service
        self._streams: dict[int, Stream] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_id = 1

    async def send(self, packet: Packet) -> None:
        """Sends one packet."""
        self._writer.write(packet.encode())
        await self._writer.drain()

    def cut(self) -> None:
        """Ends the connection at once, as when the cable is pulled."""
        self._writer.transport.abort()

    async def serve(self) -> None:
        """Answers packets until the connection ends."""
        try:
            while True:
                await self._handle(await read_packet(self._reader))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for stream in self._streams.values():
                stream.end()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=1)
            self._writer.close()

    async def _handle(self, packet: Packet) -> None:
        stream = self._streams.get(packet.second)
        if packet.command == CONNECT and self._is_trusting:
            await self.send(Packet(CONNECT, VERSION, MAX_PAYLOAD, self._banner.encode()))
        elif packet.command == CONNECT or (packet.command == AUTH and packet.first == 2):
            await self.send(Packet(AUTH, AUTH_TOKEN, 0, os.urandom(20)))  # no signature is good enough
        elif packet.command == OPEN and self._is_trusting:
            await self._open(packet.payload.rstrip(b"\0").decode("utf-8", "replace"), packet.first)
        elif stream and packet.command == OKAY:
            stream.acknowledge()
        elif stream and packet.command == WRITE:
            stream.receive(packet.payload)
            await self.send(Packet(OKAY, packet.second, packet.first))
        elif stream and packet.command == CLOSE:
            del self._streams[packet.second]
            stream.end()

    async def _open(self, name: str, remote_id: int) -> None:
        service = self._open_service(name)
        if service is None:
            await self.send(Packet(CLOSE, 0, remote_id))
            return
        local_id, self._next_id = self._next_id, self._next_id + 1
        stream = self._streams[local_id] = Stream(self, local_id, remote_id)
        await self.send(Packet(OKAY, local_id, remote_id))
        task = asyncio.create_task(self._run(service, stream, local_id, remote_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, service: Service, stream: Stream, local_id: int, remote_id: int) -> None:
        try:
            await service(stream)
            await stream.drain()
            if not stream.closed.is_set():
                await self.send(Packet(CLOSE, local_id, remote_id))
        except (EOFError, ConnectionError):
            pass
        finally:
            self._streams.pop(local_id, None)
