"""Exhaustive sweeps, with nothing left to chance: every kill-point with every behaviour, and a cut at every byte."""

from __future__ import annotations

import argparse
import asyncio
import time

from . import behaviours
from .kill_points import POINTS, kill_or_stop
from .net_faults import SUBMIT
from .report import run_and_report
from .runner import Outcome, Session
from .testbed import Testbed
from .workers import Timing, Worker

REACHED_WITHIN = 15.0  # on a busy machine too: a case given up too early would count as unreachable
CELLS = 6
DRAIN = 120.0


async def run(options: argparse.Namespace, seed: int) -> int:
    kill = options.sweep == "kill"
    timing = Timing(timeout=1, lease=3) if kill else Timing()
    testbed = Testbed(options.binary, seed, CELLS if kill else 2, timing, "all" if kill else "none", 0.0, cells=kill)
    print(f"chaos: sweep {options.sweep}, seed {seed}; {testbed.folder}", flush=True)
    drain = options.drain or DRAIN
    work = kill_everywhere(testbed, options.faults, drain) if kill else cut_everywhere(testbed, drain)
    return await run_and_report(testbed, options, seed, work)


# Every kill-point with every behaviour.

async def kill_everywhere(testbed: Testbed, points: str, drain: float) -> Outcome:
    session = Session(testbed, "sweep")
    await session.start()
    names = [behaviours.NORMAL, *(name for family in behaviours.FAMILIES.values() for name in family)]
    wanted = list(POINTS) if points == "all" else [point for point in POINTS if point in points.split(",")]
    cases = [(point, name) for point in wanted for name in names]
    left = iter(enumerate(cases))
    reached: dict[str, int] = {point: 0 for point in POINTS}
    not_reached: list[str] = []

    async def work_through(worker: Worker, merchant: str) -> None:
        for number, (point, name) in left:  # shared: each case goes to the worker that is free
            if await one_case(testbed, worker, merchant, number, point, name):
                reached[point] += 1
                session.stats.count(f"{point}_kill", True)
            else:
                not_reached.append(f"{point}/{name}")

    await asyncio.gather(*(work_through(worker, merchant["code"])
                           for worker, merchant in zip(testbed.workers.all, testbed.merchants)))
    print(f"sweep: {len(cases)} cases; killed at " + ", ".join(f"{point} {reached[point]}" for point in POINTS))
    print("sweep: points that a behaviour never reaches: " + (", ".join(sorted(not_reached)) or "none"), flush=True)
    return await session.finish(drain)


async def one_case(testbed: Testbed, worker: Worker, merchant: str, number: int, point: str, name: str) -> bool:
    """Enqueues one order with one behaviour and kills a worker at one point. False if the point is not reached."""
    order = f"S{testbed.seed}-{number}-{point}"
    await testbed.admin("behaviour", {"order": order, "behaviour": name})
    r = [0.0, (number * 0.37) % 1.0, 0.0]
    ready = asyncio.Event()
    striking = asyncio.create_task(
        kill_or_stop(testbed, point, r, within=REACHED_WITHIN, worker=worker, order=order, ready=ready))
    await ready.wait()
    testbed.backend.enqueue([{**testbed.backend.make(order), "merchant": merchant}])
    return await striking


# A cut at every byte.

async def cut_everywhere(testbed: Testbed, drain: float) -> Outcome:
    """Every second submit breaks one byte later than the last; those between get through and keep claims flowing."""
    session = Session(testbed, "lengths")
    await session.start()
    lengths = await measure_lengths(session)
    for direction, action, what in (("up", "cut", "request"), ("down", "reset", "answer")):
        longest = lengths[f"{direction} {SUBMIT}"]
        session.stats.phase = f"{action} {direction}"
        rule = await testbed.proxy.rule("gateway", point="bytes", path=SUBMIT, dir=direction, at=0, step=1, every=2,
                                        action=action, times=longest)
        testbed.backend.enqueue([testbed.backend.make() for _ in range(2 * longest + 20)])
        await until_no_more(testbed, rule, 60 + longest / 4)
        hits = testbed.proxy.hits.get(rule, 0)
        await testbed.proxy.unrule("gateway", rule)
        print(f"sweep: {what}: broken at {hits} of {longest} bytes", flush=True)
        session.stats.happened[f"cut_{direction}"] = hits
    return await session.finish(drain)


async def measure_lengths(session: Session) -> dict[str, int]:
    """How long requests and answers are, from a few submits that are left alone."""
    testbed = session.testbed
    testbed.backend.enqueue([testbed.backend.make() for _ in range(40)])
    for _ in range(100):
        await asyncio.sleep(0.2)
        states = session.stats.states
        lengths = (await testbed.proxy.stats())["gateway"]["longest"]
        if states.get("paid", 0) + states.get("failed", 0) >= 40 or lengths.get(f"down {SUBMIT}", 0) > 0:
            break
    await asyncio.sleep(2)
    return (await testbed.proxy.stats())["gateway"]["longest"]


async def until_no_more(testbed: Testbed, rule: int, within: float) -> None:
    """Waits until the rule hits nothing more: requests differ in length, so the last cuts may have nothing to cut."""
    until, last, since = time.monotonic() + within, -1, time.monotonic()
    while time.monotonic() < until and time.monotonic() - since < 6:
        await asyncio.sleep(0.2)
        hits = testbed.proxy.hits.get(rule, 0)
        if hits != last:
            last, since = hits, time.monotonic()
