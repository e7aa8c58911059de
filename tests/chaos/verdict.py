"""How a checked invariant is said."""

from __future__ import annotations

from dataclasses import dataclass, field

EXAMPLES = 5


@dataclass
class Verdict:
    """One line: what was looked at, how often it does not hold, and examples of that."""

    name: str
    words: str
    looked_at: str = ""
    bad: list[str] = field(default_factory=list)
    note: str = ""

    def blame(self, what: str) -> None:
        self.bad.append(what)

    @property
    def ok(self) -> bool:
        return not self.bad

    def lines(self) -> list[str]:
        note = f" ({self.note})" if self.note else ""
        word = "ok " if self.ok else "BAD"
        first = f"{word}  {self.name:3} {self.words}: {self.looked_at}, {len(self.bad)} bad{note}"
        more = [f"     … and {len(self.bad) - EXAMPLES} more"] if len(self.bad) > EXAMPLES else []
        return [first, *(f"     {what}" for what in self.bad[:EXAMPLES]), *more]


def short(key: tuple[str, str]) -> str:
    return f"{key[0]}/{key[1]}"
