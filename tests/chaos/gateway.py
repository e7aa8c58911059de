"""The hostile gateway: speaks the real protocol (both dialects), logs the truth first, and then misbehaves.

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
from pathlib import Path
from typing import Optional

from . import admin, answers, behaviours, queries
from .book import Book, Merchant, Order, well
from .clockwork import Clockwork
from .http_side import Connection, Reply, Request, response
from .rsa_openssl import PrivateKey, signed_text
from .truth import TruthLog

_ORDER = re.compile(rb'"orderNum":"([A-Za-z0-9_-]{1,32})"')
_MERCHANT = re.compile(rb'"merchantCode":"([^"]{1,64})"')
_NEEDED = ("orderNum", "money", "feeType", "bankCode", "number", "name", "dateTime")


class Gateway:
    def __init__(self, book: Book, names: set[str], scale: float,
                 share: float = behaviours.DEFAULT_SHARE) -> None:
        self.book, self.truth, self.names, self.scale, self.share = book, book.truth, names, scale, share
        self.scripts: dict[str, dict[str, str]] = {}
        self.default = "random"
        self.holding: Optional[dict] = None  # what is held: {} is everything
        self.released = asyncio.Event()
        self.seen: dict[tuple[str, str], int] = {}
        self.connections: set[Connection] = set()
        self.kinds: dict[str, int] = {}
        self.clockwork = Clockwork(self)

    def behaviour(self, merchant: str, order: str) -> dict[str, str]:
        chosen = well()
        if self.default == "random":
            chosen = behaviours.choose(self.book.seed, merchant, order, self.names, self.share)
        elif self.default != behaviours.WELL:
            chosen[behaviours.family_of(self.default)] = self.default
        if self.default != behaviours.WELL:
            chosen = {**chosen, **self.scripts.get(order, {})}
        # The second copy of an order is treated well: a person who sends a lost one again must get through.
        if self.seen.get((merchant, order), 0) > 1:
            chosen["submit"] = behaviours.WELL
        return chosen

    def count(self, name: str) -> None:
        self.kinds[name] = self.kinds.get(name, 0) + 1

    async def handle(self, request: Request) -> Reply:
        try:
            return await self._route(request)
        except Exception as error:  # a fault of the gateway's own must not pass for one that it plays
            traceback.print_exc()
            self.truth.write("stumble", path=request.path[:80], error=repr(error)[:200])
            return Reply(response(b"", "500 Internal Server Error"))

    async def _route(self, request: Request) -> Reply:
        if request.path.startswith("/admin/"):
            return await admin.handle(self, request)
        handler = {"/gateway/cash": self._submit, "/gateway/query": self._query,
                   "/gateway/interface/getBalance": self._balance}.get(request.path)
        if handler is None or request.method != "POST":
            self.truth.write("stray", method=request.method, path=request.path[:80])
            return Reply(response(b"", "404 Not Found"))
        try:
            fields = json.loads(request.body)
            if not isinstance(fields, dict):
                raise ValueError
        except ValueError:
            fields = {}
        merchant = self.book.merchants.get(str(fields.get("merchantCode")))
        flat = all(isinstance(value, str) and value for value in fields.values())
        sign_ok = bool(merchant and flat and merchant.public_key.verify(
            signed_text(fields, "sign"), fields.get("sign", "")))
        return await handler(request, fields, merchant, sign_ok)

    def cut_off(self, request: Request) -> None:
        """A connection that ended in the middle of a request."""
        if b"/gateway/cash" not in request.head.split(b"\r\n", 1)[0]:
            return
        found, whose = _ORDER.search(request.body), _MERCHANT.search(request.body)
        self.truth.write("submit", conn=request.connection, merchant=whose.group(1).decode() if whose else "",
                         order=found.group(1).decode() if found else "", raw=base64.b64encode(request.raw).decode(),
                         fields={}, sign_ok=False, behaviour="", complete=False)

    async def _held(self, kind: str, merchant: Optional[Merchant]) -> None:
        while self.holding is not None:
            wanted, path = self.holding.get("merchant"), self.holding.get("kind")
            if (wanted and merchant and wanted != merchant.code) or (path and path != kind):
                return
            await self.released.wait()

    async def _submit(self, request: Request, fields: dict, merchant: Optional[Merchant], sign_ok: bool) -> Reply:
        name, code = str(fields.get("orderNum", "")), str(fields.get("merchantCode", ""))
        self.seen[(code, name)] = self.seen.get((code, name), 0) + 1
        behaviour = self.behaviour(code, name)
        self.truth.write("submit", conn=request.connection, merchant=code, order=name,
                         raw=base64.b64encode(request.raw).decode(), fields=fields, sign_ok=sign_ok,
                         behaviour=behaviour["submit"], complete=True)
        await self._held("submit", merchant)
        if merchant is None or not sign_ok or not all(field in fields for field in _NEEDED):
            known = merchant or next(iter(self.book.merchants.values()))
            return answers.refusal(known, "FAIL", "sign error" if merchant else "merchant not found", name)
        what = behaviour["submit"]
        self.count(what)
        if what.startswith("late_booked"):
            self.clockwork.book_late(merchant, fields, behaviour)
            return answers.submit_reply(what, merchant, name, None, "", None)
        order, why = None, "bank maintenance"
        if not what.endswith("_lost") and what != "redirect_307":
            order, why = self.book.book(merchant, fields, behaviour)
        if order:
            if what == "early_callback":
                await self.clockwork.end_at_once(order)
            else:
                self.clockwork.begin(order)
        elif what not in answers.NEVER_BOOKS:
            what = behaviours.WELL  # an honest refusal: the balance, say
        return answers.submit_reply(what, merchant, name, order, why, self._other(order))

    def _other(self, order: Optional[Order]) -> Optional[Order]:
        return next((o for o in self.book.bookings[-20:] if o is not order), None)

    async def _query(self, _: Request, fields: dict, merchant: Optional[Merchant], sign_ok: bool) -> Reply:
        name, code = str(fields.get("orderNum", "")), str(fields.get("merchantCode", ""))
        order = self.book.find(code, name)
        if merchant is None or not sign_ok:
            known = merchant or next(iter(self.book.merchants.values()))
            self.truth.write("query", merchant=code, order=name, answer="sign error")
            return answers.refusal(known, "FAIL", "sign error", name)
        await self._held("query", merchant)
        behaviour = self.behaviour(code, name)["query"] if order else behaviours.WELL
        if order is None:
            reply, says = queries.not_known(merchant, name), "NOTEXIST"
        else:
            order.asked += 1
            lagging = behaviour == "q_notexist_lag" and self.clockwork.lags(order)
            reply, says = queries.query_reply(behaviour, order, self._other(order), lagging)
            self.count(behaviour)
            if queries.is_final_truth(says):
                self.clockwork.told_final(order)
        self.truth.write("query", merchant=code, order=name, answer=says, behaviour=behaviour)
        return reply

    async def _balance(self, _: Request, fields: dict, merchant: Optional[Merchant], sign_ok: bool) -> Reply:
        await self._held("balance", merchant)
        code = str(fields.get("merchantCode", ""))
        if merchant is None or not sign_ok:
            known = merchant or next(iter(self.book.merchants.values()))
            return answers.refusal(known, "FAIL", "sign error")
        self.truth.write("balance", merchant=code, balance=merchant.balance, freeze=merchant.freeze)
        return queries.balance_reply(merchant)


async def serve(options: argparse.Namespace) -> None:
    folder = Path(options.folder)
    keys: dict[str, PrivateKey] = {}
    entries = json.loads(Path(options.merchants).read_text())
    merchants = {entry["code"]: Merchant.of(entry, keys) for entry in entries}
    truth = TruthLog(folder)
    for merchant in merchants.values():
        truth.write("balance_begin", merchant=merchant.code, balance=merchant.balance, freeze=0)
    book = Book(options.plan_seed, merchants, truth, options.dedup)
    gateway = Gateway(book, behaviours.allowed(options.behaviours), options.scale, options.share)
    host, port = options.listen.rsplit(":", 1)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(gateway.handle, gateway.cut_off, gateway.connections), host, int(port), backlog=1024)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print(f"the gateway listens on {options.listen}", flush=True)
    await stop.wait()
    server.close()
    truth.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--merchants", required=True)
    parser.add_argument("--plan-seed", type=int, default=1)
    parser.add_argument("--behaviours", default="all", help="all, none, or names with commas between them")
    parser.add_argument("--scale", type=float, default=1.0,
                        help="of all of the gateway's times; at 1 an order takes a second")
    parser.add_argument("--share", type=float, default=behaviours.DEFAULT_SHARE,
                        help="part of the orders that are treated strangely at their submit, from 0 to 1")
    parser.add_argument("--dedup", action="store_true", help="refuse an order number that is booked already")
    parser.add_argument("--list", action=_List, nargs=0, help="print every behaviour and end")
    asyncio.run(serve(parser.parse_args()))


class _List(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        for family, known in behaviours.FAMILIES.items():
            print(f"{family}: {len(known)}")
            for name, sentence in known.items():
                print(f"  {name:20} {sentence}")
        parser.exit()


if __name__ == "__main__":
    main()
