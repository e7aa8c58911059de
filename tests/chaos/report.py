"""Builds a testbed, runs something on it, and reports: counters, the checker's verdict, how to repeat the run."""

from __future__ import annotations

import argparse
import asyncio
import shlex
from typing import Coroutine, Sequence

from .plan import PlannedFault
from .run_stats import RunStats
from .runner import Outcome
from .testbed import Testbed

REPEATED_OPTIONS = ("payouts", "minutes", "workers", "behaviours", "share", "kills", "restarts", "failovers", "stops",
                    "drain", "sweep", "pauses")


async def run_and_report(testbed: Testbed, options: argparse.Namespace, seed: int,
                         work: Coroutine[None, None, Outcome], planned: Sequence[PlannedFault] = ()) -> int:
    """The exit code. The folder is kept after a bad run, and with --keep."""
    code = 1
    try:
        await testbed.build()
        if not testbed.clocks or (testbed.server_clock and testbed.cluster.clock_file is None):
            print("chaos: libfaketime is not installed, so clock jumps are skipped", flush=True)
        code, stats, verdict = await work
        print("\n".join(lines(stats, testbed, planned)))
        print(verdict.rstrip())
        if testbed.findings:
            print("\n".join(f"BAD  the driver saw: {finding}" for finding in testbed.findings))
            code = 1
    except asyncio.CancelledError:
        code = 0
        raise
    finally:
        work.close()
        keep = options.keep or code != 0
        testbed.stop(keep)
        if keep:
            print(f"chaos: all logs and data are kept in {testbed.folder}")
        if code:
            print(f"chaos: NOT GOOD. To repeat this run: {repeat_command(options, seed)}")
    return code


def repeat_command(options: argparse.Namespace, seed: int) -> str:
    words = ["./dev", "chaos", "--seed", str(seed)]
    for name in REPEATED_OPTIONS:
        value = getattr(options, name)
        if value is not None:
            words += [f"--{name}", str(value)]
    words += ["--set", options.faults, "--binary", str(options.binary)]
    return shlex.join(words)


def counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {times}" for name, times in sorted(counts.items()))


def lines(stats: RunStats, testbed: Testbed, planned: Sequence[PlannedFault]) -> list[str]:
    operators, workers, cluster, backend = testbed.operators, testbed.workers, testbed.cluster, testbed.backend
    found = [f"faults that happened: {counted(stats.happened)}"]
    if stats.missed:
        found.append(f"planned, but there was nothing to hit: {counted(stats.missed)}")
    found += [f"  {name}: {error}" for name, error in sorted(stats.errors.items())]
    never = sorted({fault.name for fault in planned} - set(stats.happened))
    found.append(f"faults planned that never happened: {', '.join(never) or 'none'}")
    found.append(f"behaviours that happened: {counted(stats.behaviours)}")
    found += stats.recovery()
    found.append(f"operators: failovers accepted {operators.accepted}, not accepted yet {operators.not_yet}; resubmits "
                 f"requested {operators.requested}, approved {operators.approved}, refused {operators.refused}; "
                 f"the backend inserted {backend.reinserted} again")
    found += [f"  {times} x {refusal}" for refusal, times in sorted(operators.refusals.items())]
    found += [f"mischief that was accepted: {counted(operators.mischief)}"] if operators.mischief else []
    found += [f"  {note}" for note in testbed.notes]
    found += [f"  UNEXPECTED: {error}" for error in sorted(set(workers.bad_exits + backend.refused))]
    found.append(f"kills={workers.kills} stops={workers.stops} terminations={workers.terminations} "
                 f"pg_restarts={cluster.restarts} failovers={cluster.failovers} fault_kinds={len(stats.happened)} "
                 f"kinds={stats.kinds}")
    return found
