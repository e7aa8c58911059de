"""A backend's transaction manager, as XA has one: it prepares transactions, decides them, and recovers.

What was decided is durable before the database is told, and is carried out again where a failover lost it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from .backend import LOGIN, Backend, enqueue_statement, insert_statement
from .cluster import Cluster, SqlError

PREFIX = "X"  # of the order numbers
LOOK_EVERY = 0.3
NOT_THERE = "does not exist"


class TransactionManager:
    def __init__(self, cluster: Cluster, backend: Backend) -> None:
        self.cluster, self.backend = cluster, backend
        self.payouts: dict[str, list[dict[str, Any]]] = {}  # by the name of their transaction
        self.decided: dict[str, bool] = {}                  # whether it is to be committed
        self.unfinished: set[str] = set()                   # decided, and the database may not know it
        self.generation = cluster.generation

    async def prepare(self, count: int) -> str:
        """Inserts that many payouts in a transaction of its own, and prepares it. Its name."""
        while self.backend.holding:
            await asyncio.sleep(LOOK_EVERY)
        number = len(self.payouts)
        name = f"chaos-{self.backend.seed}-{number}"
        payouts = [self.backend.make(f"{PREFIX}{self.backend.seed}-{number}-{each}") for each in range(count)]
        self.payouts[name] = payouts
        insert = enqueue_statement(payouts) if number % 2 else insert_statement(payouts)
        try:
            # Without this setting Postgres refuses to prepare what has woken the workers.
            await self.cluster.sql(f"begin;\nset local payout.wake = off;\n{insert}prepare transaction '{name}';", LOGIN)
        except SqlError:
            await self.decide(name, commit=False)  # nobody knows whether it is prepared
            raise
        return name

    async def decide(self, name: str, commit: bool) -> None:
        if commit:
            self.backend.remember(self.payouts[name])
        else:
            self.backend.take_back(self.payouts[name])
        self.decided[name] = commit
        self.unfinished.add(name)
        await self._carry_out(name)

    async def _carry_out(self, name: str) -> None:
        """Tells the database, from a connection of its own. Where that does not work, `keep_recovering` tries again."""
        word = "commit" if self.decided[name] else "rollback"
        try:
            await self.cluster.sql(f"{word} prepared '{name}'", LOGIN)
        except SqlError as error:
            if NOT_THERE not in str(error):
                return
            if self.decided[name]:
                # It is committed already, or lost. To insert the same again changes nothing.
                self.backend.pending += [payout["order"] for payout in self.payouts[name]]
        self.unfinished.discard(name)

    async def keep_recovering(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if self.unfinished or (self.decided and self.generation != self.cluster.generation):
                try:
                    await self.recover()
                except SqlError:
                    pass  # the server is down

    async def recover(self) -> None:
        """A failover can lose the end of a transaction, which is prepared once more then and holds up who inserts the
        same."""
        generation = self.cluster.generation
        prepared = set((await self.cluster.sql("select gid from pg_prepared_xacts")).split())
        for name in self.unfinished | (self.decided.keys() & prepared):
            await self._carry_out(name)
        self.generation = generation

    def is_done(self) -> bool:
        """Whether the database knows every decision."""
        return not self.unfinished and (not self.decided or self.generation == self.cluster.generation)
