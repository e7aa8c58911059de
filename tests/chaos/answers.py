"""The forms of the gateway's answers, true ones first, then everything that can be wrong with them."""

from __future__ import annotations

import json
from typing import Optional

from .book import WORDS, Merchant, Order
from .http_side import Reply, chunked, response
from .rsa_openssl import PrivateKey, signed_text

SLOW, IN_TIME = 4.0, 0.6
HTML = b"<html><body><h1>Scheduled maintenance</h1></body></html>"


def signed(key: PrivateKey, fields: dict) -> dict:
    return {**fields, "platSign": key.sign(signed_text(fields, "platSign"))}


def wrongly_signed(key: PrivateKey, fields: dict) -> dict:
    return {**fields, "platSign": key.sign(b"an entirely different text")}


def text(fields: object) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def word(code: str, message: str, order: str = "") -> dict:
    fields = {"platRespCode": code, "platRespMessage": message}
    return {**fields, "orderNum": order} if order else fields


def refusal(merchant: Merchant, code: str, message: str, order: str = "") -> Reply:
    return Reply(response(text(signed(merchant.private_key, word(code, message, order)))))


def submit_truth(order: Order) -> dict:
    """The acceptance (protocol P11), unsigned. Its status is 0, as nothing has happened yet."""
    fields = word("SUCCESS", "Request success", order.order)
    fields.update(platOrderNum=order.platform, money=str(order.money), fee=str(order.announced),
                  feeType=str(order.fee_type), status=0, statusMsg=WORDS[0])
    for name in ("bankCode", "number", "name", "description"):
        if name in order.fields:
            fields[name] = order.fields[name]
    return fields


def submit_reply(behaviour: str, merchant: Merchant, name: str, order: Optional[Order], why: str,
                 other: Optional[Order]) -> Reply:
    """The answer to a submit; `order` is None when nothing was booked, and `why` says why."""
    key = merchant.private_key
    if order is None and behaviour not in _WITHOUT_ORDER:
        return refusal(merchant, "FAIL", why, name)
    truth = submit_truth(order) if order else word("FAIL", why, name)
    body = text(signed(key, truth))
    changed = _CHANGED.get(behaviour)
    if changed:
        return Reply(response(text(signed(key, {**truth, **changed(truth)}))))
    simple = _WITHOUT_ORDER.get(behaviour)
    if simple:
        return simple(merchant, name)
    if behaviour == "crossed" and other:
        return Reply(response(text(signed(other.merchant.private_key, submit_truth(other)))))
    broken = _BROKEN.get(behaviour)
    if broken:
        return broken(body)
    if behaviour == "bad_sign":
        return Reply(response(text(wrongly_signed(key, truth))))
    if behaviour in ("no_sign", "fail_unsigned"):
        return Reply(response(text(truth if behaviour == "no_sign" else word("FAIL", "bank busy", name))))
    if behaviour == "http_502_fail":
        failed = text(signed(key, word("FAIL", "bank busy", name)))
        return Reply(response(failed, "502 Bad Gateway"))
    if behaviour == "decimals":
        # The raw token of a number takes part in the signature (protocol P7).
        token = {"money": f"{order.money}.00000000", "fee": f"{order.announced}.00"}
        made = text(signed(key, {**truth, **token})).decode()
        for field, value in token.items():
            made = made.replace(f'"{field}":"{value}"', f'"{field}":{value}')
        return Reply(response(made.encode()))
    if behaviour == "extra_field":
        made = signed(key, {**truth, "channel": "B7", "zone": None})
        return Reply(response(text(made)))
    if behaviour == "other_case":
        return Reply(response(text(signed(key, {**truth, "name": truth["name"].upper()}))))
    return Reply(response(body))


_CHANGED = {
    "wrong_money": lambda truth: {"money": str(int(truth["money"]) + 1)},
    "hundredfold": lambda truth: {"money": truth["money"] + "00"},
    "wrong_order": lambda truth: {"orderNum": ("X" + truth["orderNum"])[:32]},
    "wrong_number": lambda truth: {"number": truth["number"][::-1] + "9"},
    "wrong_fee_type": lambda truth: {"feeType": str(1 - int(truth["feeType"]))},
    "fraction": lambda truth: {"fee": truth["fee"] + ".5"},
    "ack_says_paid": lambda truth: {"status": 2, "statusMsg": WORDS[2]},
    "ack_says_failed": lambda truth: {"status": 4, "statusMsg": WORDS[4]},
}

_WITHOUT_ORDER = {
    "unknown_booked": lambda m, name: refusal(m, "UNKNOWN", "system abnormal", name),
    "unknown_lost": lambda m, name: refusal(m, "UNKNOWN", "system abnormal", name),
    "late_booked_unknown": lambda m, name: refusal(m, "UNKNOWN", "system abnormal", name),
    "error_booked": lambda m, name: refusal(m, "ERROR", "system error", name),
    "notexist_booked": lambda m, name: refusal(m, "NOTEXIST", "order does not exist", name),
    "fail_lost": lambda m, name: refusal(m, "FAIL", "bank maintenance", name),
    "fail_booked": lambda m, name: refusal(m, "FAIL", "bank busy", name),
    "silent_booked": lambda m, name: Reply(then="hang"),
    "silent_lost": lambda m, name: Reply(then="hang"),
    "late_booked": lambda m, name: Reply(then="hang"),
    "cut_booked": lambda m, name: Reply(then="close"),
    "cut_lost": lambda m, name: Reply(then="close"),
    "reset_booked": lambda m, name: Reply(then="reset"),
    "http_500_lost": lambda m, name: Reply(response(b"", "500 Internal Server Error")),
    "redirect_307": lambda m, name: Reply(response(b"", "307 Temporary Redirect", extra="Location: /gateway/cash\r\n")),
    "redirect_302_booked": lambda m, name: Reply(response(b"", "302 Found", extra="Location: /gateway/query\r\n")),
    "html": lambda m, name: Reply(response(HTML, kind="text/html")),
    "empty": lambda m, name: Reply(response(b"")),
    "garbage": lambda m, name: Reply(response(b"}{ not an answer")),
}

_BROKEN = {
    "slow": lambda body: Reply(response(body), wait=SLOW),
    "slow_in_time": lambda body: Reply(response(body), wait=IN_TIME),
    "drip": lambda body: Reply(response(body), drip=0.05, then="close"),
    "truncated": lambda body: Reply(response(body[:len(body) // 2], length=len(body)), then="close"),
    "short_length": lambda body: Reply(response(body, length=len(body) // 2), then="close"),
    "bad_utf8": lambda body: Reply(response(body.replace(b"Request", b"R\xff\xfequest"))),
    "http_500_booked": lambda body: Reply(response(body, "500 Internal Server Error")),
    "repeated_name": lambda body: Reply(response(b'{"status":2,' + body[1:])),
    "nested": lambda body: Reply(response(b'{"data":{"status":2},' + body[1:])),
    "huge": lambda body: Reply(response(b'{"padding":"' + b"A" * 2_000_000 + b'",' + body[1:]), then="close"),
    "chunked": lambda body: Reply(chunked(body, 7)),
    "idle_close": lambda body: Reply(response(body), then="idle_close"),
}

# Their answer is the same whether or not there is an order.
NEVER_BOOKS = {name for name in _WITHOUT_ORDER if name.endswith("_lost") or name == "redirect_307"}
