"""Callbacks that a forger can make from genuine ones without any key (protocol P9), and how callbacks are encoded."""

from __future__ import annotations

import base64
from typing import Optional
from urllib.parse import quote_plus

from .orders import STATUS_TEXT, Order
from .rsa_openssl import PrivateKey, signed_text, split

NAMES = ("bankCode", "description", "fee", "feeType", "money", "name", "number", "orderNum", "platOrderNum", "status",
         "statusMsg")


def fields_of(order: Order, status: Optional[int] = None) -> dict[str, str]:
    """The true fields of a callback (protocol P19), unsigned."""
    status = order.status if status is None else status
    echoed = ("bankCode", "description", "name", "number")
    fields = {name: order.fields[name] for name in echoed if name in order.fields}
    fields.update(fee=str(order.fee), feeType=str(order.fee_type), money=str(order.money), orderNum=order.order_num,
                  platOrderNum=order.platform, status=str(status), statusMsg=STATUS_TEXT[status])
    return fields


def form(fields: dict[str, str]) -> bytes:
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields.items()).encode()


def with_sign(key: PrivateKey, fields: dict[str, str]) -> dict[str, str]:
    return {**fields, "platSign": key.sign(signed_text(fields, "platSign"))}


def field_shift(genuine: dict[str, str]) -> dict[str, str]:
    """Moves a digit: fee=5570, feeType=1, money=10000 is read as fee=557, feeType=0, money=110000."""
    fee = genuine["fee"]
    if len(fee) < 2:
        return name_shift(genuine)
    return {**genuine, "fee": fee[:-1], "feeType": fee[-1], "money": genuine["feeType"] + genuine["money"]}


def name_shift(genuine: dict[str, str]) -> dict[str, str]:
    money = genuine["money"]
    return {**genuine, "money": money[:-1] or "0", "name": money[-1] + genuine["name"]}


def status_shift(genuine: dict[str, str]) -> dict[str, str]:
    """Moves the last digit of platOrderNum into status: a 4 becomes a 2 when that digit is a 2."""
    number = genuine["platOrderNum"]
    return {**genuine, "platOrderNum": number[:-1], "status": number[-1],
            "statusMsg": genuine["status"] + genuine["statusMsg"]}


def splice(key_bytes: int, first: dict[str, str], second: dict[str, str]) -> Optional[dict[str, str]]:
    """The first block of one genuine callback and the other blocks of another; None where either has only one block."""
    blocks = [base64.b64decode(fields["platSign"]) for fields in (first, second)]
    if min(len(blocks[0]), len(blocks[1])) <= key_bytes:
        return None
    cut = len(split(signed_text(first, "platSign"), key_bytes)[0])
    (head_name, head, _), (tail_name, _, tail) = _split_at(first, cut), _split_at(second, cut)
    made: dict[str, str] = {}
    for name in NAMES:
        if name < head_name:
            made[name] = first.get(name, "")
        elif name > max(head_name, tail_name):
            made[name] = second.get(name, "")
        else:
            made[name] = ""
    made[head_name] += head
    if tail_name >= head_name:
        made[tail_name] += tail
    else:  # the rest of the second one's text before its later fields goes into the field that straddles the cut
        between = (second.get(name, "") for name in NAMES if tail_name < name <= head_name)
        made[head_name] += tail + "".join(between)
    made["platSign"] = base64.b64encode(blocks[0][:key_bytes] + blocks[1][key_bytes:]).decode()
    return made


def _split_at(fields: dict[str, str], cut: int) -> tuple[str, str, str]:
    """The field in which byte `cut` of the signed text falls, and its parts before and after the cut."""
    passed = 0
    for name in NAMES:
        value = fields.get(name, "")
        if passed + len(value) > cut:
            return name, value[:cut - passed], value[cut - passed:]
        passed += len(value)
    return NAMES[-1], fields.get(NAMES[-1], ""), ""
