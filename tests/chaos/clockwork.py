"""What happens at the gateway by itself: orders go on, late ones arrive, callbacks go out, flips come."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from . import callbacks
from .behaviours import WELL
from .book import AT_BANK, FAILED, FINAL, PAID, PROCESSING, Merchant, Order

if TYPE_CHECKING:
    from .gateway import Gateway

# Seconds at scale 1.
STEPS = ((PROCESSING, 0.2), (AT_BANK, 0.3), (None, 0.5))
CALLBACK_AFTER = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)
LATE_BOOKING = 2.5
INDEX_LAG = 2.5
LATE_CALLBACK = 5.0
FLIP_AFTER = 2.0


class Clockwork:
    def __init__(self, gateway: "Gateway") -> None:
        self.gateway = gateway
        self.sender = callbacks.Sender(gateway.truth)
        self.calm = False
        self._tasks: set[asyncio.Task] = set()
        self._late: list[tuple[Merchant, dict, dict]] = []
        self._flips: list[Order] = []
        self._booked_at: dict[int, float] = {}

    def spawn(self, work) -> None:
        # Held here, as the loop itself keeps only weak references.
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.gateway.truth.write("stumble", path="", error=repr(task.exception())[:200])

    async def pause(self, seconds: float) -> None:
        """Waits, and in a calm at most a moment."""
        until = time.monotonic() + seconds * self.gateway.scale
        while not self.calm and (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.5))
        if self.calm:
            await asyncio.sleep(0.05)

    def begin(self, order: Order) -> None:
        self._booked_at[id(order)] = time.monotonic()
        self.spawn(self._live(order))

    def lags(self, order: Order) -> bool:
        age = time.monotonic() - self._booked_at.get(id(order), 0.0)
        return not self.calm and age < INDEX_LAG * self.gateway.scale

    async def _live(self, order: Order) -> None:
        for status, after in STEPS:
            await self.pause(after)
            self.gateway.book.advance(order, order.ending if status is None else status)
            letter = None if self.calm or order.status in FINAL else callbacks.early_lie(order)
            if letter:
                self.spawn(self._send(order, letter))
        await self._notify(order)

    async def end_at_once(self, order: Order) -> None:
        """The whole life of an order before its submit is answered, with its first callback."""
        self._booked_at[id(order)] = time.monotonic()
        self.gateway.book.advance(order, order.ending)
        letter = callbacks.true_letter(order, what="early_callback")
        try:
            await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(self._send(order, letter))), 1.0)
        except asyncio.TimeoutError:
            pass
        self.spawn(self._notify(order))

    async def _send(self, order: Order, letter: callbacks.Letter) -> bool:
        # Where the submit said to, as a real gateway does.
        url = order.fields.get("notifyUrl") or order.merchant.notify_url
        if not url:
            return False
        if letter.what != "true":
            self.gateway.count(letter.what)
        acknowledged = await self.sender.send(order, letter, url)
        return acknowledged

    async def _notify(self, order: Order) -> None:
        """The six notifications of an order's end, until one is acknowledged."""
        behaviour = order.behaviour["callback"]
        if behaviour == "cb_none" and not self.calm:
            self.gateway.count(behaviour)
            return
        if behaviour == "cb_late":
            self.gateway.count(behaviour)
            await self.pause(LATE_CALLBACK)
        for number, after in enumerate(CALLBACK_AFTER):
            await self.pause(after if not self.calm else after / 4)
            if order.acknowledged:
                return
            if number > 0 or self.calm:
                batch = [callbacks.true_letter(order)]
            else:
                batch = callbacks.letters(order, self.gateway.book)
            order.notified += 1
            status = order.status
            if behaviour == "cb_duplicate" and number == 0:
                self.gateway.count(behaviour)
                copies = await asyncio.gather(*(self._send(order, batch[-1]) for _ in range(6)))
                await self._send(order, batch[-1])
                acknowledged = any(copies)
            else:
                acknowledged = False
                for letter in batch:
                    acknowledged = await self._send(order, letter)
            if acknowledged and status == order.status:
                order.acknowledged = True
                self.told_final(order)

    def book_late(self, merchant: Merchant, fields: dict, behaviour: dict) -> None:
        entry = (merchant, fields, behaviour)
        self._late.append(entry)

        async def arrive() -> None:
            await self.pause(LATE_BOOKING)
            self._late.remove(entry)
            order, _ = self.gateway.book.book(merchant, fields, behaviour)
            if order:
                self.begin(order)

        self.spawn(arrive())

    def told_final(self, order: Order) -> None:
        """The worker asked for the end, or took the callback of it; some ends are not the last word."""
        wanted = {"q_flip_paid": (PAID, FAILED), "q_flip_failed": (FAILED, PAID)}.get(order.behaviour["query"])
        if order.told_final or self.calm or self.gateway.default == WELL:
            return
        order.told_final = True
        if wanted and order.status == wanted[0]:
            self.spawn(self._flip(order, wanted[1]))

    async def _flip(self, order: Order, status: int) -> None:
        await self.pause(FLIP_AFTER)
        self.gateway.book.advance(order, status)
        order.acknowledged = False
        await self._notify(order)

    def open_count(self) -> int:
        return self.gateway.book.open_count() + len(self._late)
