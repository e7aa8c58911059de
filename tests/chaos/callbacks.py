"""Sends the gateway's callbacks: the true ones, and before or instead of them the behaviour's own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Optional
from urllib.parse import urlsplit

from . import forgery
from .book import FAILED, FINAL, PAID, Book, Order
from .rsa_openssl import signed_text
from .truth import TruthLog

ANSWER_WITHIN = 5.0
AT_ONCE_MAX = 48
_NEEDS_ANOTHER = ("cb_splice", "cb_replay_order", "cb_replay_foreign")
_FORM = "application/x-www-form-urlencoded"


@dataclass
class Letter:
    """One callback to send. `genuine`: the platform signed just these fields and they are true."""

    what: str
    body: bytes
    genuine: bool = True
    kind: str = _FORM
    cut: Optional[int] = None  # closes after so many bytes of the body
    drip: float = 0.0
    deaf: bool = False  # closes before it reads the answer


class Sender:
    def __init__(self, truth: TruthLog) -> None:
        self._truth = truth
        self._turn = asyncio.Semaphore(AT_ONCE_MAX)

    async def send(self, order: Order, letter: Letter, url: str) -> bool:
        """Whether the plain body SUCCESS came back."""
        async with self._turn:
            http, answer = None, ""
            try:
                http, answer = await asyncio.wait_for(_post(url, letter), ANSWER_WITHIN)
            except (OSError, asyncio.TimeoutError, ValueError, IndexError):
                pass
        self._truth.write("callback", merchant=order.merchant.code, order=order.order, genuine=letter.genuine,
                          what=letter.what, body=base64.b64encode(letter.body[:10_000]).decode(),
                          sha256=hashlib.sha256(letter.body).hexdigest(), http=http, answer=answer[:40])
        return http == 200 and answer == "SUCCESS"


async def _post(url: str, letter: Letter) -> tuple[Optional[int], str]:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port or 80)
    try:
        head = f"POST {address.path or '/'} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: {letter.kind}\r\n" \
               f"Content-Length: {len(letter.body)}\r\nConnection: close\r\n\r\n"
        body = letter.body[:letter.cut]
        if letter.drip:
            writer.write(head.encode())
            for byte in body:
                writer.write(bytes([byte]))
                await asyncio.sleep(letter.drip)
        else:
            writer.write(head.encode() + body)
        await writer.drain()
        if letter.cut is not None or letter.deaf:
            return None, ""
        answer = await reader.read(65_536)
        while chunk := await reader.read(65_536):
            answer += chunk
        top, _, content = answer.partition(b"\r\n\r\n")
        return int(top.split(b" ")[1]), content.decode("utf-8", "replace")
    finally:
        writer.close()


def true_letter(order: Order, status: Optional[int] = None, what: str = "true") -> Letter:
    fields = forgery.with_sign(order.merchant.private_key, forgery.fields_of(order, status))
    genuine = status is None or status == order.status
    return Letter(what, forgery.form(fields), genuine)


def letters(order: Order, book: Book) -> list[Letter]:
    """What one notification of this order consists of, in order. The last one is what counts as its answer."""
    behaviour, key = order.behaviour["callback"], order.merchant.private_key
    plain = forgery.fields_of(order)
    genuine = forgery.with_sign(key, plain)
    true = Letter("true", forgery.form(genuine))

    def signed(**changes: str) -> Letter:
        return Letter(behaviour, forgery.form(forgery.with_sign(key, {**plain, **changes})), genuine=False)

    def forged(fields: dict[str, str]) -> Letter:
        return Letter(behaviour, forgery.form(fields), genuine=False)

    if behaviour == "cb_raw_plus":
        return [Letter(behaviour, true.body.replace(b"%2B", b"+"))]
    if behaviour == "cb_drip":
        return [Letter(behaviour, true.body, drip=0.001)]
    if behaviour == "cb_hang_up":
        return [Letter(behaviour, true.body, deaf=True), true]
    if behaviour == "cb_contradiction":
        second = signed(status="4", statusMsg="Payout failed") if order.status == PAID \
            else forged(forgery.status_shift(genuine))
        return [true, second, true]
    others = _others(order, book) if behaviour in _NEEDS_ANOTHER else []
    other = others[0] if others else None
    first = {
        "cb_bad_sign": lambda: forged({**plain, "platSign": key.sign(b"an entirely different text")}),
        "cb_field_shift": lambda: forged(forgery.field_shift(genuine)),
        "cb_name_shift": lambda: forged(forgery.name_shift(genuine)),
        "cb_status_shift": lambda: forged(forgery.status_shift(genuine)),
        "cb_splice": lambda: _spliced(order, genuine, others),
        "cb_replay_order": lambda: forged({**plain, "platSign": _sign_of(other)}) if other else None,
        "cb_replay_foreign": lambda: Letter(behaviour, true_letter(other).body, genuine=False) if other else None,
        "cb_wrong_amount": lambda: signed(money=str(order.money + 1)),
        "cb_wrong_number": lambda: signed(number=plain["number"][::-1] + "1"),
        "cb_wrong_platform": lambda: signed(platOrderNum="Z" + order.platform[1:]),
        "cb_zeros": lambda: signed(money="0" + plain["money"]),
        "cb_unknown_order": lambda: signed(orderNum=("X" + order.order)[:32]),
        "cb_bad_base64": lambda: forged({**plain, "platSign": "!!not base64!!"}),
        "cb_huge": lambda: forged({**genuine, "statusMsg": "A" * 200_000}),
        "cb_truncated": lambda: Letter(behaviour, true.body, cut=len(true.body) // 2),
        "cb_extra_field": lambda: signed(channel="B7"),
        "cb_missing_field": lambda: forged(forgery.with_sign(key, {k: v for k, v in plain.items() if k != "number"})),
        "cb_repeated_field": lambda: Letter(behaviour, b"status=4&" + true.body, genuine=False),
        "cb_json": lambda: Letter(behaviour, json.dumps(genuine).encode(), False, "application/json"),
        "cb_bad_escape": lambda: Letter(behaviour, true.body + b"%zz%", genuine=False),
        "cb_status_other": lambda: signed(status="7", statusMsg="Reviewing"),
    }.get(behaviour)
    made = first() if first else None
    return [made, true] if made else [true]


def _others(order: Order, book: Book) -> list[Order]:
    """Other orders that have ended lately, those of other merchants first."""
    recent = [o for o in book.bookings[-200:] if o is not order and o.status in FINAL]
    return sorted(recent, key=lambda o: o.merchant is order.merchant)


def _sign_of(other: Order) -> str:
    return other.merchant.private_key.sign(signed_text(forgery.fields_of(other), "platSign"))


def _spliced(order: Order, genuine: dict[str, str], others: list[Order]) -> Optional[Letter]:
    """With the first other order whose callback has several blocks too."""
    for other in others:
        if len(signed_text(forgery.fields_of(other), "platSign")) > order.merchant.private_key.size:
            theirs = forgery.with_sign(other.merchant.private_key, forgery.fields_of(other))
            made = forgery.splice(order.merchant.private_key.size, genuine, theirs)
            return Letter("cb_splice", forgery.form(made), genuine=False) if made else None
    return None


def early_lie(order: Order) -> Optional[Letter]:
    """What is sent while the order is still open."""
    if order.behaviour["callback"] == "cb_false_failure":
        return true_letter(order, FAILED, "cb_false_failure")
    if order.behaviour["callback"] == "cb_progress":
        return true_letter(order, what="cb_progress")
    return None
