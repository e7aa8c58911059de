"""The beneficiary in spellings that nobody listed: what the gateway's words hold, and how the checker finds them again.

Shares no code with the worker, which must recognise them too.
"""

from __future__ import annotations

import random
import re
import unicodedata

_ZEROS = "0０٠۰०০๐𝟎"
_BETWEEN = ("", "", " ", "-", ".", "/", "\u00a0", "\u200b", " - ", " and ", ", then ")
_JOINED = ("", " ", ".", "-", "_", "%20", "\u200d")
# Fewer digits, or letters, of a beneficiary occur in other words by chance.
_DIGITS_MIN, _LETTERS_MIN = 8, 6


def words(fields: dict, plain: str) -> str:
    """What the gateway says of an order: for half of them its words name the beneficiary. The same each time."""
    chance = random.Random(f"{fields['orderNum']}/{plain}")
    if chance.random() < 0.5:
        return plain
    secret = _number(chance, fields["number"]) if chance.random() < 0.5 else _name(chance, fields["name"])
    return f"{plain}: {secret}" if chance.random() < 0.5 else f"{secret} ({plain})"


def _number(chance: random.Random, number: str) -> str:
    length = chance.randint(min(_DIGITS_MIN, len(number)), len(number))
    start = chance.randint(0, len(number) - length)
    script, between, mixed = chance.choice(_ZEROS), chance.choice(_BETWEEN), chance.random() < 0.3
    written = ""
    for digit in number[start:start + length]:
        zero = chance.choice(_ZEROS) if mixed else script
        written += chr(ord(zero) + int(digit)) + (between if mixed or chance.random() < 0.3 else "")
    return written


def _name(chance: random.Random, name: str) -> str:
    parts = name.split()
    if chance.random() < 0.5:
        parts.reverse()
    longest = max(range(len(parts)), key=lambda at: len(parts[at]))
    if chance.random() < 0.5:
        parts[longest] = parts[longest][:chance.randint(_LETTERS_MIN, max(_LETTERS_MIN, len(parts[longest])))]
    written = chance.choice(_JOINED).join(parts)
    style = chance.randrange(4)
    if style == 0:
        return written.upper()
    if style == 1:
        return ".".join(written)
    if style == 2:
        return "".join(chr(ord(c) - ord("A") + ord("Ａ")) if c.isalpha() and c.isascii() else c for c in written)
    return "".join(chance.choice((c.upper(), c.lower())) for c in written)


def projections(text: str) -> tuple[str, str]:
    """The digits of a text, and its letters in lower case, without anything between them."""
    if text.isascii():  # as almost every line of a log is
        return re.sub("[^0-9]", "", text), re.sub("[^a-z]", "", text.lower())
    text = unicodedata.normalize("NFKD", text)
    digits = "".join(str(unicodedata.decimal(c)) for c in text if unicodedata.decimal(c, None) is not None)
    return digits, re.sub("[^a-z]", "", text.lower())


def names(text: str, number: str, name: str) -> bool:
    """Whether a text holds a telling part of the number or the name."""
    digits, letters = projections(text)
    own_letters = projections(name)[1]
    return _holds(digits, number, _DIGITS_MIN) or _holds(letters, own_letters, _LETTERS_MIN)


def _holds(text: str, secret: str, length: int) -> bool:
    length = min(length, len(secret))
    return length > 0 and any(secret[at:at + length] in text for at in range(len(secret) - length + 1))
