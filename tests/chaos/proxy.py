"""A TCP proxy that cuts, holds, delays and garbles on command.

One process with several listeners. JSON lines on a Unix socket command it, and it reports there what it did:
{"do": COMMAND, "n": NUMBER, …} is answered by {"answer": NUMBER, …}; a rule that hits something is reported by
{"event": "hit" | "held" | "signalled", "rule": ID, …}.

A rule is an object: `id`; `point` (bytes, connect or commit); `action` (cut, reset, hold, half_close, blackhole,
delay, drip, garble or signal); `times`, how many connections it hits (default 1). Rules at bytes also have `dir`
(up or down), `at` (an offset, or "end") and optionally `path`, `contains`, `every`, `step`; rules at a commit have
`statement`, `side` (before or after) and optionally `words`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from typing import Any, Iterator

from .processes import pid_of_port
from .proxy_link import UP, Link
from .proxy_pg import Transaction


class Listener:
    """One port, its upstreams, and the rules for what passes through it."""

    def __init__(self, proxy: "Proxy", name: str, kind: str, port: int, upstreams: list[tuple[str, int]]) -> None:
        self.proxy, self.name, self.kind, self.port = proxy, name, kind, port
        self._upstreams, self._turn = upstreams, 0
        self.links: set[Link] = set()
        self.rules: list[dict[str, Any]] = []
        self.frozen = False
        self.claims, self.last_claim = 0, 0.0
        self.longest: dict[str, int] = {}
        self._server: asyncio.AbstractServer | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Link(self).client, "127.0.0.1", self.port,
                                                reuse_address=True, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self, seconds: float) -> None:
        """Refuses connections for a while."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        await asyncio.sleep(seconds)
        await self.open()

    def upstreams(self) -> Iterator[tuple[str, int]]:
        self._turn += 1
        count = len(self._upstreams)
        for index in range(count):
            yield self._upstreams[(self._turn + index) % count]

    def set_upstreams(self, upstreams: list[tuple[str, int]]) -> None:
        self._upstreams = upstreams

    def remember_lengths(self, link: Link) -> None:
        """Remembers the length of the longest request and answer of each path."""
        for direction, flow in link.flows.items():
            key = f"{direction} {link.path}"
            self.longest[key] = max(self.longest.get(key, 0), flow.forwarded)

    def take(self, point: str, path: str | None, request: bytes = b"") -> list[dict[str, Any]]:
        """The rules that apply to a new connection."""
        taken = []
        for rule in list(self.rules):
            if rule["point"] != point or not (path or "").startswith(rule.get("path", "")):
                continue
            if rule.get("contains") and rule["contains"].encode() not in request:
                continue
            if rule.get("every", 1) > 1:
                rule["passed"] = rule.get("passed", 0) + 1
                if rule["passed"] % rule["every"]:
                    continue
            one = dict(rule)
            if "step" in rule:  # a sweep: the next connection is cut `step` bytes later
                rule["at"] += rule["step"]
            self._spend(rule)
            taken.append(one)
        return taken

    def commit_rule(self, transaction: Transaction) -> dict[str, Any] | None:
        for rule in self.rules:
            if rule["point"] == "commit" and transaction.did(rule["statement"], rule.get("words", ())):
                self._spend(rule)
                return rule
        return None

    def _spend(self, rule: dict[str, Any]) -> None:
        rule["times"] = rule.get("times", 1) - 1
        if rule["times"] <= 0:
            self.rules.remove(rule)

    def hit(self, rule: dict[str, Any], link: Link) -> None:
        self.report("held" if rule["action"] == "hold" else "hit", rule, link)

    def report(self, event: str, rule: dict[str, Any], link: Link, **more: Any) -> None:
        client = link.client.transport
        peer = client.get_extra_info("peername") if client else None
        server = link.server.transport
        beyond = server.get_extra_info("peername") if server else None
        self.proxy.report({"event": event, "rule": rule["id"], "listener": self.name, "link": link.number,
                         "peer": peer[1] if peer else 0, "upstream": beyond[1] if beyond else 0,
                         "at": time.time(), **more})

    def claimed(self) -> None:
        self.claims += 1
        self.last_claim = time.time()


class Proxy:
    """All listeners, and the connections of their controller."""

    def __init__(self) -> None:
        self.listeners: dict[str, Listener] = {}
        self.writers: set[asyncio.StreamWriter] = set()
        self.pids: list[int] = []

    def report(self, message: dict[str, Any]) -> None:
        line = json.dumps(message).encode() + b"\n"
        for writer in list(self.writers):
            writer.write(line)

    def pid_of(self, transport: asyncio.Transport | None) -> int:
        """Which of the workers holds the other end of this connection; 0 where /proc does not tell."""
        peer = transport.get_extra_info("peername") if transport else None
        return pid_of_port(peer[1], self.pids) if peer else 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        while line := await reader.readline():
            command = json.loads(line)
            try:
                answer = await self.obey(command)
            except (OSError, KeyError, ValueError) as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            writer.write(json.dumps({"answer": command.get("n"), **(answer or {})}).encode() + b"\n")
        self.writers.discard(writer)
        os._exit(0)  # without its controller the proxy has no purpose

    async def obey(self, command: dict[str, Any]) -> dict[str, Any] | None:
        what = command["do"]
        if what == "listen":
            listener = Listener(self, command["name"], command["kind"], command.get("port", 0),
                                [tuple(one) for one in command["to"]])
            await listener.open()
            self.listeners[listener.name] = listener
            return {"port": listener.port}
        if what == "pids":
            self.pids = command["pids"]
            return None
        if what == "stats":
            return {"listeners": {name: {"links": len(one.links), "claims": one.claims, "last_claim": one.last_claim,
                                         "longest": one.longest} for name, one in self.listeners.items()}}
        if what == "calm":
            for one in self.listeners.values():
                one.rules.clear()
            return None
        if what in ("release", "drop"):
            for one in self.listeners.values():
                for link in [link for link in one.links if link.number == command["link"]]:
                    link.release() if what == "release" else link.close(reset=True)
            return None
        listener = self.listeners[command["name"]]
        if what == "rule":
            listener.rules.append(command["rule"])
        elif what == "unrule":
            listener.rules[:] = [rule for rule in listener.rules if rule["id"] != command["id"]]
        elif what == "now":  # on every connection that is open
            for link in list(listener.links):
                link.act(command["rule"], command["rule"].get("dir", UP))
        elif what == "upstream":
            listener.set_upstreams([tuple(one) for one in command["to"]])
        elif what == "refuse":
            asyncio.get_running_loop().create_task(listener.refuse(command["seconds"]))
        elif what == "freeze":
            listener.frozen = command["on"]
            for link in list(listener.links):
                link.freeze(command["on"])
        elif what == "cut":
            for link in list(listener.links):
                link.close(reset=command.get("reset", False))
        else:
            raise ValueError(f"no such command: {what}")
        return None


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", required=True)
    options = parser.parse_args()
    proxy = Proxy()
    server = await asyncio.start_unix_server(proxy.serve, options.socket)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
