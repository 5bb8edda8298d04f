"""The transport's packets: command, two arguments, payload."""

import asyncio
import struct
from typing import NamedTuple

CONNECT, AUTH, OPEN, OKAY, CLOSE, WRITE = b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"CLSE", b"WRTE"
VERSION = 0x01000001  # from this version on nobody checks the payload's sum, so it is sent as 0
MAX_PAYLOAD = 256 * 1024

_HEADER = struct.Struct("<4s5I")


class Packet(NamedTuple):
    """One packet; the meaning of the arguments depends on the command."""

    command: bytes
    first: int
    second: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """Returns the packet's bytes."""
        check = int.from_bytes(self.command, "little") ^ 0xFFFFFFFF
        return _HEADER.pack(self.command, self.first, self.second, len(self.payload), 0, check) + self.payload


async def read_packet(reader: asyncio.StreamReader) -> Packet:
    """Returns the next packet; raises IncompleteReadError at the end of the connection."""
    command, first, second, size, _, check = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    if check != int.from_bytes(command, "little") ^ 0xFFFFFFFF or size > MAX_PAYLOAD:
        raise ConnectionError(f"not an adb packet: {command!r}")
    return Packet(command, first, second, await reader.readexactly(size))
