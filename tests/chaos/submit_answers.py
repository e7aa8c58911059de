"""The gateway's answers to submits: the honest one, and every way in which it can be wrong."""

from __future__ import annotations

from typing import Callable, Optional

from . import amounts, spellings
from .envelopes import (
    BYTE_ORDER_MARK, EXTRA, HTML, IN_TIME, SLOW, created, refusal, result, signed, to_json, with_unsigned_field,
    wrongly_signed)
from .http_server import Reply, chunked, response
from .orders import STATUS_TEXT, Merchant, Order


def honest_fields(order: Order) -> dict:
    """The acceptance (protocol P11), unsigned. Its status is 0, as nothing has happened yet."""
    fields = result("SUCCESS", "Request success", order.order_num)
    fields.update(platOrderNum=order.platform, money=str(order.money), fee=str(order.announced_fee),
                  feeType=str(order.fee_type), status=0, statusMsg=spellings.words(order.fields, STATUS_TEXT[0]))
    for name in ("bankCode", "number", "name", "description"):
        if name in order.fields:
            fields[name] = order.fields[name]
    return fields


def submit_reply(behaviour: str, merchant: Merchant, order_num: str, order: Optional[Order], why: str,
                 other: Optional[Order]) -> Reply:
    """The answer to a submit. `order` is None when nothing was booked, and `why` gives the reason; `other` is an
    unrelated order."""
    if behaviour in _WITHOUT_ORDER:
        return _WITHOUT_ORDER[behaviour](merchant, order_num)
    if order is None:
        return refusal(merchant, "FAIL", why, order_num)
    key, fields = merchant.private_key, honest_fields(order)
    if behaviour in _CHANGED:
        return Reply(response(to_json(signed(key, {**fields, **_CHANGED[behaviour](fields)}))))
    if behaviour in _SPECIAL:
        return _SPECIAL[behaviour](order, fields)
    if behaviour == "crossed" and other:
        return Reply(response(to_json(signed(other.merchant.private_key, honest_fields(other)))))
    body = to_json(signed(key, fields))
    if behaviour in _BROKEN:
        return _BROKEN[behaviour](body)
    return Reply(response(body))


def _http_502_fail(order: Order, _: dict) -> Reply:
    failed = signed(order.merchant.private_key, result("FAIL", "bank busy", order.order_num))
    return Reply(response(to_json(failed), "502 Bad Gateway"))


def _decimals(order: Order, fields: dict) -> Reply:
    tokens = {"money": f"{order.money}.00000000", "fee": f"{order.announced_fee}.00"}
    body = to_json(signed(order.merchant.private_key, {**fields, **tokens}))
    return Reply(response(amounts.unquoted(body, tokens)))


def _exponent(order: Order, fields: dict) -> Reply:
    fields, numbers = amounts.respelled(fields, ("money", "fee"), order.order_num)
    return Reply(response(amounts.unquoted(to_json(signed(order.merchant.private_key, fields)), numbers)))


# The honest answer with other fields, rightly signed.
_CHANGED: dict[str, Callable[[dict], dict]] = {
    "wrong_money": lambda fields: {"money": str(int(fields["money"]) + 1)},
    "hundredfold": lambda fields: {"money": fields["money"] + "00"},
    "wrong_order": lambda fields: {"orderNum": ("X" + fields["orderNum"])[:32]},
    "wrong_number": lambda fields: {"number": fields["number"][::-1] + "9"},
    "wrong_fee_type": lambda fields: {"feeType": str(1 - int(fields["feeType"]))},
    "fraction": lambda fields: {"fee": fields["fee"] + ".5"},
    "ack_says_paid": lambda fields: {"status": 2, "statusMsg": STATUS_TEXT[2]},
    "ack_says_failed": lambda fields: {"status": 4, "statusMsg": STATUS_TEXT[4]},
    "extra_field": lambda fields: EXTRA,
    "other_case": lambda fields: {"name": fields["name"].upper()},
}

# Answers that are the same whether or not there is an order.
_WITHOUT_ORDER: dict[str, Callable[[Merchant, str], Reply]] = {
    "unknown_booked": lambda m, name: refusal(m, "UNKNOWN", "system abnormal", name),
    "unknown_lost": lambda m, name: refusal(m, "UNKNOWN", "system abnormal", name),
    "late_booked_unknown": lambda m, name: refusal(m, "UNKNOWN", "system abnormal", name),
    "error_booked": lambda m, name: refusal(m, "ERROR", "system error", name),
    "notexist_booked": lambda m, name: refusal(m, "NOTEXIST", "order does not exist", name),
    "fail_lost": lambda m, name: refusal(m, "FAIL", "bank maintenance", name),
    "fail_booked": lambda m, name: refusal(m, "FAIL", "bank busy", name),
    "fail_lagging": lambda m, name: refusal(m, "FAIL", "bank busy", name),
    "fail_repeated": lambda m, name: refusal(m, "FAIL", "order number repeated", name),
    "fail_repeated_quiet": lambda m, name: refusal(m, "FAIL", "order number repeated", name),
    "silent_booked": lambda m, name: Reply(then="hang"),
    "silent_lost": lambda m, name: Reply(then="hang"),
    "late_booked": lambda m, name: Reply(then="hang"),
    "cut_booked": lambda m, name: Reply(then="close"),
    "cut_lost": lambda m, name: Reply(then="close"),
    "reset_booked": lambda m, name: Reply(then="reset"),
    "http_500_lost": lambda m, name: Reply(response(b"", "500 Internal Server Error")),
    "redirect_307": lambda m, name: Reply(response(b"", "307 Temporary Redirect", extra="Location: /gateway/cash\r\n")),
    "redirect_302_booked": lambda m, name: Reply(response(b"", "302 Found", extra="Location: /gateway/query\r\n")),
    "html": lambda m, name: Reply(response(HTML, content_type="text/html")),
    "empty": lambda m, name: Reply(response(b"")),
    "garbage": lambda m, name: Reply(response(b"}{ not an answer")),
}

# The honest body, sent in a wrong way.
_BROKEN: dict[str, Callable[[bytes], Reply]] = {
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
    "bom": lambda body: Reply(response(BYTE_ORDER_MARK + body)),
    "http_201": created,
    "unsigned_field": lambda body: Reply(response(with_unsigned_field(body))),
    "idle_close": lambda body: Reply(response(body), then="idle_close"),
}

# The rest: the signature itself is wrong or absent, or the fields are written differently.
_SPECIAL: dict[str, Callable[[Order, dict], Reply]] = {
    "bad_sign": lambda order, fields: Reply(response(to_json(wrongly_signed(order.merchant.private_key, fields)))),
    "no_sign": lambda order, fields: Reply(response(to_json(fields))),
    "fail_unsigned": lambda order, fields: Reply(response(to_json(result("FAIL", "bank busy", order.order_num)))),
    "http_502_fail": _http_502_fail,
    "decimals": _decimals,
    "exponent": _exponent,
}

# What has sent a submit on twice gives back the second answer. The order is paid, and reported unless it is quiet.
DELIVERED_AGAIN = ("fail_repeated", "fail_repeated_quiet")

# Behaviours that answer but never book the order.
NEVER_BOOKS = {name for name in _WITHOUT_ORDER if name.endswith("_lost") or name == "redirect_307"}
