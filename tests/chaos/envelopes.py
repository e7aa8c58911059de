"""What every answer of the gateway is made of: signed fields, result codes, JSON."""

from __future__ import annotations

import json

from .http_server import Reply, response
from .orders import Merchant
from .rsa_openssl import PrivateKey, signed_text

SLOW, IN_TIME = 4.0, 0.6  # seconds before a late answer, and before one that is slow but in time
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
EXTRA = {"channel": "B7", "zone": None}  # fields that no document names
HTML = b"<html><body><h1>Scheduled maintenance</h1></body></html>"


def signed(key: PrivateKey, fields: dict) -> dict:
    return {**fields, "platSign": key.sign(signed_text(fields, "platSign"))}


def wrongly_signed(key: PrivateKey, fields: dict) -> dict:
    return {**fields, "platSign": key.sign(b"an entirely different text")}


def to_json(fields: object) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def with_unsigned_field(body: bytes) -> bytes:
    """Something on the way adds a field that the signature does not cover."""
    return b'{"channel":"B7",' + body[1:]


def with_object(body: bytes) -> bytes:
    """The same with an object, which repeats a name of the answer."""
    return b'{"trace":{"status":4,"hops":["a",{"b":null}]},' + body[1:]


def created(body: bytes) -> Reply:
    return Reply(response(body, "201 Created"))


def result(code: str, message: str, order_num: str = "") -> dict:
    fields = {"platRespCode": code, "platRespMessage": message}
    return {**fields, "orderNum": order_num} if order_num else fields


def refusal(merchant: Merchant, code: str, message: str, order_num: str = "") -> Reply:
    return Reply(response(to_json(signed(merchant.private_key, result(code, message, order_num)))))
