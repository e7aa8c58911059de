"""What happened so far: counters, and how long the workers take to claim again."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

from .cluster import SqlError
from .testbed import Testbed

CLAIM_WITHIN = 15.0


class RunStats:
    """Counts faults by name, and measures recovery at the proxy, which sees every claim's commit."""

    def __init__(self, testbed: Testbed) -> None:
        self.testbed = testbed
        self.begun = time.monotonic()
        self.done: dict[str, int] = {}
        self.missed: dict[str, int] = {}
        self.errors: dict[str, str] = {}
        self.states: dict[str, int] = {}
        self.behaviours: dict[str, int] = {}
        self.after_restart: list[float] = []
        self.after_server: list[float] = []

    def note(self, name: str, happened: bool) -> None:
        where = self.done if happened else self.missed
        where[name] = where.get(name, 0) + 1

    @property
    def kinds(self) -> int:
        return len(self.done) + len([name for name, times in self.behaviours.items() if times and name != "normal"])

    async def look(self) -> None:
        """Reads states and the gateway's counts; keeps the old ones while somebody does not answer."""
        try:
            rows = await self.testbed.cluster.sql("select state, count(*) from payout.payouts group by 1", within=10)
            self.states = {row.split("|")[0]: int(row.split("|")[1]) for row in rows.splitlines()}
        except SqlError:
            pass
        try:
            self.behaviours = (await self.testbed.admin("counts"))["kinds"]
        except (OSError, ValueError, KeyError, TypeError):
            pass

    def line(self, word: str) -> str:
        states = self.states
        settled = sum(states.get(one, 0) for one in ("paid", "failed", "cancelled", "returned"))
        workers, cluster = self.testbed.workers, self.testbed.cluster
        opened = " ".join(f"{one}={states[one]}" for one in ("queued", "submitting", "pending", "unknown") if states.get(one))
        return (f"{time.monotonic() - self.begun:6.1f}s {word}: enqueued={len(self.testbed.backend.lines)} settled={settled} "
                f"[{opened or 'nothing open'}] kills={workers.kills} stops={workers.stops} "
                f"pg_restarts={cluster.restarts} failovers={cluster.failovers} kinds={self.kinds}")

    # Recovery.

    async def measure(self) -> None:
        """Follows the claims of every listener: from a worker's start, and from the server's return."""
        waiting: dict[str, float] = {}
        starts = {worker.name: worker.starts for worker in self.testbed.workers.all}
        up_at = self.testbed.cluster.up_at
        server_waits = 0.0
        while True:
            await asyncio.sleep(0.05)
            listeners = await self.testbed.proxy.stats()
            for worker in self.testbed.workers.all:
                last = listeners[worker.listener]["last_claim"]
                if worker.starts != starts[worker.name]:
                    starts[worker.name] = worker.starts
                    waiting[worker.name] = worker.started_at
                begun = waiting.get(worker.name)
                if begun is not None and last > begun:
                    self.after_restart.append(last - begun)
                    del waiting[worker.name]
                elif begun is not None and time.time() - begun > CLAIM_WITHIN:
                    del waiting[worker.name]
            if self.testbed.cluster.up_at != up_at:
                up_at = server_waits = self.testbed.cluster.up_at
            newest = max((one["last_claim"] for one in listeners.values()), default=0.0)
            if server_waits and newest > server_waits:
                self.after_server.append(newest - server_waits)
                server_waits = 0.0
            elif server_waits and time.time() - server_waits > CLAIM_WITHIN:
                server_waits = 0.0  # a failover's fence, or nothing was queued

    def summary(self) -> list[str]:
        return [f"worker restart -> first new claim: {spread(self.after_restart)}",
                f"Postgres back -> claims flow: {spread(self.after_server)}"]


def spread(seconds: list[float]) -> str:
    if not seconds:
        return "not seen"
    ordered = sorted(seconds)
    return (f"median {statistics.median(ordered):.2f} s, p95 {ordered[int(len(ordered) * 0.95)]:.2f} s, "
            f"longest {ordered[-1]:.2f} s, seen {len(ordered)} times")


async def progress(stats: RunStats, word: list[str], every: float) -> None:
    """One line every few seconds. `word` is what the run is at."""
    while True:
        await asyncio.sleep(every)
        await stats.look()
        print(stats.line(word[0]), flush=True)


async def ended(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    try:
        await task
    except (asyncio.CancelledError, Exception):  # noqa: BLE001  whatever a cancelled helper says
        pass
