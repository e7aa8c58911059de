"""The chaos run: one seed, real workers in a hostile world, and a checker's verdict.

    ./dev chaos [--payouts N] [--seed S] [--minutes M] [--workers 3] [--binary PATH] [--set LIST|none] [--keep]
    ./dev chaos --sweep kill|cut        every kill-point with every behaviour; a cut at every byte
    ./dev chaos --pauses N              N aimed stops between the claim's commit and the send
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import time
from pathlib import Path

from . import faults, pauses, plan, runner, settings_faults, sweeps
from .report import run_and_report
from .testbed import Testbed
from .workers import Timing

EXIT_WITHIN = 20.0  # seconds after an interrupt
LONG_RUN = 1800.0   # seconds
ROOT = Path(__file__).resolve().parent.parent.parent


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payouts", type=int, default=2000, help="how many the backend enqueues (default 2000)")
    parser.add_argument("--seed", type=int, help="the same seed gives the same plan; default: a random one, printed")
    parser.add_argument("--minutes", type=float, help="how long payouts and faults come; default: by --payouts")
    parser.add_argument("--workers", type=int, default=3, help="worker processes (default 3)")
    parser.add_argument("--binary", type=Path, default=ROOT / "target" / "release" / "payout", help="program to test")
    parser.add_argument("--set", dest="faults", default="all",
                        help="faults: all, none, or a comma-separated list of names or their beginnings")
    parser.add_argument("--behaviours", default="all", help="of the gateway: all, none, or a comma-separated list")
    parser.add_argument("--share", type=float, default=0.2,
                        help="share of orders with an abnormal submit (default 0.2)")
    parser.add_argument("--kills", type=int, help="minimum number of SIGKILLs of workers")
    parser.add_argument("--restarts", type=int, help="minimum number of immediate restarts of Postgres")
    parser.add_argument("--failovers", type=int, help="minimum number of lossy failovers")
    parser.add_argument("--stops", type=int, help="minimum number of SIGSTOPs of workers")
    parser.add_argument("--drain", type=float, help="after the last fault, give up when nothing has settled for so many seconds")
    parser.add_argument("--sweep", choices=("kill", "cut"), help="an exhaustive sweep in place of random faults")
    parser.add_argument("--pauses", type=int, help="number of aimed stops, in place of random faults")
    parser.add_argument("--list", action="store_true", help="print every fault, or with --seed the plan, and exit")
    parser.add_argument("--keep", action="store_true", help="keep the folder with all logs and data")
    return parser.parse_args()


def seconds_of(options: argparse.Namespace) -> float:
    if options.minutes:
        return options.minutes * 60
    return 36.0 + max(0, options.payouts - 2000) * 0.0265


def minimums(options: argparse.Namespace, seconds: float) -> dict[str, int]:
    """The least a run of this size contains: 340 kills, 45 restarts, 6 failovers, 140 stops per 100 000 payouts."""
    size = max(options.payouts / 100_000, seconds / 3600)
    stated = {"kills": options.kills, "restarts": options.restarts, "failovers": options.failovers,
              "stops": options.stops}
    usual = {"kills": 340 * size, "restarts": 45 * size, "failovers": 6 * size, "stops": 140 * size}
    return {name: int(usual[name]) if value is None else value for name, value in stated.items()}


DRAIN = 80.0  # the longest wait of a payout is its quiet horizon and the queries after it


async def chaos(options: argparse.Namespace, seed: int) -> int:
    seconds = seconds_of(options)
    planned = plan.make_plan(seed, seconds, options.faults, minimums(options, seconds))
    if options.list:
        print(*planned, sep="\n")
        return 0
    # In a long run thousands of payouts wait for an operator. Querying each every two seconds would starve the others.
    timing = Timing(max_interval=2 if seconds < LONG_RUN else 8)
    testbed = Testbed(options.binary, seed, options.workers, timing, options.behaviours, options.share,
                      server_clock=any(fault.name in settings_faults.CLOCK for fault in planned))
    print(f"chaos: seed {seed}, {options.payouts} payouts in {seconds * 0.85:.0f} s, {len(planned)} faults of "
          f"{len({fault.name for fault in planned})} kinds planned; {testbed.folder}", flush=True)
    drain = options.drain or DRAIN
    every = 3.0 if seconds < 300 else 5.0
    return await run_and_report(testbed, options, seed, runner.run_plan(
        testbed, planned, options.payouts, seconds, drain, every), planned)


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
        # A helper that swallows the cancellation must not keep us. The kernel ends our child processes with us.
        asyncio.get_running_loop().call_later(EXIT_WITHIN, os._exit, 130)

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
        sys.exit(f"chaos: there is no program {given.binary}: build it, or name another with --binary")
    sys.exit(asyncio.run(main(given)))
