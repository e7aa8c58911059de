"""Runs a plan on a testbed: injects its faults, calms everything, waits until all that can settle has, and checks."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

from . import database_faults, mischief
from .cluster import SqlError
from .faults import FAULTS, SERVER, remove_conflicts
from .plan import LASTS, PlannedFault
from .run_stats import RunStats
from .testbed import Testbed

SERVER_FAULT_WITHIN = 240.0
FAULT_WITHIN = 40.0

# The checker's exit code, the counters, and what the checker printed.
Outcome = tuple[int, RunStats, str]


async def inject_faults(testbed: Testbed, stats: RunStats, planned: list[PlannedFault]) -> None:
    """Each fault begins at its time; those of the database server wait for each other, in the plan's order."""
    begun = time.monotonic()
    server = asyncio.Lock()
    running: set[asyncio.Task[None]] = set()

    async def happen(fault: PlannedFault, within: float) -> None:
        try:
            testbed.begun.append(fault.name)
            happened = await asyncio.wait_for(FAULTS[fault.name](testbed, fault.numbers), within)
            stats.count(fault.name, bool(happened))
        except (SqlError, OSError, RuntimeError, asyncio.TimeoutError) as error:
            stats.count(fault.name, False)
            stats.errors[fault.name] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"

    async def inject(fault: PlannedFault) -> None:
        if fault.name not in SERVER:
            await happen(fault, FAULT_WITHIN + LASTS.get(fault.name, 0.0))
            return
        async with server:
            await happen(fault, SERVER_FAULT_WITHIN)

    for fault in planned:
        await asyncio.sleep(max(0.0, begun + fault.at - time.monotonic()))
        task = asyncio.create_task(inject(fault))
        running.add(task)
        task.add_done_callback(running.discard)
    if running:
        await asyncio.wait(set(running), timeout=SERVER_FAULT_WITHIN)


async def calm(testbed: Testbed) -> None:
    """Ends every fault that is still under way, and makes the gateway behave normally."""
    await testbed.proxy.do("calm")
    for worker in testbed.workers.all:
        worker.held_down_until = 0.0
        if worker.stopped:
            worker.signal(signal.SIGCONT)
        if worker.clock is not None:
            worker.clock.set(0)
    await testbed.cluster.until_accepting()
    await remove_conflicts(testbed)
    await database_faults.undo(testbed)
    await mischief.undo(testbed)
    await testbed.admin("calm", {})


# Everything that still settles without an operator, and what the operators of the run resubmit. A refusal can arrive after a
# query has found the order, which stays pending then.
UNSETTLED = """select count(*) filter (where state in ('queued', 'submitting')
                                             or (state = 'pending' and attention is distinct from 'foreign_order')
                                             or (state = 'unknown' and (attention is null or attention = 'not_found')))
               from payout.payouts"""


async def drain(testbed: Testbed, patience: float) -> bool:
    """Waits until nothing is open except what is marked for an operator. False once nothing has settled for so long.

    How long the whole takes says how fast the machine is, so only standing still counts against the worker.
    """
    fewest, since = None, time.monotonic()
    while time.monotonic() - since < patience:
        try:
            unsettled = int(await testbed.cluster.sql(UNSETTLED))
            if testbed.two_phase.is_done() and testbed.backend.in_sync() and unsettled == 0:
                return True
            if fewest is None or unsettled < fewest:
                fewest, since = unsettled, time.monotonic()
        except SqlError:
            pass
        await asyncio.sleep(0.5)
    return False


class Session:
    """One run on a testbed, from the start of the workers to the checker's verdict."""

    def __init__(self, testbed: Testbed, phase: str) -> None:
        self.testbed, self.stats = testbed, RunStats(testbed, phase)
        self._helpers: list[asyncio.Task[Any]] = []

    async def start(self, every: float = 5.0, recovery: bool = True) -> None:
        await self.testbed.start()
        self._helpers.append(asyncio.create_task(self.stats.report_progress(every)))
        if recovery:
            self._helpers.append(asyncio.create_task(self.stats.measure_recovery()))

    async def settle(self, patience: float) -> None:
        """Everything that can settle does; then workers and gateway end."""
        self.stats.phase = "calm"
        await calm(self.testbed)
        drained = await drain(self.testbed, patience)
        for helper in self._helpers:
            await end(helper)
        await self.stats.refresh()
        print(self.stats.line("drained" if drained else f"NOT DRAINED: nothing has settled for {patience:.0f} s"), flush=True)
        await self.testbed.workers.end()
        await self.testbed.admin("finish", {})

    async def finish(self, patience: float) -> Outcome:
        await self.settle(patience)
        code, report = await self.testbed.check()
        return code, self.stats, report


async def end(task: "asyncio.Task[Any]") -> None:
    # Again until it has ended: before Python 3.12, wait_for loses a cancellation that comes together with its result.
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.5)
    if not task.cancelled():
        task.exception()  # whatever a cancelled helper raised, so that asyncio does not report it


async def run_plan(testbed: Testbed, planned: list[PlannedFault], payouts: int, seconds: float, patience: float,
                   every: float) -> Outcome:
    session = Session(testbed, "faults")
    await session.start(every)
    producing = asyncio.create_task(testbed.backend.produce(payouts, seconds * 0.85))
    await inject_faults(testbed, session.stats, planned)
    await asyncio.wait_for(producing, seconds + 60)
    return await session.finish(patience)
