"""The gateway's answers to order and balance queries, in both dialects (protocol P14 to P18)."""

from __future__ import annotations

import zlib
from typing import Optional

from . import amounts, spellings
from .envelopes import (
    BYTE_ORDER_MARK, EXTRA, HTML, SLOW, created, refusal, result, signed, to_json, with_object, with_unsigned_field,
    wrongly_signed)
from .http_server import Reply, chunked, response
from .orders import AT_BANK, FAILED, FINAL, PAID, PROCESSING, STATUS_TEXT, Merchant, Order

# How many answers of an order a passing behaviour spoils; the permanent ones never stop.
_SPOILED = {"q_silent": 1, "q_slow": 1, "q_wrong_amount": 1, "q_wrong_platform": 1, "q_no_amount": 2, "q_bounce": 4}
_SPOILED_BY_DEFAULT = 2
_PERMANENT = ("q_net_amount", "q_gross_amount", "q_decimals", "q_exponent", "q_bom", "q_http_201", "q_extra_field",
              "q_chunked", "q_flip_paid", "q_flip_failed", "q_notexist_lag", "q_notexist_once")


def honest_fields(order: Order) -> dict:
    fee = order.fee if order.status in FINAL else order.announced_fee
    return {"platOrderNum": order.platform, "orderNum": order.order_num, "amount": order.money, "fee": fee,
            "status": str(order.status), "msg": spellings.words(order.fields, STATUS_TEXT[order.status])}


def positive(merchant: Merchant, fields: dict) -> bytes:
    """The body of a positive answer in the merchant's dialect."""
    if merchant.dialect == "toppay":
        amounts = {name: str(fields[name]) for name in ("amount", "fee") if name in fields}
        return to_json({"success": True, "code": 1000, "message": "success", "data": {**fields, **amounts}})
    return to_json(signed(merchant.private_key, {**result("SUCCESS", "Request success"), **fields}))


def not_found(merchant: Merchant, name: str) -> Reply:
    """"Not found", which names the order for half of them: nothing documents that it must (protocol P17)."""
    return negative(merchant, "NOTEXIST", "order does not exist", name if zlib.crc32(name.encode()) % 2 else "")


def negative(merchant: Merchant, code: str, message: str, name: str) -> Reply:
    if merchant.dialect == "toppay":
        return Reply(response(to_json({"success": False, "code": 1001, "message": message, "data": None})))
    return refusal(merchant, code, message, name)


def repeated(merchant: Merchant) -> Reply:
    """The answer to the query before, about an order that the gateway does not have. It names none."""
    return negative(merchant, "NOTEXIST", "order does not exist", "")


def query_reply(behaviour: str, order: Order, other: Optional[Order], lagging: bool, reused: bool) -> tuple[Reply, str]:
    """The answer and, for the ground-truth log, what it states. `reused`: the connection carried a request before."""
    merchant, name = order.merchant, order.order_num
    fields = honest_fields(order)
    honest = Reply(response(positive(merchant, fields))), f"status {order.status}"
    if lagging or (behaviour == "q_notexist_once" and order.queries == 3):
        return not_found(merchant, name), "NOTEXIST"
    if behaviour == "q_repeated":
        return (repeated(merchant), behaviour) if reused else honest
    spoiled = order.queries <= _SPOILED.get(behaviour, _SPOILED_BY_DEFAULT)
    if not spoiled and behaviour not in _PERMANENT:
        return honest
    if behaviour in _REPLIES:
        return _REPLIES[behaviour](merchant, name), behaviour
    if behaviour in _CHANGED:
        changed = _CHANGED[behaviour](order, fields)
        stated = f"status {changed['status']}"
        if behaviour not in _PERMANENT:
            stated = f"{behaviour} {stated}"
        return Reply(response(positive(merchant, changed))), stated
    body = positive(merchant, fields)
    failed = {**result("SUCCESS", "Request success"), **fields, "status": "4", "msg": STATUS_TEXT[4]}
    if behaviour in _BODIES:
        return _BODIES[behaviour](body), f"status {order.status}" if behaviour in _PERMANENT else behaviour
    if behaviour == "q_crossed" and other:
        return Reply(response(positive(other.merchant, honest_fields(other)))), behaviour
    if behaviour == "q_other_number" and other:
        return Reply(response(positive(merchant, {**fields, "platOrderNum": other.platform}))), behaviour
    if behaviour == "q_bad_sign" and merchant.dialect == "bdpay":
        return Reply(response(to_json(wrongly_signed(merchant.private_key, failed)))), behaviour
    if behaviour == "q_no_sign" and merchant.dialect == "bdpay":
        return Reply(response(to_json(failed))), behaviour
    if behaviour == "q_no_sign" and order.queries == 1:
        return Reply(response(positive(merchant, {**fields, "status": "4", "msg": STATUS_TEXT[4]}))), behaviour
    if behaviour == "q_exponent":
        respelled, numbers = amounts.respelled(fields, ("amount", "fee"), name)
        return Reply(response(amounts.unquoted(positive(merchant, respelled), numbers))), f"status {order.status}"
    return honest


def _without_amount(order: Order, fields: dict) -> dict:
    return {name: value for name, value in fields.items() if name != "amount"}


def _bounce(order: Order, fields: dict) -> dict:
    status = PROCESSING if order.queries % 2 else AT_BANK
    return {**fields, "status": str(status), "msg": STATUS_TEXT[status]}


_CHANGED = {
    "q_wrong_order": lambda order, fields: {**fields, "orderNum": ("X" + order.order_num)[:32], "status": str(FAILED)},
    "q_wrong_amount": lambda order, fields: {**fields, "amount": order.money * 100},
    "q_wrong_platform": lambda order, fields: {**fields, "platOrderNum": "Z" + order.platform[1:]},
    "q_status_other": lambda order, fields: {**fields, "status": "7", "msg": "Reviewing"},
    "q_no_amount": _without_amount,
    "q_bounce": _bounce,
    "q_net_amount": lambda order, fields: {**fields, "amount": order.money - fields["fee"]},
    "q_gross_amount": lambda order, fields: {**fields, "amount": order.money + fields["fee"]},
    "q_decimals": lambda order, fields: {**fields, "amount": f"{order.money}.00000000", "fee": f"{fields['fee']}.00"},
    "q_extra_field": lambda order, fields: {**fields, **EXTRA},
}

# The body, sent in another way.
_BODIES = {
    "q_slow": lambda body: Reply(response(body), wait=SLOW),
    "q_truncated": lambda body: Reply(response(body[:len(body) // 2], length=len(body)), then="close"),
    "q_chunked": lambda body: Reply(chunked(body, 5)),
    "q_bom": lambda body: Reply(response(BYTE_ORDER_MARK + body)),
    "q_http_201": created,
    "q_unsigned_field": lambda body: Reply(response(with_unsigned_field(body))),
    "q_nested": lambda body: Reply(response(with_object(body))),
}

_REPLIES = {
    "q_http_500": lambda m, name: Reply(response(b"", "500 Internal Server Error")),
    "q_unknown": lambda m, name: negative(m, "UNKNOWN", "system abnormal", name),
    "q_error": lambda m, name: negative(m, "ERROR", "system error", name),
    "q_fail": lambda m, name: negative(m, "FAIL", "too many requests", name),
    "q_silent": lambda m, name: Reply(then="hang"),
    "q_cut": lambda m, name: Reply(then="close"),
    "q_garbage": lambda m, name: Reply(response(b"<<<>>>")),
    "q_html": lambda m, name: Reply(response(HTML, content_type="text/html")),
    "q_redirect": lambda m, name: Reply(response(b"", "302 Found", extra="Location: /gateway/query\r\n")),
}


def balance_reply(merchant: Merchant, behaviour: str, count: int) -> Reply:
    """The merchant's answer of that number about its balance."""
    extra = EXTRA if behaviour == "b_extra_field" else {}
    if merchant.dialect == "toppay":
        stated = {"balance": merchant.balance, "freeze": merchant.freeze, "waitingSettleAmount": 0,
                  "freezeWaitingSettleAmount": 0, "totalAmount": merchant.balance + merchant.freeze}
        decimals = {name: f"{amount}.00000000" for name, amount in stated.items()}
    else:
        stated = decimals = {"balance": merchant.balance, "freeze": merchant.freeze, "pendMoney": 0}
    fields, numbers = decimals, {}
    if behaviour == "b_exponent":
        fields, numbers = amounts.respelled(stated, stated, f"{merchant.code}/{count}")
    if merchant.dialect == "toppay":
        answer = {"success": True, "code": 1000, "message": "success", "data": [{**fields, **extra}]}
    else:
        answer = signed(merchant.private_key, {**result("SUCCESS", "Request success"), **fields, **extra})
    body = amounts.unquoted(to_json(answer), numbers)
    return _BALANCE_BODIES[behaviour](body) if behaviour in _BALANCE_BODIES else Reply(response(body))


_BALANCE_BODIES = {f"b_{name}": _BODIES[f"q_{name}"] for name in ("bom", "http_201", "unsigned_field", "nested")}


def is_final(stated: str) -> bool:
    return stated in (f"status {PAID}", f"status {FAILED}", "status 3")
