"""Exact amounts in the spellings that writers of JSON choose: 1.25E7, 125e+5, 10000.0 (protocol P2)."""

from __future__ import annotations

import random
from typing import Iterable


def respelled(fields: dict, names: Iterable[str], about: str) -> tuple[dict, dict[str, str]]:
    """The fields with these amounts spelled otherwise, and those among them that are to be numbers, not text. The same
    each time."""
    chance = random.Random(about)
    spelled = {name: _spelled(int(fields[name]), chance) for name in names}
    numbers = {name: token for name, token in spelled.items() if chance.random() < 0.5}
    return {**fields, **spelled}, numbers


def unquoted(body: bytes, numbers: dict[str, str]) -> bytes:
    """The JSON with these amounts as numbers. The very token of a number is what is signed (protocol P7)."""
    for name, token in numbers.items():
        body = body.replace(f'"{name}":"{token}"'.encode(), f'"{name}":{token}'.encode())
    return body


def _spelled(amount: int, chance: random.Random) -> str:
    sign = chance.choice(("E", "e", "E+", "e+"))
    whole = (f"{amount}.0", f"{amount}.00000000", f"{amount}{sign}0", f"{amount}.0{sign}0")
    if amount == 0:
        return chance.choice(whole)
    digits, power = str(amount).rstrip("0"), len(str(amount)) - 1
    shifted = (
        f"{amount}0e-1",
        f"{digits}{sign}{power + 1 - len(digits)}",
        f"{digits[0]}.{digits[1:] or '0'}{sign}{power}",
        f"0.{digits}{sign}{power + 1}",
    )
    return chance.choice(whole + shifted)
