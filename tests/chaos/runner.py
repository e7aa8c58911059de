"""Carries a plan out on a testbed, calms everything, waits until what can be settled is, and asks for the result."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

from .cluster import SqlError
from .faults import FAULTS, SERVER, no_conflicts
from .plan import Entry
from .run_stats import RunStats, ended, progress
from .testbed import Testbed

SERVER_WITHIN = 240.0
FAULT_WITHIN = 40.0


async def carry_out(testbed: Testbed, stats: RunStats, entries: list[Entry]) -> None:
    """Each fault begins at its time; those of the server wait for each other, in the plan's order."""
    begun = time.monotonic()
    server = asyncio.Lock()
    running: set[asyncio.Task[None]] = set()

    async def one(entry: Entry) -> None:
        try:
            if entry.name in SERVER:
                async with server:
                    happened = await asyncio.wait_for(FAULTS[entry.name](testbed, entry.numbers), SERVER_WITHIN)
            else:
                happened = await asyncio.wait_for(FAULTS[entry.name](testbed, entry.numbers), FAULT_WITHIN)
            stats.note(entry.name, bool(happened))
        except (SqlError, OSError, RuntimeError, asyncio.TimeoutError) as error:
            stats.note(entry.name, False)
            stats.errors[entry.name] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"

    for entry in entries:
        await asyncio.sleep(max(0.0, begun + entry.at - time.monotonic()))
        task = asyncio.create_task(one(entry))
        running.add(task)
        task.add_done_callback(running.discard)
    if running:
        await asyncio.wait(set(running), timeout=SERVER_WITHIN)


async def calm(testbed: Testbed) -> None:
    """No fault is left behind, and the gateway is well from now on."""
    await testbed.proxy.do("calm")
    for worker in testbed.workers.all:
        worker.held_down_until = 0.0
        if worker.stopped:
            worker.signal(signal.SIGCONT)
        if worker.clock is not None:
            worker.clock.write_text("+0s\n")
    await testbed.cluster.until_accepting()
    await no_conflicts(testbed)
    await testbed.admin("calm", {})


WAITING = """select count(*) filter (where state in ('queued', 'submitting', 'pending')
                                           or (state = 'unknown' and (attention is null or attention = 'not_found')))
             from payout.payouts"""


async def drain(testbed: Testbed, seconds: float) -> bool:
    """Bounded. True when nothing is open but what waits for a person with a reason."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            waiting = int(await testbed.cluster.sql(WAITING))
            if testbed.backend.synced() and waiting == 0:
                return True
        except SqlError:
            pass
        await asyncio.sleep(0.5)
    return False


async def settle(testbed: Testbed, stats: RunStats, helpers: list["asyncio.Task[Any]"], drain_seconds: float) -> None:
    """The end of every run: what can be settled is, the last counters are printed, workers and gateway are done."""
    await calm(testbed)
    drained = await drain(testbed, drain_seconds)
    for helper in helpers:
        await ended(helper)
    await stats.look()
    print(stats.line("drained" if drained else f"NOT DRAINED within {drain_seconds:.0f} s"), flush=True)
    await testbed.workers.end()
    await testbed.admin("finish", {})


async def whole(testbed: Testbed, entries: list[Entry], payouts: int, seconds: float, drain_seconds: float,
                every: float) -> tuple[int, RunStats, str]:
    """A run from the first payout to the result. The exit code, the counters, the checker's words."""
    stats = RunStats(testbed)
    word = ["faults"]
    await testbed.start()
    helpers = [asyncio.create_task(progress(stats, word, every)), asyncio.create_task(stats.measure())]
    producing = asyncio.create_task(testbed.backend.produce(payouts, seconds * 0.85))
    await carry_out(testbed, stats, entries)
    await asyncio.wait_for(producing, seconds + 60)
    word[0] = "calm"
    await settle(testbed, stats, helpers, drain_seconds)
    code, words = await testbed.check()
    return code, stats, words
