"""I1 submits, I2 payments, I9 what was sent: the gateway's own record of every request."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Optional

from .facts import Facts, Key
from .verdict import Verdict, short

CLOCK_SLACK = 120.0
_JAKARTA = timezone(timedelta(hours=7))


def submits(facts: Facts) -> tuple[Verdict, set[Key]]:
    """I1: at most one whole submit for an order, and one more for each grant that was rightly given."""
    verdict = Verdict("I1", "submits per order ≤ 1 + granted")
    over, granted, cut = set(), 0, 0
    for key, seen in facts.submits.items():
        whole = facts.whole(key)
        cut += len(seen) - len(whole)
        free = list(facts.grants.get(key, ()))
        for before, again in zip(whole, whole[1:]):
            why = why_not_granted(facts, key, before["t"], again["t"], free)
            if why is None:
                granted += 1
            else:
                over.add(key)
                at = ", ".join(f"{submit['t'] - facts.first_at:.3f}" for submit in whole)
                verdict.blame(f"{short(key)}: {len(whole)} whole submits at {at} s; {why}")
    verdict.looked_at = f"{len(facts.submits)} orders, {granted} sent again by a grant"
    verdict.note = f"{cut} requests cut short or harmed"
    return verdict, over


def why_not_granted(facts: Facts, key: Key, before: float, again: float, free: list[float]) -> Optional[str]:
    """None where this repeat was allowed: a second person's grant, or a person's word after a failover."""
    grant = next((at for at in free if before < at <= again + 1.0), None)
    if grant is not None:
        free.remove(grant)
    # The grant itself may have gone down with a primary. What follows, the horizon and the gateway's word, must hold all
    # the same.
    elif not any(before < at <= again + 1.0 for at in facts.accepted) and not facts.is_excused(again):
        return "no approved grant between them"
    quiet = before + facts.quiet_horizon
    if again < quiet:
        return f"sent again {again - before:.1f} s later, before the quiet horizon"
    said = [at for at, answer in facts.queries.get(key, ()) if answer == "NOTEXIST" and quiet <= at <= again]
    return None if said else "sent again, and no query after the quiet horizon said that it is not known"


def payments(facts: Facts) -> tuple[Verdict, set[Key]]:
    """I2: paid at most once at the gateway."""
    verdict = Verdict("I2", "gateway-paid per order ≤ 1")
    double, paid = set(), 0
    for key, bookings in facts.bookings.items():
        times = sum(booking.paid for booking in bookings)
        paid += times
        if times > 1:
            double.add(key)
            verdict.blame(f"{short(key)}: paid {times} times")
    verdict.looked_at = f"{len(facts.bookings)} orders, {paid} paid"
    return verdict, double


def contents(facts: Facts) -> Verdict:
    """I9: every whole submit says field by field what the row and the backend's journal say, and is signed so."""
    verdict = Verdict("I9", "sent = stored, field by field")
    looked, excused, harmed = 0, 0, 0
    for key in facts.submits:
        for submit in facts.submits[key]:
            if submit["complete"] and facts.is_harmed(submit):
                if facts.was_sealed(submit["request_sha256"]):
                    verdict.blame(f"{short(key)}: a worker signed it wrongly")
                else:
                    harmed += 1
        for submit in facts.whole(key):
            looked += 1
            differ = _differences(facts, key, submit)
            if differ == ["request_sha256"] and facts.is_excused(submit["t"]):
                excused += 1
            elif differ:
                verdict.blame(f"{short(key)}: {', '.join(differ)}")
    verdict.looked_at = f"{looked} submits"
    notes = [f"{harmed} harmed on the way"] * bool(harmed)
    notes += [f"{excused} whose attempt went down with a primary"] * bool(excused)
    verdict.note = ", ".join(notes)
    return verdict


def _differences(facts: Facts, key: Key, submit: dict) -> list[str]:
    sent, row, asked = submit["fields"], facts.payouts.get(key), facts.journal.get(key)
    if row is None:
        return ["it is not in the database"]
    stored = {"orderNum": key[1], "merchantCode": key[0], "money": str(row["money"]), "feeType": str(row["fee_type"]),
              "bankCode": row["bank_code"], "number": row["account_number"], "name": row["account_name"],
              "description": row["description"]}
    differ = [name for name, value in stored.items() if sent.get(name) != value]
    if asked is not None:
        wanted = {"money": str(asked["money"]), "feeType": str(asked["feeType"]), "bankCode": asked["bank"],
                  "number": asked["number"], "name": asked["name"], "description": asked.get("description") or None}
        differ += [f"{name} (journal)" for name, value in wanted.items() if sent.get(name) != value]
    try:
        stamp = datetime.strptime(sent.get("dateTime", ""), "%Y%m%d%H%M%S").replace(tzinfo=_JAKARTA).timestamp()
        if abs(stamp - submit["t"]) > CLOCK_SLACK:
            differ.append("dateTime")
    except ValueError:
        differ.append("dateTime")
    if submit["request_sha256"] not in {attempt["sha256"] for attempt in facts.attempts.get(key, ())}:
        differ.append("request_sha256")
    return differ
