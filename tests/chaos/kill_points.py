"""The eight points between intent and record at which a worker is killed, or stopped for longer than its lease.

Each is reached from outside, by holding bytes in the proxy, so the program under test is the one that is shipped.
"""

from __future__ import annotations

import asyncio
import signal
from typing import Any, Dict

from .faults import Numbers, fault, pick
from .net_faults import SUBMIT
from .processes import pid_of_port
from .proxy_pg import CLAIM, EVIDENCE, RESULT
from .testbed import Testbed
from .workers import Worker

POINTS: Dict[str, str] = {
    "k1": "before the claim's commit reaches Postgres",
    "k2": "after the claim's commit was sent, before its answer arrives",
    "k3": "the claim is committed, the gateway has received no byte",
    "k4": "the gateway has received part of the request",
    "k5": "the gateway has received the whole request, no answer has arrived",
    "k6": "the answer has arrived, before its commit reaches Postgres",
    "k7": "a callback has arrived, before its commit reaches Postgres",
    "k8": "the callback is committed, before SUCCESS leaves",
}
REQUEST_BYTES = 900


def rule_of(point: str, worker: Worker, r: Numbers, longest: float, order: str = "") -> tuple[str, dict[str, Any]]:
    """The proxy's listener, and the rule that holds bytes at this point; only those of `order` when one is named."""
    hold: dict[str, Any] = {"action": "hold", "max": longest}
    commit: dict[str, Any] = {"point": "commit", "words": [order] if order else [], **hold}
    through: dict[str, Any] = {"point": "bytes", "path": SUBMIT, "dir": "up", **hold}
    return {
        "k1": (worker.listener, {**commit, "statement": CLAIM, "side": "before"}),
        "k2": (worker.listener, {**commit, "statement": CLAIM, "side": "after"}),
        "k3": (worker.gateway, {**through, "at": 0}),
        "k4": (worker.gateway, {**through, "at": 1 + int(r[1] * REQUEST_BYTES)}),
        "k5": (worker.gateway, {**through, "at": "end"}),
        "k6": (worker.listener, {**commit, "statement": RESULT, "side": "before"}),
        "k7": (worker.listener, {**commit, "statement": EVIDENCE, "side": "before",
                                 "words": ["callback", *commit["words"]]}),
        "k8": (worker.callback, {"point": "bytes", "path": "/callback", "dir": "down", "at": 0, "contains": order,
                                 **hold}),
    }[point]


def victim(testbed: Testbed, event: dict[str, Any], aimed: Worker) -> Worker:
    """The worker whose bytes are held. The listener tells, or else the port at the other end does."""
    if event["listener"].startswith("callback"):
        return next((one for one in testbed.workers.all if one.http_port == event["upstream"]), aimed)
    if event["listener"].startswith("gateway"):
        pid = pid_of_port(event["peer"], [one.pid for one in testbed.workers.all if one.running()])
        return testbed.workers.by_pid(pid) or aimed
    return next(one for one in testbed.workers.all if one.listener == event["listener"])


async def kill_or_stop(testbed: Testbed, point: str, r: Numbers, stop: bool = False, within: float = 8.0,
                 worker: Worker | None = None, order: str = "", ready: asyncio.Event | None = None) -> bool:
    """Waits until a worker is at the point, then kills it or stops it past its lease. False if none gets there."""
    worker = worker or pick(testbed, r[0])
    if worker is None:
        return False
    pause = testbed.timing.lease + 0.5 + r[2]
    listener, rule = rule_of(point, worker, r, pause + 4, order)
    number = await testbed.proxy.rule(listener, **rule)
    if ready is not None:
        ready.set()
    event = await testbed.proxy.event(number, within)
    await testbed.proxy.unrule(listener, number)
    if event is None:
        return False
    struck = victim(testbed, event, worker)
    if not stop:
        done = testbed.workers.kill(struck, down_for=0.1)
        await asyncio.sleep(0.02)
        await testbed.proxy.do("drop", link=event["link"])
        return done
    process = struck.process
    if struck.stopped or not struck.signal(signal.SIGSTOP):
        await testbed.proxy.do("release", link=event["link"])
        return False
    testbed.workers.stops += 1
    await asyncio.sleep(pause)
    await testbed.proxy.do("release", link=event["link"])
    if struck.process is process:
        struck.signal(signal.SIGCONT)
    return True


def register(point: str, stop: bool) -> None:
    @fault(f"{point}_{'stop' if stop else 'kill'}", kills=not stop)
    async def happen(testbed: Testbed, r: Numbers) -> bool:
        return await kill_or_stop(testbed, point, r, stop)


for _point in POINTS:
    register(_point, stop=False)
    register(_point, stop=True)
