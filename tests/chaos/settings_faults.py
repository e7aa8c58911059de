"""Faults of what the database server promises while it runs: commits that are not durable, and steps of its clock."""

from __future__ import annotations

import asyncio

from .cluster import SqlError
from .faults import Numbers, end_sessions, fault, lose_hosts, with_setting
from .testbed import Testbed

RECONNECTED_AFTER = 1.0  # seconds
CLAIMS_WITHIN = 8.0
CLAIMS_LOST = 1  # transactions, each of which takes many payouts
HOUR = 3600
STEP = 3000  # seconds: the least by which the clock steps
CLOCK = ("pg_clock_forward", "pg_clock_back")


@fault("pg_unsafe_full_pages", server=True)
async def pg_unsafe_full_pages(testbed: Testbed, r: Numbers) -> bool:
    """Pages may be torn for a while: the workers must notice and wait."""
    return await with_setting(testbed, "full_page_writes", "off", 0.5 + r[0])


@fault("pg_async_login", server=True)
async def pg_async_login(testbed: Testbed, r: Numbers) -> bool:
    """The workers' login no longer waits for the disk, then the power fails."""
    return await power_failure(testbed, r, "alter role chaos_worker")


@fault("pg_async_database", server=True)
async def pg_async_database(testbed: Testbed, r: Numbers) -> bool:
    """Nobody waits for the disk by default, then the power fails: only what somebody was told must be there again."""
    return await power_failure(testbed, r, "alter database payout")


async def power_failure(testbed: Testbed, r: Numbers, whose: str) -> bool:
    """Sessions that begin from now on do not wait for the disk when they commit, and soon after some claims, what is
    not on disk is lost. In half of the cases the workers' hosts fail with the server.

    Any commit that does wait flushes those before it, so the backend's last one comes before those claims.
    """
    cluster, backend = testbed.cluster, testbed.backend
    async with cluster.busy:
        await cluster.sql(f"{whose} set synchronous_commit = off")
        backend.holding = True
        try:
            await end_sessions(testbed)
            await asyncio.sleep(RECONNECTED_AFTER)
            return await cluster.crash_unflushed(
                lambda: claims_follow(testbed, r[1]),
                lambda: lose_hosts(testbed, down_for=0.3) if r[2] < 0.5 else None)
        finally:
            backend.holding = False
            await cluster.until_accepting()
            await cluster.sql(f"set synchronous_commit = on; {whose} reset synchronous_commit")
            await end_sessions(testbed)


async def claims_follow(testbed: Testbed, number: float) -> bool:
    """Enqueues what has been held back, and waits until workers have claimed some of it. False if they did not."""
    before = await claims(testbed)
    await testbed.backend.insert_batch()
    for _ in range(int(CLAIMS_WITHIN / 0.02)):
        if await claims(testbed) >= before + CLAIMS_LOST:
            await asyncio.sleep(0.02 + 0.2 * number)  # some of them reach the gateway
            return True
        await asyncio.sleep(0.02)
    return False


async def claims(testbed: Testbed) -> int:
    return sum(listener["claims"] for listener in (await testbed.proxy.stats()).values())


# The server's clock. It goes forward for good, and back only for a while: after a step back, all that was planned
# before would have to wait until the clock gets there again.

@fault("pg_clock_forward", server=True)
async def pg_clock_forward(testbed: Testbed, r: Numbers) -> bool:
    """All waiting times seem to be over at once, quiet horizons too."""
    if testbed.cluster.clock_file is None:
        return False
    async with testbed.cluster.busy:
        testbed.cluster.step_clock(testbed.cluster.clock.ahead + STEP + int(HOUR * r[0]))
    return True


@fault("pg_clock_back", server=True)
async def pg_clock_back(testbed: Testbed, r: Numbers) -> bool:
    """What is sent while the clock is behind seems to be old once it is right again."""
    cluster = testbed.cluster
    if cluster.clock_file is None:
        return False
    async with cluster.busy:
        right = cluster.clock.ahead
        cluster.step_clock(right - STEP - int(HOUR * r[0]))
        try:
            await asyncio.sleep(1.5 + 2 * r[1])
        finally:
            cluster.step_clock(right)
    return True
