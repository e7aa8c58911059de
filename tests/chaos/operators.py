"""The people on call: they accept a new timeline, and two of them let a proven unknown be sent once more."""

from __future__ import annotations

import asyncio
import re
import time

from .backend import Backend, quoted
from .cluster import Cluster, SqlError

FIRST, SECOND = "chaos_siti", "chaos_budi"
LOOK_EVERY = 1.0
REQUEST_AGAIN_AFTER = 8.0


class Operators:
    """Acts only through the public SQL, under two logins."""

    def __init__(self, cluster: Cluster, backend: Backend) -> None:
        self.cluster, self.backend = cluster, backend
        self.accepted, self.not_yet = 0, 0
        self.accepted_at: list[float] = []
        self.dead_since, self.generation = "", -1  # since when the old primary is dead, as on call has seen it
        self.requested, self.approved, self.refused = 0, 0, 0
        self.words: dict[str, int] = {}
        self.resubmits = True
        self.paused = False      # nobody looks at the timeline for now
        self.may_accept = False  # also while a fault of the server is under way
        self.query_sent_at: dict[str, float] = {}  # a request takes a moment: nobody asks for the same again meanwhile

    async def watch(self) -> None:
        while True:
            for act in (self._accept_failover, self._resubmit):
                try:
                    await act()
                except SqlError:
                    pass  # the server is down: on call hears of it from somebody else
            await asyncio.sleep(LOOK_EVERY)

    async def _accept_failover(self) -> None:
        changed = await self.cluster.sql(
            "select count(*) from payout.failover t where t.changed_at is not null or t.identity <> payout.identity()",
            FIRST)
        if changed != "1" or self.paused:
            return
        if self.cluster.busy.locked() and not self.may_accept:
            return  # the old primary must be dead
        try:
            # By now the cluster has killed it; the first call makes the horizon count from here.
            if self.generation != self.cluster.generation or not self.dead_since:
                self.generation = self.cluster.generation
                self.dead_since = await self.cluster.sql("select now()")
            said = await self.cluster.sql(
                f"select payout.accept_failover('chaos: the old primary is dead', '{self.dead_since}')", FIRST)
            if said == "claims go on":
                self.accepted += 1
                self.accepted_at.append(time.time())
                self.dead_since = ""
            else:
                self.not_yet += 1
        except SqlError as error:
            self.not_yet += 1
            self._note("accept", error)

    async def _resubmit(self) -> None:
        if not self.resubmits:
            return
        rows = await self.cluster.sql(
            "select merchant_code, order_num from payout.masked where state = 'unknown' and attention = 'not_found' "
            "and not exists (select from payout.failover t where t.changed_at is not null) "
            "order by attention_since limit 100", FIRST)
        by_merchant: dict[str, list[str]] = {}
        for row in rows.splitlines():
            merchant, order = row.split("|")
            if time.monotonic() - self.query_sent_at.get(order, -99.0) < REQUEST_AGAIN_AFTER:
                continue
            self.query_sent_at[order] = time.monotonic()
            by_merchant.setdefault(merchant, []).append(order)
        for merchant, orders in by_merchant.items():
            if not await self._request_and_approve(merchant, orders) and len(orders) > 1:
                for order in orders[:20]:
                    await self._request_and_approve(merchant, [order])

    async def _request_and_approve(self, merchant: str, orders: list[str]) -> bool:
        listed = ", ".join(quoted(order) for order in orders)
        try:
            request = await self.cluster.sql(
                f"select payout.request_resubmit(array[{listed}], 'chaos: proven not known', {quoted(merchant)})", FIRST)
            self.requested += len(orders)
            await self.cluster.sql(f"select payout.approve({int(request)})", SECOND)
            self.approved += len(orders)
            return True
        except SqlError as error:
            self.refused += 1
            self._note("resubmit", error)
            return False

    def _note(self, act: str, error: SqlError) -> None:
        words = re.sub(r"\S*\d\S*", "N", str(error).splitlines()[0])[:160]
        self.words[f"{act}: {words}"] = self.words.get(f"{act}: {words}", 0) + 1
