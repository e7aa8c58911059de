"""What happens at the gateway in its own time: orders progress, late ones are booked, callbacks go out, ends flip."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Coroutine

from . import callbacks
from .behaviours import NORMAL
from .orders import AT_BANK, FAILED, FINAL, PAID, PROCESSING, Merchant, Order

if TYPE_CHECKING:
    from .gateway import Gateway

# Seconds at scale 1. None stands for the order's final status.
STEPS = ((PROCESSING, 0.2), (AT_BANK, 0.3), (None, 0.5))
CALLBACK_AFTER = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)
LATE_BOOKING = 2.5
INDEX_LAG = 2.5
# In real seconds: less than the workers' decline_confirm_seconds and the quarter of it after which they query once
# more, or "not found" would be a lie about the outcome.
LAG_AFTER_FAIL = 1.2
LATE_CALLBACK = 5.0
FLIP_AFTER = 2.0
COPIES = 6

# From which final status to which other one an order flips.
_FLIPS = {"q_flip_paid": (PAID, FAILED), "q_flip_failed": (FAILED, PAID)}


class OrderLifecycle:
    def __init__(self, gateway: "Gateway") -> None:
        self.gateway = gateway
        self.sender = callbacks.Sender(gateway.log)
        self.calm = False
        self._tasks: set[asyncio.Task] = set()
        self._late: list[tuple[Merchant, dict, dict]] = []
        self._booked_at: dict[int, float] = {}

    def spawn(self, work: Coroutine) -> None:
        # Kept in a set, as the event loop holds only weak references to its tasks.
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.gateway.log.write("gateway_error", path="", error=repr(task.exception())[:200])

    async def pause(self, seconds: float) -> None:
        """Waits; once the gateway is calm, only a moment."""
        until = time.monotonic() + seconds * self.gateway.scale
        while not self.calm and (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.5))
        if self.calm:
            await asyncio.sleep(0.05)

    def start(self, order: Order) -> None:
        self._booked_at[id(order)] = time.monotonic()
        self.spawn(self._progress(order))

    def index_lags(self, order: Order) -> bool:
        """Whether the order is so new that a lagging index does not know it yet."""
        lag = INDEX_LAG * self.gateway.scale if order.behaviour["query"] == "q_notexist_lag" else 0.0
        if order.behaviour["submit"] == "fail_lagging":
            lag = LAG_AFTER_FAIL
        age = time.monotonic() - self._booked_at.get(id(order), 0.0)
        return not self.calm and age < lag

    async def _progress(self, order: Order) -> None:
        for status, after in STEPS:
            await self.pause(after)
            self.gateway.orders.advance(order, order.final_status if status is None else status)
            message = None if self.calm or order.status in FINAL else callbacks.early_message(order)
            if message:
                self.spawn(self._send(order, message))
        await self._notify(order)

    async def finish_at_once(self, order: Order) -> None:
        """The order is settled, and its first callback sent, before its submit is answered."""
        self._booked_at[id(order)] = time.monotonic()
        self.gateway.orders.advance(order, order.final_status)
        message = callbacks.true_message(order, what="early_callback")
        try:
            await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(self._send(order, message))), 1.0)
        except asyncio.TimeoutError:
            pass
        self.spawn(self._notify(order))

    async def _send(self, order: Order, message: callbacks.CallbackMessage) -> bool:
        """Whether the callback was acknowledged. It goes to the URL of the submit, as a real gateway's does."""
        url = order.fields.get("notifyUrl") or order.merchant.notify_url
        if not url:
            return False
        if message.what != "true":
            self.gateway.count(message.what)
        return await self.sender.send(order, message, url)

    async def _notify(self, order: Order) -> None:
        """Up to six notifications of a final status, until one is acknowledged."""
        behaviour = order.behaviour["callback"]
        if (behaviour == "cb_none" or order.behaviour["submit"] == "fail_repeated_quiet") and not self.calm:
            self.gateway.count("cb_none")
            return
        if behaviour == "cb_late":
            self.gateway.count(behaviour)
            await self.pause(LATE_CALLBACK)
        for number, after in enumerate(CALLBACK_AFTER):
            await self.pause(after if not self.calm else after / 4)
            if order.acknowledged:
                return
            status = order.status
            first = number == 0 and not self.calm
            acknowledged = await self._notify_once(order, first)
            if acknowledged and status == order.status:
                order.acknowledged = True
                self.final_status_seen(order)

    async def _notify_once(self, order: Order, first: bool) -> bool:
        """One notification; only the first one shows the order's behaviour."""
        messages = callbacks.notification(order, self.gateway.orders) if first else [callbacks.true_message(order)]
        if first and order.behaviour["callback"] == "cb_duplicate":
            self.gateway.count("cb_duplicate")
            copies = await asyncio.gather(*(self._send(order, messages[-1]) for _ in range(COPIES)))
            await self._send(order, messages[-1])
            return any(copies)
        acknowledged = False
        for message in messages:
            acknowledged = await self._send(order, message)
        return acknowledged

    def book_late(self, merchant: Merchant, fields: dict, behaviour: dict[str, str]) -> None:
        entry = (merchant, fields, behaviour)
        self._late.append(entry)

        async def arrive() -> None:
            await self.pause(LATE_BOOKING)
            self._late.remove(entry)
            order, _ = self.gateway.orders.book(merchant, fields, behaviour)
            if order:
                self.start(order)

        self.spawn(arrive())

    def final_status_seen(self, order: Order) -> None:
        """The worker has queried the final status or accepted its callback: now an order that is to flip does so."""
        if order.final_status_seen or self.calm or self.gateway.default == NORMAL:
            return
        order.final_status_seen = True
        flip = _FLIPS.get(order.behaviour["query"])
        if flip and order.status == flip[0]:
            self.spawn(self._flip(order, flip[1]))

    async def _flip(self, order: Order, status: int) -> None:
        await self.pause(FLIP_AFTER)
        self.gateway.orders.advance(order, status)
        order.acknowledged = False
        await self._notify(order)

    def open_count(self) -> int:
        return self.gateway.orders.open_count() + len(self._late)
