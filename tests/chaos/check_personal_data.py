"""C8: no personal data in any log or other output, nor in what is stored of the gateway's words, however it is spelled."""

from __future__ import annotations

from pathlib import Path

from . import spellings
from .check_result import CheckResult, short
from .run_record import RunRecord

# The gateway's order number is compared later and never masked; ours is the caller's choice.
_IDENTIFIERS = ("orderNum", "platOrderNum")


def personal_data(record: RunRecord) -> CheckResult:
    """C8: none of the planted names and account numbers appears in any output, and no beneficiary in a stored text."""
    result = CheckResult("C8", "no personal data in any output or stored text")
    words = [spellings.projections(canary) for canary in record.canaries]
    size = 0
    for path in record.outputs:
        size += path.stat().st_size
        for line in _lines_with(path, words):
            result.add(f"{path.name}: {line[:120]}")
    if record.canaries and not record.outputs:
        result.add("there was no output to search")
    for key, stored in record.texts:
        payout = record.payouts.get(key)  # another check finds what is missing
        if payout and any(spellings.names(text, payout["account_number"], payout["account_name"])
                          for text in _texts(stored)):
            result.add(f"{short(key)}: {stored}")
    result.scope = (f"{len(record.outputs)} files, {size / 1e6:.1f} MB, {len(words)} planted words, "
                    f"{len(record.texts)} stored texts")
    return result


def _lines_with(path: Path, words: list[tuple[str, str]]) -> list[str]:
    """The lines in which a planted word stands in any spelling."""
    found = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            digits, letters = spellings.projections(line)
            if any((number and number in digits) or (name and name in letters) for number, name in words):
                found.append(line.rstrip())
    return found


def _texts(stored: object) -> list[str]:
    """Each text of a stored value, and all of them together."""
    if isinstance(stored, str):
        return [stored]
    if not isinstance(stored, dict):
        return []
    texts = [value for name, value in stored.items() if isinstance(value, str) and name not in _IDENTIFIERS]
    return [*texts, "".join(texts)]
