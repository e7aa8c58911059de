"""One seed, one plan: which fault, when, and with which numbers. Nothing in it depends on a clock."""

from __future__ import annotations

import random
from typing import NamedTuple

from . import (  # noqa: F401  they register their faults
    copy_faults, database_faults, encoding_faults, kill_points, lock_faults, log_faults, mischief, net_faults, settings_faults,
    size_faults, two_phase)
from .faults import FAULTS, KILLS, SERVER

# Never left out of "all", however short the run.
ALWAYS = ("pg_immediate_restart", "worker_kill", "operator_alone", "operators_in_pairs", "pg_refused_evidence",
          "two_phase_inserts")
BY_NAME = ("pg_evidence_set_aside",)  # takes longer than most runs
FAILOVERS = ("failover_lossy", "failover_zombie", "failover_loses_acceptance")
RESTARTS = ("pg_immediate_restart", "pg_kill")
STOPS = ("worker_stop", "worker_stop_past_lease", "worker_flicker", "k3_stop", "k2_stop")
FAILOVER_COSTS = 22.0  # seconds without claims, because of the quiet horizon
QUIET_START = 1.0      # seconds before the first fault
LONG_RUN = 180.0       # seconds
SERVER_FAULT_EVERY = 8.0
FAULTS_PER_SECOND = 0.75
LASTS = {"pg_account_held": 9.0, "pg_payout_held": 9.0, "data_folder_copy": 10.0, "data_folder_copy_untouched": 10.0,
         "pg_row_level_security": 15.0, "pg_refused_evidence": 12.0, "pg_latin1_database": 6.0, "two_phase_inserts": 5.0,
         "two_phase_open": 9.0,
         # Five minutes after the first try a worker tries again what it has set aside.
         "pg_evidence_set_aside": 320.0}  # seconds; they end with the others


class PlannedFault(NamedTuple):
    at: float  # seconds from the beginning
    name: str
    numbers: list[float]  # three between 0 and 1, from which the fault derives everything that it varies

    def __str__(self) -> str:
        return f"{self.at:8.2f}s {self.name:32s} {' '.join(f'{number:.3f}' for number in self.numbers)}"


def fault_names(words: str) -> list[str]:
    """The faults that --set names: all, none, or a list in which a word stands for every fault that begins with it.
    Those of BY_NAME are only in such a list, under their full name."""
    if words == "none":
        return []
    listed = words.split(",")
    names = [name for name in sorted(FAULTS)
             if name in listed or name not in BY_NAME and any(word == "all" or name.startswith(word) for word in listed)]
    if not names:
        raise SystemExit(f"chaos: --set {words}: no such fault. There are {', '.join(sorted(FAULTS))}")
    return names


def make_plan(seed: int, seconds: float, words: str, minimums: dict[str, int]) -> list[PlannedFault]:
    """Each chosen fault at least once, then random ones until the minimums are met and the time is filled."""
    names = fault_names(words)
    if not names:
        return []
    plan = _Plan(seed, seconds, minimums)
    failovers = [name for name in names if name in FAILOVERS]
    if words == "all" and seconds < LONG_RUN:
        failovers.remove("failover_loses_acceptance")  # takes two quiet horizons
    server = [name for name in names if name in SERVER and name not in FAILOVERS]
    others = [name for name in names if name not in SERVER]
    # A short run takes a sample: with every fault at once no claim would get through. Another seed takes another one.
    server = plan.sample(server, seconds / SERVER_FAULT_EVERY)
    others = plan.sample(others, seconds * FAULTS_PER_SECOND)
    plan.rng.shuffle(failovers)
    plan.add_failovers(failovers)
    plan.add_server_faults(server)
    plan.add_others(others)
    plan.fill(others, FAULTS_PER_SECOND) if others else plan.fill(server, 1 / SERVER_FAULT_EVERY)
    return sorted(plan.faults, key=lambda fault: (fault.at, fault.name))


class _Plan:
    def __init__(self, seed: int, seconds: float, minimums: dict[str, int]) -> None:
        self.rng = random.Random(f"plan {seed}")
        self.seconds, self.minimums = seconds, minimums
        self.faults: list[PlannedFault] = []
        self.failovers_at: list[float] = []

    def sample(self, names: list[str], count: float) -> list[str]:
        """At least one of the names, in random order, and all of them that belong to every run."""
        always = [name for name in names if name in ALWAYS]
        more = [name for name in names if name not in ALWAYS]
        self.rng.shuffle(more)
        chosen = always + more[:max(0, max(1, int(count)) - len(always))]
        self.rng.shuffle(chosen)
        return chosen

    def _add(self, at: float, name: str) -> None:
        at = min(at, max(QUIET_START, self.seconds - LASTS.get(name, 0.0)))
        self.faults.append(PlannedFault(round(at, 3), name, [round(self.rng.random(), 4) for _ in range(3)]))

    def add_failovers(self, names: list[str]) -> None:
        """Evenly spread, and late enough that claims flow before each and time is left after it."""
        if not names:
            return
        minimum = self.minimums.get("failovers", 1)
        count = min(max(minimum, 1), max(1, int(self.seconds / FAILOVER_COSTS)))
        if minimum > 1:
            count = max(count, minimum)
        self.failovers_at = [self.seconds * (index + 0.55) / count for index in range(count)]
        for index, at in enumerate(self.failovers_at):
            self._add(at, names[index % len(names)])

    def add_server_faults(self, names: list[str]) -> None:
        """Other faults of the database server, none of them during a failover."""
        count = max(len(names), self.minimums.get("restarts", 0) * 2 if names else 0)
        restarts = [name for name in RESTARTS if name in names]
        queue = names + [self.rng.choice(restarts or names) if index % 2 else self.rng.choice(names)
                         for index in range(count - len(names))]
        times = [QUIET_START + (self.seconds - QUIET_START) * (index + self.rng.random() * 0.6) / max(count, 1)
                 for index in range(count)]
        for at, name in zip(times, queue):
            while any(failover - 1.5 < at < failover + 4 for failover in self.failovers_at):
                at += 1.0
            self._add(at, name)

    def add_others(self, names: list[str]) -> None:
        """Each once in the first part of the time, while claims certainly flow; then the minimums of kills, stops."""
        first_part = self.seconds * (0.6 if self.failovers_at else 0.9)
        for index, name in enumerate(names):
            self._add(QUIET_START + first_part * (index + self.rng.random()) / len(names), name)
        for minimum, kind in (("kills", KILLS), ("stops", STOPS)):
            pool = [name for name in names if name in kind]
            for _ in range(self.minimums.get(minimum, 0) if pool else 0):
                self._add(self._any_time(), self.rng.choice(pool))

    def fill(self, names: list[str], per_second: float) -> None:
        """Anything, anywhere, up to that number of faults."""
        for _ in range(max(0, int(self.seconds * per_second) - len(self.faults)) if names else 0):
            self._add(self._any_time(), self.rng.choice(names))

    def _any_time(self) -> float:
        return QUIET_START + self.rng.random() * (self.seconds - QUIET_START)
