"""The gateway's other side, for whoever drives the run: GET and POST under /admin/."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from . import behaviours
from .http_side import Reply, Request, response

if TYPE_CHECKING:
    from .gateway import Gateway


def _json(value: object, status: str = "200 OK") -> Reply:
    return Reply(response(json.dumps(value).encode(), status))


async def handle(gateway: "Gateway", request: Request) -> Reply:
    try:
        wish = json.loads(request.body) if request.body.strip() else {}
    except ValueError:
        return _json({"error": "the body is not JSON"}, "400 Bad Request")
    work = _PATHS.get((request.method, request.path))
    if work is None:
        known = sorted(f"{method} {path}" for method, path in _PATHS)
        return _json({"error": "not one of", "known": known}, "404 Not Found")
    try:
        return _json(work(gateway, wish))
    except (KeyError, ValueError) as error:
        return _json({"error": str(error)}, "400 Bad Request")


def _behaviour(gateway: "Gateway", wish: dict) -> dict:
    """Scripts one order; the families that it does not name stay as they are."""
    family = behaviours.family_of(wish["behaviour"])
    if wish["behaviour"] == behaviours.WELL:
        gateway.scripts[wish["order"]] = {name: behaviours.WELL for name in behaviours.FAMILIES}
    elif family is None:
        raise ValueError(f"no such behaviour: {wish['behaviour']}")
    else:
        gateway.scripts.setdefault(wish["order"], {})[family] = wish["behaviour"]
    return {"scripted": gateway.scripts[wish["order"]]}


def _default(gateway: "Gateway", wish: dict) -> dict:
    name = wish["behaviour"]
    if name not in ("random", behaviours.WELL) and behaviours.family_of(name) is None:
        raise ValueError(f"no such behaviour: {name}")
    gateway.default = name
    return {"default": name}


def _calm(gateway: "Gateway", _: dict) -> dict:
    """Everything is well from now on, and what is open ends soon."""
    _release(gateway, {})
    gateway.default = behaviours.WELL
    gateway.clockwork.calm = True
    for order in gateway.book.bookings:
        order.behaviour = {**order.behaviour, "callback": behaviours.WELL}
    return {"open": gateway.clockwork.open_count()}


def _hold(gateway: "Gateway", wish: dict) -> dict:
    """Requests are recorded and then wait; {"merchant": …} and {"kind": "submit"|"query"|"balance"} narrow it."""
    gateway.released = asyncio.Event()
    gateway.holding = {name: wish[name] for name in ("merchant", "kind") if name in wish}
    return {"holding": gateway.holding}


def _release(gateway: "Gateway", _: dict) -> dict:
    gateway.holding = None
    gateway.released.set()
    return {"holding": None}


def _finish(gateway: "Gateway", _: dict) -> dict:
    for merchant in gateway.book.merchants.values():
        gateway.truth.write("balance_end", merchant=merchant.code, balance=merchant.balance, freeze=merchant.freeze)
    gateway.truth.flush()
    return {"open": gateway.clockwork.open_count()}


def _counts(gateway: "Gateway", _: dict) -> dict:
    return {"lines": gateway.truth.counts, "kinds": gateway.kinds, "open": gateway.clockwork.open_count(),
            "bookings": len(gateway.book.bookings), "connections": len(gateway.connections)}


_PATHS = {
    ("GET", "/admin/orders"): lambda gateway, _: gateway.book.listing(),
    ("GET", "/admin/counts"): _counts,
    ("POST", "/admin/behaviour"): _behaviour,
    ("POST", "/admin/default"): _default,
    ("POST", "/admin/calm"): _calm,
    ("POST", "/admin/hold"): _hold,
    ("POST", "/admin/release"): _release,
    ("POST", "/admin/finish"): _finish,
}
