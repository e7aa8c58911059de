"""Network faults, which the proxy injects between the workers, Postgres, and the gateway."""

from __future__ import annotations

import asyncio
from typing import Any

from .faults import Numbers, fault, pick
from .proxy_pg import CLAIM, RESULT
from .testbed import Testbed

HIT_WITHIN = 8.0
SUBMIT, QUERY = "/gateway/cash", "/gateway/query"


async def hit(testbed: Testbed, listener: str, **rule: Any) -> bool:
    """Sets a rule and waits, at most HIT_WITHIN seconds, until it hits something."""
    number = await testbed.proxy.rule(listener, **rule)
    event = await testbed.proxy.event(number, HIT_WITHIN)
    if event is not None and rule.get("times", 1) > 1:
        await asyncio.sleep(1)
    await testbed.proxy.unrule(listener, number)
    return event is not None


def bytes_rule(name: str, listener: str, path: str, direction: str, action: str, most: int, **more: Any) -> None:
    """Registers a fault that begins somewhere in the first `most` bytes of a request or an answer."""
    @fault(name)
    async def happen(testbed: Testbed, r: Numbers) -> bool:
        values = {key: value(r) if callable(value) else value for key, value in more.items()}
        return await hit(testbed, listener, point="bytes", path=path, dir=direction, at=int(r[0] * most),
                           action=action, times=1 + int(r[1] * 4), **values)


bytes_rule("gateway_cut_request", "gateway", SUBMIT, "up", "cut", 1100)
bytes_rule("gateway_cut_answer", "gateway", SUBMIT, "down", "cut", 700)
bytes_rule("gateway_reset_request", "gateway", SUBMIT, "up", "reset", 1100)
bytes_rule("gateway_reset_answer", "gateway", SUBMIT, "down", "reset", 700)
bytes_rule("gateway_half_close", "gateway", SUBMIT, "up", "half_close", 1100)
bytes_rule("gateway_blackhole_request", "gateway", SUBMIT, "up", "blackhole", 1100, max=6)
bytes_rule("gateway_blackhole_answer", "gateway", SUBMIT, "down", "blackhole", 500, max=6)
bytes_rule("gateway_delay", "gateway", SUBMIT, "up", "delay", 1, ms=lambda r: 50 + 1200 * r[2])
bytes_rule("gateway_drip_answer", "gateway", SUBMIT, "down", "drip", 200, ms=lambda r: 1 + 9 * r[2])
bytes_rule("gateway_garble_answer", "gateway", SUBMIT, "down", "garble", 600, bit=lambda r: 1 << int(r[2] * 7))
bytes_rule("gateway_garble_request", "gateway", SUBMIT, "up", "garble", 900, bit=lambda r: 1 << int(r[2] * 7))
bytes_rule("query_cut_answer", "gateway", QUERY, "down", "cut", 500)
bytes_rule("query_garble_answer", "gateway", QUERY, "down", "garble", 500, bit=lambda r: 1 << int(r[2] * 7))
bytes_rule("query_blackhole", "gateway", QUERY, "down", "blackhole", 1, max=6)
bytes_rule("callback_cut_request", "callback", "/callback", "up", "cut", 700)
bytes_rule("callback_cut_answer", "callback", "/callback", "down", "reset", 100)
bytes_rule("callback_garble", "callback", "/callback", "up", "garble", 700, bit=lambda r: 1 << int(r[2] * 7))
bytes_rule("callback_delay", "callback", "/callback", "up", "delay", 1, ms=lambda r: 50 + 1500 * r[2])


def connection_refused(name: str, listener: str) -> None:
    """Registers a fault that refuses connections for a while."""
    @fault(name)
    async def happen(testbed: Testbed, r: Numbers) -> bool:
        seconds = 0.3 + 2 * r[0]
        await testbed.proxy.do("refuse", name=listener, seconds=seconds)
        await asyncio.sleep(seconds + 0.1)
        return True


connection_refused("gateway_refuse", "gateway")
connection_refused("callback_refuse", "callback")


@fault("pg_refuse")
async def pg_refuse(testbed: Testbed, r: Numbers) -> bool:
    worker = pick(testbed, r[0])
    if worker is None:
        return False
    seconds = 0.3 + 2 * r[1]
    await testbed.proxy.do("refuse", name=worker.listener, seconds=seconds)
    await testbed.proxy.do("cut", name=worker.listener)
    await asyncio.sleep(seconds + 0.1)
    return True


def on_links(name: str, action: str, **more: Any) -> None:
    """Registers a fault on every database connection that a worker has open."""
    @fault(name)
    async def happen(testbed: Testbed, r: Numbers) -> bool:
        worker = pick(testbed, r[0])
        if worker is None:
            return False
        values = {key: value(r) if callable(value) else value for key, value in more.items()}
        await testbed.proxy.now(worker.listener, action=action, dir="up" if r[2] < 0.5 else "down", **values)
        if action in ("blackhole", "delay", "half_close"):
            await asyncio.sleep(1 + 2 * r[1])
            await testbed.proxy.do("cut", name=worker.listener)
        return True


on_links("pg_cut", "cut")
on_links("pg_reset", "reset")
on_links("pg_blackhole", "blackhole", max=8)
on_links("pg_half_close", "half_close")
on_links("pg_delay", "delay", ms=lambda r: 20 + 300 * r[1])


@fault("pg_freeze")
async def pg_freeze(testbed: Testbed, r: Numbers) -> bool:
    """The network stalls and comes back: nothing is lost, everything is late."""
    worker = pick(testbed, r[0])
    if worker is None:
        return False
    await testbed.proxy.do("freeze", name=worker.listener, on=True)
    await asyncio.sleep(0.5 + 4 * r[1])
    await testbed.proxy.do("freeze", name=worker.listener, on=False)
    return True


def at_commit(name: str, statement: str, side: str) -> None:
    """Registers a fault that breaks the connection while a transaction commits: whether it did is unknown."""
    @fault(name)
    async def happen(testbed: Testbed, r: Numbers) -> bool:
        worker = pick(testbed, r[0])
        return worker is not None and await hit(testbed, worker.listener, point="commit", statement=statement,
                                                  side=side, action="cut" if r[1] < 0.5 else "reset")


at_commit("pg_cut_before_claim_commit", CLAIM, "before")
at_commit("pg_cut_after_claim_commit", CLAIM, "after")
at_commit("pg_cut_before_result_commit", RESULT, "before")
at_commit("pg_cut_after_result_commit", RESULT, "after")
