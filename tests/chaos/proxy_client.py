"""The driver's side of the proxy: sends commands, and collects what the proxy reports."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from .processes import spawn

ANSWER_WITHIN = 10.0


class ProxyClient:
    """Starts the proxy process and talks to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "proxy.sock"
        self.process: Any = None
        self.ports: dict[str, int] = {}
        self.hits: dict[int, int] = {}
        self._n, self._rule = 0, 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._events: dict[int, asyncio.Queue[dict[str, Any]]] = {}

    async def start(self) -> None:
        tests = str(Path(__file__).resolve().parent.parent)
        self.process = spawn([sys.executable, "-m", "chaos.proxy", "--socket", str(self.socket)],
                             self.folder / "logs" / "proxy.log", env={**os.environ, "PYTHONPATH": tests})
        self._reader, self._writer = await self._connected()
        self._task = asyncio.create_task(self._read())

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Waits until the proxy listens, which is a moment after its socket appears."""
        for _ in range(400):
            try:
                return await asyncio.open_unix_connection(str(self.socket))
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(0.05)
        raise RuntimeError(f"the proxy did not start; see {self.folder}/logs/proxy.log")

    async def _read(self) -> None:
        while line := await self._reader.readline():
            message = json.loads(line)
            if "answer" in message:
                waiting = self._answers.pop(message["answer"], None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
            else:
                self.hits[message["rule"]] = self.hits.get(message["rule"], 0) + 1
                if message["rule"] in self._events:
                    self._events[message["rule"]].put_nowait(message)

    async def do(self, what: str, **more: Any) -> dict[str, Any]:
        """Sends a command and returns the proxy's answer."""
        self._n += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[self._n] = answer
        self._writer.write(json.dumps({"do": what, "n": self._n, **more}).encode() + b"\n")
        message = await asyncio.wait_for(answer, ANSWER_WITHIN)
        if "error" in message:
            raise RuntimeError(f"proxy: {what}: {message['error']}")
        return message

    async def listen(self, name: str, kind: str, to: list[tuple[str, int]]) -> int:
        answer = await self.do("listen", name=name, kind=kind, to=to)
        self.ports[name] = answer["port"]
        return answer["port"]

    def _numbered(self, rule: dict[str, Any]) -> dict[str, Any]:
        self._rule += 1
        return {"id": self._rule, **rule}

    async def rule(self, name: str, **rule: Any) -> int:
        """Sets a rule; `event` waits for what it hits."""
        numbered = self._numbered(rule)
        self._events[numbered["id"]] = asyncio.Queue()
        await self.do("rule", name=name, rule=numbered)
        return numbered["id"]

    async def event(self, rule: int, within: float) -> dict[str, Any] | None:
        """The next event of a rule, or None after `within` seconds."""
        try:
            return await asyncio.wait_for(self._events[rule].get(), within)
        except asyncio.TimeoutError:
            return None

    async def unrule(self, name: str, rule: int) -> None:
        self._events.pop(rule, None)
        await self.do("unrule", name=name, id=rule)

    async def now(self, name: str, **rule: Any) -> int:
        """Applies a rule to every open connection of a listener; how many it hit."""
        numbered = self._numbered(rule)
        await self.do("now", name=name, rule=numbered)
        return self.hits.get(numbered["id"], 0)

    async def stats(self) -> dict[str, dict[str, Any]]:
        return (await self.do("stats"))["listeners"]

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
