"""One connection through the proxy: bytes go both ways unless a rule intervenes."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from typing import TYPE_CHECKING, Any

from .http_server import content_length, reset as reset_connection
from .proxy_pg import CLAIM, ClientStream, Transaction

if TYPE_CHECKING:
    from .proxy import Listener

HOLD_MAX = 10.0
AFTER_REQUEST = 0.05  # seconds after a whole request has passed until it counts as read by the gateway
UP, DOWN = "up", "down"


class Side(asyncio.Protocol):
    """One end of a connection."""

    def __init__(self, link: "Link", direction: str) -> None:
        self.link, self.direction = link, direction
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.direction == UP:
            self.link.opened()

    def data_received(self, data: bytes) -> None:
        self.link.received(self.direction, data)

    def eof_received(self) -> bool:
        self.link.ended(self.direction)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.link.lost()

    def pause_writing(self) -> None:
        self.link.reading(self.direction, False)

    def resume_writing(self) -> None:
        self.link.reading(self.direction, True)


class Flow:
    """One direction of a link."""

    def __init__(self) -> None:
        self.forwarded = 0
        self.held = bytearray()
        self.hold = False
        self.swallow = False
        self.delay = 0.0
        self.drip = 0.0
        self.free_at = 0.0
        self.ended = False
        self.rules: list[dict[str, Any]] = []


class Link:
    """A client, its upstream, and the rules between them."""

    count = 0

    def __init__(self, listener: "Listener") -> None:
        Link.count += 1
        self.number = Link.count
        self.listener = listener
        self.loop = asyncio.get_running_loop()
        self.client, self.server = Side(self, UP), Side(self, DOWN)
        self.flows = {UP: Flow(), DOWN: Flow()}
        self.pg = ClientStream() if listener.kind == "pg" else None
        self.head = b""
        self.path: str | None = "" if listener.kind != "http" else None
        self.request_left: int | None = None
        self.closed = False
        self.frozen = listener.frozen
        self.commit_rules: list[dict[str, Any]] = []

    # Opening and closing.

    def opened(self) -> None:
        self.listener.links.add(self)
        self.loop.create_task(self._connect())
        if self.path is not None:
            self._take_rules()
        for rule in self.listener.take("connect", None):
            self.act(rule, UP)

    async def _connect(self) -> None:
        for host, port in self.listener.upstreams():
            try:
                await asyncio.wait_for(self.loop.create_connection(lambda: self.server, host, port), 3)
            except (OSError, asyncio.TimeoutError):
                continue
            if self.closed:
                self.close()
                return
            self._flush(UP)
            return
        self.close()

    def close(self, reset: bool = False) -> None:
        self.closed = True
        self.listener.links.discard(self)
        self.listener.remember_lengths(self)
        for side in (self.client, self.server):
            if side.transport is None:
                continue
            if reset:
                reset_connection(side.transport)
            else:
                side.transport.close()

    def lost(self) -> None:
        if not self.closed:
            self.close()

    # Bytes.

    def received(self, direction: str, data: bytes) -> None:
        if self.closed:
            return
        if direction == UP and self.path is None:
            self.head += data
            if not self._head_suffices():
                return
            data, self.head = self.head, b""
            words = data.split(b"\r\n", 1)[0].split(b" ")
            self.path = words[1].decode("ascii", "replace") if len(words) > 1 else "?"
            self._take_rules(data)
        if direction == UP and self.pg is not None:
            for frame in self.pg.feed(data):
                self._frame(frame.data, frame.commit)
            return
        self._pass(direction, data)
        if direction == UP and self.path:
            self._count_request(data)

    def _head_suffices(self) -> bool:
        """Whether the rules can be chosen: the request line names the path, but a rule with `contains` needs it all."""
        if b"\r\n" not in self.head and len(self.head) < 4096:
            return False
        if not any(rule.get("contains") for rule in self.listener.rules if rule["point"] == "bytes"):
            return True
        end = self.head.find(b"\r\n\r\n")
        return end >= 0 and len(self.head) >= end + 4 + content_length(self.head[:end])

    def _take_rules(self, request: bytes = b"") -> None:
        for rule in self.listener.take("bytes", self.path, request):
            self.flows[rule["dir"]].rules.append(rule)

    def _count_request(self, data: bytes) -> None:
        """Notices when a whole request has passed, for rules at its end."""
        if self.request_left is None:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            self.request_left = end + 4 + content_length(self.head[:end]) - len(self.head)
            self.head = b""
        else:
            self.request_left -= len(data)
        if self.request_left <= 0:
            self.request_left = None
            ends = [rule for rule in self.flows[UP].rules if rule["at"] == "end"]
            for rule in ends:
                self.flows[UP].rules.remove(rule)
                self.flows[DOWN].hold = True
                self.loop.call_later(AFTER_REQUEST, self.act, rule, DOWN)

    def _frame(self, data: bytes, commit: Transaction | None) -> None:
        if commit is None or not commit.statements:
            self._pass(UP, data)
            return
        rule = self.listener.commit_rule(commit)
        if rule is not None and rule["side"] == "before":
            self.flows[UP].hold = True
            self.act(rule, UP)
            self._pass(UP, data)
            return
        if rule is not None:
            self.flows[DOWN].hold = rule["action"] == "hold"
        self._pass(UP, data)
        if CLAIM in commit.statements:
            self.listener.claimed()
        if rule is None:
            return
        if rule["action"] == "signal":  # aimed at the moment after the answer has passed
            self.flows[DOWN].rules.append({**rule, "at": self.flows[DOWN].forwarded})
        else:
            self.act(rule, DOWN)

    def _pass(self, direction: str, data: bytes) -> None:
        """Forwards as much as the rules allow."""
        flow = self.flows[direction]
        if flow.hold or self.frozen:
            flow.held += data
            return
        for rule in list(flow.rules):
            at = rule["at"]
            if at == "end" or flow.forwarded + len(data) <= at:
                continue
            flow.rules.remove(rule)
            cut = max(0, at - flow.forwarded)
            if rule["action"] == "garble":
                data = data[:cut] + bytes([data[cut] ^ rule.get("bit", 1)]) + data[cut + 1:]
                self.listener.hit(rule, self)
                continue
            self._write(direction, data[:cut])
            data = data[cut:]
            self.act(rule, direction)
            if not self.closed:
                self._pass(direction, data)
            return
        self._write(direction, data)

    def _write(self, direction: str, data: bytes) -> None:
        flow = self.flows[direction]
        flow.forwarded += len(data)
        if not data or flow.swallow or self.closed:
            return
        if flow.drip:
            for index, byte in enumerate(data):
                self.loop.call_later(flow.drip * index, self._put, direction, bytes([byte]))
        elif flow.delay:
            self.loop.call_later(flow.delay, self._put, direction, data)
        else:
            self._put(direction, data)

    def _put(self, direction: str, data: bytes) -> None:
        other = self.server if direction == UP else self.client
        if other.transport is None:
            self.flows[direction].forwarded -= len(data)
            self.flows[direction].held += data
        elif not other.transport.is_closing():
            other.transport.write(data)

    def _flush(self, direction: str) -> None:
        flow = self.flows[direction]
        held, flow.held = bytes(flow.held), bytearray()
        if held:
            self._pass(direction, held)
        if flow.ended and not flow.held:
            self.ended(direction)

    def ended(self, direction: str) -> None:
        flow = self.flows[direction]
        flow.ended = True
        if flow.hold and direction == UP:
            self.close()  # the client whose bytes are held is dead: they never leave
            return
        other = self.server if direction == UP else self.client
        if flow.hold or self.frozen or other.transport is None or other.transport.is_closing():
            return
        self.loop.call_later(flow.delay, self._end, other)

    def _end(self, other: Side) -> None:
        if other.transport is not None and not other.transport.is_closing() and other.transport.can_write_eof():
            try:
                other.transport.write_eof()
            except OSError:
                pass
        if all(flow.ended for flow in self.flows.values()):
            self.close()

    def reading(self, full: str, go_on: bool) -> None:
        """A full side slows its source down."""
        source = (self.server if full == UP else self.client).transport
        if source is not None and not source.is_closing():
            source.resume_reading() if go_on else source.pause_reading()

    # Rules.

    def act(self, rule: dict[str, Any], direction: str) -> None:
        if self.closed:
            return
        action, flow = rule["action"], self.flows[direction]
        self.listener.hit(rule, self)
        if action == "hold":
            for each in self.flows.values():
                each.hold = True
            self.loop.call_later(rule.get("max", HOLD_MAX), self.drop_if_held)
        elif action in ("cut", "reset"):
            self.close(reset=action == "reset")
        elif action == "half_close":
            self._end(self.server if direction == UP else self.client)
            flow.swallow = True
        elif action == "blackhole":
            flow.swallow = True
            self.loop.call_later(rule.get("max", HOLD_MAX), self.close)
        elif action == "delay":
            for each in self.flows.values():
                each.delay = rule["ms"] / 1000
        elif action == "drip":
            flow.drip = rule["ms"] / 1000
        elif action == "signal":
            self.loop.call_later(rule.get("after_ms", 0) / 1000, self._signal, rule)

    def _signal(self, rule: dict[str, Any]) -> None:
        """Signals the process at the other end. The proxy does it itself, as that takes only microseconds."""
        pid = rule.get("pid") or self.listener.proxy.pid_of(self.client.transport)
        if not pid:
            return
        try:
            os.kill(pid, rule["signal"])
        except ProcessLookupError:
            return
        self.listener.report("signalled", rule, self, pid=pid, at=time.time())

    def drop_if_held(self) -> None:
        if not self.closed and any(flow.hold for flow in self.flows.values()):
            self.close(reset=True)

    def release(self) -> None:
        for direction, flow in self.flows.items():
            flow.hold = False
            self._flush(direction)

    def freeze(self, on: bool) -> None:
        self.frozen = on
        if not on:
            for direction in (UP, DOWN):
                self._flush(direction)
