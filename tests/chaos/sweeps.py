"""Sweeps: nothing at random. Every kill-point with every behaviour; one connection cut at every byte."""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import Any

from . import behaviours
from .kill_points import POINTS, strike
from .net_faults import SUBMIT
from .runner import settle
from .run_stats import RunStats, progress
from .testbed import Testbed
from .workers import Timing, Worker

REACHED_WITHIN = 4.0
CELLS = 6


async def run(options: argparse.Namespace, seed: int) -> int:
    from .run import judged
    kill = options.sweep == "kill"
    timing = Timing(timeout=1, lease=3) if kill else Timing()
    testbed = Testbed(options.binary, seed, CELLS if kill else 2, timing, "all" if kill else "none", 0.0, cells=kill)
    print(f"chaos: sweep {options.sweep}, seed {seed}; {testbed.folder}", flush=True)
    return await judged(testbed, options, seed, (kills if kill else cuts)(testbed, options), [])


async def result(testbed: Testbed, stats: RunStats, word: list[str], helpers: list["asyncio.Task[Any]"],
                  options: argparse.Namespace) -> tuple[int, RunStats, str]:
    word[0] = "calm"
    await settle(testbed, stats, helpers, options.drain or 120.0)
    code, words = await testbed.check()
    return code, stats, words


# Every kill-point, every behaviour.

async def kills(testbed: Testbed, options: argparse.Namespace) -> tuple[int, RunStats, str]:
    stats, word = RunStats(testbed), ["sweep"]
    await testbed.start()
    helpers = [asyncio.create_task(progress(stats, word, 5.0)), asyncio.create_task(stats.measure())]
    names = [behaviours.NORMAL] + [name for family in behaviours.FAMILIES.values() for name in family
                                 if name != behaviours.NORMAL]
    cases = [(point, name) for point in POINTS for name in names]
    if options.words != "all":
        cases = [case for case in cases if case[0] in options.words.split(",")]
    queue: asyncio.Queue[tuple[int, tuple[str, str]]] = asyncio.Queue()
    for number, case in enumerate(cases):
        queue.put_nowait((number, case))
    reached: dict[str, int] = {point: 0 for point in POINTS}
    not_reached: list[str] = []

    async def cell(worker: Worker, merchant: str) -> None:
        while not queue.empty():
            number, (point, name) = queue.get_nowait()
            if await one_case(testbed, worker, merchant, number, point, name):
                reached[point] += 1
                stats.note(f"{point}_kill", True)
            else:
                not_reached.append(f"{point}/{name}")

    cells = [cell(worker, merchant["code"]) for worker, merchant in zip(testbed.workers.all, testbed.merchants)]
    await asyncio.gather(*cells)
    print(f"sweep: {len(cases)} cases; killed at " + ", ".join(f"{point} {reached[point]}" for point in POINTS))
    print("sweep: points that a behaviour does not lead to: " + (", ".join(sorted(not_reached)) or "none"), flush=True)
    return await result(testbed, stats, word, helpers, options)


async def one_case(testbed: Testbed, worker: Worker, merchant: str, number: int, point: str, name: str) -> bool:
    """One order, treated in one way, and a worker killed at one point of it."""
    order = f"S{testbed.seed}-{number}-{point}"
    await testbed.admin("behaviour", {"order": order, "behaviour": name})
    r = [0.0, (number * 0.37) % 1.0, 0.0]
    ready = asyncio.Event()
    striking = asyncio.create_task(strike(testbed, point, r, within=REACHED_WITHIN, worker=worker, order=order, ready=ready))
    await ready.wait()
    testbed.backend.note([{**testbed.backend.make(order), "merchant": merchant}])
    return await striking


# A cut at every byte.

async def cuts(testbed: Testbed, options: argparse.Namespace) -> tuple[int, RunStats, str]:
    """Every second submit breaks one byte later than the one before; the others get through and keep claims open."""
    stats, word = RunStats(testbed), ["lengths"]
    await testbed.start()
    helpers = [asyncio.create_task(progress(stats, word, 5.0)), asyncio.create_task(stats.measure())]
    testbed.backend.note([testbed.backend.make() for _ in range(40)])
    lengths: dict[str, int] = {}
    for _ in range(100):
        await asyncio.sleep(0.2)
        lengths = (await testbed.proxy.stats())["gateway"]["longest"]
        if stats.states.get("paid", 0) + stats.states.get("failed", 0) >= 40 or lengths.get(f"down {SUBMIT}", 0) > 0:
            break
    await asyncio.sleep(2)
    lengths = (await testbed.proxy.stats())["gateway"]["longest"]
    done = {}
    for direction, action in (("up", "cut"), ("down", "reset")):
        longest = lengths[f"{direction} {SUBMIT}"]
        word[0] = f"{action} {direction}"
        rule = await testbed.proxy.rule("gateway", point="bytes", path=SUBMIT, dir=direction, at=0, step=1, every=2,
                                      action=action, times=longest)
        testbed.backend.note([testbed.backend.make() for _ in range(2 * longest + 20)])
        await until_no_more(testbed, rule, 60 + longest / 4)
        done[direction] = (testbed.proxy.hits.get(rule, 0), longest)
        await testbed.proxy.unrule("gateway", rule)
    for direction, (hits, longest) in done.items():
        print(f"sweep: {'request' if direction == 'up' else 'answer'}: broken at {hits} of {longest} bytes", flush=True)
        stats.done[f"cut_{direction}"] = hits
    return await result(testbed, stats, word, helpers, options)


async def until_no_more(testbed: Testbed, rule: int, within: float) -> None:
    """Requests differ by some bytes in length, so the last cuts may have nothing to cut: waits until no more come."""
    until, seen, since = time.monotonic() + within, -1, time.monotonic()
    while time.monotonic() < until and time.monotonic() - since < 6:
        await asyncio.sleep(0.2)
        hits = testbed.proxy.hits.get(rule, 0)
        if hits != seen:
            seen, since = hits, time.monotonic()
