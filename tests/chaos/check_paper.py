"""I7 acknowledged callbacks are stored, I8 no personal data in any output."""

from __future__ import annotations

from pathlib import Path

from .facts import Facts
from .verdict import Verdict, short

_CHUNK = 1 << 20


def acknowledged(facts: Facts) -> Verdict:
    """I7: whoever heard SUCCESS does not call again, so what it said must be stored by then."""
    verdict = Verdict("I7", "no SUCCESS without a stored callback")
    said, excused = 0, 0
    left: dict[tuple[str, str, str], int] = {}
    # What went down with a primary comes last, so that it does not take the place of what was stored after it.
    for callback in sorted(facts.callbacks, key=lambda callback: facts.is_excused(callback["t"])):
        if callback["http"] != 200 or callback["answer"] != "SUCCESS":
            continue
        said += 1
        left[callback["said"]] = left.get(callback["said"], facts.told.get(callback["said"], 0)) - 1
        if left[callback["said"]] >= 0:
            continue
        if facts.is_excused(callback["t"]):
            excused += 1
        else:
            verdict.blame(f"{short((callback['merchant'], callback['order']))}: {callback['what']} "
                          f"at {callback['t'] - facts.first_at:.3f} s")
    verdict.looked_at = f"{len(facts.callbacks)} callbacks, {said} acknowledged"
    verdict.note = f"{excused} went down with a primary" if excused else ""
    return verdict


def personal_data(facts: Facts) -> Verdict:
    """I8: none of the planted names and numbers stands in any log or output."""
    verdict = Verdict("I8", "no personal data in any output")
    words = [canary.encode() for canary in facts.canaries]
    size = 0
    for path in facts.outputs:
        size += path.stat().st_size
        for word in _found(path, words):
            verdict.blame(f"{path.name}: {word.decode()}")
    if facts.canaries and not facts.outputs:
        verdict.blame("there was no output to look at")
    verdict.looked_at = f"{len(facts.outputs)} files, {size / 1e6:.1f} MB, {len(words)} planted words"
    return verdict


def _found(path: Path, words: list[bytes]) -> list[bytes]:
    found: list[bytes] = []
    longest = max((len(word) for word in words), default=1)
    with open(path, "rb") as file:
        rest = b""
        while data := file.read(_CHUNK):
            window = rest + data
            found += [word for word in words if word in window and word not in found]
            rest = window[-longest:]
    return found
