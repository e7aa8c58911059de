"""Faults of processes, the database and the workers' clocks, by name. Each returns whether it really happened.

A fault gets the testbed and three numbers between 0 and 1 from the plan, from which it derives all that it varies. The
others are in files of their own: see README.md.
"""

from __future__ import annotations

import asyncio
import signal
from typing import Awaitable, Callable, Dict, Sequence

from .cluster import SqlError
from .testbed import Testbed
from .workers import Worker

Numbers = Sequence[float]
Fault = Callable[[Testbed, Numbers], Awaitable[bool]]
FAULTS: Dict[str, Fault] = {}
SERVER: set[str] = set()  # faults of the database server: never two at a time
KILLS: set[str] = set()   # faults that end a worker by SIGKILL


def fault(name: str, server: bool = False, kills: bool = False) -> Callable[[Fault], Fault]:
    def register(function: Fault) -> Fault:
        FAULTS[name] = function
        if server:
            SERVER.add(name)
        if kills:
            KILLS.add(name)
        return function
    return register


def pick(testbed: Testbed, number: float) -> Worker | None:
    """The worker that the plan's number stands for, or the next one that runs."""
    workers = testbed.workers.all
    start = int(number * len(workers))
    for worker in workers[start:] + workers[:start]:
        if worker.running() and not worker.stopped:
            return worker
    return None


# Processes.

@fault("worker_kill", kills=True)
async def worker_kill(testbed: Testbed, r: Numbers) -> bool:
    worker = pick(testbed, r[0])
    return worker is not None and testbed.workers.kill(worker, down_for=0.1 + r[1])


@fault("worker_kill_all", kills=True)
async def worker_kill_all(testbed: Testbed, r: Numbers) -> bool:
    return any([testbed.workers.kill(worker, down_for=0.2 + r[1]) for worker in testbed.workers.all])


@fault("worker_kill_while_starting", kills=True)
async def worker_kill_while_starting(testbed: Testbed, r: Numbers) -> bool:
    worker = pick(testbed, r[0])
    if worker is None or not testbed.workers.kill(worker, down_for=0.1):
        return False
    starts = worker.starts
    for _ in range(100):
        await asyncio.sleep(0.02)
        if worker.starts > starts:
            await asyncio.sleep(r[1] * 0.3)
            return testbed.workers.kill(worker, down_for=0.1)
    return False


@fault("worker_stop")
async def worker_stop(testbed: Testbed, r: Numbers) -> bool:
    worker = pick(testbed, r[0])
    return worker is not None and await testbed.workers.stop_for(worker, 0.1 + r[1] * (testbed.timing.lease - 0.5))


@fault("worker_stop_past_lease")
async def worker_stop_past_lease(testbed: Testbed, r: Numbers) -> bool:
    worker = pick(testbed, r[0])
    return worker is not None and await testbed.workers.stop_for(worker, testbed.timing.lease + 0.5 + r[1])


@fault("worker_stop_all")
async def worker_stop_all(testbed: Testbed, r: Numbers) -> bool:
    stops = [testbed.workers.stop_for(worker, 0.5 + 2 * r[1]) for worker in testbed.workers.all]
    return any(await asyncio.gather(*stops))


@fault("worker_flicker")
async def worker_flicker(testbed: Testbed, r: Numbers) -> bool:
    """Many short stops: one may fall between any two instructions."""
    worker = pick(testbed, r[0])
    done = False
    for _ in range(20):
        if worker is None or not await testbed.workers.stop_for(worker, 0.02 + 0.05 * r[1]):
            return done
        done = True
        await asyncio.sleep(0.03 + 0.05 * r[2])
    return done


@fault("worker_terminate")
async def worker_terminate(testbed: Testbed, r: Numbers) -> bool:
    """A deployment."""
    worker = pick(testbed, r[0])
    if worker is None:
        return False
    testbed.workers.terminations += 1
    return worker.signal(signal.SIGTERM)


@fault("worker_terminate_twice")
async def worker_terminate_twice(testbed: Testbed, r: Numbers) -> bool:
    worker = pick(testbed, r[0])
    if worker is None or not worker.signal(signal.SIGTERM):
        return False
    testbed.workers.terminations += 1
    await asyncio.sleep(0.02 + 0.2 * r[1])
    worker.signal(signal.SIGTERM)
    return True


@fault("gateway_stop")
async def gateway_stop(testbed: Testbed, r: Numbers) -> bool:
    """The gateway freezes: requests arrive and are read much later."""
    if testbed.gateway is None:
        return False
    testbed.gateway.send_signal(signal.SIGSTOP)
    await asyncio.sleep(0.5 + 2.5 * r[0])
    testbed.gateway.send_signal(signal.SIGCONT)
    return True


# The database server.

@fault("pg_immediate_restart", server=True)
async def pg_immediate(testbed: Testbed, r: Numbers) -> bool:
    await testbed.cluster.restart("immediate")
    return True


@fault("pg_fast_restart", server=True)
async def pg_fast(testbed: Testbed, r: Numbers) -> bool:
    await testbed.cluster.restart("fast")
    return True


@fault("pg_kill", server=True)
async def pg_kill(testbed: Testbed, r: Numbers) -> bool:
    await testbed.cluster.restart("kill")
    return True


@fault("pg_backend_kill", server=True)
async def pg_backend_kill(testbed: Testbed, r: Numbers) -> bool:
    return await testbed.cluster.kill_backend(int(r[0] * 1000))


@fault("pg_stop", server=True)
async def pg_stop(testbed: Testbed, r: Numbers) -> bool:
    await testbed.cluster.stop_for(0.5 + 2 * r[0])
    return True


@fault("pg_disk_full", server=True)
async def pg_disk_full(testbed: Testbed, r: Numbers) -> bool:
    return await testbed.cluster.disk_full(0.5 + r[0])


@fault("failover_lossy", server=True)
async def failover_lossy(testbed: Testbed, r: Numbers) -> bool:
    return await testbed.cluster.failover(0.3 + 1.2 * r[0])


@fault("failover_zombie", server=True)
async def failover_zombie(testbed: Testbed, r: Numbers) -> bool:
    return await testbed.cluster.failover(0.3 + 0.7 * r[0], zombie=True)


@fault("failover_loses_acceptance", server=True)
async def failover_loses_acceptance(testbed: Testbed, r: Numbers) -> bool:
    """Two in a row: the second one loses the acceptance of the first, and the claims made after it.

    The evidence that lets an operator accept has reached the standby; the acceptance and those claims have not.
    """
    testbed.operators.paused = True
    try:
        if not await testbed.cluster.failover(0.3 + 0.7 * r[0]) or not await all_proven(testbed):
            return False
    finally:
        testbed.operators.paused = False
    await asyncio.sleep(0.5)
    accepted = testbed.operators.accepted

    async def until_accepted() -> bool:
        for _ in range(450):
            testbed.operators.may_accept = True
            if testbed.operators.accepted > accepted:
                testbed.operators.may_accept = False
                if r[2] < 0.5:
                    await asyncio.sleep(1.5)
                    lose_hosts(testbed, down_for=4.0)
                return True
            await asyncio.sleep(0.1)
        return False

    done = await testbed.cluster.failover(1.0 + r[1], until=until_accepted)
    testbed.operators.may_accept = False
    return done


def lose_hosts(testbed: Testbed, down_for: float) -> None:
    """The workers' hosts are lost, and with them the witness files."""
    for worker in testbed.workers.all:
        testbed.workers.kill(worker, down_for=down_for)
        worker.config.with_suffix(".witness").unlink(missing_ok=True)


async def all_proven(testbed: Testbed) -> bool:
    """Waits until every payout queued before the failover is proven unsent, so that it can be accepted."""
    for _ in range(400):
        try:
            left = await testbed.cluster.sql(
                "select count(*) + (select count(*) from payout.failover where trusted_after is null "
                "or trusted_after > clock_timestamp()) from payout.payouts p "
                "where p.state = 'queued' and not payout.holds_back_claim(p.attention_reasons) "
                "and not payout.is_proven_unsent(p) "
                "and p.created_at < (select trusted_after from payout.failover)")
            if left == "0":
                return True
        except SqlError:
            pass
        await asyncio.sleep(0.2)
    return False


@fault("pg_terminate_backends")
async def pg_terminate(testbed: Testbed, r: Numbers) -> bool:
    return await end_sessions(testbed) > 0


async def end_sessions(testbed: Testbed) -> int:
    """Ends the workers' sessions, so that new ones begin; how many there were."""
    return int(await testbed.cluster.sql("select count(pg_terminate_backend(pid)) from pg_stat_activity "
                                         "where usename = 'chaos_worker' and pid <> pg_backend_pid()"))


@fault("pg_cancel_statements")
async def pg_cancel(testbed: Testbed, r: Numbers) -> bool:
    done = 0
    for _ in range(10):
        done += int(await testbed.cluster.sql("select count(pg_cancel_backend(pid)) from pg_stat_activity "
                                            "where usename = 'chaos_worker' and state <> 'idle'"))
        await asyncio.sleep(0.05 + 0.1 * r[0])
    return done > 0


@fault("pg_read_only", server=True)
async def pg_read_only(testbed: Testbed, r: Numbers) -> bool:
    return await with_setting(testbed, "default_transaction_read_only", "on", 0.5 + r[0])


@fault("pg_unsafe_settings", server=True)
async def pg_unsafe(testbed: Testbed, r: Numbers) -> bool:
    """Commits are not durable for a while: the workers must notice and wait."""
    return await with_setting(testbed, "synchronous_commit", "off", 0.5 + r[0])


async def with_setting(testbed: Testbed, name: str, value: str, seconds: float) -> bool:
    """The server runs with another setting for a while."""
    sql = testbed.cluster.sql
    # A read-only session cannot reset the setting that made it so.
    reset = f"set default_transaction_read_only = off; alter system reset {name}"
    async with testbed.cluster.busy:
        await sql(f"alter system set {name} = {value}")
        await sql("select pg_reload_conf()")
        await asyncio.sleep(seconds)
        await sql(reset)
        await sql("select pg_reload_conf()")
    return True


@fault("pg_table_lock")
async def pg_table_lock(testbed: Testbed, r: Numbers) -> bool:
    await testbed.cluster.sql("set lock_timeout = '2s'; begin; lock table payout.payouts in access exclusive mode; "
                            f"select pg_sleep({0.3 + 2 * r[0]:.2f}); commit")
    return True


@fault("pg_row_locks")
async def pg_row_locks(testbed: Testbed, r: Numbers) -> bool:
    """A forgotten transaction locks open payouts and one merchant's account."""
    answer = await testbed.cluster.sql(
        "begin; with l as (select from payout.payouts where state not in ('paid', 'failed') order by order_num "
        "limit 200 for update skip locked) select count(*) from l; "
        "select from payout.accounts order by merchant_code limit 1 for update; "
        f"select pg_sleep({0.5 + 2 * r[0]:.2f}); commit")
    return answer.split("\n")[0] != "0"


@fault("pg_conflicts")
async def pg_conflicts(testbed: Testbed, r: Numbers) -> bool:
    """Updates of payouts fail now and then with 40001 and 40P01."""
    code = "40001" if r[0] < 0.5 else "40P01"
    await testbed.cluster.sql(f"""
        set lock_timeout = '2s'; create schema if not exists chaos;
        create or replace function chaos.conflict() returns trigger language plpgsql as $$ begin
            if random() < {0.05 + 0.3 * r[1]:.2f} then raise exception 'chaos' using errcode = '{code}'; end if;
            return null; end $$;
        grant usage on schema chaos to public;
        create trigger zz_chaos before update on payout.payouts for each statement execute function chaos.conflict();
    """)
    await asyncio.sleep(1 + 2 * r[2])
    await remove_conflicts(testbed)
    return True


async def remove_conflicts(testbed: Testbed) -> None:
    for _ in range(20):
        try:
            await testbed.cluster.sql("set lock_timeout = '2s'; drop trigger if exists zz_chaos on payout.payouts", within=10)
            return
        except SqlError:
            await asyncio.sleep(0.3)


# Clocks.

async def shift_clock(testbed: Testbed, r: Numbers, seconds: int) -> bool:
    worker = next((one for one in testbed.workers.all if one.clock is not None), None)
    if worker is None or worker.clock is None or not worker.running():
        return False
    worker.clock.set(seconds)
    await asyncio.sleep(1 + 2 * r[0])
    worker.clock.set(0)
    return True


@fault("clock_forward")
async def clock_forward(testbed: Testbed, r: Numbers) -> bool:
    return await shift_clock(testbed, r, 3600 + int(3600 * r[1]))


@fault("clock_back")
async def clock_back(testbed: Testbed, r: Numbers) -> bool:
    return await shift_clock(testbed, r, -3600 - int(3600 * r[1]))
