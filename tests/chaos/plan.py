"""One seed, one plan: which fault, when, and with which numbers. Nothing in it depends on a clock."""

from __future__ import annotations

import random
from typing import Any, List

from . import kill_points, net_faults  # noqa: F401  they register their faults
from .faults import FAULTS, KILLS, SERVER

FAILOVERS = ("failover_lossy", "failover_zombie", "failover_loses_acceptance")
RESTARTS = ("pg_immediate_restart", "pg_kill")
STOPS = ("worker_stop", "worker_stop_past_lease", "worker_flicker", "k3_stop", "k2_stop")
FAILOVER_COSTS = 22.0  # seconds in which claims stand still, by the quiet horizon
QUIET = 1.0
LONG = 180.0
SERVER_EVERY = 8.0
FAULTS_PER_SECOND = 0.75


class Entry:
    """One fault of the plan."""

    __slots__ = ("at", "name", "numbers")

    def __init__(self, at: float, name: str, numbers: List[float]) -> None:
        self.at, self.name, self.numbers = at, name, numbers

    def __repr__(self) -> str:
        return f"{self.at:8.2f}s {self.name:32s} {' '.join(f'{number:.3f}' for number in self.numbers)}"


def chosen(words: str) -> list[str]:
    """The faults that --set names: all, none, or a list in which a word stands for every fault that begins with it."""
    if words == "none":
        return []
    if words == "all":
        return sorted(FAULTS)
    names = [name for name in sorted(FAULTS) if any(name.startswith(word) for word in words.split(","))]
    if not names:
        raise SystemExit(f"chaos: --set {words}: no such fault. There are {', '.join(sorted(FAULTS))}")
    return names


def make(seed: int, seconds: float, words: str, needs: dict[str, int]) -> list[Entry]:
    """Each fault at least once, then more of them at random until the needs and the time are filled."""
    dice = random.Random(f"plan {seed}")
    names = chosen(words)
    if not names:
        return []
    failovers = [name for name in names if name in FAILOVERS]
    if words == "all" and seconds < LONG:
        failovers.remove("failover_loses_acceptance")  # two horizons long
    server = [name for name in names if name in SERVER and name not in FAILOVERS]
    others = [name for name in names if name not in SERVER]
    dice.shuffle(server)
    dice.shuffle(others)
    # A short run takes a sample: with everything at once no claim would get through. Another seed takes another one.
    server = server[:max(1, int(seconds / SERVER_EVERY))]
    others = others[:max(1, int(seconds * FAULTS_PER_SECOND))]
    for name, of in (("pg_immediate_restart", server), ("worker_kill", others)):
        if name in names and name not in of:
            of[0] = name
    dice.shuffle(failovers)

    entries: list[Entry] = []

    def add(at: float, name: str) -> None:
        entries.append(Entry(round(at, 3), name, [round(dice.random(), 4) for _ in range(3)]))

    # Failovers come evenly, late enough that claims flow before each and time is left after it.
    wanted = min(max(needs.get("failovers", 1), 1), max(1, int(seconds / FAILOVER_COSTS))) if failovers else 0
    if wanted and needs.get("failovers", 1) > 1:
        wanted = max(wanted, needs["failovers"])
    at_failover = [seconds * (index + 0.55) / wanted for index in range(wanted)]
    for index, at in enumerate(at_failover):
        add(at, failovers[index % len(failovers)])

    # Other faults of the server: not while a failover is under way.
    count = max(len(server), needs.get("restarts", 0) * 2 if server else 0)
    restarts = [name for name in RESTARTS if name in server]
    queue = server + [dice.choice(restarts or server) if index % 2 else dice.choice(server)
                      for index in range(count - len(server))]
    places = [QUIET + (seconds - QUIET) * (index + dice.random() * 0.6) / max(count, 1) for index in range(count)]
    for at, name in zip(places, queue):
        while any(moment - 1.5 < at < moment + 4 for moment in at_failover):
            at += 1.0
        add(at, name)

    # The rest, all kinds in the first part of the time, while claims certainly flow.
    first = seconds * (0.6 if wanted else 0.9)
    for index, name in enumerate(others):
        add(QUIET + first * (index + dice.random()) / len(others), name)
    kills = [name for name in others if name in KILLS]
    stops = [name for name in others if name in STOPS]
    for wished, pool in (("kills", kills), ("stops", stops)):
        for _ in range(needs.get(wished, 0) if pool else 0):
            add(QUIET + dice.random() * (seconds - QUIET), dice.choice(pool))
    # And once more, anything, in the time that is left.
    for _ in range(max(0, int(seconds * FAULTS_PER_SECOND) - len(entries)) if others + server else 0):
        add(QUIET + dice.random() * (seconds - QUIET), dice.choice(others or server))
    return sorted(entries, key=lambda entry: (entry.at, entry.name))


def describe(entries: list[Entry]) -> dict[str, Any]:
    return {"entries": len(entries), "faults": len({entry.name for entry in entries})}
