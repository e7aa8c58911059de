"""What has happened in a run so far: counters, and how long the workers take to claim again after a crash."""

from __future__ import annotations

import asyncio
import statistics
import time

from .behaviours import NORMAL
from .cluster import SqlError
from .run_record import FINAL_STATES
from .testbed import Testbed

CLAIM_WITHIN = 15.0
OPEN_STATES = ("queued", "submitting", "pending", "unknown")


class RunStats:
    """Counts faults by name. Recovery is measured at the proxy, which sees the commit of every claim."""

    def __init__(self, testbed: Testbed, phase: str) -> None:
        self.testbed = testbed
        self.phase = phase  # the word in front of each progress line
        self.begun = time.monotonic()
        self.happened: dict[str, int] = {}
        self.missed: dict[str, int] = {}  # planned, but there was nothing to hit
        self.errors: dict[str, str] = {}
        self.states: dict[str, int] = {}
        self.behaviours: dict[str, int] = {}
        self.after_worker_restart: list[float] = []
        self.after_server_restart: list[float] = []

    def count(self, fault: str, happened: bool) -> None:
        counts = self.happened if happened else self.missed
        counts[fault] = counts.get(fault, 0) + 1

    @property
    def kinds(self) -> int:
        return len(self.happened) + sum(times > 0 and name != NORMAL for name, times in self.behaviours.items())

    async def refresh(self) -> None:
        """Reads the states and the gateway's counts; keeps the old ones while either does not answer."""
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
        states, workers, cluster = self.states, self.testbed.workers, self.testbed.cluster
        settled = sum(states.get(one, 0) for one in FINAL_STATES)
        opened = " ".join(f"{one}={states[one]}" for one in OPEN_STATES if states.get(one))
        return (f"{time.monotonic() - self.begun:6.1f}s {word}: enqueued={len(self.testbed.backend.payouts)} "
                f"settled={settled} [{opened or 'nothing open'}] kills={workers.kills} stops={workers.stops} "
                f"pg_restarts={cluster.restarts} failovers={cluster.failovers} kinds={self.kinds}")

    async def report_progress(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            await self.refresh()
            print(self.line(self.phase), flush=True)

    async def measure_recovery(self) -> None:
        """Times the first claim after each start of a worker, and after each return of the server."""
        waiting: dict[str, float] = {}
        starts = {worker.name: worker.starts for worker in self.testbed.workers.all}
        up_at, server_up_at = self.testbed.cluster.up_at, 0.0
        while True:
            await asyncio.sleep(0.05)
            listeners = await self.testbed.proxy.stats()
            for worker in self.testbed.workers.all:
                if worker.starts != starts[worker.name]:
                    starts[worker.name] = worker.starts
                    waiting[worker.name] = worker.started_at
                begun = waiting.get(worker.name)
                last_claim = listeners[worker.listener]["last_claim"]
                if begun is not None and _took(begun, last_claim, self.after_worker_restart):
                    del waiting[worker.name]
            if self.testbed.cluster.up_at != up_at:
                up_at = server_up_at = self.testbed.cluster.up_at
            newest = max((one["last_claim"] for one in listeners.values()), default=0.0)
            if server_up_at and _took(server_up_at, newest, self.after_server_restart):
                server_up_at = 0.0

    def recovery(self) -> list[str]:
        return [f"worker restart -> first new claim: {spread(self.after_worker_restart)}",
                f"Postgres back -> claims flow: {spread(self.after_server_restart)}"]


def _took(begun: float, last_claim: float, times: list[float]) -> bool:
    """Whether the wait is over: with a claim, whose time is noted, or without one, as behind a failover's fence."""
    if last_claim > begun:
        times.append(last_claim - begun)
        return True
    return time.time() - begun > CLAIM_WITHIN


def spread(seconds: list[float]) -> str:
    if not seconds:
        return "not measured"
    ordered = sorted(seconds)
    return (f"median {statistics.median(ordered):.2f} s, p95 {ordered[int(len(ordered) * 0.95)]:.2f} s, "
            f"longest {ordered[-1]:.2f} s, measured {len(ordered)} times")
