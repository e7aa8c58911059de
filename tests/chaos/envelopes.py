"""What every answer of the gateway is made of: signed fields, result codes, JSON."""

from __future__ import annotations

import json

from .http_server import Reply, response
from .orders import Merchant
from .rsa_openssl import PrivateKey, signed_text

SLOW, IN_TIME = 4.0, 0.6  # seconds before a late answer, and before one that is slow but in time
HTML = b"<html><body><h1>Scheduled maintenance</h1></body></html>"


def signed(key: PrivateKey, fields: dict) -> dict:
    return {**fields, "platSign": key.sign(signed_text(fields, "platSign"))}


def wrongly_signed(key: PrivateKey, fields: dict) -> dict:
    return {**fields, "platSign": key.sign(b"an entirely different text")}


def to_json(fields: object) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def result(code: str, message: str, order_num: str = "") -> dict:
    fields = {"platRespCode": code, "platRespMessage": message}
    return {**fields, "orderNum": order_num} if order_num else fields


def refusal(merchant: Merchant, code: str, message: str, order_num: str = "") -> Reply:
    return Reply(response(to_json(signed(merchant.private_key, result(code, message, order_num)))))
