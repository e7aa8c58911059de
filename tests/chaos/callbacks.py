"""Sends the gateway's callbacks: the true one, and before it or in its place those of the order's behaviour."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Optional
from urllib.parse import urlsplit

from . import forgery
from .ground_truth import GroundTruthLog
from .orders import FAILED, FINAL, PAID, Order, OrderBook
from .rsa_openssl import signed_text, split

ANSWER_WITHIN = 5.0
AT_ONCE_MAX = 48
_NEEDS_ANOTHER = ("cb_splice", "cb_replay_order", "cb_replay_foreign")
_FORM = "application/x-www-form-urlencoded"


@dataclass
class CallbackMessage:
    """One callback to send. `genuine`: the gateway signed exactly these fields, and they are true."""

    what: str
    body: bytes
    genuine: bool = True
    content_type: str = _FORM
    cut_after: Optional[int] = None  # closes the connection after this many bytes of the body
    drip: float = 0.0  # seconds between bytes
    hang_up: bool = False  # closes the connection before it reads the answer


class Sender:
    def __init__(self, log: GroundTruthLog) -> None:
        self._log = log
        self._slots = asyncio.Semaphore(AT_ONCE_MAX)

    async def send(self, order: Order, message: CallbackMessage, url: str) -> bool:
        """Whether the answer was the plain body SUCCESS."""
        async with self._slots:
            http, answer = None, ""
            try:
                http, answer = await asyncio.wait_for(_post(url, message), ANSWER_WITHIN)
            except (OSError, asyncio.TimeoutError, ValueError, IndexError):
                pass
        blocks = len(split(signed_text(forgery.fields_of(order), "platSign"), order.merchant.private_key.size))
        self._log.write("callback", merchant=order.merchant.code, order=order.order_num, genuine=message.genuine,
                          what=message.what, body=base64.b64encode(message.body[:10_000]).decode(), blocks=blocks,
                          sha256=hashlib.sha256(message.body).hexdigest(), http=http, answer=answer[:40])
        return http == 200 and answer == "SUCCESS"


async def _post(url: str, message: CallbackMessage) -> tuple[Optional[int], str]:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port or 80)
    try:
        head = f"POST {address.path or '/'} HTTP/1.1\r\nHost: {address.netloc}\r\n" \
               f"Content-Type: {message.content_type}\r\nContent-Length: {len(message.body)}\r\n" \
               "Connection: close\r\n\r\n"
        body = message.body[:message.cut_after]
        if message.drip:
            writer.write(head.encode())
            for byte in body:
                writer.write(bytes([byte]))
                await asyncio.sleep(message.drip)
        else:
            writer.write(head.encode() + body)
        await writer.drain()
        if message.cut_after is not None or message.hang_up:
            return None, ""
        answer = await reader.read(65_536)
        while chunk := await reader.read(65_536):
            answer += chunk
        top, _, content = answer.partition(b"\r\n\r\n")
        return int(top.split(b" ")[1]), content.decode("utf-8", "replace")
    finally:
        writer.close()


def true_message(order: Order, status: Optional[int] = None, what: str = "true") -> CallbackMessage:
    fields = forgery.with_sign(order.merchant.private_key, forgery.fields_of(order, status))
    genuine = status is None or status == order.status
    return CallbackMessage(what, forgery.form(fields), genuine)


def notification(order: Order, orders: OrderBook) -> list[CallbackMessage]:
    """The callbacks that one notification of this order consists of. Only the answer to the last one counts."""
    behaviour, key = order.behaviour["callback"], order.merchant.private_key
    plain = forgery.fields_of(order)
    genuine = forgery.with_sign(key, plain)
    true = CallbackMessage("true", forgery.form(genuine))

    def signed(**changes: str) -> CallbackMessage:
        return CallbackMessage(behaviour, forgery.form(forgery.with_sign(key, {**plain, **changes})), genuine=False)

    def forged(fields: dict[str, str]) -> CallbackMessage:
        return CallbackMessage(behaviour, forgery.form(fields), genuine=False)

    if behaviour == "cb_raw_plus":
        return [CallbackMessage(behaviour, true.body.replace(b"%2B", b"+"))]
    if behaviour == "cb_drip":
        return [CallbackMessage(behaviour, true.body, drip=0.001)]
    if behaviour == "cb_hang_up":
        return [CallbackMessage(behaviour, true.body, hang_up=True), true]
    if behaviour == "cb_contradiction":
        second = signed(status="4", statusMsg="Payout failed") if order.status == PAID \
            else forged(forgery.status_shift(genuine))
        return [true, second, true]
    others = _others(order, orders) if behaviour in _NEEDS_ANOTHER else []
    other = others[0] if others else None
    first = {  # what is sent before the true callback
        "cb_bad_sign": lambda: forged({**plain, "platSign": key.sign(b"an entirely different text")}),
        "cb_field_shift": lambda: forged(forgery.field_shift(genuine)),
        "cb_name_shift": lambda: forged(forgery.name_shift(genuine)),
        "cb_status_shift": lambda: forged(forgery.status_shift(genuine)),
        "cb_splice": lambda: _spliced(order, genuine, others),
        "cb_replay_order": lambda: forged({**plain, "platSign": _sign_of(other)}) if other else None,
        "cb_replay_foreign": lambda: CallbackMessage(behaviour, true_message(other).body, False) if other else None,
        "cb_wrong_amount": lambda: signed(money=str(order.money + 1)),
        "cb_wrong_number": lambda: signed(number=plain["number"][::-1] + "1"),
        "cb_wrong_platform": lambda: signed(platOrderNum="Z" + order.platform[1:]),
        "cb_zeros": lambda: signed(money="0" + plain["money"]),
        "cb_unknown_order": lambda: signed(orderNum=("X" + order.order_num)[:32]),
        "cb_bad_base64": lambda: forged({**plain, "platSign": "!!not base64!!"}),
        "cb_huge": lambda: forged({**genuine, "statusMsg": "A" * 200_000}),
        "cb_truncated": lambda: CallbackMessage(behaviour, true.body, cut_after=len(true.body) // 2),
        "cb_extra_field": lambda: signed(channel="B7"),
        "cb_missing_field": lambda: forged(forgery.with_sign(key, {k: v for k, v in plain.items() if k != "number"})),
        "cb_repeated_field": lambda: CallbackMessage(behaviour, b"status=4&" + true.body, genuine=False),
        "cb_json": lambda: CallbackMessage(behaviour, json.dumps(genuine).encode(), False, "application/json"),
        "cb_bad_escape": lambda: CallbackMessage(behaviour, true.body + b"%zz%", genuine=False),
        "cb_status_other": lambda: signed(status="7", statusMsg="Reviewing"),
    }.get(behaviour)
    before = first() if first else None
    return [before, true] if before else [true]


def _others(order: Order, orders: OrderBook) -> list[Order]:
    """Other orders that were settled lately, those of other merchants first."""
    recent = [o for o in orders.bookings[-200:] if o is not order and o.status in FINAL]
    return sorted(recent, key=lambda o: o.merchant is order.merchant)


def _sign_of(other: Order) -> str:
    return other.merchant.private_key.sign(signed_text(forgery.fields_of(other), "platSign"))


def _spliced(order: Order, genuine: dict[str, str], others: list[Order]) -> Optional[CallbackMessage]:
    """Spliced with the first other order whose callback has several blocks too."""
    for other in others:
        if len(signed_text(forgery.fields_of(other), "platSign")) > order.merchant.private_key.size:
            theirs = forgery.with_sign(other.merchant.private_key, forgery.fields_of(other))
            made = forgery.splice(order.merchant.private_key.size, genuine, theirs)
            return CallbackMessage("cb_splice", forgery.form(made), genuine=False) if made else None
    return None


def early_message(order: Order) -> Optional[CallbackMessage]:
    """What the order's behaviour sends while the order is still open."""
    if order.behaviour["callback"] == "cb_false_failure":
        return true_message(order, FAILED, "cb_false_failure")
    if order.behaviour["callback"] == "cb_progress":
        return true_message(order, what="cb_progress")
    return None
