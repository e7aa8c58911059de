"""The hostile gateway: speaks the real protocol in both dialects, logs the truth first, and then misbehaves.

    python3 -m chaos.gateway --listen 127.0.0.1:PORT --folder DIR --merchants FILE [--plan-seed N]
        [--behaviours all|none|LIST] [--scale F] [--share F] [--dedup]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import re
import signal
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from . import admin, behaviours, query_answers, spellings, submit_answers
from .envelopes import refusal
from .ground_truth import GroundTruthLog
from .http_server import Connection, Reply, Request, response
from .lifecycle import OrderLifecycle
from .orders import Merchant, Order, OrderBook, all_normal
from .rsa_openssl import PrivateKey, signed_text

_ORDER = re.compile(rb'"orderNum":"([A-Za-z0-9_-]{1,32})"')
_MERCHANT = re.compile(rb'"merchantCode":"([^"]{1,64})"')
_REQUIRED = ("orderNum", "money", "feeType", "bankCode", "number", "name", "dateTime")


@dataclass
class Call:
    """A request to the gateway's own interface, parsed. `merchant` is None when it names no merchant we know."""

    request: Request
    fields: dict
    merchant: Optional[Merchant]
    sign_ok: bool

    @property
    def code(self) -> str:
        return str(self.fields.get("merchantCode", ""))

    @property
    def order_num(self) -> str:
        return str(self.fields.get("orderNum", ""))


class Gateway:
    def __init__(self, orders: OrderBook, names: set[str], scale: float,
                 share: float = behaviours.DEFAULT_SHARE) -> None:
        self.orders, self.log, self.names, self.scale, self.share = orders, orders.log, names, scale, share
        self.scripts: dict[str, dict[str, str]] = {}  # by order number, as POST /admin/behaviour set them
        self.default = "random"
        self.holding: Optional[dict] = None  # which requests wait for POST /admin/release; {} means all
        self.released = asyncio.Event()
        self.submits: dict[tuple[str, str], int] = {}
        self.balances: dict[str, int] = {}  # answers about each merchant's balance
        self.connections: set[Connection] = set()
        self.kinds: dict[str, int] = {}
        self.lifecycle = OrderLifecycle(self)

    def behaviour(self, merchant: str, order_num: str) -> dict[str, str]:
        chosen = all_normal()
        if self.default == "random":
            chosen = behaviours.choose(self.orders.seed, merchant, order_num, self.names, self.share)
        elif self.default != behaviours.NORMAL:
            chosen[behaviours.family_of(self.default)] = self.default
        if self.default != behaviours.NORMAL:
            chosen = {**chosen, **self.scripts.get(order_num, {})}
        # A second submit of an order is treated normally: an approved resubmit must get through.
        if self.submits.get((merchant, order_num), 0) > 1:
            chosen["submit"] = behaviours.NORMAL
        return chosen

    def count(self, name: str) -> None:
        self.kinds[name] = self.kinds.get(name, 0) + 1

    async def handle(self, request: Request) -> Reply:
        try:
            return await self._route(request)
        except Exception as error:  # a bug of this gateway must not pass for a behaviour that it plays
            traceback.print_exc()
            self.log.write("gateway_error", path=request.path[:80], error=repr(error)[:200])
            return Reply(response(b"", "500 Internal Server Error"))

    async def _route(self, request: Request) -> Reply:
        if request.path.startswith("/admin/"):
            return await admin.handle(self, request)
        handler = {"/gateway/cash": self._submit, "/gateway/query": self._query,
                   "/gateway/interface/getBalance": self._balance}.get(request.path)
        if handler is None or request.method != "POST":
            self.log.write("unknown_path", method=request.method, path=request.path[:80])
            return Reply(response(b"", "404 Not Found"))
        return await handler(self._parse(request))

    def _parse(self, request: Request) -> Call:
        try:
            fields = json.loads(request.body)
            if not isinstance(fields, dict):
                raise ValueError
        except ValueError:
            fields = {}
        merchant = self.orders.merchants.get(str(fields.get("merchantCode")))
        flat = all(isinstance(value, str) and value for value in fields.values())
        sign_ok = bool(merchant and flat and merchant.public_key.verify(
            signed_text(fields, "sign"), fields.get("sign", "")))
        return Call(request, fields, merchant, sign_ok)

    def _refuse(self, call: Call) -> Reply:
        """The answer to a request from an unknown merchant, or one whose signature does not verify."""
        signer = call.merchant or next(iter(self.orders.merchants.values()))
        return refusal(signer, "FAIL", "sign error" if call.merchant else "merchant not found", call.order_num)

    def cut_off(self, request: Request) -> None:
        """A connection that ended in the middle of a request."""
        if b"/gateway/cash" not in request.head.split(b"\r\n", 1)[0]:
            return
        order, merchant = _ORDER.search(request.body), _MERCHANT.search(request.body)
        self.log.write("submit", conn=request.connection, merchant=merchant.group(1).decode() if merchant else "",
                       order=order.group(1).decode() if order else "", raw=base64.b64encode(request.raw).decode(),
                       fields={}, sign_ok=False, behaviour="", complete=False)

    async def _wait_while_held(self, kind: str, merchant: Optional[Merchant]) -> None:
        while self.holding is not None:
            held_merchant, held_kind = self.holding.get("merchant"), self.holding.get("kind")
            if (held_merchant and merchant and held_merchant != merchant.code) or (held_kind and held_kind != kind):
                return
            await self.released.wait()

    async def _submit(self, call: Call) -> Reply:
        merchant, key = call.merchant, (call.code, call.order_num)
        self.submits[key] = self.submits.get(key, 0) + 1
        behaviour = self.behaviour(*key)
        name = behaviour["submit"]
        self.log.write("submit", conn=call.request.connection, merchant=call.code, order=call.order_num,
                       raw=base64.b64encode(call.request.raw).decode(), fields=call.fields, sign_ok=call.sign_ok,
                       behaviour=name, complete=True)
        await self._wait_while_held("submit", merchant)
        if merchant is None or not call.sign_ok or not all(field in call.fields for field in _REQUIRED):
            return self._refuse(call)
        self.count(name)
        if name in submit_answers.DELIVERED_AGAIN:
            # One request of the worker, so one submit. What came a second time is refused, and changes nothing.
            self.log.write("delivered_again", merchant=call.code, order=call.order_num)
        if name.startswith("late_booked"):
            self.lifecycle.book_late(merchant, call.fields, behaviour)
            return submit_answers.submit_reply(name, merchant, call.order_num, None, "", None)
        order, why = None, "bank maintenance"
        if name not in submit_answers.NEVER_BOOKS:
            order, why = self.orders.book(merchant, call.fields, behaviour)
            if order is None:
                name = behaviours.NORMAL  # an honest refusal, because of the balance for example
        if order and name == "early_callback":
            await self.lifecycle.finish_at_once(order)
        elif order:
            self.lifecycle.start(order)
        why = spellings.words(call.fields, why)
        return submit_answers.submit_reply(name, merchant, call.order_num, order, why, self._other(order))

    def _other(self, order: Optional[Order], of_merchant: bool = False) -> Optional[Order]:
        """Another order of the last ones: the oldest of all, or the latest of the same merchant."""
        if of_merchant and order:
            return next((o for o in reversed(self.orders.bookings[-20:])
                         if o.merchant is order.merchant and o.order_num != order.order_num), None)
        return next((o for o in self.orders.bookings[-20:] if o is not order), None)

    async def _query(self, call: Call) -> Reply:
        if call.merchant is None or not call.sign_ok:
            self.log.write("query", merchant=call.code, order=call.order_num, answer="sign error")
            return self._refuse(call)
        order = self.orders.find(call.code, call.order_num)
        await self._wait_while_held("query", call.merchant)
        behaviour = self.behaviour(call.code, call.order_num)["query"] if order else behaviours.NORMAL
        if order is None:
            reply, stated = query_answers.not_found(call.merchant, call.order_num), "NOTEXIST"
        else:
            order.queries += 1
            lags = self.lifecycle.index_lags(order)
            other = self._other(order, of_merchant=behaviour == "q_other_number")
            reply, stated = query_answers.query_reply(behaviour, order, other, lags, call.request.earlier > 0)
            self.count(behaviour)
            if query_answers.is_final(stated):
                self.lifecycle.final_status_seen(order)
        self.log.write("query", merchant=call.code, order=call.order_num, answer=stated, behaviour=behaviour)
        return reply

    async def _balance(self, call: Call) -> Reply:
        await self._wait_while_held("balance", call.merchant)
        if call.merchant is None or not call.sign_ok:
            return self._refuse(call)
        merchant, count = call.merchant, self.balances.get(call.code, 0)
        self.balances[call.code] = count + 1
        name = behaviours.NORMAL
        if self.default == "random":
            name = behaviours.choose_for_balance(self.orders.seed, call.code, count, self.names, self.share)
        self.count(name)
        self.log.write("balance", merchant=call.code, balance=merchant.balance, freeze=merchant.freeze, behaviour=name)
        return query_answers.balance_reply(merchant, name, count)


async def serve(options: argparse.Namespace) -> None:
    folder = Path(options.folder)
    keys: dict[str, PrivateKey] = {}
    entries = json.loads(Path(options.merchants).read_text())
    merchants = {entry["code"]: Merchant.of(entry, keys) for entry in entries}
    log = GroundTruthLog(folder)
    for merchant in merchants.values():
        log.write("opening_balance", merchant=merchant.code, balance=merchant.balance, freeze=0)
    orders = OrderBook(options.plan_seed, merchants, log, options.dedup)
    gateway = Gateway(orders, behaviours.allowed(options.behaviours), options.scale, options.share)
    host, port = options.listen.rsplit(":", 1)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(gateway.handle, gateway.cut_off, gateway.connections), host, int(port), backlog=1024)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print(f"gateway listening on {options.listen}", flush=True)
    await stop.wait()
    server.close()
    log.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--merchants", required=True)
    parser.add_argument("--plan-seed", type=int, default=1)
    parser.add_argument("--behaviours", default="all", help="all, none, or a comma-separated list of names")
    parser.add_argument("--scale", type=float, default=1.0,
                        help="factor for all of the gateway's times; at 1 an order takes a second")
    parser.add_argument("--share", type=float, default=behaviours.DEFAULT_SHARE,
                        help="share of orders whose submit is treated abnormally, from 0 to 1")
    parser.add_argument("--dedup", action="store_true", help="refuse an order number that is already booked")
    parser.add_argument("--list", action=_List, nargs=0, help="print every behaviour and exit")
    asyncio.run(serve(parser.parse_args()))


class _List(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        for family, known in behaviours.ALL.items():
            print(f"{family}: {len(known)}")
            for name, sentence in known.items():
                print(f"  {name:20} {sentence}")
        parser.exit()


if __name__ == "__main__":
    main()
