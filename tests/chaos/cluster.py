"""A primary and its streaming standby, behind the proxy: restarts, crashes, lossy failovers."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import time
from pathlib import Path
from typing import Awaitable, Callable, Optional

from .node import Node
from .processes import run
from .proxy_client import ProxyClient
from .server_clock import ClockFile, ServerClock

REPLICATION = "replication"
Until = Callable[[], Awaitable[bool]]


class SqlError(Exception):
    """What psql said, in one line."""


class Cluster:
    """The database as its clients see it. All ways into it but the backend's and the checker's go through the proxy."""

    def __init__(self, folder: Path, proxy: ProxyClient) -> None:
        self.folder, self.proxy = folder, proxy
        self.clock = ServerClock()
        self.clock_file: ClockFile | None = None  # where the servers' clock can be set, which they share
        self.programs: Path | None = None
        self.count = 0
        self.primary = self._node()
        self.standby: Node | None = None
        self.old: list[Node] = []
        self.failovers, self.restarts = 0, 0
        self.generation = 0  # rises when commits may have been lost
        self.up_at = 0.0
        self.lost: list[tuple[float, float]] = []  # times whose commits may be gone with a primary
        self.listeners: list[str] = []
        self.busy = asyncio.Lock()  # one fault of the server at a time

    def _node(self) -> Node:
        self.count += 1
        log = self.folder / "logs" / f"postgres-{self.count}.log"
        return Node(self.folder / f"pg{self.count}", log, self.programs)

    async def start(self) -> None:
        self.primary.programs = self.programs
        await self.primary.start()
        await self.proxy.listen(REPLICATION, "tcp", [("127.0.0.1", self.primary.port)])
        await self.sql("create database payout", database="postgres")

    async def new_standby(self) -> None:
        node = self._node()
        await node.start(standby_of=self.proxy.ports[REPLICATION])
        self.standby = node

    async def sql(self, text: str, role: str = "postgres", within: float = 20.0, database: str = "payout",
                  url: str = "") -> str:
        """Runs statements straight at the primary, or at `url`; the answer's rows, fields apart by |."""
        command = [self.primary.program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                   url or self.primary.url(role, database)]
        environment = {**os.environ, "PGCONNECT_TIMEOUT": "3", "PGOPTIONS": "-c client_min_messages=warning"}
        code, out, words = await run(command, within, data=text.encode(), env=environment)
        if code:
            raise SqlError(words.strip() or f"psql ended with {code}")
        return out.strip()

    # Restarts and crashes.

    async def restart(self, how: str) -> None:
        """Ends the primary and starts it again on its port."""
        async with self.busy:
            await self.primary.end(how)
            await self.primary.start()
            self.restarts += 1
            self.up_at = time.time()

    async def until_accepting(self, within: float = 30.0) -> bool:
        for _ in range(int(within / 0.2)):
            try:
                await self.sql("select 1", within=5)
                return True
            except SqlError:
                await asyncio.sleep(0.2)
        return False

    async def kill_backend(self, random_number: int) -> bool:
        """SIGKILL of one backend: the postmaster restarts everything from the log."""
        async with self.busy:
            victims = [pid for pid, words in self.primary.children() if " payout " in words and "walsender" not in words]
            if not victims:
                return False
            os.kill(victims[random_number % len(victims)], signal.SIGKILL)
            await asyncio.sleep(0.2)
            await self.until_accepting()
            self.up_at = time.time()
            return True

    async def stop_for(self, seconds: float) -> None:
        """The whole server stands still: postmaster and backends."""
        async with self.busy:
            pids = [self.primary.pid] + [pid for pid, _ in self.primary.children()]
            send(signal.SIGSTOP, pids)
            await asyncio.sleep(seconds)
            send(signal.SIGCONT, pids)

    async def crash_unflushed(self, until: Until, after_crash: Callable[[], None]) -> bool:
        """The power fails, and commits that did not wait for the disk are gone: what would have flushed them in the
        background stands still from now on. `busy` is the caller's. Returns what `until` did."""
        writers = [pid for pid, words in self.primary.children() if "walwriter" in words]
        send(signal.SIGSTOP, writers)
        try:
            done = await until()
        except BaseException:
            send(signal.SIGCONT, writers)
            raise
        await self.primary.end("kill")
        after_crash()
        await self.primary.start()
        self.restarts += 1
        self.up_at = time.time()
        self.generation += 1
        return done

    async def copied(self) -> Node:
        """A server on a copy of the data folder, as of a moment at which the primary was stopped."""
        async with self.busy:
            await self.primary.end("fast")
            copy = self._node()
            try:
                code, _, words = await run(["cp", "-a", str(self.primary.folder), str(copy.folder)], 60)
            finally:
                await self.primary.start()
                self.restarts += 1
                self.up_at = time.time()
        if code:
            raise RuntimeError(f"the data folder could not be copied: {words}")
        self.old.append(copy)
        await copy.start()
        return copy

    async def discard(self, node: Node) -> None:
        """Ends a server that is no longer needed, and removes its data."""
        await node.end("kill")
        await asyncio.to_thread(node.kill_now)
        self.old.remove(node)
        await asyncio.to_thread(shutil.rmtree, node.folder, True)

    async def disk_full(self, seconds: float) -> bool:
        """No file of the server may be written any further for a while: WAL and data alike (EFBIG stands for ENOSPC)."""
        if not hasattr(resource, "prlimit"):
            return False
        async with self.busy:
            pids = [self.primary.pid] + [pid for pid, _ in self.primary.children()]
            for pid in pids:
                try:
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
                except (OSError, ProcessLookupError):
                    pass
            await asyncio.sleep(seconds)
            await self.primary.end("kill")
            await self.primary.start()
            self.restarts += 1
            self.up_at = time.time()
            return True

    def step_clock(self, ahead: float) -> None:
        """From now on the clock of every server is that many seconds ahead of this machine's."""
        assert self.clock_file is not None
        self.clock.step(time.time(), ahead)
        self.clock_file.set(ahead)

    # Failover.

    async def failover(self, lossy_seconds: float, zombie: bool = False, until: Optional[Until] = None) -> bool:
        """The standby stops receiving, traffic goes on, the primary dies (or is only cut off), the standby takes over."""
        async with self.busy:
            if self.standby is None:
                return False
            frozen_at = time.time() - 1.0  # what the standby is behind by at most
            await self.proxy.do("freeze", name=REPLICATION, on=True)
            if until is not None and not await until():
                await self.proxy.do("freeze", name=REPLICATION, on=False)
                return False
            await asyncio.sleep(lossy_seconds)
            if not zombie:
                await self.primary.end("kill")
            dead, self.primary, self.standby = self.primary, self.standby, None
            self.old.append(dead)
            await self._promote()
            # With a zombie, one worker keeps the old primary as its database for two seconds.
            for name in self.listeners[1:] if zombie else self.listeners:
                await self.proxy.do("upstream", name=name, to=[("127.0.0.1", self.primary.port)])
                await self.proxy.do("cut", name=name, reset=True)
            await self.proxy.do("upstream", name=REPLICATION, to=[("127.0.0.1", self.primary.port)])
            await self.proxy.do("cut", name=REPLICATION)
            await self.proxy.do("freeze", name=REPLICATION, on=False)
            self.generation += 1
            self.failovers += 1
            self.up_at = time.time()
            if zombie:
                await asyncio.sleep(2)
                await dead.end("kill")
                await self.proxy.do("upstream", name=self.listeners[0], to=[("127.0.0.1", self.primary.port)])
                await self.proxy.do("cut", name=self.listeners[0], reset=True)
            # A young standby may have been further behind: the time of its last replayed commit shows it.
            replayed = self.clock.host_time(float(await self.sql(
                "select coalesce(extract(epoch from pg_last_xact_replay_timestamp()), 0)")))
            self.lost.append((min(frozen_at, replayed - 0.5) if replayed else frozen_at - 10, time.time()))
            await self.new_standby()
            return True

    async def _promote(self) -> None:
        # The proxy still holds some of the old primary's log, which must not reach the standby.
        await self.proxy.do("cut", name=REPLICATION, reset=True)
        await self.sql("select pg_promote(true, 30)", database="postgres", within=40)
        for _ in range(200):
            if await self.sql("select pg_is_in_recovery()", database="postgres") == "f":
                return
            await asyncio.sleep(0.05)
        raise RuntimeError("the standby was not promoted")

    def stop(self) -> None:
        """Ends every server."""
        for node in [self.primary, self.standby, *self.old]:
            if node is not None:
                node.kill_now()


def send(number: int, pids: list[int]) -> None:
    """Signals those processes that still exist."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
