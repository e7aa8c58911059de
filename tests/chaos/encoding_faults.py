"""A database that cannot store every text: a worker must refuse to run on it.

It is as good as any other in all else. It has the schema, the merchants and the registered addresses of the real one,
and payouts of its own, so that a worker which takes it would send them: the gateway and the checker would see it.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from .backend import LOGIN, insert_statement
from .copy_faults import other_worker
from .database_faults import UNFIT
from .faults import Numbers, fault
from .processes import run
from .testbed import Testbed
from .workers import Worker

NAME = "chaos_latin1"
UNREACHABLE = 69
TRIES = 4
REFUSES_WITHIN = 10.0  # seconds
NAMED = "stores text as LATIN1"
CREATE = f"create database {NAME} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0"
DROP = f"drop database if exists {NAME} with (force)"
# What a restored database says of itself, or the worker would wait behind a failover's fence.
OWN_IDENTITY = "update payout.failover set identity = payout.identity(), changed_at = null"


@fault("pg_latin1_database", server=True)
async def pg_latin1_database(testbed: Testbed, r: Numbers) -> bool:
    sql, listener = testbed.cluster.sql, testbed.workers.all[0].listener
    dump = testbed.cluster.primary.program("pg_dump")
    if not Path(dump).exists():
        return False
    await sql(DROP, database="postgres")
    await sql(CREATE, database="postgres")
    worker = other_worker(testbed, "latin1", f"postgres://chaos_worker@127.0.0.1:{testbed.proxy.ports[listener]}/{NAME}")
    try:
        await restore(testbed, dump, f"L{testbed.seed}-{worker.name}")
        for _ in range(TRIES):
            code = await refusal(worker)
            if code != UNREACHABLE:  # because another fault cut the connection
                break
        attempts = await sql("select count(*) from payout.attempts", database=NAME)
        judge(testbed, worker, code, int(attempts))
        return code == UNFIT
    finally:
        if worker.running():
            worker.process.kill()
            worker.process.wait()
        await sql(DROP, database="postgres")


async def restore(testbed: Testbed, dump: str, orders: str) -> None:
    """Copies everything but the payouts and what belongs to them, and inserts some that nobody else knows, with order
    numbers that begin like that."""
    cluster = testbed.cluster
    without = [f"--exclude-table-data=payout.{table}" for table in (
        "payouts", "numbered_for", "attempts", "evidence", "history", "ledger", "requests", "request_payouts",
        "operator_acts", "notices")]
    code, text, words = await run([dump, "--no-owner", *without, cluster.primary.url()], 60)
    if code:
        raise RuntimeError(f"pg_dump: {words}")
    await cluster.sql("set client_min_messages = error;\n" + text, within=60, database=NAME)
    await cluster.sql(OWN_IDENTITY, database=NAME)
    merchant = testbed.merchants[0]["code"]
    payouts = [{**testbed.backend.make(f"{orders}-{number}"), "merchant": merchant} for number in range(12)]
    await cluster.sql(insert_statement(payouts), LOGIN, database=NAME)


async def refusal(worker: Worker) -> int | None:
    """Starts it, and waits until it has ended: its exit code."""
    worker.start()
    assert worker.process is not None
    until = time.monotonic() + REFUSES_WITHIN
    while worker.running() and time.monotonic() < until:
        await asyncio.sleep(0.1)
    if worker.running():
        worker.process.kill()
        worker.process.wait()
        return None
    return worker.process.returncode


def judge(testbed: Testbed, worker: Worker, code: int | None, attempts: int) -> None:
    log = (worker.logs / f"{worker.name}.log").read_text()
    note = f"a worker on a LATIN1 database {'ran on' if code is None else f'ended with {code}'}, after {attempts} attempts"
    testbed.notes.append(note)
    if code not in (UNFIT, UNREACHABLE) or attempts or (code == UNFIT and NAMED not in log):
        testbed.findings.append(f"{note}; it should refuse and name the encoding")
