"""The operators: they accept failovers, and two of them resubmit payouts that the gateway does not have."""

from __future__ import annotations

import asyncio
import re
import time

from .backend import Backend, quoted
from .cluster import Cluster, SqlError

REQUESTER, APPROVER = "chaos_siti", "chaos_budi"
RASH = ("chaos_rina", "chaos_joko")  # those of whom mischief.py tells
LOOK_EVERY = 1.0
REQUEST_AGAIN_AFTER = 8.0
BATCH = 100
SINGLY_MAX = 20

FAILOVER_PENDING = """exists (select from payout.failover f
                              where f.changed_at is not null or f.identity <> payout.identity())"""


class Operators:
    """They act only through the public SQL, under two logins."""

    def __init__(self, cluster: Cluster, backend: Backend) -> None:
        self.cluster, self.backend = cluster, backend
        self.accepted, self.not_yet = 0, 0
        self.accepted_at: list[float] = []
        self.dead_since, self.generation = "", -1  # since when the operators know the old primary to be dead
        self.requested, self.approved, self.refused = 0, 0, 0
        self.refusals: dict[str, int] = {}
        self.mischief: dict[str, int] = {}  # how often each kind of it was accepted
        self.mischievous = asyncio.Lock()   # one pair of people, who do one thing after another
        self.paused = False      # no failover is accepted for now
        self.may_accept = False  # ... nor held back by a fault of the server that is under way
        self.requested_at: dict[str, float] = {}  # a request takes a moment: nobody repeats it meanwhile

    async def watch(self) -> None:
        while True:
            for act in (self._accept_failover, self._resubmit):
                try:
                    await act()
                except SqlError:
                    pass  # the server is down: another fault's business
            await asyncio.sleep(LOOK_EVERY)

    async def _accept_failover(self) -> None:
        if await self.cluster.sql(f"select {FAILOVER_PENDING}", REQUESTER) != "t" or self.paused:
            return
        if self.cluster.busy.locked() and not self.may_accept:
            return  # the old primary must be dead
        # By now the cluster has killed it. The first call starts the quiet horizon; later ones state the same time.
        if self.generation != self.cluster.generation or not self.dead_since:
            self.generation = self.cluster.generation
            self.dead_since = await self.cluster.sql("select now()")
        try:
            said = await self.cluster.sql(
                f"select payout.accept_failover('chaos: the old primary is dead', '{self.dead_since}')", REQUESTER)
            if request := re.match(r"recorded as request (\d+):", said):
                await self._accept_or_reject(request[1])
            answer = await self.cluster.sql(f"select {FAILOVER_PENDING}", REQUESTER)
        except SqlError as error:
            self.not_yet += 1
            self.count_refusal("accept", error)
            return
        if answer.splitlines()[-1] == "f":
            self.accepted += 1
            self.accepted_at.append(time.time())
            self.dead_since = ""
        else:
            self.not_yet += 1

    async def _accept_or_reject(self, request: str) -> None:
        """The second person. Another failover since the request voids it, and it must not stand in the next one's way."""
        try:
            await self.cluster.sql(f"select payout.approve({request})", APPROVER)
        except SqlError:
            await self.cluster.sql(f"select payout.reject({request}, 'chaos: try again')", APPROVER)
            raise

    async def _resubmit(self) -> None:
        rows = await self.cluster.sql(
            "select merchant_code, order_num from payout.masked where state = 'unknown' and attention = 'not_found' "
            "and not exists (select from payout.failover f where f.changed_at is not null) "
            f"order by attention_since limit {BATCH}", REQUESTER)
        by_merchant: dict[str, list[str]] = {}
        for row in rows.splitlines():
            merchant, order = row.split("|")
            if time.monotonic() - self.requested_at.get(order, -99.0) < REQUEST_AGAIN_AFTER:
                continue
            self.requested_at[order] = time.monotonic()
            by_merchant.setdefault(merchant, []).append(order)
        for merchant, orders in by_merchant.items():
            if not await self._request_and_approve(merchant, orders) and len(orders) > 1:
                for order in orders[:SINGLY_MAX]:
                    await self._request_and_approve(merchant, [order])

    async def _request_and_approve(self, merchant: str, orders: list[str]) -> bool:
        listed = ", ".join(quoted(order) for order in orders)
        try:
            request = await self.cluster.sql(
                f"select payout.request_resubmit(array[{listed}], 'chaos: not found', {quoted(merchant)})", REQUESTER)
            self.requested += len(orders)
            await self.cluster.sql(f"select payout.approve({int(request)})", APPROVER)
            self.approved += len(orders)
            return True
        except SqlError as error:
            self.refused += 1
            self.count_refusal("resubmit", error)
            return False

    def count_refusal(self, act: str, error: SqlError) -> None:
        """Counts refusals by their text, with everything that has a digit in it replaced."""
        text = re.sub(r"\S*\d\S*", "N", str(error).splitlines()[0])[:160]
        self.refusals[f"{act}: {text}"] = self.refusals.get(f"{act}: {text}", 0) + 1
