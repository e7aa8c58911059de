"""Just enough of HTTP/1.1 for a server that can break each of its rules on purpose."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from dataclasses import dataclass
from typing import Awaitable, Callable, Optional

HEAD_BYTES_MAX = 32 * 1024
_LENGTH = re.compile(rb"(?im)^content-length:\s*(\d+)\s*$")


def content_length(head: bytes) -> int:
    found = _LENGTH.search(head)
    return int(found.group(1)) if found else 0


@dataclass
class Request:
    """One request, complete or cut off; `raw` is every byte that arrived."""

    connection: int
    method: str
    path: str
    head: bytes
    body: bytes
    complete: bool
    earlier: int = 0  # how many requests came on this connection before

    @property
    def raw(self) -> bytes:
        return self.head + self.body


@dataclass
class Reply:
    """The bytes to send, and what happens to the connection then: keep, close, reset, hang (stays open and silent), or
    idle_close (closes a moment later)."""

    data: bytes = b""
    then: str = "keep"
    wait: float = 0.0  # seconds before the first byte
    drip: float = 0.0  # seconds between bytes


def response(body: bytes, status: str = "200 OK", content_type: str = "application/json; charset=utf-8",
             extra: str = "", length: Optional[int] = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {size}\r\n{extra}\r\n".encode() + body


def chunked(body: bytes, step: int) -> bytes:
    """A 100 Continue first, then the body in chunks of `step` bytes."""
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" \
           b"Transfer-Encoding: chunked\r\n\r\n"
    parts = (body[at:at + step] for at in range(0, len(body), step))
    return head + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


Handler = Callable[[Request], Awaitable[Reply]]


class Connection(asyncio.Protocol):
    """One connection. Requests are handled one at a time; the reply says what happens to the connection."""

    count = 0

    def __init__(self, handle: Handler, cut_off: Callable[[Request], None], live: set["Connection"]) -> None:
        Connection.count += 1
        self.number = Connection.count
        self._handle, self._cut_off, self._live = handle, cut_off, live
        self._requests = 0
        self._buffer = bytearray()
        self._transport: Optional[asyncio.Transport] = None
        self._busy: Optional[asyncio.Task] = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._live.add(self)

    def connection_lost(self, _: Optional[Exception]) -> None:
        self._live.discard(self)
        if self._buffer and not self._busy:
            head, separator, body = bytes(self._buffer).partition(b"\r\n\r\n")
            self._cut_off(_request(self.number, head + separator, body, complete=False))
        # A running handler carries on: a request that arrived complete counts, whether or not its sender still listens.

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def _next(self) -> None:
        if self._busy:
            return
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > HEAD_BYTES_MAX:
                self.close()
            return
        head = bytes(self._buffer[:end + 4])
        size = content_length(head)
        if len(self._buffer) < len(head) + size:
            return
        body = bytes(self._buffer[len(head):len(head) + size])
        del self._buffer[:len(head) + size]
        request = _request(self.number, head, body, complete=True, earlier=self._requests)
        self._requests += 1
        self._busy = asyncio.ensure_future(self._answer(request))

    async def _answer(self, request: Request) -> None:
        reply = await self._handle(request)
        if reply.wait:
            await asyncio.sleep(reply.wait)
        if reply.drip:
            for byte in reply.data:
                if self._transport.is_closing():
                    return
                self._transport.write(bytes([byte]))
                await asyncio.sleep(reply.drip)
        elif reply.data and not self._transport.is_closing():
            self._transport.write(reply.data)
        if reply.then == "reset":
            reset(self._transport)
        elif reply.then == "close":
            self._transport.close()
        elif reply.then == "idle_close":
            asyncio.get_running_loop().call_later(0.05, self._transport.close)
        if reply.then in ("keep", "idle_close"):
            self._busy = None
            self._next()


def _request(connection: int, head: bytes, body: bytes, complete: bool, earlier: int = 0) -> Request:
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    method, path = (words + ["", ""])[:2]
    return Request(connection, method, path, head, body, complete, earlier)


def reset(transport: asyncio.Transport) -> None:
    """Closes so that the other side sees a reset instead of an orderly end."""
    plain = transport.get_extra_info("socket")
    if plain is not None:
        try:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass  # it is closed already
    transport.abort()
