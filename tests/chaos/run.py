"""The driver: one seed, a whole hostile world, one result.

    ./dev chaos [--payouts N] [--seed S] [--minutes M] [--workers 3] [--binary PATH] [--set LIST|none] [--keep]
    ./dev chaos --sweep kill|cut        every kill-point with every behaviour; a cut at every byte
    ./dev chaos --pauses N              N aimed stops between the claim's commit and the send
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shlex
import signal
import sys
import time
from pathlib import Path

from . import faults, plan, pauses, runner, sweeps
from .run_stats import RunStats
from .testbed import Testbed
from .workers import Timing

LAST_GRACE = 20.0  # after an interrupt
ROOT = Path(__file__).resolve().parent.parent.parent


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payouts", type=int, default=2000)
    parser.add_argument("--seed", type=int, help="the same seed gives the same plan; without it one is made and printed")
    parser.add_argument("--minutes", type=float, help="how long payouts and faults come; without it by their number")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--binary", type=Path, default=ROOT / "target" / "release" / "payout")
    parser.add_argument("--set", dest="words", default="all", help="all, none, or beginnings of names with commas")
    parser.add_argument("--behaviours", default="all", help="of the gateway: all, none or a list")
    parser.add_argument("--share", type=float, default=0.2, help="which part of the orders the gateway treats badly")
    parser.add_argument("--kills", type=int, help="at least so many kill -9")
    parser.add_argument("--restarts", type=int, help="at least so many immediate restarts of Postgres")
    parser.add_argument("--failovers", type=int, help="lossy ones")
    parser.add_argument("--stops", type=int, help="at least so many SIGSTOPs")
    parser.add_argument("--drain", type=float, help="seconds to settle after the last fault")
    parser.add_argument("--sweep", choices=("kill", "cut"))
    parser.add_argument("--pauses", type=int)
    parser.add_argument("--list", action="store_true", help="print every fault, or with --seed the plan, and end")
    parser.add_argument("--keep", action="store_true", help="keep the folder with every log")
    return parser.parse_args()


def seconds_of(options: argparse.Namespace) -> float:
    if options.minutes:
        return options.minutes * 60
    return 36.0 + max(0, options.payouts - 2000) * 0.0265


def needs_of(options: argparse.Namespace, seconds: float) -> dict[str, int]:
    """What a run of this size must contain at least: per 100 000 payouts 340 kills, 45 restarts, 6 failovers, 140 stops."""
    size = max(options.payouts / 100_000, seconds / 3600)
    wanted = {"kills": options.kills, "restarts": options.restarts, "failovers": options.failovers,
              "stops": options.stops}
    usual = {"kills": 340 * size, "restarts": 45 * size, "failovers": 6 * size, "stops": 140 * size}
    return {name: int(usual[name]) if value is None else value for name, value in wanted.items()}


def repeat(options: argparse.Namespace, seed: int) -> str:
    words = ["./dev", "chaos", "--seed", str(seed)]
    for name in ("payouts", "minutes", "workers", "behaviours", "share", "kills", "restarts", "failovers", "stops",
                 "drain", "sweep", "pauses"):
        value = getattr(options, name)
        if value is not None:
            words += [f"--{name}", str(value)]
    words += ["--set", options.words, "--binary", str(options.binary)]
    return shlex.join(words)


def report(stats: RunStats, testbed: Testbed, entries: list[plan.Entry]) -> None:
    print("faults that happened: " + ", ".join(f"{name} {times}" for name, times in sorted(stats.done.items())))
    if stats.missed:
        print("planned, but there was nothing to hit: " + ", ".join(
            f"{name} {times}" for name, times in sorted(stats.missed.items())))
    for name, words in sorted(stats.errors.items()):
        print(f"  {name}: {words}")
    never = sorted({entry.name for entry in entries} - set(stats.done))
    print(f"faults planned but never seen: {', '.join(never) or 'none'}")
    print("behaviours that happened: " + ", ".join(f"{name} {times}" for name, times in sorted(stats.behaviours.items())))
    print("\n".join(stats.summary()))
    call, workers = testbed.operators, testbed.workers
    print(f"on call: timelines accepted {call.accepted}, not yet {call.not_yet}; resubmits asked for {call.requested}, "
          f"approved {call.approved}, refused {call.refused}; the backend inserted {testbed.backend.reinserted} again")
    for words, times in sorted(call.words.items()):
        print(f"  {times} x {words}")
    for words in sorted(set(workers.bad_exits + testbed.backend.refused)):
        print(f"  UNEXPECTED: {words}")
    print(f"kills={workers.kills} stops={workers.stops} terminations={workers.terminations} pg_restarts={testbed.cluster.restarts} "
          f"failovers={testbed.cluster.failovers} fault_kinds={len(stats.done)} kinds={stats.kinds}")


async def chaos(options: argparse.Namespace, seed: int) -> int:
    seconds = seconds_of(options)
    entries = plan.make(seed, seconds, options.words, needs_of(options, seconds))
    if options.list:
        print(*entries, sep="\n")
        return 0
    # In a long run thousands wait for a person; asked for every two seconds they would leave no time for the others.
    timing = Timing(max_interval=2 if seconds < 1800 else 8)
    testbed = Testbed(options.binary, seed, options.workers, timing, options.behaviours, options.share)
    print(f"chaos: seed {seed}, {options.payouts} payouts in {seconds * 0.85:.0f} s, {len(entries)} faults of "
          f"{len({entry.name for entry in entries})} kinds planned; {testbed.folder}", flush=True)
    drain = options.drain or 80.0 + seconds / 40
    return await judged(testbed, options, seed, runner.whole(
        testbed, entries, options.payouts, seconds, drain, 3.0 if seconds < 300 else 5.0), entries)


async def judged(testbed: Testbed, options: argparse.Namespace, seed: int, work: object, entries: list[plan.Entry]) -> int:
    code = 1
    try:
        await testbed.build()
        if not testbed.clocks:
            print("chaos: libfaketime is not installed, so clock jumps are skipped", flush=True)
        code, stats, words = await work  # type: ignore[misc]
        report(stats, testbed, entries)
        print(words.rstrip())
    except asyncio.CancelledError:
        code = 0
        raise
    finally:
        if asyncio.iscoroutine(work):
            work.close()
        keep = options.keep or code != 0
        testbed.stop(keep)
        if keep:
            print(f"chaos: everything is kept in {testbed.folder}")
        if code:
            print(f"chaos: NOT GOOD. To repeat it: {repeat(options, seed)}")
    return code


async def main(options: argparse.Namespace) -> int:
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1, 10**6)
    if options.pauses:
        work = pauses.run(options, seed)
    elif options.sweep:
        work = sweeps.run(options, seed)
    else:
        work = chaos(options, seed)
    task = asyncio.create_task(work)

    def interrupted() -> None:
        task.cancel()
        # A helper that swallows it must not keep us: children die with us, by the kernel's hand.
        asyncio.get_running_loop().call_later(LAST_GRACE, os._exit, 130)

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted)
    begun = time.monotonic()
    try:
        return await task
    except asyncio.CancelledError:
        print("chaos: interrupted; everything is removed")
        return 130
    finally:
        print(f"chaos: {time.monotonic() - begun:.0f} s in all", flush=True)


if __name__ == "__main__":
    given = arguments()
    if given.list and given.seed is None:
        print(*sorted(faults.FAULTS), sep="\n")
        sys.exit(0)
    if not os.access(given.binary, os.X_OK):
        sys.exit(f"chaos: there is no program {given.binary}: build it, or name it with --binary")
    sys.exit(asyncio.run(main(given)))
