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
from .score import Score, progress
from .stage import Stage
from .workers import Terms, Worker

REACHED_WITHIN = 4.0
CELLS = 6


async def run(options: argparse.Namespace, seed: int) -> int:
    from .run import judged
    kill = options.sweep == "kill"
    terms = Terms(timeout=1, lease=3) if kill else Terms()
    stage = Stage(options.binary, seed, CELLS if kill else 2, terms, "all" if kill else "none", 0.0, cells=kill)
    print(f"chaos: sweep {options.sweep}, seed {seed}; {stage.folder}", flush=True)
    return await judged(stage, options, seed, (kills if kill else cuts)(stage, options), [])


async def verdict(stage: Stage, score: Score, word: list[str], helpers: list["asyncio.Task[Any]"],
                  options: argparse.Namespace) -> tuple[int, Score, str]:
    word[0] = "calm"
    await settle(stage, score, helpers, options.drain or 120.0)
    code, words = await stage.check()
    return code, score, words


# Every kill-point, every behaviour.

async def kills(stage: Stage, options: argparse.Namespace) -> tuple[int, Score, str]:
    score, word = Score(stage), ["sweep"]
    await stage.start()
    helpers = [asyncio.create_task(progress(score, word, 5.0)), asyncio.create_task(score.measure())]
    names = [behaviours.WELL] + [name for family in behaviours.FAMILIES.values() for name in family
                                 if name != behaviours.WELL]
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
            if await one_case(stage, worker, merchant, number, point, name):
                reached[point] += 1
                score.note(f"{point}_kill", True)
            else:
                not_reached.append(f"{point}/{name}")

    cells = [cell(worker, merchant["code"]) for worker, merchant in zip(stage.workers.all, stage.merchants)]
    await asyncio.gather(*cells)
    print(f"sweep: {len(cases)} cases; killed at " + ", ".join(f"{point} {reached[point]}" for point in POINTS))
    print("sweep: points that a behaviour does not lead to: " + (", ".join(sorted(not_reached)) or "none"), flush=True)
    return await verdict(stage, score, word, helpers, options)


async def one_case(stage: Stage, worker: Worker, merchant: str, number: int, point: str, name: str) -> bool:
    """One order, treated in one way, and a worker killed at one point of it."""
    order = f"S{stage.seed}-{number}-{point}"
    await stage.admin("behaviour", {"order": order, "behaviour": name})
    r = [0.0, (number * 0.37) % 1.0, 0.0]
    ready = asyncio.Event()
    striking = asyncio.create_task(strike(stage, point, r, within=REACHED_WITHIN, worker=worker, order=order, ready=ready))
    await ready.wait()
    stage.backend.note([{**stage.backend.make(order), "merchant": merchant}])
    return await striking


# A cut at every byte.

async def cuts(stage: Stage, options: argparse.Namespace) -> tuple[int, Score, str]:
    """Every second submit breaks one byte later than the one before; the others get through and keep claims open."""
    score, word = Score(stage), ["lengths"]
    await stage.start()
    helpers = [asyncio.create_task(progress(score, word, 5.0)), asyncio.create_task(score.measure())]
    stage.backend.note([stage.backend.make() for _ in range(40)])
    lengths: dict[str, int] = {}
    for _ in range(100):
        await asyncio.sleep(0.2)
        lengths = (await stage.proxy.stats())["gateway"]["longest"]
        if score.states.get("paid", 0) + score.states.get("failed", 0) >= 40 or lengths.get(f"down {SUBMIT}", 0) > 0:
            break
    await asyncio.sleep(2)
    lengths = (await stage.proxy.stats())["gateway"]["longest"]
    done = {}
    for direction, action in (("up", "cut"), ("down", "reset")):
        longest = lengths[f"{direction} {SUBMIT}"]
        word[0] = f"{action} {direction}"
        rule = await stage.proxy.rule("gateway", point="bytes", path=SUBMIT, dir=direction, at=0, step=1, every=2,
                                      action=action, times=longest)
        stage.backend.note([stage.backend.make() for _ in range(2 * longest + 20)])
        await until_no_more(stage, rule, 60 + longest / 4)
        done[direction] = (stage.proxy.hits.get(rule, 0), longest)
        await stage.proxy.unrule("gateway", rule)
    for direction, (hits, longest) in done.items():
        print(f"sweep: {'request' if direction == 'up' else 'answer'}: broken at {hits} of {longest} bytes", flush=True)
        score.done[f"cut_{direction}"] = hits
    return await verdict(stage, score, word, helpers, options)


async def until_no_more(stage: Stage, rule: int, within: float) -> None:
    """Requests differ by some bytes in length, so the last cuts may have nothing to cut: waits until no more come."""
    until, seen, since = time.monotonic() + within, -1, time.monotonic()
    while time.monotonic() < until and time.monotonic() - since < 6:
        await asyncio.sleep(0.2)
        hits = stage.proxy.hits.get(rule, 0)
        if hits != seen:
            seen, since = hits, time.monotonic()
