"""Locks that an idle transaction holds for longer than a lease. Who does not need the locked row must not notice."""

from __future__ import annotations

from .backend import quoted
from .faults import Numbers, fault
from .testbed import Testbed

ENOUGH = 20     # payouts that were settled before: with fewer, no progress would say nothing
SLOWER_BY = 10  # times; what other faults do at the same time slows everybody down too, but not as much
FENCE = "exists (select from payout.failover f where f.changed_at is not null)"


@fault("pg_account_held")
async def pg_account_held(testbed: Testbed, r: Numbers) -> bool:
    """Somebody's transaction forgets a merchant's account, locked."""
    merchants = testbed.merchants
    code = quoted(merchants[int(r[1] * len(merchants))]["code"])
    row = f"from payout.accounts where merchant_code = {code} for update"
    return await hold(testbed, r, row, f"p.merchant_code <> {code}")


@fault("pg_payout_held")
async def pg_payout_held(testbed: Testbed, r: Numbers) -> bool:
    """Somebody's transaction forgets one open payout, locked."""
    row = ("from payout.payouts where state in ('submitting', 'pending', 'unknown') "
           "order by state_since desc limit 1 for update skip locked")
    return await hold(testbed, r, row, "true")


async def hold(testbed: Testbed, r: Numbers, row: str, others: str) -> bool:
    """Locks a row, and looks at what became of the payouts `p` that the condition `others` describes."""
    cluster = testbed.cluster
    seconds = testbed.timing.lease + 1 + 3 * r[0]
    began, crashes = await cluster.sql("select clock_timestamp()"), (cluster.restarts, cluster.failovers)
    starts = [worker.starts for worker in testbed.workers.all]
    idle = f"begin;\nselect 'locked' {row};\n\\! sleep {seconds:.1f}\ncommit;"
    locked = await cluster.sql(idle, within=seconds + 20)
    if "locked" not in locked:
        return False
    counted = await cluster.sql(f"""
        select count(*) filter (where settled_at > '{began}'),
               count(*) filter (where settled_at between timestamptz '{began}' - interval '{seconds} s' and '{began}'),
               count(*) filter (where created_at > '{began}'), {FENCE}
        from payout.payouts p where {others}""")
    during, before, came = (int(number) for number in counted.split("|")[:3])
    note = (f"a row was locked for {seconds:.1f} s: of the payouts that do not need it {during} were settled and "
            f"{came} came, {before} were settled in the same time before")
    testbed.notes.append(note)
    # A worker that starts sends nothing for seconds: one must have run from the beginning to the end.
    one_ran = any(worker.starts == before for worker, before in zip(testbed.workers.all, starts))
    disturbed = counted.endswith("|t") or crashes != (cluster.restarts, cluster.failovers) or not one_ran
    if came >= ENOUGH <= before and during * SLOWER_BY < before and not disturbed:
        testbed.findings.append(f"those who do not need a locked row waited for it: {note}")
    return True
