"""Aimed pauses: a worker is stopped between its claim's commit and the send, for longer than it may still send."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import time
from pathlib import Path

from .ground_truth import FILE_NAME, read
from .proxy_pg import CLAIM
from .report import run_and_report
from .runner import Outcome, Session, end
from .testbed import Testbed
from .workers import Timing, Worker

WORKERS = 8
TOLERANCE = 0.1  # seconds between handing a byte to the kernel in time and the gateway reading it
# A stop between the look at the clock and the system call goes unnoticed (ARCHITECTURE.md, I9), and the stops are aimed at that
# moment: one of 200 met it. Without the look every fourth submit is late.
STOPS_PER_UNNOTICED = 40
EXAMPLES_MAX = 10


def testbed_for(binary: Path, seed: int) -> Testbed:
    # A short send window makes a pause cheap: 1.5 s to send, so 1.8 s of standing still.
    return Testbed(binary, seed, WORKERS, Timing(timeout=1, lease=2.5, concurrency=3), "none", 0.0,
                   cells=True)  # a stopped worker holds locks, so each has a merchant of its own


async def run(options: argparse.Namespace, seed: int) -> int:
    testbed = testbed_for(options.binary, seed)
    print(f"chaos: {options.pauses} aimed pauses, seed {seed}; {testbed.folder}", flush=True)
    return await run_and_report(testbed, options, seed,
                                run_pauses(testbed, options.pauses, seed, options.drain or 120.0))


async def run_pauses(testbed: Testbed, pauses: int, seed: int, drain: float) -> Outcome:
    session = Session(testbed, "pauses")
    await session.start(recovery=False)
    rng = random.Random(f"pauses {seed}")
    aims = [(rng.random() < 0.5, rng.random()) for _ in range(pauses)]
    until = time.monotonic() + 30 + pauses * 4 * (testbed.timing.send_window + 2) / WORKERS
    feeding = asyncio.create_task(feed(testbed))

    async def pause_repeatedly(worker: Worker) -> None:
        while aims and time.monotonic() < until:
            at_commit, jitter = aims.pop()
            if await pause(testbed, worker, at_commit, jitter):
                testbed.workers.stops += 1
                session.stats.count("stop_after_claim_commit" if at_commit else "stop_at_connect", True)
            else:
                aims.append((at_commit, jitter))
            await let_claims_through(testbed, worker)

    await asyncio.gather(*(pause_repeatedly(worker) for worker in testbed.workers.all))
    await end(feeding)
    await session.settle(drain)
    late, report = await late_sends(testbed)
    print(report, flush=True)
    code, checked = await testbed.check()
    if late > testbed.workers.stops // STOPS_PER_UNNOTICED:
        checked = f"BAD  late {late} sends after their deadline\n{checked}"
        code = code or 1
    return code, session.stats, checked


async def let_claims_through(testbed: Testbed, worker: Worker) -> None:
    """Four withheld sends in a row open the worker's circuit breaker, rightly, so some must get through between."""
    before = (await testbed.proxy.stats())[worker.listener]["claims"]
    for _ in range(40):
        await asyncio.sleep(0.05)
        if (await testbed.proxy.stats())[worker.listener]["claims"] >= before + 3:
            return


async def feed(testbed: Testbed) -> None:
    """Keeps some payouts queued, so that every worker always has one to claim."""
    while True:
        if len(testbed.backend.pending) < 20:
            queued = await testbed.cluster.sql("select count(*) from payout.payouts where state = 'queued'")
            if int(queued) < 60 * WORKERS:
                testbed.backend.enqueue([testbed.backend.make() for _ in range(WORKERS * 40)])
        await asyncio.sleep(0.1)


async def pause(testbed: Testbed, worker: Worker, at_commit: bool, jitter: float) -> bool:
    """Whether a worker was stopped. The proxy itself stops it, microseconds after the bytes passed; this wakes it."""
    rule = {"action": "signal", "signal": int(signal.SIGSTOP)}
    if at_commit:  # between the answer to the commit and the connection to the gateway
        listener, rule = worker.listener, {**rule, "point": "commit", "statement": CLAIM, "side": "after",
                                           "pid": worker.pid, "after_ms": jitter * 4}
    else:          # between the connection to the gateway and the body
        listener, rule = worker.gateway, {**rule, "point": "connect", "pid": worker.pid, "after_ms": jitter * 0.5}
    number = await testbed.proxy.rule(listener, **rule)
    event, until = None, time.monotonic() + 6
    while time.monotonic() < until:
        event = await testbed.proxy.event(number, 6)
        if event is None or event["event"] == "signalled":
            break
    await testbed.proxy.unrule(listener, number)
    if event is None or event["event"] != "signalled":
        return False
    await asyncio.sleep(testbed.timing.send_window + 0.2 + 0.3 * jitter)
    try:
        os.kill(event["pid"], signal.SIGCONT)
    except ProcessLookupError:
        return False
    await asyncio.sleep(0.1)
    return True


async def late_sends(testbed: Testbed) -> tuple[int, str]:
    """Compares when the gateway received each submit with the send-by time of its attempt."""
    rows = await testbed.cluster.sql("select order_num, extract(epoch from claimed_at), extract(epoch from send_by) "
                                     "from payout.attempts order by claimed_at", within=60)
    attempts: dict[str, list[tuple[float, float]]] = {}
    for row in rows.splitlines():
        order, claimed, send_by = row.split("|")
        attempts.setdefault(order, []).append((float(claimed), float(send_by)))
    withheld = await testbed.cluster.sql("select coalesce(sum(not_sent), 0) from payout.payouts")
    margins: list[tuple[float, str]] = []  # seconds left at the gateway, and which order
    submits = received_submits(testbed.folder / "gateway" / FILE_NAME)
    for at, order in submits:
        deadlines = [send_by for claimed, send_by in attempts.get(order, []) if claimed <= at]
        if deadlines:
            margins.append((deadlines[-1] - at, order))
    late = [(margin, order) for margin, order in margins if margin < -TOLERANCE]
    closest = min((margin for margin, _ in margins), default=float("inf"))
    report = (f"pauses: {testbed.workers.stops} stops, {len(submits)} submits at the gateway, {withheld} withheld by "
              f"the deadline, late_sends={len(late)} (closest to its deadline: {closest:+.3f} s)")
    examples = [f"{order}: {-margin:.3f} s late" for margin, order in late[:EXAMPLES_MAX]]
    return len(late), "\n  ".join([report, *examples])


def received_submits(path: Path) -> list[tuple[float, str]]:
    """When the gateway received a submit, and of which order."""
    found = []
    for line in read(path):
        if line["kind"] == "submit":
            found.append((line["t"], line["order"]))
    return found
