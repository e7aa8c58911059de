"""The selftest of the parts that a run relies on: signature, forgeries, ground-truth log, behaviours, the gateway's
money, and the names of the statements that the proxy waits for."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from decimal import Decimal
from pathlib import Path

from . import behaviours, forgery, ground_truth, mutants, query_answers, submit_answers
from .orders import FAILED, PAID, Merchant, Order, OrderBook, all_normal
from .proxy_pg import CLAIM, EVIDENCE, RESULT
from .processes import LogPipe
from .rsa_openssl import PrivateKey, PublicKey, make_key_pair, padded, signed_text, split
from .server_clock import ServerClock


def _keys(folder: Path) -> tuple[PrivateKey, PublicKey]:
    if not (folder / "platform.key").exists():
        make_key_pair(folder, "platform")
    return PrivateKey.load(folder / "platform.key"), PublicKey.load(folder / "platform.pub")


def signature(folder: Path) -> bool:
    """The openssl program, libcrypto and pow() make the same blocks; the verifier accepts no other text."""
    private, public = _keys(folder)
    slow = PrivateKey.load(folder / "platform.key", use_openssl=False)
    block = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", str(folder / "platform.key"), "-pkeyopt",
                           "rsa_padding_mode:pkcs1"], input=b"hello", capture_output=True, check=True).stdout
    good = private.blocks(b"hello") == slow.blocks(b"hello") == [block]
    for length in (1, 116, 117, 118, 300):
        text = b"7" * length
        sign = private.sign(text)
        good = good and public.verify(text, sign) and not public.verify(text + b"7", sign)
        good = good and not public.verify(text.replace(b"7", b"8", 1), sign)
    return good and not public.verify(b"7", "not base64") and len(padded(b"7", 128)) == 128


def _order(folder: Path, name: str, description: str) -> Order:
    private, public = _keys(folder)
    merchant = Merchant("M1", "bdpay", public, private, "", 10_000_000)
    fields = {"orderNum": name, "money": "250000", "feeType": "1", "bankCode": "014", "number": "0012345678901234",
              "name": "Siti Rahayu Kusumawardhani", "description": description}
    return Order(merchant, name, fields, "W00000001234562", 250_000, 1, 2_500, 2_500, PAID, all_normal(), FAILED)


def forgeries(folder: Path) -> bool:
    """Each forged callback verifies although its fields were changed: that is the weakness of P9."""
    private, public = _keys(folder)
    plain = forgery.fields_of(_order(folder, "INV-1", "salary of November with all extras"))
    genuine = forgery.with_sign(private, plain)
    other = forgery.with_sign(private, forgery.fields_of(_order(folder, "INV-2-another", "rent of December and more")))
    forged = [forgery.field_shift(genuine), forgery.name_shift(genuine), forgery.status_shift(genuine),
              forgery.splice(private.size, genuine, other), forgery.splice(private.size, other, genuine)]
    good = forged[2]["status"] == "2" and genuine["status"] == "4"
    for fields in forged:
        differs = {n: v for n, v in fields.items() if n != "platSign"} != plain
        good = good and differs and public.verify(signed_text(fields, "platSign"), fields["platSign"])
    return good and len(split(signed_text(genuine, "platSign"), private.size)) == 2


def log_reads_back(folder: Path) -> bool:
    """What was written reads back, and a torn last line is ignored."""
    subfolder = folder / "log"
    subfolder.mkdir()
    writer = ground_truth.GroundTruthLog(subfolder)
    writer.write("submit", order="A-1")
    writer.write("booked", order="A-1")
    writer.close()
    with open(subfolder / ground_truth.FILE_NAME, "ab") as file:
        file.write(b'{"t":1,"kind":"sta')
    return [line["kind"] for line in ground_truth.read(subfolder / ground_truth.FILE_NAME)] == ["submit", "booked"]


def choice_of_behaviours(_: Path) -> bool:
    """The same seed gives every order the same behaviours, and many orders together show all of them."""
    every = behaviours.allowed("all")
    seen: set[str] = set()
    for number in range(20_000):
        chosen = behaviours.choose(5, "M1", f"A-{number}", every, 1.0)
        seen.update(chosen.values())
    seen.update(behaviours.choose_for_balance(5, "M1", count, every, 1.0) for count in range(1_000))
    again = behaviours.choose(5, "M1", "A-19999", every, 1.0)
    none = behaviours.choose(5, "M1", "A-1", behaviours.allowed("none"), 1.0)
    return again == chosen and seen - {behaviours.NORMAL} == every and none == all_normal()


def money(folder: Path) -> bool:
    """The gateway's own money: what is frozen is paid or comes back, and a flip undoes it."""
    private, public = _keys(folder)
    merchant = Merchant("M1", "bdpay", public, private, "", 1_000_000)
    subfolder = folder / "money"
    subfolder.mkdir()
    orders = OrderBook(1, {"M1": merchant}, ground_truth.GroundTruthLog(subfolder))
    order, _ = orders.book(merchant, {"orderNum": "A-1", "money": "250000", "feeType": "1"}, all_normal())
    good = merchant.balance + merchant.freeze == 1_000_000 and merchant.freeze == 250_000 + order.announced_fee
    orders.advance(order, PAID)
    good = good and (merchant.balance, merchant.freeze) == (750_000 - order.fee, 0)
    orders.advance(order, FAILED)
    good = good and merchant.balance == 1_000_000
    refused, why = orders.book(merchant, {"orderNum": "A-2", "money": "2000000", "feeType": "0"}, all_normal())
    return good and refused is None and why == "insufficient balance"


def statement_names(_: Path) -> bool:
    """The statements whose commit the proxy waits for exist in the worker's source under these names."""
    store = Path(__file__).resolve().parent.parent.parent / "crates" / "store" / "src"
    source = "".join(path.read_text() for path in sorted(store.rglob("*.rs")))
    return all(f"/* store::{name} */" in source for name in (CLAIM, RESULT, EVIDENCE))


def repeated_answer(folder: Path) -> bool:
    """On a reused connection the gateway repeats a "not found" that names no order; on a fresh one it is honest."""
    order = _order(folder, "INV-3", "rent")
    said = [query_answers.query_reply("q_repeated", order, None, False, reused) for reused in (True, False)]
    (repeated, stated), (honest, truth) = said
    return (b"NOTEXIST" in repeated.data and b"INV-3" not in repeated.data and stated == "q_repeated"
            and b"INV-3" in honest.data and truth == "status 4")


def unusual_answers(folder: Path) -> bool:
    """In whatever spelling, an answer that must be read is signed as it stands there, and its amounts are the true ones."""
    _, public = _keys(folder)
    good = True
    for number in range(200):
        order = _order(folder, f"INV-{number}", "rent")
        order.money = order.merchant.balance = 10_000 * (number + 1) + number % 3
        for name in ("exponent", "decimals", "bom", "http_201", "extra_field"):
            fields = _read(submit_answers.submit_reply(name, order.merchant, order.order_num, order, "", None).data)
            good = good and _is_true(public, fields, {"money": order.money, "fee": order.announced_fee})
        for name in ("q_exponent", "q_decimals", "q_bom", "q_http_201", "q_extra_field"):
            fields = _read(query_answers.query_reply(name, order, None, False, False)[0].data)
            good = good and _is_true(public, fields, {"amount": order.money, "fee": order.fee})
        for name in ("b_exponent", "b_bom", "b_http_201", "b_extra_field"):
            fields = _read(query_answers.balance_reply(order.merchant, name, number).data)
            good = good and _is_true(public, fields, {"balance": order.money, "freeze": 0})
    return good


def _read(data: bytes) -> dict:
    """The fields of an answer, with numbers as they are written."""
    body = data.partition(b"\r\n\r\n")[2].decode("utf-8-sig")
    return {name: value for name, value in json.loads(body, parse_int=str, parse_float=str).items() if value is not None}


def _is_true(public: PublicKey, fields: dict, stated: dict[str, int]) -> bool:
    verified = public.verify(signed_text(fields, "platSign"), fields["platSign"])
    return verified and all(Decimal(fields[name]) == amount for name, amount in stated.items())


def server_clock(_: Path) -> bool:
    """The database's times lead back to this machine's, whichever steps its clock made."""
    clock = ServerClock([(100.0, 3_000.0), (200.0, -2_000.0), (203.0, 3_000.0)])
    steps = {50.0: 0.0, 150.0: 3_000.0, 201.0: -2_000.0, 250.0: 3_000.0}
    good = all(clock.host_time(at + ahead) == at for at, ahead in steps.items())
    return good and clock.shown(204.0, 2.0) == [3_204.0, -1_796.0] and clock.shown(150.0, 2.0) == [3_150.0]


def log_pipe(folder: Path) -> bool:
    """A program that writes to a pipe which nobody reads has to wait; afterwards the log has every byte."""
    is_read, log = threading.Event(), folder / "pipe.log"
    pipe = LogPipe(log, is_read)
    program = pipe.spawn(["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do printf %900s $i; done"])
    until = time.monotonic() + 5
    while not pipe.is_full() and time.monotonic() < until:
        time.sleep(0.01)
    waits = pipe.is_full() and program.poll() is None
    is_read.set()
    pipe.join(5)
    return program.wait() == 0 and waits and log.stat().st_size == 9 * 900


def mutants_fit(folder: Path) -> bool:
    """Every mutant finds its text in the sources, as they are now."""
    copy = folder / "sources"
    mutants.copy_sources(copy)
    for mutant in mutants.MUTANTS:
        mutants.apply(mutant, copy)
    return True


PARTS = {"mutants fit": mutants_fit, "signature": signature, "forgeries": forgeries, "ground-truth log": log_reads_back,
         "behaviours": choice_of_behaviours, "money": money, "statement names": statement_names,
         "repeated answer": repeated_answer, "unusual answers": unusual_answers, "server clock": server_clock, "log pipe": log_pipe}


def failed_parts(folder: Path) -> list[str]:
    os.makedirs(folder, exist_ok=True)
    return [f"part failed: {name}" for name, works in PARTS.items() if not works(folder)]
