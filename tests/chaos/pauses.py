"""Aimed pauses: a worker is stopped between its claim's commit and the send, for longer than it may send."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import time
from pathlib import Path

from .ground_truth import FILE_NAME
from .net_faults import CLAIM
from .runner import settle
from .run_stats import RunStats, ended, progress
from .testbed import Testbed
from .workers import Timing, Worker

WORKERS = 8
SLACK = 0.1       # a byte that was handed to the kernel in time may be read by the gateway a little later


def testbed_for(binary: Path, seed: int) -> Testbed:
    # A small window makes a pause cheap: 1.5 s to send, so 1.8 s of standing still.
    return Testbed(binary, seed, WORKERS, Timing(timeout=1, lease=2.5, concurrency=3), "none", 0.0,
                 cells=True)  # a stopped worker holds locks: each has a merchant of its own


async def run(options: argparse.Namespace, seed: int) -> int:
    from .run import judged
    testbed = testbed_for(options.binary, seed)
    print(f"chaos: {options.pauses} aimed pauses, seed {seed}; {testbed.folder}", flush=True)
    return await judged(testbed, options, seed, paused(testbed, options.pauses, seed, options.drain or 120.0), [])


async def paused(testbed: Testbed, pauses: int, seed: int, drain: float) -> tuple[int, RunStats, str]:
    stats, word = RunStats(testbed), ["pauses"]
    await testbed.start()
    helpers = [asyncio.create_task(progress(stats, word, 5.0))]
    dice = random.Random(f"pauses {seed}")
    aims = [(dice.random() < 0.5, dice.random()) for _ in range(pauses)]
    until = time.monotonic() + 30 + pauses * 4 * (testbed.timing.send_window + 2) / WORKERS
    feeding = asyncio.create_task(feed(testbed))

    async def one(worker: Worker) -> None:
        while aims and time.monotonic() < until:
            at_commit, jitter = aims.pop()
            if await aimed(testbed, worker, at_commit, jitter):
                testbed.workers.stops += 1
                stats.note("stop_after_claim_commit" if at_commit else "stop_at_connect", True)
            else:
                aims.append((at_commit, jitter))
            await flows(testbed, worker)

    await asyncio.gather(*(one(worker) for worker in testbed.workers.all))
    await ended(feeding)
    word[0] = "calm"
    await settle(testbed, stats, helpers, drain)
    late, words = await late_sends(testbed)
    print(words, flush=True)
    code, checked = await testbed.check()
    if late:
        checked = f"BAD  late {late} sends after their time\n{checked}"
    return code or (1 if late else 0), stats, checked


async def flows(testbed: Testbed, worker: Worker) -> None:
    """Lets some claims through: four sends withheld in a row stop a worker's claims for seconds, rightly (I13)."""
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
                testbed.backend.note([testbed.backend.make() for _ in range(WORKERS * 40)])
        await asyncio.sleep(0.1)


async def aimed(testbed: Testbed, worker: Worker, at_commit: bool, jitter: float) -> bool:
    """The proxy itself stops the process, microseconds after the bytes went by; here it is only woken again."""
    rule = {"action": "signal", "signal": int(signal.SIGSTOP)}
    if at_commit:  # from the commit's answer to the connection
        listener, rule = worker.listener, {**rule, "point": "commit", "statement": CLAIM, "side": "after",
                                           "pid": worker.pid, "after_ms": jitter * 4}
    else:          # from the connection to the body
        listener, rule = worker.gateway, {**rule, "point": "connect", "pid": worker.pid, "after_ms": jitter * 0.5}
    number = await testbed.proxy.rule(listener, **rule)
    event, waited = None, time.monotonic() + 6
    while time.monotonic() < waited:
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
    """Compares when the gateway got each submit with the send-by time of its attempt."""
    rows = await testbed.cluster.sql("select order_num, extract(epoch from claimed_at), extract(epoch from send_by), "
                                   "coalesce(outcome, '') from payout.attempts order by claimed_at", within=60)
    attempts: dict[str, list[tuple[float, float]]] = {}
    for row in rows.splitlines():
        order, claimed, send_by, _ = row.split("|")
        attempts.setdefault(order, []).append((float(claimed), float(send_by)))
    withheld = await testbed.cluster.sql("select coalesce(sum(not_sent), 0) from payout.payouts")
    late, closest, submits, examples = 0, 1e9, 0, []
    with open(testbed.folder / "gateway" / FILE_NAME, encoding="utf-8") as log:
        for line in log:
            if '"submit"' not in line[:80]:
                continue
            entry = json.loads(line)
            if entry["kind"] != "submit":
                continue
            submits += 1
            own = [send_by for claimed, send_by in attempts.get(entry["order"], []) if claimed <= entry["t"]]
            if not own:
                continue
            left = own[-1] - entry["t"]
            closest = min(closest, left)
            if left < -SLACK:
                late += 1
                examples.append(f"{entry['order']}: {-left:.3f} s late")
    words = (f"pauses: {testbed.workers.stops} stops, {submits} submits at the gateway, {withheld} withheld by the deadline, "
             f"late_sends={late} (closest to its deadline: {closest:+.3f} s)")
    return late, "\n  ".join([words, *examples[:10]])
