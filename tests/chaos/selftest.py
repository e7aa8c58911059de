"""Proves that the checker can fail: builds a correct run by hand, then adds one violation at a time, each of which must
turn its check BAD.

    cd tests && python3 -m chaos.selftest        takes about a second; needs the openssl program, no database

It also tests the parts that a run relies on: see selftest_parts.py.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Callable

from . import selftest_parts
from .checker import check
from .run_record import ACCOUNTS, Booking, Grant, RunRecord

T0 = 1_800_000_000.0
A, B, C = ("M1", "A-1"), ("M1", "B-2"), ("M1", "C-3")
OPENING = 10_000_000


def _stamp(at: float) -> str:
    """In Jakarta."""
    return datetime.fromtimestamp(at, timezone(timedelta(hours=7))).strftime("%Y%m%d%H%M%S")


def correct_run(folder: Path) -> RunRecord:
    """A is paid (fee on top), B failed (fee out of the amount), C never arrived and waits for an operator."""
    record = RunRecord(opening_balances={"M1": OPENING}, closing_balances={"M1": (OPENING - 102_500, 0)},
                       started_at=T0, canaries=["Kanari"])
    log = folder / "worker.log"
    log.write_text("claimed A-1\n")
    record.outputs = [log]
    record.texts = [(A, {"orderNum": "A-0012345678", "msg": "Failed, code 1001"}), (B, "Payout failed")]
    for key, fee_type in ((A, 1), (B, 0), (C, 0)):
        _enqueue(record, key, 100_000, fee_type)
        _send(record, key, T0)
    record.bookings[A] = [Booking("W1", 100_000, 1, 2_500, [1, 5, 2])]
    record.bookings[B] = [Booking("W2", 100_000, 0, 2_500, [1, 4])]
    record.queries[A], record.queries[B] = [(T0 + 1, "status 2")], [(T0 + 1, "status 4")]
    record.queries[C] = [(T0 + 1, "NOTEXIST"), (T0 + 13, "NOTEXIST"), (T0 + 15, "NOTEXIST")]
    _row(record, A, "paid")
    _row(record, B, "failed")
    _row(record, C, "unknown", held=100_000, attention="not_found")
    _history(record, A, "claimed", "acknowledged", "reported_paid")
    _history(record, B, "claimed", "acknowledged", "reported_failed")
    _history(record, C, "claimed", "unanswered")
    _entry(record, None, "funding", available=OPENING, funding=-OPENING)
    _entry(record, A, "hold", available=-110_000, held=110_000)
    _entry(record, B, "hold", available=-100_000, held=100_000)
    _entry(record, C, "hold", available=-100_000, held=100_000)
    _entry(record, A, "capture", available=7_500, held=-110_000, paid_out=100_000, fees=2_500)
    _entry(record, B, "release", available=100_000, held=-100_000)
    record.callbacks = [{"t": T0 + 1, "merchant": "M1", "order": "A-1", "what": "true", "key": ("M1", "A-1", 2),
                         "http": 200, "answer": "SUCCESS", "genuine": True, "blocks": 1}]
    record.stored_callbacks = {("M1", "A-1", 2): 1}
    return record


def _enqueue(record: RunRecord, key: tuple[str, str], money: int, fee_type: int) -> None:
    record.journal[key] = {"merchant": key[0], "order": key[1], "money": money, "feeType": fee_type, "bank": "014",
                          "number": "0012345678", "name": "Kanari", "description": None}


def _send(record: RunRecord, key: tuple[str, str], at: float) -> None:
    payout = record.journal[key]
    fields = {"orderNum": key[1], "merchantCode": key[0], "money": str(payout["money"]),
              "feeType": str(payout["feeType"]), "bankCode": "014", "number": "0012345678", "name": "Kanari",
              "dateTime": _stamp(T0)}
    record.submits[key].append({"t": at, "fields": fields, "sign_ok": True, "complete": True, "behaviour": "",
                               "request_sha256": f"{key[1]} body"})
    record.attempts[key].append({"request_sha256": f"{key[1]} body"})


def _row(record: RunRecord, key: tuple[str, str], state: str, **more: object) -> None:
    payout = record.journal[key]
    record.payouts[key] = {
        "state": state, "money": payout["money"], "fee_type": payout["feeType"], "bank_code": "014",
        "account_number": "0012345678", "account_name": "Kanari", "description": None, "sends": 1, "held": 0,
        "platform_order_num": f"W-{key[1]}", "attention": None, "queries": 3, "next_query_at": T0 + 60, "send_by": T0, "now": T0 + 20, "lease_until": None,
        **more}


def _history(record: RunRecord, key: tuple[str, str], *events: str) -> None:
    states = {"claimed": "submitting", "acknowledged": "pending", "reported_paid": "paid", "reported_failed": "failed",
              "unanswered": "unknown"}
    state = "queued"
    for event in events:
        record.history[key].append({"event": event, "from_state": state, "to_state": states[event], "source": "query"})
        state = states[event]


def _entry(record: RunRecord, key, kind: str, **postings: int) -> None:
    entry = {"merchant": "M1", "order": key[1] if key else None, "kind": kind, "attempt": 1 if key else None,
             **dict.fromkeys(ACCOUNTS, 0), **postings}
    record.ledger.append(entry)
    balances = record.accounts.setdefault("M1", dict.fromkeys(ACCOUNTS, 0))
    for account, rupiah in postings.items():
        balances[account] += rupiah


def _paid_twice(record: RunRecord) -> None:
    record.bookings[A].append(Booking("W9", 100_000, 1, 2_500, [2]))


def _early_approval(record: RunRecord) -> None:
    _send(record, C, T0 + 5)
    record.resubmits_approved[C] = [T0 + 4]


def _approval_without_not_found(record: RunRecord) -> None:
    _send(record, C, T0 + 20)
    record.resubmits_approved[C], record.queries[C] = [T0 + 19], [(T0 + 1, "NOTEXIST")]


def _resolve(record: RunRecord, key: tuple[str, str], event: str, *grants: Grant) -> None:
    """The last move of the payout was that of people."""
    record.history[key][-1].update(event=event, source="operator")
    record.granted[key] = list(grants)


def _clock_jumped(record: RunRecord, at: float) -> None:
    """The database's clock jumped 50 minutes ahead, and said that the quiet horizon was over when C was approved."""
    record.clock.step(T0 + 3, 3_000.0)
    _send(record, C, at)
    record.submits[C][-1]["fields"]["dateTime"] = _stamp(at + 3_000)
    record.queries[C].append((at - 1.5, "NOTEXIST"))
    record.resubmits_approved[C] = [record.clock.host_time(at - 1 + 3_000)]


def _unnoticed_flip(record: RunRecord) -> None:
    record.bookings[A][0].statuses.append(4)
    record.payouts[A]["next_query_at"] = None


def _wrong_fee(record: RunRecord) -> None:
    record.bookings[A][0].fee = 2_600


def _released_twice(record: RunRecord) -> None:
    _entry(record, B, "release", available=100_000, held=-100_000)


def _never_released(record: RunRecord) -> None:
    record.ledger = [entry for entry in record.ledger if entry["kind"] != "release"]


def _other_status_stored(record: RunRecord) -> None:
    record.stored_callbacks = {("M1", "A-1", 4): 1}


def _unknown_for_long(record: RunRecord) -> None:
    """Orders that were sent before and long after it are paid."""
    record.payouts[C].update(attention=None, now=T0 + 900)
    for name, at in (("EARLIER", T0 - 200), ("LATER", T0 + 800)):
        record.payouts[C[0], name] = dict(record.payouts[A], send_by=at)


def _left_to_a_person(record: RunRecord) -> None:
    """A was sent once and delivered twice. The refusal of the second one is taken for that of another order."""
    record.delivered_again.add(A)
    record.payouts[A].update(state="unknown", attention="foreign_order")


def _name_in_a_log(record: RunRecord) -> None:
    record.outputs[0].write_text("x" * 2_000_000 + "paid to Kanari\n")


def _set(*path: object) -> Callable[[RunRecord], None]:
    """Sets record.NAME[…]… to the last argument."""
    def violate(record: RunRecord) -> None:
        holder = getattr(record, str(path[0]))
        for step in path[1:-2]:
            holder = holder[step]
        holder[path[-2]] = path[-1]
    return violate


# What is done to the correct run, and the check that it must turn BAD (others may turn BAD with it).
VIOLATIONS: list[tuple[str, str, Callable[[RunRecord], None]]] = [
    ("sent twice", "C1", lambda f: _send(f, A, T0 + 3)),
    ("sent twice, hours apart", "C1", lambda f: _send(f, C, T0 + 9_000)),
    ("approved before the quiet horizon", "C1", _early_approval),
    ("approved without a \"not found\" answer", "C1", _approval_without_not_found),
    ("approved before the quiet horizon, by a clock that jumped", "C1", lambda f: _clock_jumped(f, T0 + 6)),
    ("paid twice", "C2", _paid_twice),
    ("failed, but paid", "C3", lambda f: f.bookings[B][0].statuses.append(2) or f.bookings[B][0].statuses.remove(4)),
    ("failed, but still open", "C3", lambda f: f.bookings[B][0].statuses.remove(4)),
    ("paid, but failed", "C3", lambda f: f.bookings[A][0].statuses.__setitem__(-1, 4)),
    ("paid, but never booked", "C3", lambda f: f.bookings.pop(A)),
    ("failed without an answer", "C3", lambda f: f.bookings.pop(B)),
    ("cancelled after it was sent", "C3", _set("payouts", B, "state", "cancelled")),
    ("two payouts with one number of the gateway", "C3", _set("payouts", A, "platform_order_num", f"W-{B[1]}")),
    ("a flip that nobody will notice", "C3", _unnoticed_flip),
    ("a row that is missing", "C4", lambda f: f.payouts.pop(B)),
    ("a row that was rolled back", "C4", lambda f: f.rolled_back.add(B)),
    ("open, and nothing planned", "C4", lambda f: f.payouts[C].update(attention=None, next_query_at=None)),
    ("another fee than the gateway's", "C5", _wrong_fee),
    ("a fee with the wrong sign", "C5", lambda f: f.ledger[4].update(fees=-2_500, available=12_500)),
    ("a release posted twice", "C5", _released_twice),
    ("a hold that is never released", "C5", _never_released),
    ("an entry that does not balance", "C5", lambda f: f.ledger[4].update(paid_out=99_999)),
    ("the gateway has one rupiah less", "C5", _set("closing_balances", "M1", (OPENING - 102_501, 0))),
    ("money out of nothing", "C5", lambda f: _entry(f, None, "funding", available=7, funding=-7)),
    ("no closing balance", "C5", lambda f: f.closing_balances.clear()),
    ("requeued from unknown", "C6", lambda f: f.history[C].append(
        {"event": "lease_expired", "from_state": "unknown", "to_state": "queued", "source": "worker"})),
    ("a missing transition", "C6", lambda f: f.history[A].pop(1)),
    ("a resolution without an operator", "C6", lambda f: f.history[A][-1].update(event="resolved_paid")),
    ("a resolution that nobody granted", "C6", lambda f: _resolve(f, B, "resolved_failed")),
    ("a resolution that one person granted twice", "C6", lambda f: _resolve(
        f, B, "resolved_failed", Grant("resolve_failed", T0 + 60, by_two=False))),
    ("a statement of one person inside the quiet horizon", "C6", lambda f: _resolve(
        f, A, "resolved_paid", Grant("resolve_paid", T0 + 9, by_two=False))),
    ("a send that is not counted", "C6", _set("payouts", A, "sends", 0)),
    ("SUCCESS before the commit", "C7", lambda f: f.stored_callbacks.clear()),
    ("another status was stored", "C7", _other_status_stored),
    ("a name in a log", "C8", _name_in_a_log),
    ("a number in other digits in a reason", "C8", lambda f: f.texts.append((A, "no ００-12 and ٣٤٥ 678"))),
    ("a name run together in other letters", "C8", lambda f: f.texts.append((A, {"msg": "xＫ.ánariy"}))),
    ("a name shared by two fields", "C8", lambda f: f.texts.append((A, {"msg": "for Kan", "statusMsg": "ari"}))),
    ("no output at all", "C8", lambda f: f.outputs.clear()),
    ("another amount was sent", "C9", _set("submits", A, 0, "fields", "money", "10000000")),
    ("a leading zero was lost", "C9", _set("submits", A, 0, "fields", "number", "12345678")),
    ("the row differs from what was enqueued", "C9", _set("journal", A, "money", 1)),
    ("bytes that no attempt recorded", "C9", _set("submits", A, 0, "request_sha256", "others")),
    ("signed wrongly", "C9", _set("submits", A, 0, "sign_ok", False)),
    ("Jakarta time is wrong", "C9", _set("submits", A, 0, "fields", "dateTime", "20200101000000")),
    ("a time that the database's clock did not show", "C9", lambda f: f.clock.step(T0 - 60, 3_000.0)),
    ("sent, and not in the database", "C9", lambda f: f.payouts.pop(C)),
    ("open, though the gateway settled it", "C10", lambda f: f.payouts[A].update(state="pending")),
    ("unknown long after the horizon", "C10", _unknown_for_long),
    ("left to a person, though a callback proved it", "C10", _left_to_a_person),
    ("queued forever", "C10", lambda f: f.payouts[C].update(attention=None, state="queued")),
]


def violations(folder: Path) -> list[str]:
    """The violations that went unnoticed; empty when the checker works."""
    wrong = []
    results, _ = check(correct_run(folder))
    wrong += [f"the correct run is reported as BAD: {line}" for one in results if not one.ok for line in one.lines()]
    resubmitted = correct_run(folder)
    _send(resubmitted, C, T0 + 20)
    resubmitted.resubmits_approved[C] = [T0 + 19]
    if not check(resubmitted)[0][0].ok:
        wrong.append("a rightly approved resubmit is reported as BAD")
    stated = correct_run(folder)
    _resolve(stated, A, "resolved_paid", Grant("resolve_paid", T0 + 60, by_two=False))
    _resolve(stated, B, "resolved_failed", Grant("resolve_failed", T0 + 9, by_two=True))
    wrong += [f"what people rightly stated is reported as BAD: {line}"
              for one in check(stated)[0] if not one.ok for line in one.lines()]
    after_jump = correct_run(folder)
    _clock_jumped(after_jump, T0 + 20)
    wrong += [f"a resubmit after the quiet horizon and a jump of the clock is reported as BAD: {line}"
              for one in check(after_jump)[0] if one.name in ("C1", "C9") and not one.ok for line in one.lines()]
    unproven = correct_run(folder)
    _left_to_a_person(unproven)
    unproven.callbacks[0]["blocks"] = 2
    if not check(unproven)[0][-1].ok:
        wrong.append("a payout whose callback may be spliced is reported as BAD, though only a person can decide")
    for what, name, violate in VIOLATIONS:
        record = correct_run(folder)
        violate(record)
        if {result.name: result for result in check(record)[0]}[name].ok:
            wrong.append(f"{name} does not notice: {what}")
    return wrong


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        wrong = violations(Path(folder)) + selftest_parts.failed_parts(Path(folder))
    for sentence in wrong:
        print(f"BAD  {sentence}")
    print(f"{len(VIOLATIONS)} violations and {len(selftest_parts.PARTS)} parts tried, {len(wrong)} bad")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
