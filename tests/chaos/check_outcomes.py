"""C3 final states, C4 lost payouts, C10 payouts that should have been settled."""

from __future__ import annotations

from typing import Optional

from .check_result import CheckResult, short
from .run_record import FINAL_STATES, Key, RunRecord

OVERDUE_AFTER = 30.0  # seconds by which the worker may be late with what it plans
NEXT_QUERY_WITHIN = 86_400.0  # a query planned later than this is no plan at all


def contradictions(record: RunRecord) -> CheckResult:
    """C3: a final state agrees with the gateway's; where the gateway contradicted itself, an operator was alerted. No order
    of the gateway settles two payouts."""
    result = CheckResult("C3", "no final state contradicts the gateway")
    finals, flips, false_alarms = 0, 0, 0
    for key, row in record.payouts.items():
        if row["state"] not in FINAL_STATES:
            continue
        finals += 1
        flips += record.is_flipped(key)
        ever_paid = any(2 in booking.statuses for booking in record.bookings.get(key, ()))
        false_alarms += row["attention"] == "late_success" and not ever_paid
        why = why_contradicted(record, key, row)
        if why:
            result.add(f"{short(key)}: {row['state']}, but {why}")
    for number, keys in shared_numbers(record).items():
        result.add(f"{', '.join(short(key) for key in keys)}: all have the gateway's number {number}")
    result.scope = f"{finals} final payouts, {flips} of them flipped at the gateway"
    result.note = f"{false_alarms} marked late_success but never paid: false alarms" if false_alarms else ""
    return result


def shared_numbers(record: RunRecord) -> dict[str, list[Key]]:
    """The numbers of the gateway that several payouts of a merchant have."""
    having: dict[tuple[str, str], list[Key]] = {}
    for key, row in record.payouts.items():
        if row["platform_order_num"] is not None:
            having.setdefault((key[0], row["platform_order_num"]), []).append(key)
    return {number: keys for (_, number), keys in having.items() if len(keys) > 1}


def why_contradicted(record: RunRecord, key: Key, row: dict) -> Optional[str]:
    bookings, state = record.bookings.get(key, []), row["state"]
    if record.is_flipped(key):
        noticed = row["attention"] is not None or row["next_query_at"] is not None
        return None if noticed else "the gateway contradicted itself, and nobody will notice"
    paid = sum(booking.paid for booking in bookings)
    if state in ("paid", "returned"):
        return None if paid == 1 else f"the gateway paid it {paid} times"
    if state == "cancelled":
        return "it was sent" if record.complete_submits(key) else None
    if paid:
        return "the gateway paid it"
    if any(not booking.final for booking in bookings):
        return "it is still open at the gateway"
    not_found = len(record.not_found_answers(key))
    if not bookings and not_found < 2:
        return f"the gateway never booked it and answered \"not found\" only {not_found} times"
    return None


def is_explained(row: dict) -> bool:
    """Marked for an operator, or unknown with a query planned because nobody can know the outcome yet."""
    return row["attention"] is not None or (row["state"] == "unknown" and row["next_query_at"] is not None)


def lost(record: RunRecord) -> CheckResult:
    """C4: every enqueued payout exists, and is final, marked for an operator, or going to be looked at again. None exists
    whose insert was rolled back."""
    result = CheckResult("C4", "every enqueued payout exists and is settled or explained")
    explained: dict[str, int] = {}
    for key in record.journal:
        row = record.payouts.get(key)
        if row is None:
            result.add(f"{short(key)}: not in the database")
        elif row["state"] in FINAL_STATES:
            continue
        elif is_explained(row):
            word = f"{row['state']} {row['attention'] or 'with a query planned'}"
            explained[word] = explained.get(word, 0) + 1
        elif not _is_planned(row):
            result.add(f"{short(key)}: {row['state']}, not marked, and nothing is planned for it")
    for key in record.rolled_back.intersection(record.payouts):
        result.add(f"{short(key)}: its transaction was rolled back, and it is in the database")
    result.scope = f"{len(record.journal)} enqueued, {len(record.rolled_back)} rolled back"
    result.note = ", ".join(f"{count} {word}" for word, count in sorted(explained.items()))
    return result


def _is_planned(row: dict) -> bool:
    if row["state"] == "queued":
        return True
    if row["state"] == "submitting":
        return row["lease_until"] is not None
    return row["next_query_at"] is not None and row["next_query_at"] < row["now"] + OVERDUE_AFTER + NEXT_QUERY_WITHIN


# A lease of the workers under test, and the minute that `control_orders` looks back.
LATER_BY, EARLIER_BY = 30.0, 90.0


def _is_vouched_for(record: RunRecord, key: tuple[str, str], row: dict) -> bool:
    """Whether "not found" counts: the gateway has paid an order sent before this one and one sent after its horizon."""
    sent_by = row["send_by"] or 0.0
    paid = [other["send_by"] for (merchant, _), other in record.payouts.items()
            if merchant == key[0] and other["state"] == "paid" and other["send_by"] is not None]
    return any(at > sent_by + record.quiet_horizon + LATER_BY for at in paid) and any(at < sent_by - EARLIER_BY for at in paid)


def _is_proven_ours(record: RunRecord, key: Key, row: dict) -> bool:
    """Whether its refusal means nothing: the worker sent it once, something on the way delivered it again, and a callback
    that is ours in every field reported the payment. The answers to queries name the same number of the gateway."""
    if row["attention"] != "foreign_order" or key not in record.delivered_again or key in record.oddly_queried:
        return False
    return any(callback["key"] == (*key, 2) and callback["genuine"] and callback["blocks"] == 1
               and callback["answer"] == "SUCCESS" and not record.may_be_lost(callback["t"])
               for callback in record.callbacks)


def resolved(record: RunRecord) -> CheckResult:
    """C10: after the faults, every payout whose outcome can be known is settled; the rest is marked for an operator."""
    result = CheckResult("C10", "everything resolvable is resolved")
    open_count = 0
    for key, row in record.payouts.items():
        if row["state"] in FINAL_STATES:
            continue
        open_count += 1
        if _is_proven_ours(record, key, row):
            result.add(f"{short(key)}: a callback proved that it is ours, and it waits for a person")
        if row["attention"] is not None:
            continue
        bookings = record.bookings.get(key, [])
        settled = bool(bookings) and all(booking.final for booking in bookings)
        waiting = row["state"] == "unknown" and row["next_query_at"] is not None and not settled
        horizon_over = (row["send_by"] or 0.0) + record.quiet_horizon + OVERDUE_AFTER < row["now"]
        can_be_known = key[0] not in record.not_found_proves_nothing and _is_vouched_for(record, key, row)
        if not waiting or (horizon_over and can_be_known):
            why = f"the gateway settled it with status {bookings[-1].status}" if settled else "its outcome can be known"
            result.add(f"{short(key)}: {row['state']} after {row['queries']} queries, but {why}")
    result.scope = f"{len(record.payouts)} payouts, {open_count} open"
    return result
