"""Proves that the checker can fail: a small run that is right, then each violation, which must turn its line BAD.

    python3 -m chaos.selftest        (tests/ on PYTHONPATH; about a second, needs the openssl program and no database)

Also: the signature against the openssl program, the forgeries against the verifier, the truth log, and the plan.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Callable

from . import selftest_parts
from .checker import check
from .facts import Booking, Facts

T0 = 1_800_000_000.0
A, B, C = ("M1", "A-1"), ("M1", "B-2"), ("M1", "C-3")
OPENING = 10_000_000
_STAMP = datetime.fromtimestamp(T0, timezone(timedelta(hours=7))).strftime("%Y%m%d%H%M%S")


def right_run(folder: Path) -> Facts:
    """A is paid (fee on top), B failed (fee out of the amount), C never arrived and waits for a person."""
    facts = Facts(opening={"M1": OPENING}, ending={"M1": (OPENING - 102_500, 0)}, first_at=T0, canaries=["Kanari"])
    log = folder / "worker.log"
    log.write_text("claimed A-1\n")
    facts.outputs = [log]
    for key, fee_type in ((A, 1), (B, 0), (C, 0)):
        _enqueue(facts, key, 100_000, fee_type)
        _send(facts, key, T0)
    facts.bookings[A] = [Booking("W1", 100_000, 1, 2_500, T0, [1, 5, 2])]
    facts.bookings[B] = [Booking("W2", 100_000, 0, 2_500, T0, [1, 4])]
    facts.queries[A], facts.queries[B] = [(T0 + 1, "status 2")], [(T0 + 1, "status 4")]
    facts.queries[C] = [(T0 + 1, "NOTEXIST"), (T0 + 13, "NOTEXIST"), (T0 + 15, "NOTEXIST")]
    _row(facts, A, "paid", fee=2_500)
    _row(facts, B, "failed")
    _row(facts, C, "unknown", held=100_000, attention="not_found")
    _moves(facts, A, "claimed", "acknowledged", "reported_paid")
    _moves(facts, B, "claimed", "acknowledged", "reported_failed")
    _moves(facts, C, "claimed", "unanswered")
    _entry(facts, None, "funding", available=OPENING, funding=-OPENING)
    _entry(facts, A, "hold", available=-110_000, held=110_000)
    _entry(facts, B, "hold", available=-100_000, held=100_000)
    _entry(facts, C, "hold", available=-100_000, held=100_000)
    _entry(facts, A, "capture", available=7_500, held=-110_000, paid_out=100_000, fees=2_500)
    _entry(facts, B, "release", available=100_000, held=-100_000)
    facts.callbacks = [{"t": T0 + 1, "merchant": "M1", "order": "A-1", "what": "true", "said": ("M1", "A-1", "status_2"), "http": 200,
                        "answer": "SUCCESS"}]
    facts.told = {("M1", "A-1", "status_2"): 1}
    return facts


def _enqueue(facts: Facts, key: tuple[str, str], money: int, fee_type: int) -> None:
    facts.journal[key] = {"merchant": key[0], "order": key[1], "money": money, "feeType": fee_type, "bank": "014",
                          "number": "0012345678", "name": "Kanari", "description": None}


def _send(facts: Facts, key: tuple[str, str], at: float) -> None:
    asked = facts.journal[key]
    fields = {"orderNum": key[1], "merchantCode": key[0], "money": str(asked["money"]),
              "feeType": str(asked["feeType"]), "bankCode": "014", "number": "0012345678", "name": "Kanari",
              "dateTime": _STAMP}
    facts.submits[key].append({"t": at, "fields": fields, "sign_ok": True, "complete": True, "behaviour": "",
                               "request_sha256": f"{key[1]} body"})
    facts.attempts[key].append({"sha256": f"{key[1]} body"})


def _row(facts: Facts, key: tuple[str, str], state: str, **more: object) -> None:
    asked = facts.journal[key]
    facts.payouts[key] = {
        "state": state, "money": asked["money"], "fee_type": asked["feeType"], "bank_code": "014",
        "account_number": "0012345678", "account_name": "Kanari", "description": None, "sends": 1, "held": 0,
        "fee": None, "attention": None, "queries": 3, "next_ask": T0 + 60, "send_by": T0, "now": T0 + 20, "lease": None,
        **more}


def _moves(facts: Facts, key: tuple[str, str], *events: str) -> None:
    states = {"claimed": "submitting", "acknowledged": "pending", "reported_paid": "paid", "reported_failed": "failed",
              "unanswered": "unknown"}
    at = "queued"
    for event in events:
        facts.history[key].append({"event": event, "f": at, "t": states[event], "source": "query"})
        at = states[event]


def _entry(facts: Facts, key, kind: str, **postings: int) -> None:
    entry = {"m": "M1", "o": key[1] if key else None, "kind": kind, "attempt": 1 if key else None, "reference": None,
             **dict.fromkeys(("available", "held", "paid_out", "fees", "funding"), 0), **postings}
    facts.ledger.append(entry)
    account = facts.accounts.setdefault(
        "M1", {"m": "M1", **dict.fromkeys(("available", "held", "paid_out", "fees", "funding"), 0)})
    for name, value in postings.items():
        account[name] += value


def _twice_paid(facts: Facts) -> None:
    facts.bookings[A].append(Booking("W9", 100_000, 1, 2_500, T0, [2]))


def _early_grant(facts: Facts) -> None:
    _send(facts, C, T0 + 5)
    facts.grants[C] = [T0 + 4]


def _grant_without_question(facts: Facts) -> None:
    _send(facts, C, T0 + 20)
    facts.grants[C], facts.queries[C] = [T0 + 19], [(T0 + 1, "NOTEXIST")]


def _flip_unseen(facts: Facts) -> None:
    facts.bookings[A][0].statuses.append(4)
    facts.payouts[A]["next_ask"] = None


def _wrong_fee(facts: Facts) -> None:
    facts.bookings[A][0].fee = 2_600


def _release_twice(facts: Facts) -> None:
    _entry(facts, B, "release", available=100_000, held=-100_000)


def _kept_hold(facts: Facts) -> None:
    facts.ledger = [entry for entry in facts.ledger if entry["kind"] != "release"]


def _leak(facts: Facts) -> None:
    facts.outputs[0].write_text("x" * 2_000_000 + "paid to Kanari\n")


def _set(*path: object) -> Callable[[Facts], None]:
    """Sets facts.NAME[…]… to the last word."""
    def work(facts: Facts) -> None:
        at = getattr(facts, str(path[0]))
        for step in path[1:-2]:
            at = at[step]
        at[path[-2]] = path[-1]
    return work


# What is done to the right run, and the lines that it must turn BAD (others may turn with it).
VIOLATIONS: list[tuple[str, str, Callable[[Facts], None]]] = [
    ("sent twice", "I1", lambda f: _send(f, A, T0 + 3)),
    ("sent twice, hours apart", "I1", lambda f: _send(f, C, T0 + 9_000)),
    ("a grant before the horizon", "I1", _early_grant),
    ("a grant without a question", "I1", _grant_without_question),
    ("paid twice", "I2", _twice_paid),
    ("failed, but paid", "I3", lambda f: f.bookings[B][0].statuses.append(2) or f.bookings[B][0].statuses.remove(4)),
    ("failed, but still open", "I3", lambda f: f.bookings[B][0].statuses.remove(4)),
    ("paid, but failed", "I3", lambda f: f.bookings[A][0].statuses.__setitem__(-1, 4)),
    ("paid, but never taken", "I3", lambda f: f.bookings.pop(A)),
    ("failed without an answer", "I3", lambda f: f.bookings.pop(B)),
    ("cancelled after it was sent", "I3", _set("payouts", B, "state", "cancelled")),
    ("a flip that nobody sees", "I3", _flip_unseen),
    ("a row that is gone", "I4", lambda f: f.payouts.pop(B)),
    ("open, and nothing planned", "I4", lambda f: f.payouts[C].update(attention=None, next_ask=None)),
    ("another fee than the gateway's", "I5", _wrong_fee),
    ("a fee of the wrong sign", "I5", lambda f: f.ledger[4].update(fees=-2_500, available=12_500)),
    ("a release booked twice", "I5", _release_twice),
    ("a hold that is never released", "I5", _kept_hold),
    ("an entry that does not balance", "I5", lambda f: f.ledger[4].update(paid_out=99_999)),
    ("the gateway has one rupiah less", "I5", _set("ending", "M1", (OPENING - 102_501, 0))),
    ("money out of nothing", "I5", lambda f: _entry(f, None, "funding", available=7, funding=-7)),
    ("no balance at the end", "I5", lambda f: f.ending.clear()),
    ("requeued from unknown", "I6", lambda f: f.history[C].append(
        {"event": "lease_expired", "f": "unknown", "t": "queued", "source": "worker"})),
    ("a move that is missing", "I6", lambda f: f.history[A].pop(1)),
    ("a resolution without a person", "I6", lambda f: f.history[A][-1].update(event="resolved_paid")),
    ("a send that is not counted", "I6", _set("payouts", A, "sends", 0)),
    ("SUCCESS before the commit", "I7", lambda f: f.told.clear()),
    ("a name in a log", "I8", _leak),
    ("no output at all", "I8", lambda f: f.outputs.clear()),
    ("another amount was sent", "I9", _set("submits", A, 0, "fields", "money", "10000000")),
    ("a leading zero was lost", "I9", _set("submits", A, 0, "fields", "number", "12345678")),
    ("the row is not what was enqueued", "I9", _set("journal", A, "money", 1)),
    ("other bytes than the attempt's", "I9", _set("submits", A, 0, "request_sha256", "others")),
    ("signed wrongly", "I9", _set("submits", A, 0, "sign_ok", False)),
    ("Jakarta time is wrong", "I9", _set("submits", A, 0, "fields", "dateTime", "20200101000000")),
    ("sent, and not in the database", "I9", lambda f: f.payouts.pop(C)),
    ("open, though the gateway ended it", "I10", lambda f: f.payouts[A].update(state="pending")),
    ("unknown long after the horizon", "I10", lambda f: f.payouts[C].update(attention=None, now=T0 + 900)),
    ("queued for ever", "I10", lambda f: f.payouts[C].update(attention=None, state="queued")),
]


def violations(folder: Path) -> list[str]:
    """The checks that did not notice what they should; empty when all is well."""
    wrong = []
    verdicts, _ = check(right_run(folder))
    wrong += [f"the right run is called BAD: {line}" for v in verdicts if not v.ok for line in v.lines()]
    granted = right_run(folder)
    _send(granted, C, T0 + 20)
    granted.grants[C] = [T0 + 19]
    if not check(granted)[0][0].ok:
        wrong.append("a rightly granted resubmit is called BAD")
    for what, line, spoil in VIOLATIONS:
        facts = right_run(folder)
        spoil(facts)
        if {verdict.name: verdict for verdict in check(facts)[0]}[line].ok:
            wrong.append(f"{line} does not notice: {what}")
    return wrong


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        wrong = violations(Path(folder)) + selftest_parts.all_of_them(Path(folder))
    for sentence in wrong:
        print(f"BAD  {sentence}")
    print(f"{len(VIOLATIONS)} violations and {len(selftest_parts.PARTS)} parts tried, {len(wrong)} bad")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
