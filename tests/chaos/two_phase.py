"""Faults of two-phase commits: what a backend inserts exists only once somebody has committed it from elsewhere."""

from __future__ import annotations

import asyncio

from .bystanders import Bystanders
from .cluster import SqlError
from .faults import Numbers, fault
from .testbed import Testbed
from .transaction_manager import PREFIX

HOWS = ("immediate", "kill", "fast")


@fault("two_phase_inserts")
async def two_phase_inserts(testbed: Testbed, r: Numbers) -> bool:
    """Several transactions at a time, each prepared for a moment. Every third is rolled back."""
    async def one(number: int) -> bool:
        await asyncio.sleep(0.2 * number)
        try:
            name = await testbed.two_phase.prepare(1 + int(3 * r[1]) + number % 3)
        except SqlError:
            return False
        try:
            await asyncio.sleep(3 * ((r[2] + number * 0.37) % 1.0))
        finally:
            await testbed.two_phase.decide(name, commit=number % 3 != 2)
        return True

    return any(await asyncio.gather(*(one(number) for number in range(3 + int(6 * r[0])))))


@fault("two_phase_open")
async def two_phase_open(testbed: Testbed, r: Numbers) -> bool:
    """A transaction stays prepared for longer than a lease. Who does not need its payouts must not notice."""
    seconds = testbed.timing.lease + 1 + 3 * r[0]
    name = await testbed.two_phase.prepare(1 + int(20 * r[1]))
    try:
        bystanders = Bystanders(testbed, f"p.order_num not like '{PREFIX}%'")
        await bystanders.begin()
        await asyncio.sleep(seconds)
        await bystanders.judge("a transaction was prepared", seconds)
    finally:
        await testbed.two_phase.decide(name, commit=r[2] < 0.6)
    return True


@fault("two_phase_restart", server=True)
async def two_phase_restart(testbed: Testbed, r: Numbers) -> bool:
    """The server ends between prepare and commit; what is prepared outlasts that."""
    manager = testbed.two_phase
    names = [await manager.prepare(1 + int(9 * r[0])) for _ in range(2)]
    try:
        await testbed.cluster.restart(HOWS[int(r[1] * len(HOWS))])
        prepared = (await testbed.cluster.sql("select gid from pg_prepared_xacts")).split()
        testbed.findings += [f"the prepared transaction {name} is gone after a restart"
                             for name in names if name not in prepared]
    finally:
        for number, name in enumerate(names):
            await manager.decide(name, commit=(number == 0) == (r[2] < 0.5))
    return True
