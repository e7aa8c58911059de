"""What somebody else does to our tables while the workers run: rows that are hidden from them, and evidence that the
database refuses."""

from __future__ import annotations

import asyncio
import time

from .bystanders import Bystanders
from .cluster import SqlError
from .faults import Numbers, fault
from .testbed import Testbed
from .workers import Worker

CHANGED_WITHIN = 15.0  # seconds
ANSWERS_WITHIN = 4.0
UNFIT = 78  # the exit code of a worker that must not run on this database
# What a constraint, a trigger, a policy, a limit of the server and a conversion of text refuse with.
CODES = ("23514", "P0001", "42501", "54000", "22P05")
# Readiness gives one reason. What other faults cause may come first, and so may what follows where these are hidden.
OTHER_REASONS = ("could not be reached", "did not answer in time", "shutting down", "evidence of merchant", "stalled")
SPEAK_FIRST = ("payout.addresses", "payout.merchants")
SAID = "Bank processing"  # by the gateway of every order, sooner or later
TAKE_EVIDENCE = """drop trigger if exists a_chaos on payout.evidence;
                   alter table payout.evidence drop constraint if exists chaos_refuses;"""
SHOW_ROWS = """do $show$ declare hidden regclass; begin
                   for hidden in select oid from pg_class where relnamespace = 'payout'::regnamespace and relrowsecurity loop
                       execute format('alter table %s disable row level security', hidden);
                   end loop;
               end $show$;"""


async def change(testbed: Testbed, statements: str) -> None:
    """Changes tables as a careful owner does: who waits long for a lock makes everybody wait behind him."""
    until = time.monotonic() + CHANGED_WITHIN
    while True:
        try:
            await testbed.cluster.sql(f"set default_transaction_read_only = off; set lock_timeout = '1s'; {statements}")
            return
        except SqlError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.3)


async def undo(testbed: Testbed, statements: str = TAKE_EVIDENCE + SHOW_ROWS) -> None:
    try:
        await change(testbed, statements)
    except SqlError:
        pass  # the end of the run tries again


@fault("pg_row_level_security", server=True)
async def pg_row_level_security(testbed: Testbed, r: Numbers) -> bool:
    """A policy tool switches row-level security on for one of our tables, mostly for the payouts."""
    tables = (await testbed.cluster.sql("select oid::regclass from pg_class where relnamespace = 'payout'::regnamespace "
                                        "and relkind in ('r', 'p') order by 1")).split()
    table = "payout.payouts" if r[1] < 0.5 else tables[int((r[1] - 0.5) * 2 * len(tables))]
    testbed.workers.may_be_unfit += 1
    try:
        await change(testbed, f"alter table {table} enable row level security")
        said = await watch_readiness(testbed, table, seconds=4 + 10 * r[0])
    finally:
        await undo(testbed, SHOW_ROWS)
        await asyncio.sleep(1)  # a worker that has just started still saw it
        testbed.workers.may_be_unfit -= 1
    testbed.notes.append(f"row-level security was on for {table}; workers that were probed said: {'; '.join(sorted(said))}")
    return bool(said)


async def watch_readiness(testbed: Testbed, table: str, seconds: float) -> set[str]:
    """Everything that the workers answer in that time. None may say that it is ready, and one must say why not."""
    said: set[str] = set()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for worker in testbed.workers.all:
            answer = await readiness(worker)
            if answer is None:
                continue
            said.add(answer.partition("\n")[2].strip())
            if answer.startswith("200"):
                testbed.findings.append(f"{worker.name} was ready while row-level security was on for {table}")
        await asyncio.sleep(0.3)
    telling = [one for one in said if not any(reason in one for reason in OTHER_REASONS)]
    named = any(f"row-level security is on for {table}" in one for one in telling)
    if telling and not named and table not in SPEAK_FIRST:
        testbed.findings.append(f"no worker said that row-level security was on for {table}: {'; '.join(sorted(said))}")
    return said


async def readiness(worker: Worker) -> str | None:
    """The status and what the readiness probe says; None if the worker is down or does not answer."""
    async def get() -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", worker.admin_port)
        try:
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: chaos\r\nConnection: close\r\n\r\n")
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
            return f"{head.split(' ')[1]}\n{body}"
        finally:
            writer.close()
    try:
        return await asyncio.wait_for(get(), ANSWERS_WITHIN)
    except (OSError, IndexError, asyncio.TimeoutError):
        return None


@fault("pg_refused_evidence")
async def pg_refused_evidence(testbed: Testbed, r: Numbers) -> bool:
    """A rule that is not ours refuses evidence about every tenth payout, or evidence in which the gateway said some
    words. Only those payouts may wait, and of the latter none: their evidence can be stored without its detail."""
    code, digit = CODES[int(r[2] * len(CODES))], int(r[1] * 1000) % 10
    concerned = f"order_num like '%{digit}'"
    if r[1] < 0.4:
        rule = refusing_trigger(f"new.{concerned}", code)
    elif r[1] < 0.7:
        rule = f"alter table payout.evidence add constraint chaos_refuses check (not {concerned}) not valid"
    else:
        rule, concerned = refusing_trigger(f"new.detail::text like '%{SAID}%'", code), "false"
    return await refuse_evidence(testbed, rule, concerned, testbed.timing.lease + 1 + 6 * r[0])


@fault("pg_evidence_set_aside")
async def pg_evidence_set_aside(testbed: Testbed, r: Numbers) -> bool:
    """The same for longer than a worker tries: it sets the evidence aside in a file and finds out later, as after a
    crash."""
    concerned = f"order_num like '%{int(r[1] * 10)}'"
    done = await refuse_evidence(testbed, refusing_trigger(f"new.{concerned}", "P0001"), concerned, 70 + 10 * r[0])
    if done and not testbed.set_aside.exists():
        testbed.findings.append("evidence was refused for longer than a minute, and none was set aside")
    return done


async def refuse_evidence(testbed: Testbed, rule: str, concerned: str, seconds: float) -> bool:
    """Makes the rule for a while. `concerned` describes the payouts that it concerns; all others must go on."""
    if testbed.evidence_refused.locked():
        return False
    async with testbed.evidence_refused:
        bystanders = Bystanders(testbed, f"not {concerned}")
        try:
            await change(testbed, rule)
            await bystanders.begin()
            await asyncio.sleep(seconds)
            await bystanders.judge("evidence was refused", seconds)
            counted = await testbed.cluster.sql(
                f"select count(*) filter (where {concerned} and state in ('submitting', 'pending', 'unknown')), "
                "(select count(*) from payout.evidence where refused and detail = '{}') from payout.payouts")
        finally:
            async with testbed.cluster.busy:  # a failover that has begun would lose it
                await undo(testbed, TAKE_EVIDENCE)
    waiting, bare = counted.split("|")
    testbed.notes.append(f"{waiting} payouts whose evidence was refused waited; {bare} pieces have no detail")
    return counted != "0|0"


def refusing_trigger(when: str, code: str) -> str:
    return f"""create schema if not exists chaos;
        create or replace function chaos.refuse() returns trigger language plpgsql as $$ begin
            if {when} then raise exception 'chaos' using errcode = '{code}'; end if;
            return new; end $$;
        create or replace trigger a_chaos before insert on payout.evidence for each row execute function chaos.refuse();"""
