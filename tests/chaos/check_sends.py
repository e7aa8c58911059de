"""C1 submits, C2 payments, C9 request contents: what the gateway itself recorded of every request."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Optional

from .check_result import CheckResult, short
from .run_record import Key, RunRecord

CLOCK_TOLERANCE = 120.0
UNDER_WAY = 15.0  # seconds before its arrival in which a request may have been written
_JAKARTA = timezone(timedelta(hours=7))


def submits(record: RunRecord) -> tuple[CheckResult, set[Key]]:
    """C1: at most one complete submit for an order, plus one for each resubmit that was rightly approved."""
    result = CheckResult("C1", "submits per order ≤ 1 + approved resubmits")
    double, resubmitted, incomplete = set(), 0, 0
    for key, received in record.submits.items():
        complete = record.complete_submits(key)
        incomplete += len(received) - len(complete)
        unused_approvals = list(record.resubmits_approved.get(key, ()))
        for first, second in zip(complete, complete[1:]):
            why = why_not_allowed(record, key, first["t"], second["t"], unused_approvals)
            if why is None:
                resubmitted += 1
            else:
                double.add(key)
                times = ", ".join(f"{submit['t'] - record.started_at:.3f}" for submit in complete)
                result.add(f"{short(key)}: {len(complete)} complete submits at {times} s; {why}")
    result.scope = f"{len(record.submits)} orders, {resubmitted} approved resubmits"
    result.note = f"{incomplete} requests cut short or corrupted"
    return result, double


def why_not_allowed(record: RunRecord, key: Key, first: float, second: float,
                    unused_approvals: list[float]) -> Optional[str]:
    """None where the second submit was allowed: by an approved resubmit, or by operators who accepted a failover."""
    approval = next((at for at in unused_approvals if first < at <= second + 1.0), None)
    if approval is not None:
        unused_approvals.remove(approval)
    # A failover may have lost the approval itself. The quiet horizon and the "not found" answer must hold all the same.
    elif (not any(first < at <= second + 1.0 for at in record.failovers_accepted)
          and not record.may_be_lost(second)):
        return "no approval between them"
    horizon = first + record.quiet_horizon
    if second < horizon:
        return f"sent again {second - first:.1f} s later, before the quiet horizon"
    if not any(horizon <= at <= second for at in record.not_found_answers(key)):
        return "sent again without a \"not found\" answer after the quiet horizon"
    return None


def payments(record: RunRecord) -> tuple[CheckResult, set[Key]]:
    """C2: the gateway paid each order at most once."""
    result = CheckResult("C2", "payments per order ≤ 1")
    double, paid = set(), 0
    for key, bookings in record.bookings.items():
        times = sum(booking.paid for booking in bookings)
        paid += times
        if times > 1:
            double.add(key)
            result.add(f"{short(key)}: paid {times} times")
    result.scope = f"{len(record.bookings)} orders, {paid} paid"
    return result, double


def contents(record: RunRecord) -> CheckResult:
    """C9: every complete submit is signed and equals, field by field, the row and the backend's journal."""
    result = CheckResult("C9", "sent = stored, field by field")
    count, lost, corrupted = 0, 0, 0
    for key, received in record.submits.items():
        for submit in received:
            if submit["complete"] and record.is_corrupted(submit):
                if record.is_from_worker(submit["request_sha256"]):
                    result.add(f"{short(key)}: a worker signed it wrongly")
                else:
                    corrupted += 1
        for submit in record.complete_submits(key):
            count += 1
            differences = _differences(record, key, submit)
            if differences == ["request_sha256"] and record.may_be_lost(submit["t"]):
                lost += 1
            elif differences:
                result.add(f"{short(key)}: {', '.join(differences)}")
    result.scope = f"{count} submits"
    notes = [f"{corrupted} corrupted on the way"] * bool(corrupted)
    notes += [f"{lost} attempts may have been lost in a failover"] * bool(lost)
    result.note = ", ".join(notes)
    return result


def _differences(record: RunRecord, key: Key, submit: dict) -> list[str]:
    """The names of the fields that are not what they should be."""
    sent, row, enqueued = submit["fields"], record.payouts.get(key), record.journal.get(key)
    if row is None:
        return ["it is not in the database"]
    stored = {"orderNum": key[1], "merchantCode": key[0], "money": str(row["money"]), "feeType": str(row["fee_type"]),
              "bankCode": row["bank_code"], "number": row["account_number"], "name": row["account_name"],
              "description": row["description"]}
    names = [name for name, value in stored.items() if sent.get(name) != value]
    if enqueued is not None:
        wanted = {"money": str(enqueued["money"]), "feeType": str(enqueued["feeType"]), "bankCode": enqueued["bank"],
                  "number": enqueued["number"], "name": enqueued["name"],
                  "description": enqueued.get("description") or None}
        names += [f"{name} (journal)" for name, value in wanted.items() if sent.get(name) != value]
    if not _is_jakarta_time(sent.get("dateTime", ""), record.clock.shown(submit["t"], UNDER_WAY)):
        names.append("dateTime")
    if submit["request_sha256"] not in {attempt["request_sha256"] for attempt in record.attempts.get(key, ())}:
        names.append("request_sha256")
    return names


def _is_jakarta_time(text: str, shown: list[float]) -> bool:
    """Whether it is the time that the database's clock showed."""
    try:
        stated = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=_JAKARTA).timestamp()
    except ValueError:
        return False
    return any(abs(stated - at) <= CLOCK_TOLERANCE for at in shown)
