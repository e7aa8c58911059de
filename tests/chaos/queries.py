"""Answers to questions about orders and balances, in both dialects (protocol P14 to P18)."""

from __future__ import annotations

from typing import Optional

from .answers import HTML, SLOW, refusal, signed, text, word, wrongly_signed
from .book import AT_BANK, FAILED, FINAL, PAID, PROCESSING, WORDS, Merchant, Order
from .http_side import Reply, chunked, response

# How many answers the passing troubles spoil.
_TIMES = {"q_silent": 1, "q_slow": 1, "q_wrong_amount": 1, "q_wrong_platform": 1, "q_no_amount": 2, "q_bounce": 4}
_TIMES_OTHERWISE = 2
_NEVER_PASS = ("q_net_amount", "q_gross_amount", "q_decimals", "q_chunked", "q_flip_paid", "q_flip_failed",
               "q_notexist_lag", "q_notexist_once")


def query_truth(order: Order) -> dict:
    fee = order.fee if order.status in FINAL else order.announced
    return {"platOrderNum": order.platform, "orderNum": order.order, "amount": order.money, "fee": fee,
            "status": str(order.status), "msg": WORDS[order.status]}


def spelled(merchant: Merchant, fields: dict) -> bytes:
    """A positive answer as the dialect writes it."""
    if merchant.dialect == "toppay":
        amounts = {name: str(fields[name]) for name in ("amount", "fee") if name in fields}
        return text({"success": True, "code": 1000, "message": "success", "data": {**fields, **amounts}})
    return text(signed(merchant.private_key, {**word("SUCCESS", "Request success"), **fields}))


def not_known(merchant: Merchant, name: str) -> Reply:
    return negative(merchant, "NOTEXIST", "order does not exist", name)


def negative(merchant: Merchant, code: str, message: str, name: str) -> Reply:
    if merchant.dialect == "toppay":
        return Reply(response(text({"success": False, "code": 1001, "message": message, "data": None})))
    return refusal(merchant, code, message, name)


def query_reply(behaviour: str, order: Order, other: Optional[Order], lagging: bool) -> tuple[Reply, str]:
    """The answer and, for the truth log, what it says."""
    merchant, name = order.merchant, order.order
    truth = query_truth(order)
    true = Reply(response(spelled(merchant, truth))), f"status {order.status}"
    if lagging or (behaviour == "q_notexist_once" and order.asked == 3):
        return not_known(merchant, name), "NOTEXIST"
    spoilt = order.asked <= _TIMES.get(behaviour, _TIMES_OTHERWISE)
    if not spoilt and behaviour not in _NEVER_PASS:
        return true
    if behaviour in _REPLIES:
        return _REPLIES[behaviour](merchant, name), behaviour
    if behaviour in _CHANGED:
        changed = _CHANGED[behaviour](order, truth)
        says = f"status {changed['status']}"
        return Reply(response(spelled(merchant, changed))), says if behaviour in _NEVER_PASS else f"{behaviour} {says}"
    body = spelled(merchant, truth)
    failed = {**word("SUCCESS", "Request success"), **truth, "status": "4", "msg": WORDS[4]}
    if behaviour == "q_slow":
        return Reply(response(body), wait=SLOW), behaviour
    if behaviour == "q_truncated":
        return Reply(response(body[:len(body) // 2], length=len(body)), then="close"), behaviour
    if behaviour == "q_chunked":
        return Reply(chunked(body, 5)), f"status {order.status}"
    if behaviour == "q_crossed" and other:
        return Reply(response(spelled(other.merchant, query_truth(other)))), behaviour
    if behaviour == "q_bad_sign" and merchant.dialect == "bdpay":
        return Reply(response(text(wrongly_signed(merchant.private_key, failed)))), behaviour
    if behaviour == "q_no_sign" and merchant.dialect == "bdpay":
        return Reply(response(text(failed))), behaviour
    if behaviour == "q_decimals":
        amounts = {"amount": f"{order.money}.00000000", "fee": f"{truth['fee']}.00"}
        return Reply(response(spelled(merchant, {**truth, **amounts}))), f"status {order.status}"
    return true


def _without_amount(order: Order, truth: dict) -> dict:
    return {name: value for name, value in truth.items() if name != "amount"}


def _bounce(order: Order, truth: dict) -> dict:
    status = PROCESSING if order.asked % 2 else AT_BANK
    return {**truth, "status": str(status), "msg": WORDS[status]}


_CHANGED = {
    "q_wrong_order": lambda order, truth: {**truth, "orderNum": ("X" + order.order)[:32], "status": str(FAILED)},
    "q_wrong_amount": lambda order, truth: {**truth, "amount": order.money * 100},
    "q_wrong_platform": lambda order, truth: {**truth, "platOrderNum": "Z" + order.platform[1:]},
    "q_status_other": lambda order, truth: {**truth, "status": "7", "msg": "Reviewing"},
    "q_no_amount": _without_amount,
    "q_bounce": _bounce,
    "q_net_amount": lambda order, truth: {**truth, "amount": order.money - truth["fee"]},
    "q_gross_amount": lambda order, truth: {**truth, "amount": order.money + truth["fee"]},
}

_REPLIES = {
    "q_http_500": lambda m, name: Reply(response(b"", "500 Internal Server Error")),
    "q_unknown": lambda m, name: negative(m, "UNKNOWN", "system abnormal", name),
    "q_error": lambda m, name: negative(m, "ERROR", "system error", name),
    "q_fail": lambda m, name: negative(m, "FAIL", "too many requests", name),
    "q_silent": lambda m, name: Reply(then="hang"),
    "q_cut": lambda m, name: Reply(then="close"),
    "q_garbage": lambda m, name: Reply(response(b"<<<>>>")),
    "q_html": lambda m, name: Reply(response(HTML, kind="text/html")),
    "q_redirect": lambda m, name: Reply(response(b"", "302 Found", extra="Location: /gateway/query\r\n")),
}


def balance_reply(merchant: Merchant) -> Reply:
    if merchant.dialect == "toppay":
        account = {"balance": f"{merchant.balance}.00000000", "freeze": f"{merchant.freeze}.00000000",
                   "waitingSettleAmount": "0.00000000", "freezeWaitingSettleAmount": "0.00000000",
                   "totalAmount": f"{merchant.balance + merchant.freeze}.00000000"}
        return Reply(response(text({"success": True, "code": 1000, "message": "success", "data": [account]})))
    fields = {**word("SUCCESS", "Request success"), "balance": merchant.balance, "freeze": merchant.freeze,
              "pendMoney": 0}
    return Reply(response(text(signed(merchant.private_key, fields))))


def is_final_truth(says: str) -> bool:
    return says in (f"status {PAID}", f"status {FAILED}", "status 3")
