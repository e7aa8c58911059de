"""The gateway's admin side, for the driver: GET and POST under /admin/."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from . import behaviours
from .http_server import Reply, Request, response

if TYPE_CHECKING:
    from .gateway import Gateway


def _json(value: object, status: str = "200 OK") -> Reply:
    return Reply(response(json.dumps(value).encode(), status))


async def handle(gateway: "Gateway", request: Request) -> Reply:
    try:
        body = json.loads(request.body) if request.body.strip() else {}
    except ValueError:
        return _json({"error": "the body is not JSON"}, "400 Bad Request")
    command = _COMMANDS.get((request.method, request.path))
    if command is None:
        known = sorted(f"{method} {path}" for method, path in _COMMANDS)
        return _json({"error": "no such command", "known": known}, "404 Not Found")
    try:
        return _json(command(gateway, body))
    except (KeyError, ValueError) as error:
        return _json({"error": str(error)}, "400 Bad Request")


def _behaviour(gateway: "Gateway", body: dict) -> dict:
    """Sets one order's behaviour in one family; the other families stay as they are."""
    name, order = body["behaviour"], body["order"]
    family = behaviours.family_of(name)
    if name == behaviours.NORMAL:
        gateway.scripts[order] = {one: behaviours.NORMAL for one in behaviours.FAMILIES}
    elif family is None:
        raise ValueError(f"no such behaviour: {name}")
    else:
        gateway.scripts.setdefault(order, {})[family] = name
    return {"scripted": gateway.scripts[order]}


def _default(gateway: "Gateway", body: dict) -> dict:
    name = body["behaviour"]
    if name not in ("random", behaviours.NORMAL) and behaviours.family_of(name) is None:
        raise ValueError(f"no such behaviour: {name}")
    gateway.default = name
    return {"default": name}


def _calm(gateway: "Gateway", _: dict) -> dict:
    """From now on the gateway behaves normally, and settles its open orders soon."""
    _release(gateway, {})
    gateway.default = behaviours.NORMAL
    gateway.lifecycle.calm = True
    for order in gateway.orders.bookings:
        order.behaviour = {**order.behaviour, "callback": behaviours.NORMAL}
    return {"open": gateway.lifecycle.open_count()}


def _hold(gateway: "Gateway", body: dict) -> dict:
    """Logs requests but does not answer them; {"merchant": …} and {"kind": "submit"|"query"|"balance"} narrow it."""
    gateway.released = asyncio.Event()
    gateway.holding = {name: body[name] for name in ("merchant", "kind") if name in body}
    return {"holding": gateway.holding}


def _release(gateway: "Gateway", _: dict) -> dict:
    gateway.holding = None
    gateway.released.set()
    return {"holding": None}


def _finish(gateway: "Gateway", _: dict) -> dict:
    """Logs the closing balances, which the checker compares with the ledger."""
    for merchant in gateway.orders.merchants.values():
        gateway.log.write("closing_balance", merchant=merchant.code, balance=merchant.balance, freeze=merchant.freeze)
    gateway.log.flush()
    return {"open": gateway.lifecycle.open_count()}


def _counts(gateway: "Gateway", _: dict) -> dict:
    return {"lines": gateway.log.counts, "kinds": gateway.kinds, "open": gateway.lifecycle.open_count(),
            "bookings": len(gateway.orders.bookings), "connections": len(gateway.connections)}


_COMMANDS = {
    ("GET", "/admin/orders"): lambda gateway, _: gateway.orders.listing(),
    ("GET", "/admin/counts"): _counts,
    ("POST", "/admin/orders"): lambda gateway, body: gateway.orders.listing(body["last"]),
    ("POST", "/admin/behaviour"): _behaviour,
    ("POST", "/admin/default"): _default,
    ("POST", "/admin/calm"): _calm,
    ("POST", "/admin/hold"): _hold,
    ("POST", "/admin/release"): _release,
    ("POST", "/admin/finish"): _finish,
}
