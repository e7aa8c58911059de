"""Locks that an idle transaction holds for longer than a lease. Who does not need the locked row must not notice."""

from __future__ import annotations

from .backend import quoted
from .bystanders import Bystanders
from .faults import Numbers, fault
from .testbed import Testbed


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
    seconds = testbed.timing.lease + 1 + 3 * r[0]
    bystanders = Bystanders(testbed, others)
    await bystanders.begin()
    idle = f"begin;\nselect 'locked' {row};\n\\! sleep {seconds:.1f}\ncommit;"
    locked = await testbed.cluster.sql(idle, within=seconds + 20)
    if "locked" not in locked:
        return False
    await bystanders.judge("a row was locked", seconds)
    return True
