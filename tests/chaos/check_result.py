"""What one check of the checker found, and how it is printed."""

from __future__ import annotations

from dataclasses import dataclass, field

EXAMPLES_MAX = 5


@dataclass
class CheckResult:
    """One line of the report: what was checked, the violations, and examples of them."""

    name: str    # C1 to C10
    title: str   # what must hold
    scope: str = ""  # how much was looked at
    violations: list[str] = field(default_factory=list)
    note: str = ""

    def add(self, violation: str) -> None:
        self.violations.append(violation)

    @property
    def ok(self) -> bool:
        return not self.violations

    def lines(self) -> list[str]:
        word = "ok " if self.ok else "BAD"
        note = f" ({self.note})" if self.note else ""
        first = f"{word}  {self.name:3} {self.title}: {self.scope}, {len(self.violations)} bad{note}"
        examples = [f"     {violation}" for violation in self.violations[:EXAMPLES_MAX]]
        left = len(self.violations) - EXAMPLES_MAX
        return [first, *examples, *([f"     … and {left} more"] if left > 0 else [])]


def short(key: tuple[str, str]) -> str:
    return f"{key[0]}/{key[1]}"
