"""The backend of a run: writes each payout to its journal first, then enqueues it by SQL until the database has it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import time
from pathlib import Path
from typing import Any

from .cluster import Cluster, SqlError

LOGIN = "chaos_backend"
BATCH = 200
BANKS = ("014", "008", "009", "002", "022", "451", "10001", "10002")
DESCRIPTIONS = (None, "Gaji November", "Refund", "invoice 2026-11", "a.b_c,d/e-f")

# In the journal's order of keys, the columns that a plain insert names.
_COLUMNS = {"order": "order_num", "merchant": "merchant_code", "money": "amount", "feeType": "fee_type",
            "bank": "bank_code", "number": "account_number", "name": "account_name", "description": "description"}
# psql prints the SQLSTATE with the message. PW… is the contract's: the database refused what this backend sent.
WITH_SQLSTATE = "\\set VERBOSITY verbose\n"
REFUSED = re.compile(r"ERROR: +PW\d{3}:")


class Backend:
    """A careful one: after a failover it compares its journal with the database and inserts what is missing again."""

    def __init__(self, cluster: Cluster, journal: Path, merchants: list[str], seed: int) -> None:
        self.cluster, self.path, self.merchants = cluster, journal, merchants
        self.random = random.Random(f"backend {seed}")
        self.seed = seed
        self.canary_word = "Kanari" + "".join(self.random.choices("bcdfghjklmnpqrstvwz", k=8))
        # Without zeros, or the gateway's own numbers, which begin with many, would contain much of an account number.
        self.canary_number = "77" + "".join(self.random.choices("123456789", k=8))
        self.journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.payouts: dict[str, dict[str, Any]] = {}  # by order number, as in the journal
        self.pending: list[str] = []
        self.made = 0
        self.reinserted = 0
        self.refused: list[str] = []
        self.generation = cluster.generation
        self.batches = 0
        self.holding = False  # nothing is inserted but by `insert_batch`
        self._inserting = asyncio.Lock()

    def make(self, order: str | None = None) -> dict[str, Any]:
        """One more payout; it depends only on the seed and on how many were made before."""
        number, self.made = self.made, self.made + 1
        pick = self.random
        return {
            "order": order or f"C{self.seed}-{number}",
            "merchant": self.merchants[number % len(self.merchants)],
            "money": pick.randrange(10_000, 3_000_000),
            "feeType": pick.randrange(2),
            "bank": pick.choice(BANKS),
            "number": f"{self.canary_number}{number:06d}",
            "name": f"{self.canary_word} {'ABCDEFGHIJ'[number % 10]}",
            "description": pick.choice(DESCRIPTIONS),
        }

    def enqueue(self, payouts: list[dict[str, Any]]) -> None:
        self.remember(payouts)
        self.pending += [payout["order"] for payout in payouts]

    def remember(self, payouts: list[dict[str, Any]]) -> None:
        """Makes them durable in the journal before the database has them, or a crash of the backend could forget one."""
        self._write(payouts)
        self.payouts.update({payout["order"]: payout for payout in payouts})

    def take_back(self, payouts: list[dict[str, Any]]) -> None:
        """Notes that a transaction which inserted them is rolled back: none of them may exist."""
        self._write([{"order": payout["order"], "merchant": payout["merchant"], "rolled_back": True} for payout in payouts])

    def _write(self, lines: list[dict[str, Any]]) -> None:
        os.write(self.journal, "".join(json.dumps(line) + "\n" for line in lines).encode())
        os.fsync(self.journal)

    async def produce(self, total: int, seconds: float) -> None:
        """Enqueues `total` payouts, spread evenly over the time."""
        begun = time.monotonic()
        made = 0
        while made < total:
            due = min(total, int(total * (time.monotonic() - begun) / max(seconds, 0.001)) + 1)
            self.enqueue([self.make() for _ in range(due - made)])
            made = due
            await asyncio.sleep(0.1)

    async def keep_inserting(self) -> None:
        while True:
            try:
                if self.generation != self.cluster.generation:
                    await self._compare()
                if self.pending and not self.holding:
                    await self.insert_batch()
                    continue
            except SqlError as error:
                if REFUSED.search(str(error)):
                    self.refused.append(str(error).splitlines()[0])
                await asyncio.sleep(0.2)
            await asyncio.sleep(0.05)

    async def insert_batch(self) -> None:
        """One batch of what waits, by plain insert and by `payout.enqueue` in turn."""
        async with self._inserting:
            generation = self.cluster.generation
            self.batches += 1
            payouts = [self.payouts[order] for order in self.pending[:BATCH]]
            statement = insert_statement(payouts) if self.batches % 2 else enqueue_statement(payouts)
            await self.cluster.sql(WITH_SQLSTATE + statement, LOGIN)
            if generation == self.cluster.generation:
                del self.pending[:len(payouts)]

    async def _compare(self) -> None:
        """After a failover: whatever the journal has and the database has not is inserted again."""
        generation = self.cluster.generation
        rows = await self.cluster.sql("select order_num from payout.payouts", LOGIN, within=60)
        stored, waiting = set(rows.split()), set(self.pending)
        missing = [order for order in self.payouts if order not in stored and order not in waiting]
        self.pending += missing
        self.reinserted += len(missing)
        self.generation = generation

    def in_sync(self) -> bool:
        """Whether the database has everything that the journal has."""
        return self.generation == self.cluster.generation and not self.pending


def quoted(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def insert_statement(payouts: list[dict[str, Any]]) -> str:
    rows = ",\n".join("(" + ", ".join(quoted(payout[key]) for key in _COLUMNS) + ")" for payout in payouts)
    return f"insert into payout.payouts ({', '.join(_COLUMNS.values())}) values\n{rows}\non conflict do nothing;\n"


def enqueue_statement(payouts: list[dict[str, Any]]) -> str:
    calls = "\n".join("perform payout.enqueue(" + ", ".join(
        f"{column} => {quoted(payout[key])}" for key, column in _COLUMNS.items()) + ");" for payout in payouts)
    return f"do $enqueue$ begin\n{calls}\nend $enqueue$;\n"
