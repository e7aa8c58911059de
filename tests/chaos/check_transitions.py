"""C6: every payout's history is a legal path through the state machine."""

from __future__ import annotations

from typing import Optional

from .check_result import CheckResult, short
from .run_record import Grant, Key, RunRecord

# Written out a second time, not read from the database, which may be what is wrong.
TRANSITIONS = {
    ("queued", "claimed", "submitting"), ("queued", "withdrawn", "cancelled"),
    ("queued", "found_after_failover", "unknown"), ("submitting", "not_sent", "queued"),
    ("submitting", "acknowledged", "pending"), ("submitting", "unanswered", "unknown"),
    ("submitting", "declined", "unknown"), ("submitting", "reported_paid", "paid"),
    ("submitting", "reported_failed", "failed"), ("pending", "reported_paid", "paid"),
    ("pending", "reported_failed", "failed"), ("pending", "resolved_paid", "paid"),
    ("pending", "resolved_failed", "failed"), ("unknown", "not_sent", "queued"),
    ("unknown", "acknowledged", "pending"), ("unknown", "refusal_confirmed", "failed"),
    ("unknown", "resubmit_granted", "submitting"), ("unknown", "reported_paid", "paid"),
    ("unknown", "reported_failed", "failed"), ("unknown", "resolved_paid", "paid"),
    ("unknown", "resolved_failed", "failed"), ("paid", "resolved_returned", "returned"),
    ("failed", "resolved_paid", "paid"),
}
OPERATOR_EVENTS = {"withdrawn", "resolved_paid", "resolved_failed", "resolved_returned", "resubmit_granted"}
# The request that such an event carries out.
REQUESTED_BY = {"resolved_paid": "resolve_paid", "resolved_failed": "resolve_failed",
                "resolved_returned": "resolve_returned", "resubmit_granted": "resubmit"}
TAKES_TWO = ("resubmit", "resolve_failed")


def transitions(record: RunRecord) -> CheckResult:
    """C6: each transition is legal and starts where the last one ended; the row is in the state the last one led to."""
    result = CheckResult("C6", "no illegal transition")
    count = 0
    for key, row in record.payouts.items():
        state, sends = "queued", 0
        unused = list(record.granted.get(key, ()))
        for line in record.history.get(key, ()):
            count += 1
            event, came_from = line["event"], line["from_state"]
            transition = (came_from, event, line["to_state"])
            sends += line["to_state"] == "submitting"
            if transition not in TRANSITIONS:
                result.add(f"{short(key)}: illegal: {' '.join(transition)}")
            elif came_from != state:
                result.add(f"{short(key)}: {event} left {came_from}, but the payout was {state}")
            elif event in OPERATOR_EVENTS and line["source"] != "operator":
                result.add(f"{short(key)}: {event}, which only an operator may cause, came from {line['source']}")
            elif event in REQUESTED_BY:
                why = why_not_granted(record, key, REQUESTED_BY[event], unused)
                if why:
                    result.add(f"{short(key)}: {event}, but {why}")
            state = line["to_state"]
        if state != row["state"]:
            result.add(f"{short(key)}: its history ends in {state}, but the row is {row['state']}")
        if sends != row["sends"]:
            result.add(f"{short(key)}: {sends} transitions to submitting, but the row counts {row['sends']} sends")
    result.scope = f"{count} transitions of {len(record.payouts)} payouts"
    return result


def why_not_granted(record: RunRecord, key: Key, kind: str, unused: list[Grant]) -> Optional[str]:
    """None where people were granted such a move, as many as it takes. Uses the grant up."""
    grant = next((one for one in unused if one.kind == kind), None)
    if grant is None:
        return f"no request of people for it ({kind}) was carried out"
    unused.remove(grant)
    if grant.by_two:
        return None
    if kind in TAKES_TWO:
        return "the same person requested and approved it"
    if any(submit["t"] <= grant.at < submit["t"] + record.quiet_horizon for submit in record.complete_submits(key)):
        return "one person alone stated it inside the quiet horizon"
    return None
