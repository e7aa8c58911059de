"""The backend: notes each payout in its own journal first, then enqueues it by SQL until the database has it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from pathlib import Path
from typing import Any

from .cluster import Cluster, SqlError

LOGIN = "chaos_backend"
BATCH = 200
BANKS = ("014", "008", "009", "002", "022", "451", "10001", "10002")
DESCRIPTIONS = (None, "Gaji November", "Refund", "invoice 2026-11", "a.b_c,d/e-f")


class Backend:
    """A careful one: after a failover it compares its journal with the database and inserts again what is missing."""

    def __init__(self, cluster: Cluster, journal: Path, merchants: list[str], seed: int) -> None:
        self.cluster, self.path, self.merchants = cluster, journal, merchants
        self.random = random.Random(f"backend {seed}")
        self.seed = seed
        self.canary_word = "Kanari" + "".join(self.random.choices("bcdfghjklmnpqrstvwz", k=8))
        self.canary_number = "77" + "".join(self.random.choices("0123456789", k=8))
        self.journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.lines: dict[str, dict[str, Any]] = {}
        self.pending: list[str] = []
        self.known, self.made = 0, 0
        self.reinserted = 0
        self.refused: list[str] = []
        self.generation = cluster.generation
        self.batches = 0

    def make(self, order: str | None = None) -> dict[str, Any]:
        """One more payout; what it says depends on the seed and its place only."""
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

    def note(self, lines: list[dict[str, Any]]) -> None:
        """Durable before the first insert, or a crash of the backend could forget a payout."""
        os.write(self.journal, "".join(json.dumps(line) + "\n" for line in lines).encode())
        os.fsync(self.journal)
        for line in lines:
            self.lines[line["order"]] = line
            self.pending.append(line["order"])

    async def produce(self, total: int, seconds: float) -> None:
        """Notes `total` payouts, spread evenly over the time."""
        begun = time.monotonic()
        made = 0
        while made < total:
            due = min(total, int(total * (time.monotonic() - begun) / max(seconds, 0.001)) + 1)
            self.note([self.make() for _ in range(due - made)])
            made = due
            await asyncio.sleep(0.1)

    async def keep_inserting(self) -> None:
        while True:
            try:
                if self.generation != self.cluster.generation:
                    await self._compare()
                if self.pending:
                    await self._insert(self.pending[:BATCH])
                    continue
            except SqlError as error:
                words = str(error)
                if "already used" in words or "must be" in words or "may not enqueue" in words:
                    self.refused.append(words.splitlines()[0])
                await asyncio.sleep(0.2)
            await asyncio.sleep(0.05)

    async def _insert(self, orders: list[str]) -> None:
        generation = self.cluster.generation
        self.batches += 1
        lines = [self.lines[order] for order in orders]
        await self.cluster.sql(insert_text(lines) if self.batches % 2 else enqueue_text(lines), LOGIN)
        if generation == self.cluster.generation:
            del self.pending[:len(orders)]
            self.known += len(orders)

    async def _compare(self) -> None:
        """After a failover: whatever the journal has and the database has not is inserted again."""
        generation = self.cluster.generation
        text = await self.cluster.sql("select order_num from payout.payouts", LOGIN, within=60)
        there = set(text.split())
        waiting = set(self.pending)
        missing = [order for order in self.lines if order not in there and order not in waiting]
        self.pending += missing
        self.known -= len(missing)
        self.reinserted += len(missing)
        self.generation = generation

    def synced(self) -> bool:
        """Whether the database has everything that the journal has."""
        return self.generation == self.cluster.generation and not self.pending


def quoted(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def insert_text(lines: list[dict[str, Any]]) -> str:
    rows = ",\n".join("(" + ", ".join(quoted(line[key]) for key in (
        "order", "merchant", "money", "feeType", "bank", "number", "name", "description")) + ")" for line in lines)
    return ("insert into payout.payouts (order_num, merchant_code, amount, fee_type, bank_code, account_number, "
            f"account_name, description) values\n{rows}\non conflict do nothing;\n")


def enqueue_text(lines: list[dict[str, Any]]) -> str:
    calls = "\n".join(
        "perform payout.enqueue(order_num => {order}, merchant_code => {merchant}, amount => {money}, "
        "fee_type => {feeType}, bank_code => {bank}, account_number => {number}, account_name => {name}, "
        "description => {description});".format(**{key: quoted(value) for key, value in line.items()})
        for line in lines)
    return f"do $enqueue$ begin\n{calls}\nend $enqueue$;\n"
